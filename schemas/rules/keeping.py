"""How long things may be there, and what went later: a hold defers the last day, an outage makes late."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Any, Final, TypeAlias, cast

from schemas.matchlog.entry import Entry
from schemas.matchlog.party_digests import PartyDigests
from schemas.rules.breach import BreachError
from schemas.rules.lateness import Early, HeldLate, Lateness, LateThing, StandingHold
from schemas.rules.log_state import (
    DeliveryState,
    LogState,
    MatchRecordState,
    ReleaseState,
    RunState,
    UploadState,
)
from schemas.rules.project_state import HoldSpan, ProjectState
from schemas.rules.round_state import RoundState
from schemas.rules.steps import GRACE_DAYS, break_off, days_of, project_of

Kept: TypeAlias = UploadState | ReleaseState | MatchRecordState | DeliveryState
"""What is there until the day `due`, or until a hold that stood then has ended."""
# What goes because the agreement wants it so, what goes since something else came.
BY_TIME: Final = frozenset({"retention", "superseded", "destroy-by"})
BY_EVENT: Final = frozenset({"replaced", "expired"})
# A run's result may be kept from the evening before the day on which the log has it.
MIDNIGHT_DAYS: Final = 1
# After every day.
_NEVER: Final = "9999-99-99"


def last_day(entry: Entry, kept_days: int) -> str:
    """Return the last day on which may be there what comes by an entry, and is kept for so many days."""
    return _later(entry.time[:10], kept_days + GRACE_DAYS)


def is_handed_out_in_time(kept: Kept, entry: Entry) -> None:
    """Nothing leaves after its last day, whether or not it was destroyed in time, or a hold kept it."""
    if days_of(entry)[1] > kept.due:
        message = "something is handed out after the last day on which it may be there"
        break_off("fetch-late", message, entry, kept.seq)


def end_with_round(log: LogState, entry: Entry, state: RoundState) -> None:
    """What came for a round that is superseded, or was made of it, is destroyed with it."""
    last = sys.intern(last_day(entry, 0))
    came: tuple[Iterable[UploadState | ReleaseState], ...] = (
        reversed(log.uploads.values()),
        reversed(log.releases.values()),
    )
    for things in came:
        for kept in takewhile(lambda one: one.seq > state.seq, things):
            if kept.project == entry.project:
                kept.due = min(kept.due, last)
    for run in (log.runs[run] for run in state.runs.values()):
        made = run.match_records
        run.match_records = tuple(replace(one, due=min(one.due, last)) for one in made)


def keep_match_record(
    log: LogState, entry: Entry, run: RunState, root: str, openings: PartyDigests
) -> None:
    """Note a match record of a run, or of its review, which those can open who receive match IDs."""
    opening = {one.party for one in openings}
    agreed = {one.party for one in run.recipients if one.mode == "blind"} | run.linked_parties
    if opening - agreed:
        message = "a match record can be opened by a party that receives no match IDs"
        break_off("openings-to-stranger", message, entry, run.seq)
    if opening != agreed:
        message = "a match record cannot be opened by a party that receives match IDs"
        break_off("openings-missing", message, entry, run.seq)
    due = sys.intern(last_day(entry, project_of(log, entry).terms.keep_links_days))
    run.match_records += (MatchRecordState(run.project, bytes.fromhex(root), due, entry.seq),)


def note_destroyed(log: LogState, entry: Entry, what: LateThing, kept: Kept) -> None:
    """Note what is destroyed after its last day, as after an outage, or before: readers are told."""
    today, project = entry.time[:10], log.projects[kept.project]
    last = _missed(project, kept, today)
    if last is not None:
        log.late.append(Lateness(what, entry.of_object, entry.seq, last, today))
    first = _later(min(kept.due, _by_all(project)), -GRACE_DAYS - MIDNIGHT_DAYS)
    if today >= first:
        return
    reason = cast(Any, entry.body).reason
    if reason in BY_TIME:
        message = "something is destroyed as if its time were over, long before"
        break_off("destroyed-early", message, entry, kept.seq)
    if reason not in BY_EVENT:
        days = (date.fromisoformat(first) - date.fromisoformat(today)).days
        by = _asked_by(log, kept.project)
        log.early.append(Early(what, entry.of_object, entry.seq, days, reason, by))


def _asked_by(log: LogState, project: str) -> str | None:
    """Return whose destruction of something in a project goes on."""
    going_on = (
        one.by
        for one in reversed(log.destructions.values())
        if one.project == project and one.certified is None
    )
    return next(going_on, None)


def all_destroyed_in_time(log: LogState) -> None:
    """After the last entry, nothing is left that should have been destroyed before it."""
    for project in log.projects.values():
        # What was agreed after the project's last entry holds, too.
        project.bound = project.binding_on(log.time[:10]) or project.bound
    for what, _, kept in _left(log):
        if (last := _overdue(log, kept, kept.due)) is not None:
            message = f"something was not destroyed within the days that the terms allow: {what}"
            _break_off("destruction-overdue", message, kept, last_day=last, last_time=log.time)
    for what, name, kept in _left(log):
        project = log.projects[kept.project]
        if _overdue(log, kept, _by_all(project)) is not None:
            message = "something is left after the day by which the terms want everything destroyed"
            destroy_by = project.terms.destroy_by
            _break_off("destroy-by", message, kept, destroy_by=destroy_by, last_time=log.time)
        _note_held_late(log, what, name, kept)
    log.holds.extend(_standing_holds(log))


def _standing_holds(log: LogState) -> Iterator[StandingHold]:
    """Yield the holds that stand after the last entry, each with what is there only by a hold."""
    today = log.time[:10]
    overdue: dict[str, list[str]] = {}
    for what, name, kept in _left(log):
        if today > min(kept.due, _by_all(log.projects[kept.project])):
            overdue.setdefault(kept.project, []).append(f"{what} {name}")
    for name, project in sorted(log.projects.items()):
        things = tuple(overdue.get(name, ()))
        if project.bound is not None and project.terms.has_legal_hold:
            seq, since = project.seq, project.binding.begun
            yield StandingHold(name, None, since, None, is_signed=True, index=seq, overdue=things)
        for one in project.holds.values():
            if one.lifted is None:
                yield StandingHold(
                    name, one.party, one.day, one.order, one.is_signed, one.seq, things
                )


def _overdue(log: LogState, kept: Kept, due: str) -> str | None:
    """Return the last day of what is left beyond it; None: it may still be there."""
    today, project = log.time[:10], log.projects[kept.project]
    if today <= due or project.hold is not None:
        return None
    # Whenever the hold was set: while it stood, a broker that had been down could not make good for it.
    last = max([due, *(_over(span) for span in project.hold_spans() if span.ended)])
    return last if today > last else None


def _note_held_late(log: LogState, what: LateThing, name: str, kept: Kept) -> None:
    """Note what a hold keeps that began when it was overdue: no broken rule, but readers are told whose."""
    project = log.projects[kept.project]
    last = _missed(project, kept, log.time[:10])
    if last is not None:
        span = next(one for one in project.hold_spans() if one.first > last)
        late = HeldLate(what, name, kept.seq, last, span.first, span.party, span.seq)
        log.held_late.append(late)


def _missed(project: ProjectState, kept: Kept, today: str) -> str | None:
    """Return the last day of what is there, if that has passed; None: it has not.

    Holds that stood by then defer it, to the day after their end.
    """
    last = min(kept.due, _by_all(project))
    # Nearly everything is destroyed in time, and looking at all holds takes longer.
    for span in project.hold_spans() if today > last else ():
        if span.first <= last < _over(span):
            last = _over(span)
    return last if today > last else None


def _over(span: HoldSpan) -> str:
    """Return the last day of what a hold has kept."""
    return _later(span.ended, GRACE_DAYS) if span.ended else _NEVER


def _left(log: LogState) -> Iterator[tuple[LateThing, str, Kept]]:
    for name, upload in log.uploads.items():
        yield "upload", name, upload
    for name, release in log.releases.items():
        if release.destroyed is None:
            yield "release", name, release
    for name, run in log.runs.items():
        for record in run.match_records:
            yield "match-record", name, record
    for name, delivery in log.deliveries.items():
        if delivery.destroyed is None:
            yield "delivery", name, delivery


def _by_all(project: ProjectState) -> str:
    # Never before the terms came to bind that want it so.
    return _later(max(project.terms.destroy_by, project.binding.begun), GRACE_DAYS)


def _break_off(rule: str, message: str, kept: Kept, **evidence: int | str | None) -> None:
    raise BreachError(rule, message, index=kept.seq, evidence=evidence)


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
