"""Chain statements: which of a recipient's matches share a record, for all recipients of a link-ID set.

Where a space has more than one pair, a person's records form chains over three agencies and more, and the
link IDs follow from what all recipients state. Only matches that stand after claims were exchanged are in
it. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, model_validator

from schemas.documents.errors import DocumentError
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.space_message import (
    HEX_ID,
    LINK,
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

MAX_PAIRS: Final = 63

_RECORD: Final = re.compile(rf"({LINK}) ([0-9]{{7}})\n".encode())
_MATCH: Final = re.compile(rf"({HEX_ID}) ([0-9]{{2}}) ([0-9]{{8}})\n".encode())
_MARK: Final = re.compile(rf"([0-9]{{8}}) ({HEX_ID})\n".encode())


class StatementHead(MessageHead):
    """Of which pairs of the sender the matches are, and how many lines of each kind follow."""

    KIND: ClassVar[str] = "chain statement"

    version: Literal["blindlink/chain-statement/1"] = "blindlink/chain-statement/1"
    pairs: Annotated[tuple[PairOfParties, ...], Field(max_length=MAX_PAIRS)]
    records: LineCount
    matches: LineCount
    marks: LineCount

    @model_validator(mode="after")
    def _pairs_are_the_senders_and_in_order(self) -> Self:
        if list(self.pairs) != sorted(set(self.pairs)):
            raise ValueError("pairs must be listed once each, in order")
        if any(a >= b or self.sender not in (a, b) for a, b in self.pairs):
            raise ValueError("a pair is not one of the sender's, or its parties are not in order")
        return self


class SignedStatementHead(SignedInName):
    """The head with the signature of a person of the sender."""

    KIND: ClassVar[str] = "signed chain statement"
    BODY: ClassVar[str] = "head"
    SIGNED_AS: ClassVar[str] = "chain-statement"

    head: StatementHead


class StatedMatch(NamedTuple):
    """One match by its ID and the pair that it is of; match IDs of different pairs may be alike."""

    match: MatchId
    pair: tuple[str, str]


class StatedRecord(NamedTuple):
    """One record of the sender: its link ID (None: none), since which round, its matches, its marks.

    `marks` are link IDs that it bore and that a party has retired. Matches and marks increase.
    """

    link: LinkId | None
    since: int
    matches: tuple[StatedMatch, ...]
    marks: tuple[LinkId, ...]


@dataclass(frozen=True, slots=True)
class ChainStatement:
    """A statement as it was signed; records in the order of their first matches."""

    head: StatementHead
    records: tuple[StatedRecord, ...] = field(repr=False)
    vetoes: tuple[Veto, ...] = field(repr=False)
    signature: str = field(repr=False)

    def verify(self, sender: PublicIdentity) -> None:
        """Check that this person, in whose name it is, has signed the statement.

        Raises:
            SignatureError: it is in another's name, or the signature does not cover it.
        """
        SignedStatementHead(head=self.head, signature=self.signature).verify(sender)


def sign_statement(
    records: Iterable[StatedRecord],
    vetoes: Iterable[Veto],
    pairs: Iterable[tuple[str, str]],
    key: Ed25519PrivateKey,
    **fields: Any,
) -> ChainStatement:
    """Return a signed statement of records in any order; each has a match, of one of the pairs."""
    ordered = tuple(sorted(records, key=lambda record: record.matches[0]))
    sorted_vetoes, sorted_pairs = tuple(sorted(vetoes)), tuple(sorted(pairs))
    makers = makers_of(sorted_vetoes)
    head = StatementHead(
        pairs=sorted_pairs,
        records=len(ordered),
        matches=sum(len(record.matches) for record in ordered),
        marks=sum(len(record.marks) for record in ordered),
        vetoes=len(sorted_vetoes),
        makers=makers,
        body_sha256=body_digest(_body(ordered, sorted_vetoes, sorted_pairs, makers)),
        **fields,
    )
    signature = SignedStatementHead.of(head, key).signature
    return ChainStatement(head, ordered, sorted_vetoes, signature)


def serialise_statement(statement: ChainStatement) -> bytes:
    """Return the bytes of a signed statement, which are then sealed."""
    head = statement.head
    signed = SignedStatementHead(head=head, signature=statement.signature)
    body = _body(statement.records, statement.vetoes, head.pairs, head.makers)
    return signed.to_canonical() + b"\n" + body


def parse_statement(raw: bytes) -> ChainStatement:
    """Read a statement; `verify` then says whose it is.

    Raises:
        DocumentError: malformed or out of order, other lines than the head states, or a contradiction.
    """
    kind = StatementHead.KIND
    line, body = split_message(raw, kind)
    signed = SignedStatementHead.from_canonical(line)
    head = signed.head
    if body_digest(body) != head.body_sha256:
        raise DocumentError(f"{kind}: the lines are not those that the head states")
    record_lines, at = read_lines(body, 0, head.records, _RECORD, kind)
    match_lines, at = read_lines(body, at, head.matches, _MATCH, kind)
    mark_lines, at = read_lines(body, at, head.marks, _MARK, kind)
    vetoes, at = read_vetoes(body, at, head)
    if at != len(body):
        raise DocumentError(f"{kind}: something follows the last line")
    matches = _matches_of_records(head, match_lines)
    marks = _marks_of_records(head, mark_lines)
    records = tuple(
        StatedRecord(link_or_none(link), int(since), tuple(own), tuple(borne))
        for (link, since), own, borne in zip(record_lines, matches, marks, strict=True)
    )
    _refuse_contradictions(head, records, {veto.link for veto in vetoes})
    return ChainStatement(head, records, vetoes, signed.signature)


def _matches_of_records(
    head: StatementHead, lines: list[tuple[bytes, ...]]
) -> list[list[StatedMatch]]:
    found: list[list[StatedMatch]] = [[] for _ in range(head.records)]
    n_seen, keys = 0, []
    for match, pair, number in lines:
        place = int(number)
        if int(pair) >= len(head.pairs) or not 1 <= place <= min(n_seen + 1, head.records):
            raise DocumentError("chain statement: a match of no record, or of no pair of the head")
        n_seen = max(n_seen, place)
        stated = StatedMatch(MatchId(unhexlify(match)), head.pairs[int(pair)])
        found[place - 1].append(stated)
        keys.append(stated)
    refuse_disorder(keys, head.KIND)
    if n_seen != head.records:
        raise DocumentError("chain statement: a record without a match")
    return found


def _marks_of_records(head: StatementHead, lines: list[tuple[bytes, ...]]) -> list[list[LinkId]]:
    found: list[list[LinkId]] = [[] for _ in range(head.records)]
    refuse_disorder(lines, head.KIND)
    for number, link in lines:
        if not 1 <= int(number) <= head.records:
            raise DocumentError("chain statement: a mark of no record")
        found[int(number) - 1].append(LinkId(unhexlify(link)))
    return found


def _refuse_contradictions(
    head: StatementHead, records: Sequence[StatedRecord], retired: set[LinkId]
) -> None:
    links = [record.link for record in records if record.link is not None]
    if len(set(links)) != len(links):
        raise DocumentError("chain statement: two records have the same link ID")
    for record in records:
        if (record.link is None) != (record.since == 0) or record.since > head.round:
            raise DocumentError("chain statement: a link ID without its round, or of a later one")
        if not retired.issuperset(record.marks):
            raise DocumentError("chain statement: a mark of a link ID that nobody has retired")
    # The matches of one record are of different pairs: within a pair the matcher joins one to one.
    if any(len({m.pair for m in record.matches}) != len(record.matches) for record in records):
        raise DocumentError("chain statement: two matches of one record are of one pair")


def _body(
    records: Sequence[StatedRecord],
    vetoes: Iterable[Veto],
    pairs: Sequence[tuple[str, str]],
    makers: Sequence[str],
) -> bytes:
    places = {pair: place for place, pair in enumerate(pairs)}
    matches = sorted(
        (stated, number)
        for number, record in enumerate(records, start=1)
        for stated in record.matches
    )
    lines = [f"{link_text(record.link)} {record.since:07}\n" for record in records]
    lines += [f"{m.match.hex()} {places[m.pair]:02} {number:08}\n" for m, number in matches]
    lines += [
        f"{number:08} {mark.hex()}\n"
        for number, record in enumerate(records, start=1)
        for mark in record.marks
    ]
    return ("".join(lines) + veto_lines(vetoes, makers)).encode("ascii")
