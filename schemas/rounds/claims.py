"""Claims: what one recipient's ledger says of the matches of one pair, for the other recipient's eyes only.

For each match: the link ID that the sender's record had, since which round, whether the sender vetoes the
match, and a MAC that proves that the two records met by a key. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import hmac
import re
from binascii import unhexlify
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self, overload

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import model_validator

from schemas.documents.document import Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import MATCH_ID_BYTES, LinkId, MatchId, Sha256Hex
from schemas.rounds.space_message import (
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
from schemas.signing.identity import PublicIdentity, SignedInName

MAC_BYTES: Final = 32

_MAC_LABEL: Final = b"blindlink/v1/claims/met\n"
_NO_MAC: Final = "-" * (2 * MAC_BYTES)
_CLAIM: Final = re.compile(
    rf"({HEX_ID}) ({LINK}) ([0-9]{{7}}) ([v-]) ([0-9a-f]{{64}}|-{{64}})\n".encode()
)
_CLAIM_BYTES: Final = 141
_MATCH_DIGITS: Final = 2 * MATCH_ID_BYTES
_VETOED: Final = ord("v")
_MARK: Final = re.compile(rf"({HEX_ID}) ({HEX_ID})\n".encode())


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
class ClaimLines(Sequence[Claim]):
    """Claims as their lines, each read when it is asked for: a state has millions of them.

    `text` has the lines, in increasing order of matches.
    """

    text: bytes = field(repr=False)

    @classmethod
    def of(cls, claims: Iterable[Claim]) -> Self:
        """Return the lines of claims that come in any order."""
        text, before, is_ordered = bytearray(), b"", True
        for claim in claims:
            text += _claim_line(claim)
            is_ordered, before = is_ordered and before <= claim.match, claim.match
        if not is_ordered:
            places = range(0, len(text), _CLAIM_BYTES)
            return cls(b"".join(sorted(bytes(text[at : at + _CLAIM_BYTES]) for at in places)))
        return cls(bytes(text))

    def __len__(self) -> int:
        return len(self.text) // _CLAIM_BYTES

    @overload
    def __getitem__(self, place: int) -> Claim: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Claim, ...]: ...

    def __getitem__(self, place: int | slice) -> Claim | tuple[Claim, ...]:
        if isinstance(place, slice):
            return tuple(map(self._at, self._places()[place]))
        return self._at(self._places()[place])

    def __iter__(self) -> Iterator[Claim]:
        return map(self._at, self._places())

    def matches(self) -> Iterator[bytes]:
        """Yield the match of each claim, as its line has it."""
        text = self.text
        return (text[at : at + _MATCH_DIGITS] for at in self._places())

    def _places(self) -> range:
        return range(0, len(self.text), _CLAIM_BYTES)

    def _at(self, at: int) -> Claim:
        text = self.text
        mac = text[at + 76 : at + 140]
        return Claim(
            MatchId(unhexlify(text[at : at + 32])),
            link_or_none(text[at + 33 : at + 65]),
            int(text[at + 66 : at + 73]),
            text[at + 74] == _VETOED,
            None if mac[:1] == b"-" else unhexlify(mac),
        )


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims as they were signed: the head, what it is the head of, and the signature.

    All lines are in increasing order: claims by match, marks by match and link ID, vetoes by link ID and maker.
    """

    head: ClaimsHead
    claims: ClaimLines = field(repr=False)
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
    in_order = ClaimLines.of(claims)
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
    if body_digest(body) != head.body_sha256:
        raise DocumentError(f"{kind}: the lines are not those that the head states")
    at = _refuse_bad_lines(head, body)
    claims = ClaimLines(body[:at])
    mark_lines, at = read_lines(body, at, head.marks, _MARK, kind)
    vetoes, at = read_vetoes(body, at, head)
    if at != len(body):
        raise DocumentError(f"{kind}: something follows the last line")
    marks = tuple(
        Mark(MatchId(unhexlify(match)), LinkId(unhexlify(link))) for match, link in mark_lines
    )
    refuse_disorder(marks, kind)
    _refuse_contradictions(claims, marks, vetoes)
    return Claims(head, claims, marks, vetoes, signed.signature)


def _body(
    claims: ClaimLines, marks: Iterable[Mark], vetoes: Iterable[Veto], makers: tuple[str, ...]
) -> bytes:
    lines = "".join(f"{mark.match.hex()} {mark.link.hex()}\n" for mark in marks)
    rest = (lines + veto_lines(vetoes, makers)).encode("ascii")
    return claims.text + rest


def _claim_line(claim: Claim) -> bytes:
    mac = _NO_MAC if claim.mac is None else claim.mac.hex()
    said = f"{claim.since:07} {'-v'[claim.is_vetoed]} {mac}\n"
    return f"{claim.match.hex()} {link_text(claim.link)} {said}".encode("ascii")


def _refuse_bad_lines(head: ClaimsHead, body: bytes) -> int:
    """Check the lines of claims, and return where they end."""
    before, links, n_linked, n_proved, at = b"", set[bytes](), 0, 0, 0
    for _ in range(head.claims):
        found = _CLAIM.match(body, at)
        if found is None:
            raise DocumentError("claims: a line is missing or malformed")
        match, link, since, _veto, mac = found.groups()
        refuse_disorder((before, match), head.KIND)
        if (link[:1] == b"-") != (int(since) == 0):
            raise DocumentError("claims: a link ID without its round, or a round without a link ID")
        if int(since) > head.round:
            raise DocumentError("claims: a link ID is from a later round")
        if int(since):
            links.add(unhexlify(link))
            n_linked += 1
        n_proved += mac[:1] != b"-"
        before, at = match, found.end()
    if len(links) != n_linked:
        raise DocumentError("claims: two records have the same link ID")
    # No container, or all of it: a sender that could choose would choose where it suits.
    if n_proved not in (0, head.claims):
        raise DocumentError("claims: some matches are proved and others are not")
    return at


def _refuse_contradictions(
    claims: ClaimLines, marks: tuple[Mark, ...], vetoes: tuple[Veto, ...]
) -> None:
    retired = {veto.link for veto in vetoes}
    wanted = {mark.match.hex().encode() for mark in marks}
    known = {match for match in claims.matches() if match in wanted} if wanted else set()
    if known != wanted or not retired.issuperset(mark.link for mark in marks):
        raise DocumentError("claims: a mark of no match, or of a link ID that nobody has retired")
