"""Steps about runs: asked for within the terms, on uploads that are there, in the right order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import cast

from schemas.agreement.agreement import ProjectTerms
from schemas.linkage.run import RunUpload
from schemas.matchlog.entry import Entry
from schemas.matchlog.run_kinds import (
    MatchRecordDestroyed,
    RunAsked,
    RunFailed,
    RunFinished,
    RunStarted,
)
from schemas.rules.approvals import forget_uses
from schemas.rules.keeping import keep_match_record, note_destroyed
from schemas.rules.log_state import Linked, LogState, RunState, UploadState
from schemas.rules.requests import runs_broker
from schemas.rules.round_state import RoundState
from schemas.rules.steps import (
    break_off,
    counts_reach_floor,
    days_of,
    difference_reaches_floor,
    is_in_time,
    is_under_own_agreement,
    project_of,
    run_of,
    upload_of,
)


def fits_terms(log: LogState, entry: Entry) -> None:
    """The specification repeats the terms, with all recipients and link-ID sets, and a party of its pair
    asks.
    """
    specification, project = entry.body_as(RunAsked).specification, project_of(log, entry)
    terms = project.terms
    checks = {
        "run-specification": (specification.run, specification.asked_by)
        == (entry.object, entry.actor.party),
        "run-agreement": (specification.project, specification.agreement)
        == (terms.project, project.agreement),
        "run-profile": (specification.profile, specification.epoch) == (terms.profile, terms.epoch),
        "run-policy": terms.allows(specification.policy) and specification.floor == terms.floor,
        "run-recipient": specification.recipients == terms.recipients,
        "run-space": specification.spaces == terms.spaces,
        "run-by-stranger": specification.asked_by in {one.party for one in specification.uploads},
    }
    for rule, holds in checks.items():
        if not holds:
            what = rule.removeprefix("run-").replace("by-stranger", "asker")
            message = f"a run was asked for with another {what} than the terms allow"
            break_off(rule, message, entry, project.seq)


def uses_uploads_as_received(log: LogState, entry: Entry) -> None:
    """Every upload that the specification names is there, stated as it was received, and fits the terms now."""
    terms = project_of(log, entry).terms
    for named in entry.body_as(RunAsked).specification.uploads:
        state = upload_of(log, entry, named.upload)
        stated = (named.party, named.container_sha256, named.manifest_sha256)
        if stated != (state.party, state.container_sha256, state.manifest_sha256):
            message = "a run states an upload otherwise than it was received"
            break_off("run-upload", message, entry, state.seq)
        if not _fits(state, terms):
            message = "a run takes an upload that the terms in force do not let come"
            break_off("run-upload", message, entry, state.seq)


def days_fit(log: LogState, entry: Entry) -> None:
    """The days that the files of a run describe lie no further apart than the terms allow."""
    gap = project_of(log, entry).terms.as_of_max_gap_days
    uploads = entry.body_as(RunAsked).specification.uploads
    if gap is None:
        return
    states = [upload_of(log, entry, named.upload) for named in uploads]
    days = sorted(date.fromisoformat(state.as_of) for state in states)
    if days[-1] - days[0] > timedelta(days=gap):
        message = "the files of a run describe days further apart than the terms allow"
        break_off("run-as-of", message, entry, project_of(log, entry).seq)


def is_of_one_pair(log: LogState, entry: Entry) -> None:
    """A run takes the uploads of one pair of the round that is open, not linked yet and without another run."""
    specification, project = entry.body_as(RunAsked).specification, project_of(log, entry)
    larger, smaller = specification.uploads
    pair, state = (larger.party, smaller.party), project.rounds.open
    if state is None or specification.round != state.number or pair not in state.pairs:
        message = "a run is of a round that is not open, or of a pair that it has not"
        break_off("run-pair", message, entry, None if state is None else state.seq)
    is_in_time(state, entry)
    for own, named in ((pair, larger), (pair[::-1], smaller)):
        upload = upload_of(log, entry, named.upload)
        if (upload.round, upload.party, upload.partner) != (state.number, *own):
            message = "a run takes an upload of another round or pair"
            break_off("run-pair", message, entry, upload.seq)
    before = log.runs[state.runs[pair]] if pair in state.runs else None
    if before is not None and (before.goes_on or before.stage == "finished"):
        message = "a pair is linked a second time in one round, or while another run of it goes on"
        break_off("run-pair", message, entry, before.seq)


def ask(log: LogState, entry: Entry) -> None:
    """A run is asked for once."""
    body, run = entry.body_as(RunAsked), entry.of_object
    if run in log.runs:
        break_off("run-twice", "a run is asked for twice", entry, log.runs[run].seq)
    project = project_of(log, entry)
    terms = project.terms
    # It was looked at before: the run is of one of its pairs.
    opened = cast(RoundState, project.rounds.open)
    policy, uploads = body.specification.policy, body.specification.uploads
    pair = (sys.intern(uploads[0].party), sys.intern(uploads[1].party))
    log.runs[run] = RunState(
        project=terms.project,
        round=body.specification.round,
        pair=pair,
        space=opened.pairs[pair],
        agreement=project.agreement,
        specification_sha256=body.specification_sha256,
        uploads=tuple(upload.upload for upload in uploads),
        # One value for all runs of the same recipients and policy: there are many runs and few terms.
        recipients=terms.recipients,
        policy=terms.policy if policy == terms.policy else policy,
        sizes=(log.uploads[uploads[0].upload].records, log.uploads[uploads[1].upload].records),
        uploaders=_uploaders(log, uploads),
        day=sys.intern(days_of(entry)[1]),
        seq=entry.seq,
    )
    opened.runs[pair] = run


def is_under_agreement(log: LogState, entry: Entry) -> None:
    """What becomes of a run does so under the agreement that it was asked for under: it outlives none."""
    is_under_own_agreement(run_of(log, entry), entry)


def start(log: LogState, entry: Entry) -> None:
    """A run starts, each time as a later attempt, while it has not ended and may go on."""
    run, attempt = run_of(log, entry), entry.body_as(RunStarted).attempt
    if not run.goes_on or attempt <= run.attempt:
        message = "a run starts after it ended, or repeats an attempt"
        break_off("run-order", message, entry, run.seq)
    _may_go_on(log, entry, run)
    run.stage, run.attempt = "started", attempt


def finish(log: LogState, entry: Entry) -> None:
    """A run finishes once, while under way and where it may go on, by the specification that was asked for."""
    run, body = run_of(log, entry), entry.body_as(RunFinished)
    if run.stage != "started":
        break_off("run-order", "a run finishes that was not under way", entry, run.seq)
    if body.specification_sha256 != run.specification_sha256:
        message = "a run finishes by another specification than was asked for"
        break_off("run-specification", message, entry, run.seq)
    _may_go_on(log, entry, run)
    auto = body.auto_pairs
    counts_reach_floor(log, entry, (auto,))
    _tells_of_links_alone(log, entry, body)
    if auto is not None and any(found.mode == "blind" for found in run.recipients):
        message = "the log tells agencies a count of a run of which one recipient is blind"
        break_off("blind-count", message, entry, run.seq)
    keep_match_record(log, entry, run, body.match_record_root, body.openings)
    log.unreleased.append((entry.of_object, entry.seq, entry.batch))
    run.stage, run.uploads, run.linked = "finished", (), (Linked(1, auto, entry.batch),)


def counts_are_agreed(log: LogState, entry: Entry) -> None:
    """What is shown of a run's pairs is what its policy allows for files of these sizes, one to one."""
    run, body = run_of(log, entry), entry.body_as(RunFinished)
    policy, (n_larger, n_smaller) = run.policy, run.sizes
    auto, rate = body.auto_pairs, policy.link_rate
    holds = (
        (auto or 0) <= min(n_larger, n_smaller)
        and (auto is None or Fraction(rate.least) * n_smaller <= auto)
        and (auto or 0) <= Fraction(rate.most) * n_smaller
    )
    if not holds:
        message = (
            "a run finds more pairs, or fewer, than its policy allows for files of their sizes"
        )
        break_off("run-counts", message, entry, run.seq)


def destroy_match_record(log: LogState, entry: Entry) -> None:
    """The match record that is destroyed was made, and was there until now."""
    run, body = run_of(log, entry), entry.body_as(MatchRecordDestroyed)
    root = bytes.fromhex(body.root)
    record = next((one for one in run.match_records if one.root == root), None)
    if record is None:
        message = "a match record is destroyed that was not made, or not there any more"
        break_off("match-record-unknown", message, entry, run.seq)
    note_destroyed(log, entry, "match-record", record)
    run.match_records = tuple(one for one in run.match_records if one.root != root)


def cancelled_by_its_own(log: LogState, entry: Entry) -> None:
    """A run is cancelled by one of the two agencies that it links, or by the operator."""
    run = run_of(log, entry)
    if not runs_broker(log, entry) and entry.actor.party not in run.pair:
        message = "a run is cancelled by an agency that it does not link"
        break_off("run-by-stranger", message, entry, run.seq)


def end_without_result(log: LogState, entry: Entry) -> None:
    """A run fails or is cancelled once, while it is open."""
    run = run_of(log, entry)
    if not run.goes_on:
        break_off("run-order", "a run ends that had ended before", entry, run.seq)
    if isinstance(entry.body, RunFailed) and entry.body.attempt < run.attempt:
        message = "an attempt fails that a later one had replaced"
        break_off("run-order", message, entry, run.seq)
    run.stage, run.uploads = "failed" if entry.kind == "run-failed" else "cancelled", ()
    forget_uses(log.projects[run.project], entry.of_object)


def _tells_of_links_alone(log: LogState, entry: Entry, body: RunFinished) -> None:
    """What is told of the linked pairs is told where their number is, and lets nobody compute a small count."""
    auto = body.auto_pairs
    if (body.expected_false is None, body.concordance is None) != (auto is None, auto is None):
        message = "a run tells of its links, but not how many they are, or the other way round"
        break_off("links-untold", message, entry)
    if auto is not None and cast(int, body.expected_false) > 100 * auto:
        message = "a run expects more of its links to be wrong than it has"
        break_off("links-untold", message, entry)
    fields = body.concordance or ()
    names = [one.field for one in fields]
    if len(set(names)) != len(names):
        break_off("links-untold", "a run tells twice how its links agree on a field", entry)
    for one in fields:
        counts_reach_floor(log, entry, (one.apart, one.other, one.missing))
        for others in ((one.apart,), (one.missing,), (one.apart, one.missing)):
            difference_reaches_floor(log, entry, auto, *others)
        difference_reaches_floor(log, entry, one.apart, one.other)


def _may_go_on(log: LogState, entry: Entry, run: RunState) -> None:
    """Check that a run's uploads are there, its round is open, and no record of them was withdrawn."""
    for upload in run.uploads:
        upload_of(log, entry, upload)
    project = project_of(log, entry)
    state = project.rounds.open
    if state is None or state.number != run.round:
        break_off("run-pair", "a run goes on of a round that is not open", entry, run.seq)
    is_in_time(state, entry)
    withdrawn = max(project.withdrawn.get(party, 0) for party in run.pair)
    if withdrawn > run.seq:
        message = "a run goes on, of whose records one was withdrawn since it was asked for"
        break_off("record-withdrawn", message, entry, withdrawn)


def _fits(upload: UploadState, terms: ProjectTerms) -> bool:
    """Tell whether the terms let an upload come that came by them, or by those of an agreement before."""
    came = upload.terms
    agreed = (terms.profile, terms.epoch, terms.population)
    if (came.profile, came.epoch, came.population) != agreed:
        return False
    # Of a party that the terms leave out nothing came in their epoch, which is another one.
    size = terms.file_size(upload.party)
    return size.least <= upload.records <= size.most


def _uploaders(log: LogState, uploads: Sequence[RunUpload]) -> frozenset[str]:
    persons = (log.uploads[named.upload].person for named in uploads)
    return frozenset(person for person in persons if person is not None)
