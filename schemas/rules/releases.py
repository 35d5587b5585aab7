"""Steps about releases: made of finished runs, for named recipients, fetched by them alone, then destroyed."""

from __future__ import annotations

import sys
from collections.abc import Collection

from schemas.matchlog.entry import Entry
from schemas.matchlog.release_kinds import (
    BlindReleasePrepared,
    ReleaseDestroyed,
    ReleaseFetched,
    ReleasePrepared,
    ReleaseVerified,
)
from schemas.rules.approvals import fetch_is_approved
from schemas.rules.breach import BreachError, Evidence
from schemas.rules.finality import note_handed_out
from schemas.rules.keeping import is_handed_out_in_time, last_day, note_destroyed
from schemas.rules.log_state import Linked, LogState, ReleaseState, RunState
from schemas.rules.requests import may_act
from schemas.rules.steps import (
    break_off,
    counts_reach_floor,
    is_under_own_agreement,
    project_of,
)


def prepare(log: LogState, entry: Entry) -> None:
    """A release is made once, as a run finishes, for a recipient, mode and link-ID set that the run names.

    A further one, of a higher number, is made of what a review of the run ends with.
    """
    body = entry.body_as(ReleasePrepared)
    modes = {"linked", "count"} & {body.mode}
    run, linked = _prepare(log, entry, body, modes, (body.recipient,))
    if body.mode == "linked":
        _has_records(run, body.recipient, entry)
    counts_reach_floor(log, entry, (body.matches,))
    # A total has no match ID, and how high it is the log does not say.
    said = (linked.pairs,) if body.mode == "linked" else (None, 0)
    if body.matches not in said:
        message = "a release says another number of matches than the end of its run or review"
        break_off("release-matches", message, entry, run.seq)


def prepare_blind(log: LogState, entry: Entry) -> None:
    """A blind release is made once, as a run finishes, for a recipient of this mode and each agency."""
    body = entry.body_as(BlindReleasePrepared)
    run, _ = _prepare(log, entry, body, {"blind"}, (body.agency, body.recipient))
    _has_records(run, body.agency, entry)


def fetch(log: LogState, entry: Entry) -> None:
    """A release is fetched, any number of times, by its recipient or its agency, as it was prepared."""
    body = entry.body_as(ReleaseFetched)
    release = _release_of(log, entry)
    if not entry.actor.party == body.recipient == release.fetched_by:
        message = "a release is fetched by another party than the one that it is for"
        break_off("fetch-by-stranger", message, entry, release.seq)
    _has_digest(release, body.sha256, entry)
    _is_there(release, entry)
    run, rounds = log.runs[release.run], project_of(log, entry).rounds
    _is_still_agreed(log, entry, release, run)
    is_handed_out_in_time(release, entry)
    if run.round in rounds.superseded:
        message = "a release is fetched of a round that was superseded"
        break_off("round-superseded", message, entry, release.seq)
    fetch_is_approved(log, entry, run)
    if not release.is_blind:
        may_act(log, entry, ("recipient",))
    note_handed_out(log, entry, release.seq)
    release.is_fetched = True
    if rounds.open is not None and rounds.open.number == run.round:
        rounds.open.is_fetched = True


def verify(log: LogState, entry: Entry) -> None:
    """Who has fetched a release states that it is what was prepared."""
    body = entry.body_as(ReleaseVerified)
    release = _release_of(log, entry)
    is_by_fetcher = entry.actor.party == body.recipient == release.fetched_by
    if not (is_by_fetcher and release.is_fetched):
        message = "a release is said to be verified by a party that has not fetched it"
        break_off("verify-unfetched", message, entry, release.seq)
    _has_digest(release, body.sha256, entry)
    _is_there(release, entry)
    if not release.is_blind:
        may_act(log, entry, ("recipient",))
    release.is_verified = True


def destroy(log: LogState, entry: Entry) -> None:
    """What is destroyed was there, and is what was prepared."""
    release = _release_of(log, entry)
    _has_digest(release, entry.body_as(ReleaseDestroyed).sha256, entry)
    _is_there(release, entry)
    note_destroyed(log, entry, "release", release)
    release.destroyed = entry.seq


def all_made(log: LogState, batch: int | None) -> None:
    """In the batch that a run ends with, each recipient gets a release; None: there is no other batch."""
    for run, seq, of in [one for one in log.unreleased if one[2] != batch]:
        missing = log.runs[run].owed - set(log.runs[run].released_to)
        if missing:
            message = "a run finished, and there is no release for one of its recipients"
            evidence: Evidence = {"run": run, "recipient": min(missing)}
            raise BreachError("release-missing", message, index=seq, evidence=evidence)
        log.unreleased.remove((run, seq, of))


def _prepare(
    log: LogState,
    entry: Entry,
    body: ReleasePrepared | BlindReleasePrepared,
    modes: Collection[str],
    parties: tuple[str, ...],
) -> tuple[RunState, Linked]:
    """Note a release; `parties` names who fetches it, then whom else it is for, once a run and number."""
    number = body.number if isinstance(body, ReleasePrepared) else 1
    release, run = entry.of_object, log.runs.get(body.run)
    if run is None or run.project != entry.project or run.stage != "finished":
        message = "a release is made of a run that has not finished"
        break_off("release-without-run", message, entry, None if run is None else run.seq)
    is_under_own_agreement(run, entry)
    linked = next((one for one in run.linked if one.number == number), None)
    if linked is None:
        message = "a further release is made of a run, and no review has ended with it"
        break_off("supplement-unasked", message, entry, run.seq)
    once = sys.intern(" ".join(parties) if number == 1 else f"{number} {parties[0]}")
    if release in log.releases or once in run.released_to:
        break_off("release-twice", "a run is released twice to one recipient", entry, run.seq)
    granted = {(r.party, r.space): r for r in run.recipients if r.mode in modes}
    recipient = granted.get((body.recipient, body.space))
    if recipient is None:
        message = (
            "a release is made for a recipient, mode or link-ID set that the run does not name"
        )
        break_off("release-to-stranger", message, entry, run.seq)
    if linked.batch != entry.batch:
        message = "a release is not made at once as its run finishes, or its review ends"
        break_off("release-late", message, entry, run.seq)
    run.released_to += (once,)
    fetched_by = sys.intern(parties[0])
    due = sys.intern(last_day(entry, project_of(log, entry).terms.keep_links_days))
    log.releases[release] = ReleaseState(
        run.project, sys.intern(body.run), recipient, fetched_by, body.sha256, due, entry.seq
    )
    return run, linked


def _has_records(run: RunState, party: str, entry: Entry) -> None:
    if party not in run.pair:
        message = "a release is about records of a party whose file the run did not compare"
        break_off("release-to-stranger", message, entry, run.seq)


def _is_still_agreed(log: LogState, entry: Entry, release: ReleaseState, run: RunState) -> None:
    """Check that the terms now have the recipient as it is, and both whose records it is about as providers."""
    project = project_of(log, entry)
    terms = project.terms
    if release.recipient not in terms.recipients or not {*run.pair} <= {*terms.providers}:
        message = "a release is fetched that the terms in force do not let this party have any more"
        break_off("fetch-unagreed", message, entry, project.seq)


def _release_of(log: LogState, entry: Entry) -> ReleaseState:
    release = log.releases.get(entry.of_object)
    if release is None or release.project != entry.project:
        break_off("fetch-unprepared", "a release is used that was never prepared", entry)
    return release


def _has_digest(release: ReleaseState, sha256: str, entry: Entry) -> None:
    if sha256 != release.sha256:
        message = "what was fetched or destroyed is not what was prepared"
        break_off("fetch-digest", message, entry, release.seq)


def _is_there(release: ReleaseState, entry: Entry) -> None:
    if release.destroyed is not None:
        message = "a release is used after it was destroyed"
        break_off("release-destroyed", message, entry, release.destroyed)
