"""Every way to break a rule about what is overdue, done by a broker that signs what it did.

Each function takes a log in which a project `foster` has an open round, and returns the entry that breaks
its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import begin, certify
from samples.log import SampleLog
from samples.parties import ANN, CW, K12
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


def _reviewed(log: SampleLog) -> ReviewedProject:
    """A project with a review that was asked for a day ago."""
    project = ReviewedProject(log)
    project.linked()
    log.moment += DAY
    return project


def _late_cards(reviewed: ReviewedProject, since: str | None = None, **fields: Any) -> Entry:
    log, given = reviewed.log, {"project": reviewed.project, "party": "school-district", **fields}
    return note(log, "review", reviewed.run, since or log.now(), **given)


def _late_decisions(project: ReviewedProject, since: str | None = None, **fields: Any) -> Entry:
    given = {"party": "county-cw", "duty": "reviewer", **fields}
    return _late_cards(project, since, **given)


def cards_of_the_reviewers(log: SampleLog) -> Entry:
    return _late_cards(_reviewed(log), party="county-cw")


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
    "deadline-false": [key_ring_of_a_project, cards_of_the_reviewers],
    "stranger": [owed_by_a_stranger],
    "not-in-force": [owed_after_the_end],
    "suspended": [owed_while_suspended],
    "withdrawn": [owed_after_a_withdrawal],
}
