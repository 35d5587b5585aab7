"""The link IDs of a recipient of mode `blind`: kept by the pseudonyms that the agencies made for it.

It needs nobody's claims: it alone sees which rows of two agencies have one match ID. The rules are those of any
ledger, with one ledger for each agency, all in one file that changes in one step. Its link IDs are made for it
alone, so that they join with nobody else's. Spec page: `schemas/spec/blind-release.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from encoding.errors import LinksFileError
from encoding.ledger.additions import apply_release
from encoding.ledger.book import MATCH_PREFIX_BYTES, Ledger
from encoding.ledger.claims import PairRelease, ReleasedMatch, own_members, refuse_bad_release
from encoding.ledger.errors import LedgerFileError, OutOfTurnError
from encoding.ledger.grants import SpaceName
from encoding.ledger.inputs import inputs_alone
from encoding.ledger.ledger_file import parse_ledger, serialise_ledger
from encoding.ledger.values import Member, Turn
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document
from schemas.documents.errors import FormatError
from schemas.documents.ids import MatchId, Name
from schemas.rounds.blind import BlindHeader
from schemas.rounds.chain_statement import StatedMatch

# What an agency had left out, and hands over later, is a further release of the round.
_FIRST_RELEASE: Final = 1


class _Head(Document):
    """Whose ledgers follow, in order, and how many bytes each has."""

    KIND: ClassVar[str] = "ledgers of pseudonyms"

    version: Literal["blindlink/blind-ledgers/1"] = "blindlink/blind-ledgers/1"
    agencies: tuple[Name, ...]
    sizes: tuple[Annotated[int, Field(ge=0)], ...]


@dataclass(frozen=True, slots=True)
class RowsOf:
    """What an agency handed over for one pair: the match ID of each pseudonym, a row each or more."""

    header: BlindHeader
    match_of: Mapping[str, MatchId] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BlindLedger:
    """The ledgers of one recipient and link-ID set in its workspace; use it under the lock."""

    record: SealedRecord
    space: SpaceName

    @classmethod
    def of(cls, workspace: Workspace, header: BlindHeader) -> BlindLedger:
        """Return the ledgers of the recipient and space that a blind release is for."""
        name = f"{header.project}/{header.space}/{header.recipient}"
        path = workspace.ledger(header.project, f"{header.space}.blind")
        record = SealedRecord(path, f"blind-ledger/{name}", workspace.key())
        # No name holds a slash, so that no other space or recipient comes to the same link IDs.
        return cls(record, SpaceName(header.project, f"{header.space}/{header.recipient}"))

    def link(self, files: Sequence[RowsOf]) -> dict[str, str]:
        """Carry the ledgers on by the rows of a round, durably; the same rows or fewer again change nothing.

        Returns:
            The link ID of each pseudonym that has a match in these rows.
        """
        _refuse_strangers(files)
        ledgers = self._read()
        for one in files:
            agency = one.header.agency
            ledgers.setdefault(agency, Ledger(self.space, agency))
        releases = _releases(files)
        news = _unapplied(ledgers, releases, files[0].header.round)
        if news:
            _apply(ledgers, news)
            self._write(ledgers)
        return {
            match.record: held.link.hex()
            for agency, found in releases.items()
            for release in found
            for match in release.matches
            if (held := ledgers[agency].held(match.record)) is not None
        }

    def _read(self) -> dict[str, Ledger]:
        raw = self.record.read()
        if raw is None:
            return {}
        line, _, body = raw.partition(b"\n")
        try:
            head = _Head.from_canonical(line)
        except FormatError as exc:
            raise LedgerFileError("the ledgers of pseudonyms are damaged") from exc
        ends = [sum(head.sizes[:n]) for n in range(len(head.sizes) + 1)]
        if len(head.sizes) != len(head.agencies) or ends[-1] != len(body):
            raise LedgerFileError("the ledgers of pseudonyms are damaged")
        return {
            agency: parse_ledger(body[start:end], self.space, agency)
            for agency, (start, end) in zip(head.agencies, pairwise(ends), strict=True)
        }

    def _write(self, ledgers: Mapping[str, Ledger]) -> None:
        agencies = tuple(sorted(ledgers))
        pieces = [serialise_ledger(ledgers[agency]) for agency in agencies]
        head = _Head(agencies=agencies, sizes=tuple(map(len, pieces)))
        self.record.write(head.to_canonical() + b"\n" + b"".join(pieces))


def rows_of(header: BlindHeader, rows: Iterable[tuple[MatchId, str]]) -> RowsOf:
    """Return what an agency handed over, of rows of match ID and pseudonym."""
    match_of: dict[str, MatchId] = {}
    for match, pseudonym in rows:
        if match_of.setdefault(pseudonym, match) != match:
            raise LinksFileError(f"the rows of {header.agency} give one record two match IDs")
    if len(set(match_of.values())) != len(match_of):
        raise LinksFileError(f"the rows of {header.agency} give two records one match ID")
    return RowsOf(header, match_of)


def _refuse_strangers(files: Sequence[RowsOf]) -> None:
    heads = [one.header for one in files]
    shared = {(head.project, head.recipient, head.space, head.round) for head in heads}
    if len(shared) != 1:
        raise LinksFileError("the rows are not all of one round, link-ID set and recipient")
    ends = sorted((head.agency, head.partner, head.run) for head in heads)
    if ends != sorted({(partner, agency, run) for agency, partner, run in ends}):
        raise LinksFileError(
            "a link ID needs the rows of both agencies of a pair, of the same run, from each agency once",
            hint="join what all agencies of a round delivered: blindlink attach",
        )


def _releases(files: Sequence[RowsOf]) -> dict[str, list[PairRelease]]:
    """Return the matches of each agency's pairs: the match IDs that both files of a pair have."""
    by_ends = {(one.header.agency, one.header.partner): one for one in files}
    releases: dict[str, list[PairRelease]] = {}
    for (agency, partner), one in sorted(by_ends.items()):
        there = set(by_ends[partner, agency].match_of.values())
        first, second = sorted((agency, partner))
        matches = tuple(
            ReleasedMatch(pseudonym, match)
            for pseudonym, match in one.match_of.items()
            if match in there
        )
        turn = Turn(one.header.round, _FIRST_RELEASE)
        release = PairRelease(turn, (first, second), matches)
        releases.setdefault(agency, []).append(release)
    return releases


def _unapplied(
    ledgers: Mapping[str, Ledger], releases: Mapping[str, Sequence[PairRelease]], number: int
) -> dict[str, list[PairRelease]]:
    """Return what the ledgers do not have of the matches of a round, as its next release; empty: nothing."""
    newest = max((ledger.last for ledger in ledgers.values() if ledger.last), default=None)
    if newest is None or newest.round < number:
        return {agency: [*found] for agency, found in releases.items()}
    if newest.round > number or any(ledgers[agency].last != newest for agency in releases):
        raise OutOfTurnError(
            f"rows of round {newest.round} were opened before: round {number} cannot be"
            " opened any more, or not with those of other agencies: its turn is over",
            hint="open the rows of each round in its turn; a round that was left out does no harm",
        )
    turn = Turn(number, newest.release + 1)
    news = {
        agency: [replace(one, turn=turn, matches=_new_of(ledgers[agency], one)) for one in found]
        for agency, found in releases.items()
    }
    return news if any(one.matches for found in news.values() for one in found) else {}


def _new_of(ledger: Ledger, release: PairRelease) -> tuple[ReleasedMatch, ...]:
    """Return the matches of a release that none of its round had before."""
    known = ledger.known_matches((one.match for one in release.matches), release.turn.round)
    return tuple(one for one in release.matches if one.match[:MATCH_PREFIX_BYTES] not in known)


def _apply(ledgers: Mapping[str, Ledger], releases: Mapping[str, Sequence[PairRelease]]) -> None:
    members: list[Member] = []
    records: dict[str, dict[StatedMatch, str]] = {}
    turn = next(release.turn for found in releases.values() for release in found)
    for agency, found in releases.items():
        for release in found:
            refuse_bad_release(ledgers[agency], release)
        own = {match: record for one in found for match, record in one.records().items()}
        records[agency] = own
        members += own_members(ledgers[agency], own, own)
    inputs = inputs_alone(turn, [ledgers[agency] for agency in releases], members)
    for agency, own in records.items():
        apply_release(ledgers[agency], inputs, own)
