"""Every way in which what one agreement let happen goes on under the next, which does not let it.

Each function takes a log, adds a project whose parties all sign the next version of their agreement, and
returns the entry that breaks a rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from breaks.destruction import note
from breaks.rules import Break, ways
from samples.agreed import without
from samples.delivered_log import SHARED, DeliveringProject
from samples.log import SampleLog
from samples.parties import ANN, CW, HEALTH, K12, SIGNERS
from samples.reviewed_log import ReviewedProject, reviewed_agreement
from samples.signed_log import SignedProject

from schemas.linkage.run import Recipient, ReleaseMode
from schemas.matchlog.entry import Actor, Entry

MOVED = "moved"
AGENCIES = ("county-cw", "school-district")
TRIO = ("county-cw", "health-office", "school-district")


def spaced(agreement: Any, *apart: str) -> dict[str, Any]:
    """Return the clauses by which these parties receive in a link-ID set of their own, others in `shared`."""
    recipients = [
        {**one, "space": one["party"] if one["party"] in apart else "shared"}
        for one in agreement.to_json()["recipients"]
    ]
    names = sorted({one["space"] for one in recipients})
    return {
        "recipients": recipients,
        "spaces": [{"name": name, "lifetime": "lasting"} for name in names],
    }


def move(project: SignedProject, *apart: str) -> None:
    """Let all parties agree that these receive in a link-ID set of their own, and the others in `shared`."""
    _agree(project, **spaced(project.agreement, *apart))


def _agree(project: SignedProject, **changes: Any) -> None:
    """Let all parties sign the next version, with these changes; no round is opened for that."""
    project.propose(project.amended(**changes))
    for party in project.agreement.names():
        project.consent(SIGNERS[party])
    project.in_force()


def linked(log: SampleLog, *apart: str) -> tuple[ReviewedProject, list[Entry]]:
    """Return a project whose pair is linked in the open round, and its releases."""
    changes = spaced(reviewed_agreement(MOVED), *apart)
    project = ReviewedProject(log, MOVED, review=None, elements=[], **changes)
    asked = project.ask()
    project.approve(ANN, asked)
    log.start(asked)
    project.run, project.round = asked.object or "", 1
    log.append(log.finished(asked), project=MOVED, object=asked.object)
    released = [
        log.append(
            log.released(asked, party, space=party if party in apart else "shared"),
            project=MOVED,
            object=log.id("rel"),
        )
        for party in AGENCIES
    ]
    return project, released


def supplied(log: SampleLog) -> ReviewedProject:
    """Return a project with a supplement that is open and prepared."""
    project = _reviewed(log)
    project.answer()
    project.decide(is_last=True)
    project.end()
    project.supplement()
    return project


def _reviewed(log: SampleLog) -> ReviewedProject:
    project = ReviewedProject(log, MOVED)
    project.linked()
    return project


def _amend(project: SignedProject) -> None:
    """Let all parties agree on something that no entry looks at."""
    _agree(project, end="2027-07-31")


# Claims and statements, by the link-ID sets of the round and of the terms in force.


def claimed_of_a_supplement_by_a_pair_without_a_space(log: SampleLog) -> Entry:
    apart = spaced(reviewed_agreement(MOVED), *AGENCIES)
    project = ReviewedProject(log, MOVED, **apart)
    asked = project.ask()
    project.approve(ANN, asked)
    log.start(asked)
    log.append(log.finished(asked), project=MOVED, object=asked.object)
    for party in AGENCIES:
        body = log.released(asked, party, space=party)
        log.append(body, project=MOVED, object=log.id("rel"))
    project.run = asked.object or ""
    project.ask_review()
    project.answer()
    project.decide(is_last=True)
    project.end()
    return project.claim(CW)


# Uploads: they are compared by the terms in force, whatever bound as they came.


def _ran_on_earlier_uploads(log: SampleLog, **changes: Any) -> Entry:
    project = ReviewedProject(log, MOVED)
    uploads = project.uploads()
    _agree(project, **changes)
    return project.ask(uploads)


def uploaded_with_the_secret_of_the_epoch_before(log: SampleLog) -> Entry:
    project = ReviewedProject(log, MOVED)
    first = log.upload(MOVED, CW)
    _agree(project, epoch=2)
    return log.upload(MOVED, K12, key_id=first.body.key_id)  # type: ignore[attr-defined]


# Runs: none outlives the agreement that it was asked for under.


def _approved(log: SampleLog) -> tuple[ReviewedProject, Entry]:
    project = ReviewedProject(log, MOVED)
    asked = project.ask()
    project.approve(ANN, asked)
    return project, asked


def started_under_the_next_agreement(log: SampleLog) -> Entry:
    project, asked = _approved(log)
    _amend(project)
    return log.start(asked)


# What a party still does that the next version leaves out.


def round_opened_by_who_was_left_out(log: SampleLog) -> Entry:
    project, rounds = log.create_project("trio", providers=TRIO), log.rounds("trio")
    log.moment += timedelta(days=log.terms["trio"].round_days)
    rounds.close()
    _agree(project, **without(project.agreement, HEALTH.party))
    return rounds.open(HEALTH)


def round_superseded_by_who_was_left_out(log: SampleLog) -> Entry:
    project = log.create_project("trio", providers=TRIO)
    _agree(project, **without(project.agreement, HEALTH.party))
    return log.rounds("trio").supersede(HEALTH)


# What is handed out.


def _fetched_with_one_left_out(
    log: SampleLog, one: Actor, other: Actor, mode: ReleaseMode, *, withdrawn: bool = False
) -> Entry:
    """Link two of three, leave the office out, and let the first fetch; what is of the others it may."""
    to = Recipient(party=CW.party, mode=mode, space="shared")
    project = log.create_project("trio", providers=TRIO, recipients=(to,))
    prepared = [_prepared(log, pair, mode) for pair in ((CW, K12), (one, other))]
    if withdrawn:
        project.notice(HEALTH, "withdraw")
    _agree(project, **without(project.agreement, HEALTH.party))
    log.fetch(prepared[0], CW)
    return log.fetch(prepared[1], one if mode == "blind" else CW)


def _prepared(log: SampleLog, pair: tuple[Actor, Actor], mode: ReleaseMode) -> Entry:
    """Link a pair of the three, and return the release, or of sealed ones that of the first of the two."""
    one, other = pair
    uploads = [
        log.upload("trio", one, partner=other.party),
        log.upload("trio", other, partner=one.party),
    ]
    said = log.specification("trio", uploads).model_copy(update={"asked_by": one.party})
    asked = log.ask(said, actor=one)
    log.start(asked)
    log.append(log.finished(asked), project="trio", object=asked.object)
    if mode == "blind":
        return log.release_blind(asked, one.party)
    said = {"matches": None} if mode == "count" else {}
    body = log.released(asked, CW.party, mode=mode, **said)
    return log.append(body, project="trio", object=log.id("rel"))


def delivery_fetched_after_the_columns_were_dropped(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.fetch_delivery(received)
    _agree(project, elements=SHARED[1:])
    return project.fetch_delivery(received)


# What is left, by the terms of the last day, though the project has no entry under them.


def left_after_an_earlier_day_was_agreed(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = log.create_project("short")
    received = log.upload("short", CW)
    last = (log.moment + timedelta(days=4)).date().isoformat()
    retention = project.agreement.to_json()["retention"]
    _agree(project, end=last, retention={**retention, "destroy_by": last})
    log.moment += timedelta(days=6) - early
    note(log)
    return received


def left_after_a_day_that_was_over_when_it_was_agreed(
    log: SampleLog, early: timedelta = timedelta()
) -> Entry:
    last = (log.moment + timedelta(days=4)).date().isoformat()
    project = log.create_project("short")
    received = log.upload("short", CW)
    log.moment += timedelta(days=9)
    retention = project.agreement.to_json()["retention"]
    _agree(project, end=last, retention={**retention, "destroy_by": last})
    log.moment += timedelta(days=2) - early
    note(log)
    return received


def left_after_terms_that_held(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = log.create_project("held", has_legal_hold=True, keep_encodings_days=7)
    received = log.upload("held", CW)
    log.moment += timedelta(days=9)
    retention = project.agreement.to_json()["retention"]
    _agree(project, retention={**retention, "legal_hold": None})
    log.moment += timedelta(days=2) - early
    note(log)
    return received


BETWEEN_BREAKS: dict[str, dict[str, Break]] = {
    "claims-round": ways(claimed_of_a_supplement_by_a_pair_without_a_space),
    "run-upload": ways(
        ran_on_uploads_of_the_epoch_before=lambda log: _ran_on_earlier_uploads(log, epoch=2)
    ),
    "upload-key": ways(uploaded_with_the_secret_of_the_epoch_before),
    "run-agreement": ways(started_under_the_next_agreement),
    "not-a-provider": ways(round_opened_by_who_was_left_out, round_superseded_by_who_was_left_out),
    "fetch-unagreed": ways(
        fetched_of_records_of_a_party_that_was_left_out=lambda log: _fetched_with_one_left_out(
            log, CW, HEALTH, "linked"
        ),
        fetched_of_records_of_a_party_that_has_withdrawn=lambda log: _fetched_with_one_left_out(
            log, CW, HEALTH, "linked", withdrawn=True
        ),
    ),
    "delivery-unagreed": ways(delivery_fetched_after_the_columns_were_dropped),
    "destroy-by": ways(
        left_after_an_earlier_day_was_agreed, left_after_a_day_that_was_over_when_it_was_agreed
    ),
    "destruction-overdue": ways(left_after_terms_that_held),
}
