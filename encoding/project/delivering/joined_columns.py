"""What a blind recipient does with the columns that agencies have delivered: opens them, and joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from encoding.errors import AgencyError, DeliveryUnusableError, NotReadyError, OthersWaitedForError
from encoding.files import write_csv
from encoding.people.identity import Identity
from encoding.project.context import Context
from encoding.project.delivering.arrivals import Arrival, claim
from encoding.project.delivering.outgoing import senders_of
from encoding.project.linking.shared_links import linked_among, newest_linked
from encoding.project.own_keys import own_keys
from encoding.sharing.blind_ledger import BlindLedger, RowsOf, rows_of
from encoding.sharing.blind_rows import open_blind_rows
from encoding.sharing.columns import LINK_ID, LinkedTable, join_rows
from encoding.sharing.deliveries import split_tables
from schemas.agreement.agreement import Agreement
from schemas.documents.printable import inert
from schemas.rounds.delivery import DeliveryView

JOINED: Final = "joined.csv"


@dataclass(frozen=True, slots=True)
class JoinedColumns:
    """The columns of agencies' records, by the link IDs of their recipient, and people whom several have."""

    round: int
    file: Path
    files: Mapping[str, Path]
    columns: tuple[str, ...]
    people: int

    def sentence(self) -> str:
        """Return what is said of it."""
        return f"{self.people:,} people of several agencies are in {self.file}"

    def to_document(self) -> dict[str, object]:
        """Return what `--json` prints."""
        return {
            "from": list(self.files),
            "round": self.round,
            "people": self.people,
            "columns": list(self.columns),
            "file": str(self.file),
            "files": {agency: str(path) for agency, path in self.files.items()},
        }


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of one agency and pair, in a file that is still to be opened once more."""

    path: Path
    columns: tuple[str, ...]
    rows: RowsOf


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The round whose rows are wanted: of each agency the run with each of its partners."""

    round: int
    space: str
    runs: Mapping[str, Mapping[str, str | None]]


def join_columns(
    context: Context, agreement: Agreement
) -> tuple[list[JoinedColumns], list[AgencyError]]:
    """Write what agencies have delivered of the newest round, and join it; what could not be used is returned.

    Each delivery is checked, and its sender told, by that delivery alone: what is said to an agency must not
    depend on which of its records are linked.
    """
    session, wanted = context.session, _wanted(context, agreement)
    joined = session.links_path.with_name(JOINED)
    files = {agency: _file_of(joined, agency) for agency in wanted.runs}
    arrivals = [Arrival(context, agreement, one, [files[one], joined]) for one in wanted.runs]
    views, failed = _views(arrivals, wanted.round)
    claim(context, arrivals, [*files.values(), joined])
    tables: dict[str, list[_Table]] = {}
    keys = [*own_keys(session)]
    with session.workspace.lock(), session.workspace.scratch() as scratch:
        for one, view in zip(arrivals, views, strict=True):
            rows = scratch / one.partner
            try:
                if view is not None:
                    read = partial(_read, rows, wanted, view, keys)
                    tables[one.partner] = one.take(view, rows, read)
            except AgencyError as exc:
                session.warn(f"what {one.partner} has delivered was not joined: {exc}")
                failed.append(exc)
        if failed:
            return [], failed
        link_of = _link(context, tables)
        opened = {agency: _linked(tables[agency], link_of, keys) for agency in tables}
        for one in arrivals:
            table = opened[one.partner]
            write_csv(files[one.partner], (LINK_ID, *map(inert, table.columns)), table.rows)
            one.note_written()
        found = join_rows(opened)
        write_csv(joined, (LINK_ID, *map(inert, found.columns)), found.rows)
    _tell_absent(context, agreement, wanted, joined)
    n_people = len({row[0] for row in found.rows})
    return [JoinedColumns(wanted.round, joined, files, found.columns, n_people)], []


def _wanted(context: Context, agreement: Agreement) -> _Wanted:
    party, terms = context.session.party, context.view.terms
    senders = senders_of(context, agreement)
    pairs = {pair for one in senders for pair in agreement.delivering(one, party)}
    if not pairs:
        raise NotReadyError("the agreement does not let columns of two agencies come here")
    found = newest_linked(context, pairs)
    if found is None:
        raise OthersWaitedForError("no round has been closed with matches yet")
    runs: dict[str, dict[str, str | None]] = {}
    for one in linked_among(found, pairs):
        for agency, partner in ((one.larger, one.smaller), (one.smaller, one.larger)):
            runs.setdefault(agency, {})[partner] = one.run
    space = next(one.space for one in terms.recipients if one.party == party)
    return _Wanted(found.round, space, dict(sorted(runs.items())))


def _file_of(joined: Path, agency: str) -> Path:
    return joined.with_name(f"from-{agency}.csv")


def _tell_absent(context: Context, agreement: Agreement, wanted: _Wanted, joined: Path) -> None:
    """Warn of each agency without whose matches the round was closed: what was written of it before stays."""
    for agency in senders_of(context, agreement):
        if agency in wanted.runs:
            continue
        file = _file_of(joined, agency)
        before = Arrival(context, agreement, agency, [file, joined]).round()
        stale = f"; {file.name} is still of round {before}" if before and file.exists() else ""
        context.session.warn(
            f"round {wanted.round} was closed without matches of {agency}: {joined.name} has none of"
            f" its rows{stale}"
        )


def _views(
    arrivals: Sequence[Arrival], number: int
) -> tuple[list[DeliveryView | None], list[AgencyError]]:
    """Return what each agency has delivered of a round, None where it is not to be used, and why not.

    While someone is waited for, that is all that was looked at before.
    """
    views: list[DeliveryView | None] = []
    failed: list[AgencyError] = []
    waited: list[OthersWaitedForError] = []
    for one in arrivals:
        view = None
        try:
            view = one.view(number)
        except OthersWaitedForError as exc:
            waited.append(exc)
        except AgencyError as exc:
            failed.append(exc)
        views.append(view)
    if waited:
        said = [
            *map(str, waited),
            *(
                f"what {one.sender} has delivered could not be used"
                for one in views
                if one and one.fault
            ),
        ]
        failed.append(OthersWaitedForError("; ".join(said), hint=waited[0].hint))
        views = [one if one and not (one.opened or one.fault) else None for one in views]
    return views, failed


def _read(
    rows: Path,
    wanted: _Wanted,
    view: DeliveryView,
    keys: Sequence[Identity],
    columns: tuple[str, ...],
) -> list[_Table]:
    """Return the tables of a delivery, each of whose rows was read."""
    tables: list[_Table] = []
    stated = (view.project, view.round, view.sender, view.recipient, wanted.space)
    for path in split_tables(rows, len(wanted.runs[view.sender])):
        with path.open("rb") as content:
            opened = open_blind_rows(content, keys, columns)
            head = opened.header
            if (head.project, head.round, head.agency, head.recipient, head.space) != stated:
                raise DeliveryUnusableError(
                    "not-as-stated",
                    f"the match IDs of {view.sender} are of another round, or for others",
                )
            pairs = ((row.match, row.pseudonym) for row in opened.rows)
            tables.append(_Table(path, columns, rows_of(head, pairs)))
    runs = [(one.rows.header.partner, one.rows.header.run) for one in tables]
    if runs != sorted(wanted.runs[view.sender].items()):
        raise DeliveryUnusableError(
            "not-as-stated",
            f"{view.sender} has delivered the rows of runs with which round {view.round} was not closed",
        )
    return tables


def _link(context: Context, tables: Mapping[str, Sequence[_Table]]) -> dict[str, str]:
    """Carry the ledger on, and return the link ID of each pseudonym that has a match."""
    of_pairs = [table.rows for found in tables.values() for table in found]
    return BlindLedger.of(context.session.workspace, of_pairs[0].header).link(of_pairs)


def _linked(
    tables: Sequence[_Table], link_of: Mapping[str, str], keys: Sequence[Identity]
) -> LinkedTable:
    """Return all rows of an agency, each once: with its link ID, or without a match with its pseudonym."""
    found: set[tuple[str, ...]] = set()
    for table in tables:
        with table.path.open("rb") as content:
            opened = open_blind_rows(content, keys, table.columns)
            found |= {
                (link_of.get(row.pseudonym, row.pseudonym), *row.cells) for row in opened.rows
            }
    return LinkedTable(tables[0].columns, sorted(found))
