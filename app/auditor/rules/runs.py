"""Steps about runs: asked for within the terms, on uploads that are there, in the right order."""

from __future__ import annotations

from typing import cast

from app.auditor.ledger import Ledger, RunState
from app.auditor.rules.steps import (
    break_off,
    counts_reach_floor,
    difference_reaches_floor,
    object_of,
    project_of,
    run_of,
    upload_of,
)
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import (
    MatchRecordDestroyed,
    RunAsked,
    RunFailed,
    RunFinished,
    RunStarted,
)


def fits_terms(ledger: Ledger, entry: Entry) -> None:
    """The specification repeats the terms, and adds no recipient, ID space or asker to them."""
    specification, project = cast(RunAsked, entry.body).specification, project_of(ledger, entry)
    terms = project.terms
    parties = {*terms.providers, *(recipient.party for recipient in terms.recipients)}
    checks = {
        "run-specification": (specification.run, specification.asked_by)
        == (entry.object, entry.actor.party),
        "run-agreement": (specification.project, specification.agreement)
        == (terms.project, project.agreement),
        "run-profile": (specification.profile, specification.epoch) == (terms.profile, terms.epoch),
        "run-policy": (specification.policy, specification.floor) == (terms.policy, terms.floor),
        "run-recipient": set(specification.recipients) <= set(terms.recipients),
        "run-space": set(specification.spaces) <= set(terms.spaces),
        "run-by-stranger": specification.asked_by in parties,
    }
    for rule, holds in checks.items():
        if not holds:
            what = rule.removeprefix("run-").replace("by-stranger", "asker")
            message = f"a run was asked for with another {what} than the terms allow"
            break_off(rule, message, entry, project.seq)


def uses_uploads_as_received(ledger: Ledger, entry: Entry) -> None:
    """Every upload that the specification names is there, and is stated as it was received."""
    for named in cast(RunAsked, entry.body).specification.uploads:
        state = upload_of(ledger, entry, named.upload)
        stated = (named.party, named.container_sha256, named.manifest_sha256)
        if stated != (state.party, state.container_sha256, state.manifest_sha256):
            message = "a run states an upload otherwise than it was received"
            break_off("run-upload", message, entry, state.seq)


def ask(ledger: Ledger, entry: Entry) -> None:
    """A run is asked for once."""
    body, run = cast(RunAsked, entry.body), object_of(entry)
    if run in ledger.runs:
        break_off("run-twice", "a run is asked for twice", entry, ledger.runs[run].seq)
    terms, named = project_of(ledger, entry).terms, body.specification.recipients
    ledger.runs[run] = RunState(
        project=terms.project,
        specification_sha256=body.specification_sha256,
        uploads=tuple(upload.upload for upload in body.specification.uploads),
        # One value for all runs of the same recipients: there are many runs and few terms.
        recipients=terms.recipients if named == terms.recipients else named,
        seq=entry.seq,
    )


def start(ledger: Ledger, entry: Entry) -> None:
    """A run starts while it is open, each time as a later attempt, and its uploads are still there."""
    run, attempt = run_of(ledger, entry), cast(RunStarted, entry.body).attempt
    if run.stage not in {"asked", "started"} or attempt <= run.attempt:
        message = "a run starts after it ended, or repeats an attempt"
        break_off("run-order", message, entry, run.seq)
    for upload in run.uploads:
        upload_of(ledger, entry, upload)
    run.stage, run.attempt = "started", attempt


def finish(ledger: Ledger, entry: Entry) -> None:
    """A run finishes once, while under way, by the specification that was asked for."""
    run, body = run_of(ledger, entry), cast(RunFinished, entry.body)
    if run.stage != "started":
        break_off("run-order", "a run finishes that was not under way", entry, run.seq)
    if body.specification_sha256 != run.specification_sha256:
        message = "a run finishes by another specification than was asked for"
        break_off("run-specification", message, entry, run.seq)
    counts = (body.candidate_pairs, body.auto_pairs, body.review_pairs, body.groups)
    counts_reach_floor(ledger, entry, counts)
    candidates, auto, review, _ = counts
    for others in ((auto,), (review,), (auto, review)):
        difference_reaches_floor(ledger, entry, candidates, *others)
    linked = {recipient.party for recipient in run.recipients if recipient.mode == "linked"}
    if not linked.issuperset(openings.party for openings in body.openings):
        message = "a match record can be opened by a party that receives no link IDs"
        break_off("openings-to-stranger", message, entry, run.seq)
    if body.match_record_root is not None:
        run.match_record = bytes.fromhex(body.match_record_root)
    elif body.openings:
        message = "there are openings of a match record that was not made"
        break_off("match-record-unknown", message, entry, run.seq)
    run.stage, run.uploads = "finished", ()


def destroy_match_record(ledger: Ledger, entry: Entry) -> None:
    """The match record that is destroyed was made, and was there until now."""
    run, body = run_of(ledger, entry), cast(MatchRecordDestroyed, entry.body)
    if run.match_record != bytes.fromhex(body.root):
        message = "a match record is destroyed that was not made, or not there any more"
        break_off("match-record-unknown", message, entry, run.seq)
    run.match_record = None


def end_without_result(ledger: Ledger, entry: Entry) -> None:
    """A run fails or is cancelled once, while it is open."""
    run = run_of(ledger, entry)
    if run.stage not in {"asked", "started"}:
        break_off("run-order", "a run ends that had ended before", entry, run.seq)
    if isinstance(entry.body, RunFailed) and entry.body.attempt < run.attempt:
        message = "an attempt fails that a later one had replaced"
        break_off("run-order", message, entry, run.seq)
    run.stage, run.uploads = "failed" if entry.kind == "run-failed" else "cancelled", ()
