"""Every way in which what one agreement let happen goes on under the next, which does not let it.

Each function takes a log, adds a project whose parties all sign the next version of their agreement, and
returns the entry that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samples.delivered_log import SHARED, DeliveringProject, StudyProject
from samples.log import SampleLog, link_pair
from samples.parties import ANN, CW, HEALTH, K12, SIGNERS
from samples.reviewed_log import ReviewedProject, reviewed_agreement
from samples.signed_log import SignedProject, accord_of

from schemas.matchlog import kinds
from schemas.matchlog.entry import Entry
from schemas.run import Recipient

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


def _leave_out(project: SignedProject, gone: str) -> None:
    """Let all others agree on what a party has no part in."""
    raw = project.agreement.to_json()
    _agree(
        project,
        epoch=2,
        parties=[one for one in raw["parties"] if one["name"] != gone],
        recipients=[one for one in raw["recipients"] if one["party"] != gone],
        directions=[d for d in raw["directions"] if gone not in (d["giver"], d["receiver"])],
        elements=[one for one in raw["elements"] if one["party"] != gone],
        limits=_with_files(project, lambda file: file["party"] != gone),
    )


def _with_files(project: SignedProject, keeps: Callable[[Any], bool]) -> dict[str, Any]:
    limits = project.agreement.to_json()["limits"]
    return {**limits, "files": [file for file in limits["files"] if keeps(file)]}


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
    _leave_out(project, HEALTH.party)
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
    uploads = [
        log.upload("trio", HEALTH, partner=K12.party),
        log.upload("trio", K12, partner=HEALTH.party),
    ]
    said = log.specification("trio", uploads).model_copy(update={"asked_by": HEALTH.party})
    asked = log.ask(said, actor=HEALTH)
    log.start(asked)
    log.append(log.finished(asked), project="trio", object=asked.object)
    released = log.release_blind(asked, HEALTH.party)
    _leave_out(project, HEALTH.party)
    return log.fetch(released, HEALTH)


def delivery_fetched_after_the_columns_were_dropped(log: SampleLog) -> Entry:
    project = DeliveringProject(log)
    received = project.deliver()
    project.fetch_delivery(received)
    _agree(project, elements=SHARED[1:])
    return project.fetch_delivery(received)


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
    "fetch-unagreed": [
        fetched_by_a_recipient_of_nothing,
        fetched_of_another_space,
        fetched_for_who_gets_a_count,
        fetched_blind_by_who_has_left,
    ],
    "delivery-unagreed": [delivery_fetched_after_the_columns_were_dropped],
}
