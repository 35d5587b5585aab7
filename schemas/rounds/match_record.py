"""The match record of a run: every decision, without saying whose records it is about.

A header with the weights of the run, then one row a decided pair: its band, the rule that fired,
probability and lead in steps, and a commitment to each of its two handles that the agency whose handle it
is can open. The rows are the leaves of a tree whose root is in the match log. A reader who may not count
small numbers of decisions sees some rows as bare hashes. Spec page: `schemas/spec/match-record.md`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Annotated, ClassVar, Final, Literal, Protocol

from pydantic import Field

from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document, Model
from schemas.documents.errors import DocumentError
from schemas.documents.ids import Code, Handle, Name, RandomId, Sha256Hex
from schemas.documents.merkle import HASH_BYTES, Frontier, hash_leaf
from schemas.linkage.decision_steps import LeadStep, ProbabilityStep
from schemas.linkage.run import ReleaseNumber, RoundNumber

NONCE_BYTES: Final = 32
MAX_LINE_BYTES: Final = 16 * 1024

Band = Literal["auto", "review"]
DecisionRule = Literal[
    "match-probability",
    "review-band",
    "contradicted",
    "twin-guard",
    "lead-too-small",
    "reviewed",
]
# Thousandths of a bit.
Weight = Annotated[int, Field(ge=-(10**6), le=10**6)]

_COMMITMENT_LABEL: Final = b"blindlink/v1/match-record\n"
_HEX_DIGITS: Final = frozenset(b"0123456789abcdef")


class RecordedUpload(Model):
    """An upload that the run compared; rows name it by its place in the header, from 0."""

    party: Name
    upload: RandomId


class FieldWeights(Model):
    """The match weight of each level of a field, in the order of the profile, in thousandths of a bit."""

    field: Code
    levels: Annotated[tuple[Weight, ...], Field(min_length=2, max_length=16)]


class MatchRecordHeader(Document):
    """Which run this is the record of, and by which weights it decided; it is leaf 0 of the tree.

    `release` is 1 for what the run decided itself, else the number of the release of what reviewers accepted.

    `uploads` are the larger file's and the smaller file's. `prior` is the weight of a pair before anything is
    compared. `rows` counts what follows, decisions and padding together; only a multiple of `floor` of the
    decisions of one kind is shown.
    """

    KIND: ClassVar[str] = "match record"

    version: Literal["blindlink/match-record/3"] = "blindlink/match-record/3"
    project: Name
    run: RandomId
    round: RoundNumber
    release: ReleaseNumber
    specification: Sha256Hex
    uploads: tuple[RecordedUpload, RecordedUpload]
    prior: Weight
    weights: Annotated[tuple[FieldWeights, ...], Field(min_length=1, max_length=16)]
    floor: Annotated[int, Field(ge=0, le=10**6)]
    rows: Annotated[int, Field(ge=0, le=2**40)]


class Decision(Document):
    """One pair that was decided: auto is linked, review is sent to review.

    `commitments` are those of its two records, the larger file's first. `lead` is how many times as likely as
    the best other pair it is at least, null where there is no other.
    """

    KIND: ClassVar[str] = "decision"

    band: Band
    commitments: tuple[Sha256Hex, Sha256Hex]
    lead: LeadStep | None
    probability: ProbabilityStep
    rule: DecisionRule


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number, from 1; the decision, None where it is withheld; the hash of its leaf."""

    number: int
    decision: Decision | None
    leaf_hash: bytes


class LineSource(Protocol):
    """Where a match record is read from, such as a binary file."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line with its newline, or at most `size` bytes of it; none at the end."""
        ...


class MatchRecordReader:
    """Reads a match record from front to back in bounded memory; `rows()` first, then `root()`."""

    def __init__(self, source: LineSource) -> None:
        """Read the header.

        Raises:
            DocumentError: not a match record of this version.
        """
        self._source = source
        line = self._line()
        if line is None:
            raise DocumentError("match record: it is empty")
        self.header = MatchRecordHeader.from_canonical(line)
        self._frontier = Frontier()
        self._frontier.append(hash_leaf(line))

    def rows(self) -> Iterator[Row]:
        """Yield the rows in order.

        Raises:
            DocumentError: a row is malformed, or there are more or fewer than the header states.
        """
        n_rows = 0
        while (line := self._line()) is not None:
            n_rows += 1
            row = _parse_row(n_rows, line)
            self._frontier.append(row.leaf_hash)
            yield row
        if n_rows != self.header.rows:
            raise DocumentError("match record: it has another number of rows than it states")

    def root(self) -> str:
        """Return the root over header and rows as lower-case hex; call it when `rows` is exhausted."""
        return self._frontier.root().hex()

    def _line(self) -> bytes | None:
        line = self._source.readline(MAX_LINE_BYTES)
        if not line:
            return None
        if not line.endswith(b"\n"):
            raise DocumentError("match record: a line is too long or cut off")
        return line[:-1]


def commitment(nonce: bytes, run: str, upload: str, handle: Handle) -> str:
    """Return what a decision says of one of its two records, as lower-case hex.

    Anyone who knows nonce and handle can show that the decision is about this record of this upload; the
    commitment alone tells nothing.
    """
    # Canonical JSON, written out: a run makes two of these a decision, and ids need no escapes.
    payload = f'{{"handle":"{handle.hex()}","run":"{run}","upload":"{upload}"}}'
    return hashlib.sha256(_COMMITMENT_LABEL + nonce + payload.encode("ascii")).hexdigest()


def padding_leaf(nonce: bytes) -> bytes:
    """Return the leaf of a row that stands for no decision, so that withheld rows cannot be counted."""
    return canonical_bytes({"padding": nonce.hex()})


class OpeningsHeader(Document):
    """Whose openings these are, of which run's record (its root), and how many follow."""

    KIND: ClassVar[str] = "openings"

    version: Literal["blindlink/openings/1"] = "blindlink/openings/1"
    project: Name
    run: RandomId
    party: Name
    upload: RandomId
    match_record: Sha256Hex
    openings: Annotated[int, Field(ge=0, le=2**40)]


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """What opens one commitment of the row `number` to a handle of the agency's own."""

    handle: Handle = field(repr=False)
    number: int
    nonce: bytes = field(repr=False)


def serialise_openings(header: OpeningsHeader, openings: Iterable[Opening]) -> Iterator[bytes]:
    """Yield the lines of a file of openings; they must come in increasing order of handle, then number."""
    yield header.to_canonical() + b"\n"
    for opening in openings:
        line = f"{opening.handle.hex()} {opening.number} {opening.nonce.hex()}\n"
        yield line.encode("ascii")


def parse_openings(raw: bytes) -> tuple[OpeningsHeader, tuple[Opening, ...]]:
    """Read one file of openings in whole.

    Raises:
        DocumentError: malformed, out of order, or another number than it states.
    """
    file = io.BytesIO(raw)
    header, openings = next(read_openings(file), (None, None))
    if header is None or openings is None:
        raise DocumentError("openings: the header line is missing or too long")
    found = tuple(openings)
    if file.read(1):
        raise DocumentError("openings: there is another number of them than stated")
    return header, found


def read_openings(file: IO[bytes]) -> Iterator[tuple[OpeningsHeader, Iterator[Opening]]]:
    """Yield the files of openings that stand one after the other: an agency's own, or, under `blind`, all.

    Of each, the openings are read as they are asked for; read them to their end before the next one.

    Raises:
        DocumentError: as `parse_openings`, from here or from the openings.
    """
    while head := file.readline(MAX_LINE_BYTES + 1):
        if not head.endswith(b"\n"):
            raise DocumentError("openings: the header line is missing or too long")
        header = OpeningsHeader.from_canonical(head[:-1])
        yield header, _read_openings(file, header.openings)


def _read_openings(file: IO[bytes], number: int) -> Iterator[Opening]:
    before: tuple[bytes, int] | None = None
    for _ in range(number):
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line.endswith(b"\n"):
            raise DocumentError("openings: there is another number of them than stated")
        opening = _parse_opening(line[:-1])
        place = (opening.handle, opening.number)
        if before is not None and place <= before:
            raise DocumentError("openings: they are not in increasing order of handle and number")
        before = place
        yield opening


def opens(opening: Opening, header: OpeningsHeader, place: int, decision: Decision) -> bool:
    """Tell whether an opening fits the decision of its row; `place` is that of its upload in the record."""
    if place not in (0, 1):
        return False
    expected = commitment(opening.nonce, header.run, header.upload, opening.handle)
    return decision.commitments[place] == expected


def _parse_row(number: int, line: bytes) -> Row:
    if len(line) == 2 * HASH_BYTES and _HEX_DIGITS.issuperset(line):
        return Row(number, None, bytes.fromhex(line.decode("ascii")))
    return Row(number, Decision.from_canonical(line), hash_leaf(line))


def _parse_opening(line: bytes) -> Opening:
    parts = line.split(b" ")
    try:
        handle, number, nonce = (
            bytes.fromhex(parts[0].decode("ascii")),
            int(parts[1]),
            bytes.fromhex(parts[2].decode("ascii")),
        )
        opening = Opening(Handle(handle), number, nonce)
    except (IndexError, ValueError) as exc:
        raise DocumentError("openings: a line is not a handle, a number and a nonce") from exc
    written = f"{handle.hex()} {number} {nonce.hex()}".encode("ascii")
    if written != line or len(handle) != 16 or len(nonce) != NONCE_BYTES or number < 1:
        raise DocumentError("openings: a line is not a handle, a number and a nonce")
    return opening
