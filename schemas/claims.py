"""Claims: what one recipient's ledger says of the matches of one pair, for the other recipient's eyes only.

For each match: the link ID that the sender's record had, since which round, whether the sender vetoes the
match, and a MAC that proves that the two records met by a key. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import model_validator

from schemas.document import Model
from schemas.errors import DocumentError
from schemas.identity import PublicIdentity, SignedInName
from schemas.ids import LinkId, MatchId, Sha256Hex
from schemas.space_message import (
    HEX_ID,
    LINK,
    LedgerState,
    LineCount,
    MessageHead,
    PairOfParties,
    Veto,
    body_digest,
    link_or_none,
    link_text,
    makers_of,
    read_lines,
    read_vetoes,
    refuse_disorder,
    split_message,
    veto_lines,
)

MAC_BYTES: Final = 32

_MAC_LABEL: Final = b"blindlink/v1/claims/met\n"
_NO_MAC: Final = "-" * (2 * MAC_BYTES)
_CLAIM: Final = re.compile(rf"({HEX_ID}) ({LINK}) ([0-9]{{7}}) ([v-]) ([0-9a-f]{{64}}|-{{64}})\n")
_MARK: Final = re.compile(rf"({HEX_ID}) ({HEX_ID})\n")


class Transcript(Model):
    """Merkle roots of the two containers that were matched, by who uploaded first."""

    earlier: Sha256Hex
    later: Sha256Hex


class ClaimsHead(MessageHead):
    """Of which pair the claims are, from which containers, on top of which ledger, and how many lines follow.

    `ledger` is null where the sender has applied no release of this pair.
    """

    KIND: ClassVar[str] = "claims"

    version: Literal["blindlink/claims/1"] = "blindlink/claims/1"
    pair: PairOfParties
    transcript: Transcript
    ledger: LedgerState | None
    claims: LineCount
    marks: LineCount

    @model_validator(mode="after")
    def _the_sender_is_of_the_pair(self) -> Self:
        if self.pair[0] >= self.pair[1]:
            raise ValueError("the two parties of a pair must differ and be in order")
        if self.sender not in self.pair:
            raise ValueError("the sender is not of the pair")
        return self


class SignedClaimsHead(SignedInName):
    """The head with the signature of a person of the sender."""

    KIND: ClassVar[str] = "signed claims"
    BODY: ClassVar[str] = "head"
    SIGNED_AS: ClassVar[str] = "ledger-claims"

    head: ClaimsHead


class Claim(NamedTuple):
    """What the sender says of one match.

    `link` is the link ID that its record had, None if it had none; `since` the round in which this record got
    it, 0 with None. `mac` is None where the sender has no container any more to prove the match with.
    """

    match: MatchId
    link: LinkId | None
    since: int
    is_vetoed: bool
    mac: bytes | None


class Mark(NamedTuple):
    """The sender's record in this match bears this link ID, which a party has retired."""

    match: MatchId
    link: LinkId


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims as they were signed: the head, what it is the head of, and the signature.

    All lines are in increasing order: claims by match, marks by match and link ID, vetoes by link ID and maker.
    """

    head: ClaimsHead
    claims: tuple[Claim, ...] = field(repr=False)
    marks: tuple[Mark, ...] = field(repr=False)
    vetoes: tuple[Veto, ...] = field(repr=False)
    signature: str = field(repr=False)

    def verify(self, sender: PublicIdentity) -> None:
        """Check that this person, in whose name they are, has signed the claims.

        Raises:
            SignatureError: they are in another's name, or the signature does not cover them.
        """
        SignedClaimsHead(head=self.head, signature=self.signature).verify(sender)


def met_mac(pair_key: bytes, match: MatchId, token: bytes) -> bytes:
    """Return what both sides of a match can make, each from its own container, if its two records share a row.

    HMAC-SHA256 under the pair's round key over a label and the length-prefixed parts.
    """
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (match, token))
    return hmac.digest(pair_key, _MAC_LABEL + parts, "sha256")


def sign_claims(
    claims: Iterable[Claim],
    marks: Iterable[Mark],
    vetoes: Iterable[Veto],
    key: Ed25519PrivateKey,
    **fields: Any,
) -> Claims:
    """Return signed claims; what comes in any order is put in order, and counted in the head.

    Args:
        fields: the other fields of the head.
    """
    in_order = tuple(sorted(claims, key=lambda claim: claim.match))
    all_marks, all_vetoes = tuple(sorted(set(marks))), tuple(sorted(vetoes))
    makers = makers_of(all_vetoes)
    head = ClaimsHead(
        claims=len(in_order),
        marks=len(all_marks),
        vetoes=len(all_vetoes),
        makers=makers,
        body_sha256=body_digest(_body(in_order, all_marks, all_vetoes, makers)),
        **fields,
    )
    signature = SignedClaimsHead.of(head, key).signature
    return Claims(head, in_order, all_marks, all_vetoes, signature)


def serialise_claims(claims: Claims) -> bytes:
    """Return the bytes of signed claims, which are then sealed."""
    signed = SignedClaimsHead(head=claims.head, signature=claims.signature)
    body = _body(claims.claims, claims.marks, claims.vetoes, claims.head.makers)
    return signed.to_canonical() + b"\n" + body


def parse_claims(raw: bytes) -> Claims:
    """Read claims; `verify` then says whose they are.

    Raises:
        DocumentError: malformed or out of order, other lines than the head states, or a contradiction.
    """
    kind = ClaimsHead.KIND
    line, body = split_message(raw, kind)
    signed = SignedClaimsHead.from_canonical(line)
    head = signed.head
    if body_digest(body.encode("ascii")) != head.body_sha256:
        raise DocumentError(f"{kind}: the lines are not those that the head states")
    claim_lines, at = read_lines(body, 0, head.claims, _CLAIM, kind)
    mark_lines, at = read_lines(body, at, head.marks, _MARK, kind)
    vetoes, at = read_vetoes(body, at, head)
    if at != len(body):
        raise DocumentError(f"{kind}: something follows the last line")
    claims = tuple(_claim(*fields) for fields in claim_lines)
    marks = tuple(
        Mark(MatchId(bytes.fromhex(match)), LinkId(bytes.fromhex(link)))
        for match, link in mark_lines
    )
    refuse_disorder([claim.match for claim in claims], kind)
    refuse_disorder(marks, kind)
    _refuse_contradictions(head, claims, marks, vetoes)
    return Claims(head, claims, marks, vetoes, signed.signature)


def _body(
    claims: Iterable[Claim], marks: Iterable[Mark], vetoes: Iterable[Veto], makers: tuple[str, ...]
) -> bytes:
    lines = [
        f"{claim.match.hex()} {link_text(claim.link)} {claim.since:07} {'-v'[claim.is_vetoed]} "
        f"{_NO_MAC if claim.mac is None else claim.mac.hex()}\n"
        for claim in claims
    ]
    lines += [f"{mark.match.hex()} {mark.link.hex()}\n" for mark in marks]
    return ("".join(lines) + veto_lines(vetoes, makers)).encode("ascii")


def _claim(match: str, link: str, since: str, veto: str, mac: str) -> Claim:
    return Claim(
        MatchId(bytes.fromhex(match)),
        link_or_none(link),
        int(since),
        veto == "v",
        None if mac == _NO_MAC else bytes.fromhex(mac),
    )


def _refuse_contradictions(
    head: ClaimsHead, claims: tuple[Claim, ...], marks: tuple[Mark, ...], vetoes: tuple[Veto, ...]
) -> None:
    links = [claim.link for claim in claims if claim.link is not None]
    if len(set(links)) != len(links):
        raise DocumentError("claims: two records have the same link ID")
    if any((claim.link is None) != (claim.since == 0) for claim in claims):
        raise DocumentError("claims: a link ID without its round, or a round without a link ID")
    if any(claim.since > head.round for claim in claims):
        raise DocumentError("claims: a link ID is from a later round")
    # No container, or all of it: a sender that could choose would choose where it suits.
    if len({claim.mac is None for claim in claims}) > 1:
        raise DocumentError("claims: some matches are proved and others are not")
    known, retired = {claim.match for claim in claims}, {veto.link for veto in vetoes}
    if any(mark.match not in known or mark.link not in retired for mark in marks):
        raise DocumentError("claims: a mark of no match, or of a link ID that nobody has retired")
