"""Every way to break a rule about what is overdue, done by a broker that signs what it did.

Each function takes a log in which a project `foster` has an open round, and returns the entry that breaks
its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import CERTIFICATE, begin, certify, hold
from samples.log import SampleLog
from samples.parties import ANN, CW, K12, STRANGER
from samples.reviewed_log import ReviewedProject
from samples.signed_log import ACCORD, SignedProject, accord_of

from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import DeadlinePassed

Break = Callable[[SampleLog], Entry]
FOSTER, LATE = "foster", "late"
DAY = timedelta(days=1)
DUTIES = {
    "approval": "approver",
    "certificate": "operator",
    "agreement": "steward",
}
RELEASES_TOO = {
    "runs": "standing",
    "parties": ["county-cw", "school-district"],
    "asker_suffices": False,
    "releases": True,
}
COSIGNED = {"cosigners": 1, "delays_release": False}


def note(log: SampleLog, what: str, thing: str, since: str, **fields: Any) -> Entry:
    """Note that something is overdue, by default of county-cw in the project foster."""
    stated = {name: fields.pop(name) for name in ("party", "duty") if name in fields}
    duty = DUTIES.get(what, "operator" if thing in ("kept", "key-ring") else "analyst")
    body = DeadlinePassed.model_validate(
        {
            "what": what,
            "object": thing,
            "party": "county-cw",
            "duty": duty,
            "since": since,
            **stated,
        }
    )
    return log.append(body, **{"project": FOSTER, **fields})


def _late_upload(log: SampleLog, **fields: Any) -> Entry:
    """Note a day after the opening that a file of the open round is missing."""
    number, due = log.rounds(FOSTER).number, log.now(DAY)
    log.moment += DAY
    return note(log, "upload", f"round-{number}", due, **fields)


def _weekly(log: SampleLog, due: str | None = "22:00", **changes: Any) -> None:
    """Let a weekly project have had its first round."""
    log.create_project(LATE, frequency="weekly", due=due, **changes)
    log.moment += timedelta(days=7)
    log.rounds(LATE).close()


def _late_round(log: SampleLog, days: int = 7, time: str = "22:00:00", **fields: Any) -> Entry:
    opened = log.moment - timedelta(days=7)
    since = (opened + timedelta(days=days)).strftime(f"%Y-%m-%dT{time}Z")
    log.moment += DAY
    number = fields.pop("number", log.rounds(LATE).last + 1)
    return note(log, "round", f"round-{number}", since, project=LATE, **fields)


def _asked(log: SampleLog, **changes: Any) -> tuple[SignedProject, Entry, str]:
    """A run that waits for approvals since a day, and since when it is late."""
    project = SignedProject(log).agree(accord_of(approvals=RELEASES_TOO, **changes))
    asked = project.ask()
    log.moment += DAY
    return project, asked, log.now()


def _finished(log: SampleLog, **changes: Any) -> tuple[SignedProject, Entry, str]:
    """A run that has finished a day ago."""
    project, asked, _ = _asked(log, **changes)
    for who in (ANN, K12):
        project.approve(who, asked)
    project.finish(asked)
    log.moment += DAY
    return project, asked, log.now()


def everything_overdue(log: SampleLog) -> None:
    """Add an honest story in which everything is overdue once."""
    _late_upload(log)
    _late_upload_of_the_other(log)
    _weekly(log)
    _late_round(log)
    _late_round_of_the_other(log)
    note(log, "witness", "log", log.now(), project=LATE)
    note(log, "key", "secret-1", log.now(), project=LATE)
    note(log, "key", "key-ring", log.now(), project=None)
    note(log, "destruction", "kept", log.now(), project=LATE)
    begin(log, "expired", project=LATE, object="crt-" + "7" * 32)
    note(log, "certificate", "crt-" + "7" * 32, log.now(), project=LATE)
    certify(log, project=LATE, object="crt-" + "7" * 32)
    note(log, "destruction", "crt-" + "7" * 32, log.now(), project=LATE)
    project, asked, since = _asked(log, finality=COSIGNED)
    for party in ("county-cw", "school-district"):
        note(log, "approval", asked.object or "", since, project=ACCORD, party=party)
    for who in (ANN, K12):
        project.approve(who, asked)
    releases = project.finish(asked)
    log.moment += DAY
    project.approve(ANN, asked, "release", expires=log.now(DAY))
    note(log, "approval", asked.object or "", log.now(), project=ACCORD, party="school-district")
    note(log, "cosignature", asked.object or "", log.now(), project=ACCORD)
    log.moment += DAY
    # What lapsed before the other came is owed again.
    note(log, "approval", asked.object or "", log.now(), project=ACCORD)
    for release in releases:
        log.destroy_release(release)
    for received in log.entries:
        if received.project == ACCORD and received.kind == "upload-received":
            log.destroy(received)
    review = _reviewed(log)
    _late_cards(review)
    review.answer()
    log.moment += timedelta(days=10)
    _late_decisions(review)
    review.decide()
    review.end()
    end = {"end": (log.moment + timedelta(days=20)).strftime("%Y-%m-%d"), "frequency": "on-request"}
    log.create_project("ending", **end)
    note(log, "agreement", "agreement", _since_end(log), project="ending")


def _since_end(log: SampleLog) -> str:
    return (log.moment - timedelta(days=10)).strftime("%Y-%m-%dT00:00:00Z")


def _late_upload_of_the_other(log: SampleLog) -> Entry:
    number = log.rounds(FOSTER).number
    return note(log, "upload", f"round-{number}", log.now(), party="school-district")


def _late_round_of_the_other(log: SampleLog) -> Entry:
    log.moment -= DAY
    return _late_round(log, party="school-district")


# Too early, or twice.


def noted_before_it_was_due(log: SampleLog) -> Entry:
    number = log.rounds(FOSTER).number
    return note(log, "upload", f"round-{number}", log.now(DAY))


def noted_twice(log: SampleLog) -> Entry:
    _late_upload(log)
    number = log.rounds(FOSTER).number
    return note(log, "upload", f"round-{number}", log.now())


def key_ring_noted_twice(log: SampleLog) -> Entry:
    since = log.now()
    note(log, "key", "key-ring", since, project=None)
    log.moment += DAY
    return note(log, "key", "key-ring", since, project=None)


# Not owed.


def noted_by_a_party(log: SampleLog) -> Entry:
    return _late_upload(log, actor=CW)


def key_ring_of_a_project(log: SampleLog) -> Entry:
    return note(log, "key", "key-ring", log.now())


def secret_of_no_project(log: SampleLog) -> Entry:
    return note(log, "key", "secret-1", log.now(), project=None)


def uploaded_before(log: SampleLog) -> Entry:
    log.upload(FOSTER, CW)
    return _late_upload(log)


def upload_of_another_round(log: SampleLog) -> Entry:
    log.moment += DAY
    return note(log, "upload", f"round-{log.rounds(FOSTER).number + 1}", log.now())


def upload_at_another_time(log: SampleLog) -> Entry:
    log.moment += DAY
    number = log.rounds(FOSTER).number
    return note(log, "upload", f"round-{number}", log.now(timedelta(seconds=-1)))


def upload_after_the_close(log: SampleLog) -> Entry:
    number, due = log.rounds(FOSTER).number, log.now(DAY)
    log.moment += timedelta(days=7)
    log.rounds(FOSTER).close()
    return note(log, "upload", f"round-{number}", due)


def upload_of_who_uploads_nothing(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return _late_upload(log, party=STRANGER.party)


def round_while_one_is_open(log: SampleLog) -> Entry:
    _weekly(log)
    log.rounds(LATE).open()
    return _late_round(log, number=log.rounds(LATE).last)


def round_of_another_number(log: SampleLog) -> Entry:
    _weekly(log)
    return _late_round(log, number=log.rounds(LATE).last + 2)


def round_a_day_early(log: SampleLog) -> Entry:
    _weekly(log)
    return _late_round(log, days=6)


def round_at_another_hour(log: SampleLog) -> Entry:
    _weekly(log)
    return _late_round(log, time="21:59:00")


def round_before_the_day_was_over(log: SampleLog) -> Entry:
    _weekly(log, due=None)
    return _late_round(log, time="00:00:00")


def round_on_another_weekday(log: SampleLog) -> Entry:
    # 1 September 2026, on which a story begins, is a Tuesday.
    _weekly(log, due="sunday 22:00")
    return _late_round(log)


def round_on_request(log: SampleLog) -> Entry:
    log.moment += timedelta(days=7)
    log.rounds(FOSTER).close()
    return note(log, "round", f"round-{log.rounds(FOSTER).last + 1}", log.now())


def round_of_who_uploads_nothing(log: SampleLog) -> Entry:
    _weekly(log)
    log.enrol(STRANGER)
    return _late_round(log, party=STRANGER.party)


def approval_of_an_unknown_run(log: SampleLog) -> Entry:
    _asked(log)
    return note(log, "approval", "run-" + "1" * 32, log.now(), project=ACCORD)


def approval_of_another_project(log: SampleLog) -> Entry:
    _, asked, since = _asked(log)
    return note(log, "approval", asked.object or "", since)


def approval_on_the_first_day(log: SampleLog) -> Entry:
    project = SignedProject(log).agree(accord_of(approvals=RELEASES_TOO))
    return note(log, "approval", project.ask().object or "", log.now(), project=ACCORD)


def approved_before(log: SampleLog) -> Entry:
    project, asked, since = _asked(log)
    project.approve(ANN, asked)
    return note(log, "approval", asked.object or "", since, project=ACCORD)


def approval_of_a_run_that_has_started(log: SampleLog) -> Entry:
    project, asked, since = _asked(log)
    for who in (ANN, K12):
        project.approve(who, asked)
    log.start(asked)
    return note(log, "approval", asked.object or "", since, project=ACCORD)


def release_approved_before(log: SampleLog) -> Entry:
    project, asked, since = _finished(log)
    project.approve(ANN, asked, "release")
    return note(log, "approval", asked.object or "", since, project=ACCORD)


def release_approved_by_all(log: SampleLog) -> Entry:
    rule = {**RELEASES_TOO, "parties": ["county-cw"], "asker_suffices": True}
    project = SignedProject(log).agree(accord_of(approvals=rule))
    asked = project.ask()
    project.approve(ANN, asked)
    project.finish(asked)
    project.approve(ANN, asked, "release", expires=log.now(DAY))
    log.moment += 2 * DAY
    return note(log, "approval", asked.object or "", log.now(), project=ACCORD)


def approval_of_who_is_not_asked(log: SampleLog) -> Entry:
    _, asked, since = _asked(log)
    return note(log, "approval", asked.object or "", since, project=ACCORD, party="data-center")


def cosignature_that_nobody_needs(log: SampleLog) -> Entry:
    _, asked, since = _finished(log, finality={"cosigners": 0, "delays_release": False})
    return note(log, "cosignature", asked.object or "", since, project=ACCORD)


def cosignature_before_the_end(log: SampleLog) -> Entry:
    _, asked, since = _asked(log, finality=COSIGNED)
    return note(log, "cosignature", asked.object or "", since, project=ACCORD)


def kept_by_a_hold(log: SampleLog) -> Entry:
    hold(log)
    return note(log, "destruction", "kept", log.now())


def stated_before_a_certificate(log: SampleLog) -> Entry:
    begin(log, "expired")
    return note(log, "destruction", CERTIFICATE, log.now())


def _reviewed(log: SampleLog) -> ReviewedProject:
    """A project with a review that was asked for a day ago."""
    project = ReviewedProject(log)
    project.linked()
    log.moment += DAY
    return project


def _late_cards(reviewed: ReviewedProject, since: str | None = None, **fields: Any) -> Entry:
    log, given = reviewed.log, {"project": reviewed.project, "party": "school-district", **fields}
    return note(log, "review", reviewed.run, since or log.now(), **given)


def _almost_over(log: SampleLog) -> ReviewedProject:
    """The same, with cards, three days before the deadline."""
    project = _reviewed(log)
    project.answer()
    log.moment += timedelta(days=10)
    return project


def _late_decisions(project: ReviewedProject, since: str | None = None, **fields: Any) -> Entry:
    given = {"party": "county-cw", "duty": "reviewer", **fields}
    return _late_cards(project, since, **given)


def cards_of_no_review(log: SampleLog) -> Entry:
    _, asked, since = _asked(log)
    return note(log, "review", asked.object or "", since, project=ACCORD, party="school-district")


def cards_of_the_reviewers(log: SampleLog) -> Entry:
    return _late_cards(_reviewed(log), party="county-cw")


def cards_before_a_day_is_over(log: SampleLog) -> Entry:
    project = _reviewed(log)
    return _late_cards(project, log.now(timedelta(seconds=-1)))


def cards_that_have_come(log: SampleLog) -> Entry:
    project = _reviewed(log)
    since = log.now()
    project.answer()
    return _late_cards(project, since)


def decisions_without_cards(log: SampleLog) -> Entry:
    return _late_decisions(_reviewed(log))


def decisions_of_the_asked(log: SampleLog) -> Entry:
    return _late_decisions(_almost_over(log), party="school-district")


def decisions_of_an_analyst(log: SampleLog) -> Entry:
    return _late_decisions(_almost_over(log), duty="analyst")


def decisions_a_day_early(log: SampleLog) -> Entry:
    project = _almost_over(log)
    return _late_decisions(project, log.now(-DAY))


def decisions_of_a_review_that_is_over(log: SampleLog) -> Entry:
    project = _almost_over(log)
    project.decide()
    project.end()
    return _late_decisions(project)


def review_of_another_project(log: SampleLog) -> Entry:
    return _late_cards(_reviewed(log), project=FOSTER)


def certified_before(log: SampleLog) -> Entry:
    begin(log, "expired")
    certify(log)
    return note(log, "certificate", CERTIFICATE, log.now())


def certificate_of_nothing(log: SampleLog) -> Entry:
    return note(log, "certificate", CERTIFICATE, log.now())


def agreement_that_does_not_end(log: SampleLog) -> Entry:
    return note(log, "agreement", "agreement", log.now())


def secret_of_another_epoch(log: SampleLog) -> Entry:
    return note(log, "key", "secret-2", log.now())


def secret_of_who_has_none(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return note(log, "key", "secret-1", log.now(), party=STRANGER.party)


def witness_that_is_none(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return note(log, "witness", "log", log.now(), party=STRANGER.party)


# Other rules that are held to this kind of entry.


def owed_by_a_stranger(log: SampleLog) -> Entry:
    return _late_upload(log, party="nobody")


def owed_after_the_end(log: SampleLog) -> Entry:
    log.create_project("over", end=log.now()[:10])
    log.moment += timedelta(days=2)
    return note(log, "witness", "log", log.now(), project="over")


def owed_while_suspended(log: SampleLog) -> Entry:
    project, asked, since = _asked(log)
    project.notice(K12, "suspend")
    return note(log, "approval", asked.object or "", since, project=ACCORD)


def owed_after_a_withdrawal(log: SampleLog) -> Entry:
    project, asked, since = _asked(log)
    project.notice(K12, "withdraw")
    return note(log, "approval", asked.object or "", since, project=ACCORD)


DEADLINE_BREAKS: dict[str, list[Break]] = {
    "broker-only": [noted_by_a_party],
    "deadline-early": [noted_before_it_was_due],
    "deadline-twice": [noted_twice, key_ring_noted_twice],
    "deadline-false": [
        key_ring_of_a_project,
        secret_of_no_project,
        uploaded_before,
        upload_of_another_round,
        upload_at_another_time,
        upload_after_the_close,
        upload_of_who_uploads_nothing,
        round_while_one_is_open,
        round_of_another_number,
        round_a_day_early,
        round_at_another_hour,
        round_before_the_day_was_over,
        round_on_another_weekday,
        round_on_request,
        round_of_who_uploads_nothing,
        approval_of_an_unknown_run,
        approval_of_another_project,
        approval_on_the_first_day,
        approved_before,
        approval_of_a_run_that_has_started,
        release_approved_before,
        release_approved_by_all,
        approval_of_who_is_not_asked,
        cosignature_that_nobody_needs,
        cosignature_before_the_end,
        cards_of_no_review,
        cards_of_the_reviewers,
        cards_before_a_day_is_over,
        cards_that_have_come,
        decisions_without_cards,
        decisions_of_the_asked,
        decisions_of_an_analyst,
        decisions_a_day_early,
        decisions_of_a_review_that_is_over,
        review_of_another_project,
        kept_by_a_hold,
        stated_before_a_certificate,
        certified_before,
        certificate_of_nothing,
        agreement_that_does_not_end,
        secret_of_another_epoch,
        secret_of_who_has_none,
        witness_that_is_none,
    ],
    "stranger": [owed_by_a_stranger],
    "not-in-force": [owed_after_the_end],
    "suspended": [owed_while_suspended],
    "withdrawn": [owed_after_a_withdrawal],
}
