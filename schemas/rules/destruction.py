"""Steps about destruction: begun, finished and certified, not while it is forbidden, not left undone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta

from schemas.matchlog.destruction_kinds import (
    DestructionBegun,
    DestructionCertified,
    DestructionCountersigned,
    LegalHoldSet,
)
from schemas.matchlog.entry import Entry
from schemas.rules.breach import BreachError
from schemas.rules.keeping import Kept
from schemas.rules.log_state import DestructionState, LogState, ReviewState, RunState
from schemas.rules.project_state import HoldState
from schemas.rules.requests import may_act, runs_broker
from schemas.rules.steps import (
    GRACE_DAYS,
    break_off,
    moment_before,
    project_of,
    upload_of,
)


def nothing_holds(log: LogState, entry: Entry) -> None:
    """Nothing is destroyed while a legal hold stands."""
    hold = project_of(log, entry).hold
    if hold is not None:
        break_off("hold-broken", "something is destroyed despite a legal hold", entry, hold)


def begin(log: LogState, entry: Entry) -> None:
    """A destruction is begun once, of something that is there."""
    body, certificate = entry.body_as(DestructionBegun), entry.of_object
    known = log.destructions.get(certificate)
    if known is not None:
        break_off("destruction-twice", "a destruction is begun twice", entry, known.seq)
    whose, compared = body.party, None
    if body.upload is not None:
        upload = upload_of(log, entry, body.upload)
        whose, compared = upload.party, (upload.round, frozenset((upload.party, upload.partner)))
    if not runs_broker(log, entry):
        if whose != entry.actor.party:
            message = "a party has something destroyed that is not its own"
            break_off("destruction-by-stranger", message, entry)
        if body.upload is None:
            may_act(log, entry, ("steward",))
    log.destructions[certificate] = DestructionState(
        project=sys.intern(entry.of_project),
        scope=body.scope,
        subject=body.party or body.upload,
        day=entry.time[:10],
        seq=entry.seq,
        by=sys.intern(entry.actor.party),
        compared=compared,
    )


def certify(log: LogState, entry: Entry) -> None:
    """A certificate ends a destruction, once, when nothing of it is left."""
    state = _destruction_of(log, entry)
    if state.certified is not None:
        message = "a destruction is certified twice"
        break_off("destruction-twice", message, entry, state.certified)
    left = next(_left(log, state), None)
    if left is not None:
        message = "a destruction is certified though something of it is left"
        break_off("destruction-unfinished", message, entry, left)
    state.certified, state.sha256 = entry.seq, entry.body_as(DestructionCertified).sha256


def is_certified(log: LogState, entry: Entry) -> None:
    """What is said about a certificate comes after it."""
    if entry.object is not None and _destruction_of(log, entry).certified is None:
        message = "something is said about a certificate that there is not"
        break_off("destruction-unknown", message, entry)


def has_digest(log: LogState, entry: Entry) -> None:
    """A counter-signature is under the certificate as it was certified."""
    state = _destruction_of(log, entry)
    if entry.body_as(DestructionCountersigned).sha256 != state.sha256:
        message = "a counter-signature is under another certificate than was certified"
        break_off("destruction-digest", message, entry, state.certified)


def withdraw_record(log: LogState, entry: Entry) -> None:
    """A record is withdrawn by a party that provides records; no run that was asked for before goes on."""
    project = project_of(log, entry)
    if entry.actor.party not in project.terms.providers:
        message = "a record is withdrawn by a party that provides none"
        break_off("withdrawal-by-stranger", message, entry, project.seq)
    project.withdrawn[sys.intern(entry.actor.party)] = entry.seq


def set_hold(log: LogState, entry: Entry) -> None:
    """A hold is set once."""
    holds = log.projects[entry.of_project].holds
    known = holds.get(entry.of_object)
    if known is not None:
        break_off("hold-twice", "a legal hold is set twice", entry, known.seq)
    holds[entry.of_object] = HoldState(
        party=entry.actor.party,
        day=entry.time[:10],
        early=moment_before(entry),
        order=entry.body_as(LegalHoldSet).order,
        is_signed=entry.actor.signed is not None,
        seq=entry.seq,
    )


def lift_hold(log: LogState, entry: Entry) -> None:
    """A hold is lifted once, by the party that set it, and by no request from before it was set."""
    project, signed = log.projects[entry.of_project], entry.actor.signed
    hold = project.holds.get(entry.of_object)
    if hold is None or hold.lifted is not None:
        break_off("hold-unknown", "a legal hold is lifted that does not stand", entry)
    if signed is not None and signed.request.at < hold.early:
        message = "a legal hold is lifted by a request that was signed before it was set"
        break_off("hold-unknown", message, entry, hold.seq)
    if hold.party != entry.actor.party:
        message = "a legal hold is lifted by a party that has not set it"
        break_off("hold-by-stranger", message, entry, hold.seq)
    hold.lifted, hold.ended = entry.seq, entry.time[:10]


def all_certified(log: LogState) -> None:
    """After the last entry, no destruction was begun and then left without its certificate."""
    for state in log.destructions.values():
        due = date.fromisoformat(state.day) + timedelta(days=GRACE_DAYS)
        if state.certified is None and log.time[:10] > due.isoformat():
            raise BreachError(
                "destruction-missing",
                "a destruction was begun and never certified",
                index=state.seq,
                evidence={"begun": state.day, "last_time": log.time},
            )


def _destruction_of(log: LogState, entry: Entry) -> DestructionState:
    state = log.destructions.get(entry.of_object)
    if state is None or state.project != entry.project:
        break_off("destruction-unknown", "a destruction is named that was never begun", entry)
    return state


def _left(log: LogState, destruction: DestructionState) -> Iterator[int]:
    """Yield the entries of what was there when a destruction was begun, belongs to it, and is left."""
    if destruction.scope == "expired":
        return
    for upload, received in log.uploads.items():
        if _is_meant(destruction, received, received.party, upload):
            yield received.seq
    for release in log.releases.values():
        run = log.runs[release.run]
        if release.destroyed is None and (
            _is_meant(destruction, release, release.fetched_by)
            or _is_made(destruction, run, release)
        ):
            yield release.seq
    for run in log.runs.values():
        if run.goes_on and _is_made(destruction, run, run):
            yield run.seq
        yield from (one.seq for one in run.match_records if _is_made(destruction, run, one))
    for one in log.deliveries.values():
        # A party's are those that it has sent, and those that were sent to it.
        if one.destroyed is None and _is_meant(destruction, one, one.sender, one.recipient):
            yield one.seq
    for asked, review in log.reviews.items():
        if review.ended is None and _is_made(destruction, log.runs[asked], review):
            yield review.seq


def _is_meant(
    destruction: DestructionState, kept: Kept | RunState | ReviewState, *whose: str
) -> bool:
    is_older = kept.project == destruction.project and kept.seq < destruction.seq
    return is_older and (destruction.scope == "project" or destruction.subject in whose)


def _is_made(
    destruction: DestructionState, run: RunState, kept: Kept | RunState | ReviewState
) -> bool:
    """Tell whether something is made of a party's uploads, or of the one meant: by a run of its pair."""
    if destruction.compared == (run.round, frozenset(run.pair)):
        return kept.project == destruction.project and kept.seq < destruction.seq
    return _is_meant(destruction, kept, *run.pair)
