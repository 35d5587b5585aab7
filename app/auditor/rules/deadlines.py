"""Steps about what the broker notes as overdue: by the broker, once, when it is, and only while it is owed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, TypeAlias, cast

from app.auditor.log_state import LogState
from app.auditor.project_state import ProjectState
from app.auditor.rules.projects import in_force
from app.auditor.rules.steps import break_off, project_of
from schemas.ids import utc_text
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import DeadlinePassed
from schemas.overdue import CARDS, OverdueKind, since_end, since_undecided
from schemas.timetable import round_due, upload_due

Owed: TypeAlias = Callable[[LogState, ProjectState, DeadlinePassed], bool]

KEY_RING: Final = "key-ring"
# What goes on when a linkage is halted or over.
_TO_THE_END: Final = frozenset({"destruction", "certificate"})


def note(log: LogState, entry: Entry) -> None:
    """The broker notes once that something is overdue, not before it is, and not when it is not owed."""
    body = cast(DeadlinePassed, entry.body)
    if body.party not in log.parties:
        break_off("stranger", "something is owed by a party that was never enrolled", entry)
    if body.since > entry.time:
        break_off("deadline-early", "something is noted as overdue before it is", entry)
    key = (entry.project, body.what, body.object, body.party, body.since)
    known = log.deadlines.get(key)
    if known is not None:
        break_off("deadline-twice", "the same is noted as overdue twice", entry, known)
    log.deadlines[key] = entry.seq
    if (entry.project is None) != (body.object == KEY_RING):
        break_off("deadline-false", "a project has no key ring, and only a broker has", entry)
    if entry.project is not None:
        _refuse_unowed(log, entry, body)


def _refuse_unowed(log: LogState, entry: Entry, body: DeadlinePassed) -> None:
    project = project_of(log, entry)
    if body.what not in _TO_THE_END:
        in_force(log, entry)
    if not _OWED[body.what](log, project, body):
        message = "something is noted as overdue that is not owed, or at another time"
        break_off("deadline-false", message, entry, project.seq)


def _round(_: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    rounds = project.rounds
    if rounds.open is not None or body.object != f"round-{rounds.last + 1}":
        return False
    bound = {max(project.binding.agreement.start, day) for day in project.binding.days}
    lasts = {rounds.regular} if rounds.regular else bound
    dues = (round_due(project.terms, date.fromisoformat(last)) for last in lasts)
    is_due = any(due is not None and utc_text(due) == body.since for due in dues)
    return is_due and body.party in project.terms.providers


def _upload(_: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    state = project.rounds.open
    if state is None or body.object != f"round-{state.number}":
        return False
    owed = {
        own
        for pair in state.pairs
        for own, other in (pair, pair[::-1])
        if (own, other) not in state.roots
    }
    due = upload_due(project.terms, datetime.fromisoformat(state.opened))
    return body.party in owed and utc_text(due) == body.since


def _approval(log: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    run, rule = log.runs.get(body.object), project.terms.approvals
    if run is None or not _is_of(log, run.project, project):
        return False
    given: Mapping[str, str] = run.approved
    if run.stage == "finished" and rule.releases:
        # One that has lapsed is forgotten with the next one.
        given = {party: until for party, until in run.release_approved.items() if until > log.time}
        if run.release_approved.keys() >= set(rule.parties):
            return False
    elif run.stage != "asked":
        return False
    is_later = body.since[:10] > run.day
    return is_later and body.party in rule.parties and body.party not in given


def _cosignature(log: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    run = log.runs.get(body.object)
    if run is None or not _is_of(log, run.project, project) or run.stage != "finished":
        return False
    return project.terms.finality.cosigners > 0


def _review(log: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    review = log.reviews.get(body.object)
    if review is None or not _is_of(log, review.project, project) or review.ended is not None:
        return False
    if review.came is None:
        due = utc_text(datetime.fromisoformat(review.begun) + CARDS)
        return (body.party, body.duty, body.since) == (review.asked, "analyst", due)
    least, most = (since_undecided(moment, review.deadline) for moment in review.came)
    is_reviewer = (body.party, body.duty) == (review.reviewer, "reviewer")
    return is_reviewer and least <= body.since <= most


def _destruction(log: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    if body.object == "kept":
        return project.hold is None
    found = log.destructions.get(body.object)
    return found is not None and _is_of(log, found.project, project) and found.certified is not None


def _certificate(log: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    found = log.destructions.get(body.object)
    return found is not None and _is_of(log, found.project, project) and found.certified is None


def _agreement(_: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    return since_end(project.bindings[-1].terms.end) == body.since


def _key(_: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    terms = project.terms
    return body.object == f"secret-{terms.epoch}" and body.party in terms.providers


def _witness(_: LogState, project: ProjectState, body: DeadlinePassed) -> bool:
    return body.party in project.terms.providers


def _is_of(log: LogState, name: str, project: ProjectState) -> bool:
    return log.projects[name] is project


_OWED: Final[Mapping[OverdueKind, Owed]] = {
    "round": _round,
    "upload": _upload,
    "approval": _approval,
    "cosignature": _cosignature,
    "review": _review,
    "destruction": _destruction,
    "certificate": _certificate,
    "agreement": _agreement,
    "key": _key,
    "witness": _witness,
}
