"""Brings statuses up to date by the links of today, and writes them for a student system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.errors import ChangeHeldError, ExportError, MissingColumnError, NotReadyError
from encoding.extras.export.status_formats import (
    CEDS_HEADER,
    CSV_HEADER,
    ED_FI_START,
    Format,
    ceds_rows,
    csv_rows,
    ed_fi_lines,
)
from encoding.extras.export.statuses import KeptStatuses, Pair, Period, Statuses, in_care, updated
from encoding.extras.linked_people.people import Source, source_of
from encoding.extras.linked_people.sources import Wanted, binding_agreement, sources_of
from encoding.files import refuse_to_overwrite, write_csv, write_durably
from encoding.project.agreement.project_view import last_seen
from encoding.project.linking.own_links import accept_change
from encoding.project.linking.shared_links import shared_links
from encoding.project.noted_files import note_file
from encoding.project.session import Session
from encoding.recipe.dates import DateFormat
from encoding.sharing.change_report import exceeds
from encoding.sharing.links_of_rounds import Acceptance
from schemas.agreement.clauses import Limits
from schemas.agreement.policy_words import percent

if TYPE_CHECKING:
    from schemas.agreement.agreement import Agreement


@dataclass(frozen=True, slots=True)
class Order:
    """What is exported: the format, own columns (`organization` may be a number), the partner's dates.

    `partner` has the children in care; None: the only other agency has.
    `begin` and `end` are columns of the one party of `wanted.received`; None: the days of exports count.
    `since` leaves out anyone who changed last before that day; None: nobody is left out.
    `accepted` says why another column of student IDs is right, or that so many statuses end; None: nobody does.
    """

    format: Format
    student: str | None
    organization: str
    partner: str | None
    begin: str | None
    end: str | None
    dates: DateFormat
    since: str | None
    output: Path
    force: bool
    accepted: str | None
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Exported:
    """How many students were written, also by their last changes, and how many rows have no student ID."""

    students: int
    changes: Counter[str]
    without_id: int
    onward: str | None


def export_statuses(session: Session, order: Order) -> Exported:
    """Write the statuses of all who are or were linked, and remember them."""
    kept = binding_agreement(session)
    recipient = next((r for r in kept.agreement.recipients if r.party == session.party), None)
    if recipient is None or recipient.mode != "linked":
        raise NotReadyError(
            "the agreement gives this party no matches of its own records, so it has no status to export",
            hint='the agreement would have to list it in the clause recipients, with mode = "linked"',
        )
    header = ",".join(CEDS_HEADER if order.format == "ceds" else CSV_HEADER)
    start = ED_FI_START if order.format == "ed-fi" else f"{header}\n".encode()
    # A day without a change has no document, and its file is empty.
    is_none = order.format == "ed-fi" and order.output.is_file() and not order.output.stat().st_size
    refuse_to_overwrite(order.output, own_start=start, force=order.force or is_none)
    shared = _shared(session, kept.agreement, order)
    with sources_of(session, kept, order.wanted, "shared") as (sources, _):
        student = order.student or sources[0].id_column
        linked, without_id = _linked(sources, order, student, shared)
    today = session.now().date().isoformat()
    with session.workspace.lock():
        memory = KeptStatuses(session.workspace, session.project)
        before = memory.read()
        if before.is_dated and order.begin is None:
            raise ExportError(
                "earlier exports had the partner's dates; without them, every period would start over",
                hint="give --from, --begin and --end as before",
            )
        now = Statuses(
            is_dated=order.begin is not None,
            student=student,
            statuses=updated(before.statuses, linked, today),
        )
        accepted = _settle(session, kept.agreement.limits, order, before, now)
        written = [one for one in now.statuses if order.since is None or one.changed >= order.since]
        content = list(ed_fi_lines(written)) if order.format == "ed-fi" else []
    note_file(session, "link-table", order.output)
    if order.format == "ed-fi":
        write_durably(order.output, "".join(f"{line}\n" for line in content).encode())
    elif order.format == "ceds":
        write_csv(order.output, CEDS_HEADER, ceds_rows(written))
    else:
        write_csv(order.output, CSV_HEADER, csv_rows(written))
    with session.workspace.lock():
        # Last, so that an export that was killed is made again with the same changes.
        memory.keep(now.model_copy(update={"accepted": accepted}))
    changes: Counter[str] = Counter(
        change for _, change in {(one.student, one.change) for one in written}
    )
    n_students = len({one.student for one in written})
    return Exported(n_students, changes, without_id, recipient.onward)


def _shared(session: Session, agreement: Agreement, order: Order) -> Collection[str] | None:
    """Return the link IDs of records that the partner has, too; None: there is no third agency."""
    others = [one for one in agreement.names("agency") if one != session.party]
    if len(others) < 2:
        if order.begin is None and order.partner is not None:
            raise click.UsageError("--from and --end go with --begin")
        return None
    if order.partner is None:
        raise click.UsageError(
            "say whose records are in care, since you share different people with each: --from"
        )
    if order.partner not in others:
        raise click.UsageError(f"{order.partner} is no other agency of this agreement")
    found = shared_links(last_seen(session), order.partner)
    if found is None:
        raise NotReadyError("no link IDs are written here yet", hint="see: blindlink status")
    return {*found.link_of.values()}


def _settle(
    session: Session, limits: Limits, order: Order, before: Statuses, now: Statuses
) -> Acceptance | None:
    """Return who accepted last that other IDs are meant, or that so many statuses end."""
    today = session.now().date().isoformat()
    in_force = in_care(before.statuses, today)
    n_ended = len(in_force - in_care(now.statuses, today))
    is_another = before.student not in (None, now.student)
    if not is_another and not exceeds(n_ended, len(in_force), limits.most_ended, limits.floor):
        if order.accepted is not None:
            session.say("there was nothing to accept: no more statuses end than is agreed")
        return before.accepted
    if order.accepted is not None:
        return accept_change(session, order.accepted, ended=n_ended, in_force=len(in_force))
    if is_another:
        raise ExportError(
            f"earlier exports had the student IDs of the column {before.student}, and this one has those of"
            f" {now.student}: {n_ended:,} of {len(in_force):,} statuses in force would end",
            hint=f"give --student {before.student} as before; if the other is right: --accept-change REASON",
        )
    raise ChangeHeldError(
        f"{n_ended:,} of {len(in_force):,} statuses in force would end ({n_ended / len(in_force):.1%}); the"
        f" agreement allows at most {percent(limits.most_ended or '1')}, so nothing was written",
        hint="check what you typed, your file and your links; if it is right: --accept-change REASON",
    )


def _linked(
    sources: Sequence[Source], order: Order, student: str, shared: Collection[str] | None
) -> tuple[dict[Pair, tuple[Period, ...] | None], int]:
    own, *others = sources
    if not own.is_own or len(others) > 1:
        raise ExportError("an export takes your own file, and the dates of one partner")
    if order.begin is not None and not others:
        raise ExportError(
            "the dates come from a partner's columns", hint="name the partner: --from PARTY"
        )
    constant = order.organization.isdecimal()
    columns = [student] if constant else [student, order.organization]
    for column in columns:
        if column not in own.rows.columns:
            raise MissingColumnError(f"your file has no column {column}")
    periods = _stated(others[0], order) if others and order.begin is not None else None
    found: dict[Pair, tuple[Period, ...] | None] = {}
    stated_of: dict[str, tuple[Period, ...] | None] = {}
    without_id = 0
    for link, rows in own.values(columns).items():
        for number, *rest in rows if shared is None or link in shared else ():
            if not number or not (constant or rest[0]):
                without_id += 1
                continue
            stated = stated_of.setdefault(number, None if periods is None else periods.get(link))
            found[number, order.organization if constant else rest[0]] = stated
    return found, without_id


def _stated(source: Source, order: Order) -> dict[str, tuple[Period, ...]]:
    """Return the periods that a partner states, by link ID; who has no begin date has none."""
    columns = [column for column in (order.begin, order.end) if column is not None]
    for column in columns:
        source_of([source], column)
    found: dict[str, tuple[Period, ...]] = {}
    n_wrong = 0
    for link, rows in source.values(columns).items():
        ends: dict[str, str | None] = {}
        for row in rows:
            begin, *rest = (_day(cell, order.dates) for cell in row)
            end = rest[0] if rest else None
            n_wrong += "" in (begin, end) or (begin is None and end is not None)
            n_wrong += bool(begin and end and end < begin)
            if begin:
                # Of two rows of one period, the one that is still open counts.
                ends[begin] = end if begin not in ends or end is None else ends[begin]
        if not n_wrong and ends:
            found[link] = tuple(Period(begin=b, end=ends[b]) for b in sorted(ends))
    if n_wrong:
        raise ExportError(
            f"{n_wrong:,} rows of {source.party} have dates that cannot be used: none in the format"
            f" {order.dates.text}, or an end before the beginning",
            hint="say how they are written: --date-format MM/DD/YYYY",
        )
    return found


def _day(cell: str, dates: DateFormat) -> str | None:
    """Return a cell as an ISO date; None where it is empty, and an empty text where it is no date."""
    if not cell:
        return None
    parsed = dates.parse(cell)
    return "" if parsed is None else parsed.isoformat()


def words_of(exported: Exported, statuses: Iterable[str] = ("start", "end", "change")) -> str:
    """Return in words how many students were written, by what changed last."""
    said = {"start": "started", "end": "ended", "change": "had dates changed"}
    return ", ".join(f"{exported.changes[one]:,} {said[one]}" for one in statuses)
