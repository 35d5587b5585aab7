"""Every way in which what one agreement let happen goes on under the next, which does not let it.

Each function takes a log, adds a project whose parties all sign the next version of their agreement, and
returns the entry that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import note
from samples.agreed import without
from samples.delivered_log import SHARED, DeliveringProject, StudyProject
from samples.log import SampleLog, link_pair
from samples.parties import ANN, CW, HEALTH, K12, SIGNERS
from samples.reviewed_log import ReviewedProject, reviewed_agreement
from samples.signed_log import SignedProject, accord_of

from schemas.matchlog import kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.run import Recipient, ReleaseMode

Break = Callable[[SampleLog], Entry]
MOVED = "moved"
AGENCIES = ("county-cw", "school-district")
TRIO = ("county-cw", "health-office", "school-district")


def spaced(agreement: Any, *apart: str) -> dict[str, Any]:
    """Return the clauses by which these parties receive in an ID space of their own, others in `shared`."""
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
    """Let all parties agree that these receive in an ID space of their own, and the others in `shared`."""
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


# Claims and statements, by the ID spaces of the round and of the terms in force.


def claimed_in_a_space_of_the_agreement_before(log: SampleLog) -> Entry:
    project, _ = linked(log)
    move(project, *AGENCIES)
    return log.rounds(MOVED).claim(CW, K12.party)


def claimed_in_a_space_of_the_next_agreement(log: SampleLog) -> Entry:
    project, _ = linked(log, *AGENCIES)
    move(project)
    return log.rounds(MOVED).claim(CW, K12.party)


def claimed_of_a_supplement_in_a_space_of_the_agreement_before(log: SampleLog) -> Entry:
    project = supplied(log)
    move(project, *AGENCIES)
    return project.claim(CW)


def stated_in_a_space_of_the_agreement_before(log: SampleLog) -> Entry:
    project = log.create_project("trio", providers=TRIO)
    for one, other in ((CW, HEALTH), (CW, K12), (HEALTH, K12)):
        link_pair(log, "trio", one, other)
    move(project, HEALTH.party)
    log.rounds("trio").state(CW)
    return log.rounds("trio").state(HEALTH)


def closed_early_since_claims_can_come_no_more(log: SampleLog) -> Entry:
    project, _ = linked(log)
    move(project, *AGENCIES)
    return log.rounds(MOVED).close()


# Uploads: they are compared by the terms in force, whatever bound as they came.


def _ran_on_earlier_uploads(log: SampleLog, **changes: Any) -> Entry:
    project = ReviewedProject(log, MOVED)
    uploads = project.uploads()
    _agree(project, **changes)
    return project.ask(uploads)


def ran_on_uploads_of_the_epoch_before(log: SampleLog) -> Entry:
    return _ran_on_earlier_uploads(log, epoch=2)


def ran_on_uploads_of_the_population_before(log: SampleLog) -> Entry:
    population = {**reviewed_agreement(MOVED).to_json()["population"], "code": "everyone"}
    return _ran_on_earlier_uploads(log, population=population)


def ran_on_uploads_that_are_too_large_now(log: SampleLog) -> Entry:
    return _ran_with_files_of(log, most=1_999)


def ran_on_uploads_that_are_too_small_now(log: SampleLog) -> Entry:
    return _ran_with_files_of(log, least=2_001)


def _ran_with_files_of(log: SampleLog, **size: int) -> Entry:
    limits = reviewed_agreement(MOVED).to_json()["limits"]
    files = [{**file, **size} if file["party"] == CW.party else file for file in limits["files"]]
    return _ran_on_earlier_uploads(log, limits={**limits, "files": files})


def ran_on_an_upload_of_who_has_left(log: SampleLog) -> Entry:
    project = log.create_project("trio", providers=TRIO)
    uploads = [
        log.upload("trio", CW, partner=HEALTH.party),
        log.upload("trio", HEALTH, partner=CW.party),
    ]
    _agree(project, **without(project.agreement, HEALTH.party))
    said = log.specification("trio", uploads)
    return log.ask(said.model_copy(update={"uploads": said.uploads[::-1]}))


def uploaded_with_the_secret_of_the_epoch_before(log: SampleLog) -> Entry:
    project = ReviewedProject(log, MOVED)
    first = log.upload(MOVED, CW)
    _agree(project, epoch=2)
    return log.upload(MOVED, K12, key_id=first.body.key_id)  # type: ignore[attr-defined]


# Runs: none outlives the agreement that it was asked for under.


def approved_under_the_next_agreement(log: SampleLog) -> Entry:
    project = ReviewedProject(log, MOVED)
    asked = project.ask()
    _amend(project)
    return project.approve(ANN, asked)


def standing_used_under_a_roster_of_the_next_agreement(log: SampleLog) -> Entry:
    project = SignedProject(log, MOVED).agree(accord_of(project=MOVED))
    _, standing = project.stand(K12)
    asked = project.ask()
    project.change_roster(K12, K12)
    return project.use(asked, K12.party, standing)


def _approved(log: SampleLog) -> tuple[ReviewedProject, Entry]:
    project = ReviewedProject(log, MOVED)
    asked = project.ask()
    project.approve(ANN, asked)
    return project, asked


def started_under_the_next_agreement(log: SampleLog) -> Entry:
    project, asked = _approved(log)
    _amend(project)
    return log.start(asked)


def finished_under_the_next_agreement(log: SampleLog) -> Entry:
    project, asked = _approved(log)
    log.start(asked)
    _amend(project)
    return log.append(log.finished(asked), project=MOVED, object=asked.object)


def released_under_the_next_agreement(log: SampleLog) -> Entry:
    project, asked = _approved(log)
    log.start(asked)
    log.append(log.finished(asked), project=MOVED, object=asked.object)
    _amend(project)
    return log.append(log.released(asked, CW.party), project=MOVED, object=log.id("rel"))


def released_blind_under_the_next_agreement(log: SampleLog) -> Entry:
    project = log.create_project(
        MOVED, recipients=(Recipient(party="county-cw", mode="blind", space="shared"),)
    )
    asked = log.finish_blind(MOVED)
    _amend(project)
    return log.release_blind(asked, CW.party)


def asked_about_under_the_next_agreement(log: SampleLog) -> Entry:
    project, asked = _approved(log)
    project.finish(asked)
    project.run, project.round = asked.object or "", 1
    _amend(project)
    return project.ask_review()


def questions_fetched_under_the_next_agreement(log: SampleLog) -> Entry:
    project = _reviewed(log)
    _amend(project)
    return project.fetch()


def answered_under_the_next_agreement(log: SampleLog) -> Entry:
    project = _reviewed(log)
    _amend(project)
    return project.answer()


def decided_under_the_next_agreement(log: SampleLog) -> Entry:
    project = _reviewed(log)
    project.answer()
    _amend(project)
    return project.decide()


def accepted_under_the_next_agreement(log: SampleLog) -> Entry:
    project = _reviewed(log)
    project.answer()
    project.decide(is_last=True)
    _amend(project)
    return project.end()


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


def run_cancelled_by_who_was_left_out(log: SampleLog) -> Entry:
    project = log.create_project("trio", providers=TRIO)
    uploads = [
        log.upload("trio", HEALTH, partner=K12.party),
        log.upload("trio", K12, partner=HEALTH.party),
    ]
    said = log.specification("trio", uploads).model_copy(update={"asked_by": HEALTH.party})
    asked = log.ask(said, actor=HEALTH)
    _agree(project, **without(project.agreement, HEALTH.party))
    body = kinds.RunCancelled(reason="by-agency")
    return log.append(body, project="trio", object=asked.object, actor=HEALTH)


# What is handed out.


def fetched_by_a_recipient_of_nothing(log: SampleLog) -> Entry:
    project, released = linked(log)
    agreement = project.agreement.to_json()
    recipients = [
        {**one, "mode": "none"} if one["party"] == K12.party else one
        for one in agreement["recipients"]
    ]
    directions = [
        one
        for one in agreement["directions"]
        if (one["giver"], one["receiver"]) != (CW.party, K12.party)
    ]
    _agree(project, recipients=recipients, directions=directions)
    log.fetch(released[0], CW)
    return log.fetch(released[1], K12)


def fetched_of_another_space(log: SampleLog) -> Entry:
    project, released = linked(log)
    move(project, *AGENCIES)
    return log.fetch(released[0], CW)


def fetched_for_who_gets_a_count(log: SampleLog) -> Entry:
    project = StudyProject(log)
    prepared = next(one for one in log.entries if isinstance(one.body, kinds.BlindReleasePrepared))
    (office,) = project.agreement.to_json()["recipients"]
    _agree(project, recipients=[{**office, "mode": "count"}])
    return log.fetch(prepared, CW)


def fetched_blind_by_who_has_left(log: SampleLog) -> Entry:
    blind = Recipient(party="county-cw", mode="blind", space="shared")
    project = log.create_project("trio", providers=TRIO, recipients=(blind,))
    released = _prepared(log, (HEALTH, K12), "blind")
    _agree(project, **without(project.agreement, HEALTH.party))
    return log.fetch(released, HEALTH)


def fetched_of_records_of_a_party_that_was_left_out(log: SampleLog) -> Entry:
    return _fetched_with_one_left_out(log, CW, HEALTH, "linked")


def fetched_of_records_of_a_party_that_has_withdrawn(log: SampleLog) -> Entry:
    return _fetched_with_one_left_out(log, CW, HEALTH, "linked", withdrawn=True)


def counted_records_of_a_party_that_was_left_out(log: SampleLog) -> Entry:
    return _fetched_with_one_left_out(log, HEALTH, K12, "count")


def fetched_blind_of_records_of_a_party_that_was_left_out(log: SampleLog) -> Entry:
    return _fetched_with_one_left_out(log, K12, HEALTH, "blind")


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


BETWEEN_BREAKS: dict[str, list[Break]] = {
    "claims-round": [
        claimed_in_a_space_of_the_agreement_before,
        claimed_in_a_space_of_the_next_agreement,
        claimed_of_a_supplement_in_a_space_of_the_agreement_before,
        stated_in_a_space_of_the_agreement_before,
    ],
    "run-upload": [
        ran_on_uploads_of_the_epoch_before,
        ran_on_uploads_of_the_population_before,
        ran_on_uploads_that_are_too_large_now,
        ran_on_uploads_that_are_too_small_now,
        ran_on_an_upload_of_who_has_left,
    ],
    "upload-key": [uploaded_with_the_secret_of_the_epoch_before],
    "round-deadline": [closed_early_since_claims_can_come_no_more],
    "run-agreement": [
        approved_under_the_next_agreement,
        standing_used_under_a_roster_of_the_next_agreement,
        started_under_the_next_agreement,
        finished_under_the_next_agreement,
        released_under_the_next_agreement,
        released_blind_under_the_next_agreement,
        asked_about_under_the_next_agreement,
        questions_fetched_under_the_next_agreement,
        answered_under_the_next_agreement,
        decided_under_the_next_agreement,
        accepted_under_the_next_agreement,
    ],
    "not-a-provider": [
        round_opened_by_who_was_left_out,
        round_superseded_by_who_was_left_out,
        run_cancelled_by_who_was_left_out,
    ],
    "fetch-unagreed": [
        fetched_by_a_recipient_of_nothing,
        fetched_of_another_space,
        fetched_for_who_gets_a_count,
        fetched_blind_by_who_has_left,
        fetched_of_records_of_a_party_that_was_left_out,
        fetched_of_records_of_a_party_that_has_withdrawn,
        counted_records_of_a_party_that_was_left_out,
        fetched_blind_of_records_of_a_party_that_was_left_out,
    ],
    "delivery-unagreed": [delivery_fetched_after_the_columns_were_dropped],
    "destroy-by": [
        left_after_an_earlier_day_was_agreed,
        left_after_a_day_that_was_over_when_it_was_agreed,
    ],
    "destruction-overdue": [left_after_terms_that_held],
}
