"""Every way to break a rule about clerical review, done by a broker or a person who signs what they did.

Each function takes a log, adds a project with a review, and returns the entry that breaks a rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from breaks.rules import Break, ways
from samples.log import SampleLog
from samples.parties import ANN, CW, K12
from samples.reviewed_log import ReviewedProject

from schemas.matchlog import person_kinds
from schemas.matchlog.entry import Entry


def _asked(log: SampleLog, **changes: Any) -> ReviewedProject:
    project = ReviewedProject(log, **changes)
    project.linked()
    return project


def _answered(log: SampleLog, **changes: Any) -> ReviewedProject:
    project = _asked(log, **changes)
    project.answer()
    return project


def _ended(log: SampleLog, **changes: Any) -> ReviewedProject:
    project = _answered(log)
    project.decide()
    project.end(**changes)
    return project


def _supplied(log: SampleLog) -> ReviewedProject:
    """Return a project with a supplement that is open and prepared, in a round that is closed."""
    project = _ended(log)
    project.supplement()
    project.close_round()
    return project


def _linked(project: ReviewedProject) -> None:
    """Link the pair, and ask nothing."""
    asked = project.ask()
    project.approve(ANN, asked)
    project.finish(asked)
    project.run, project.round = asked.object or "", project.log.rounds(project.project).number


UNAPPROVED: dict[str, Any] = {
    "runs": "each",
    "parties": ["county-cw"],
    "asker_suffices": True,
    "releases": True,
}
FINAL = {"cosigners": 1, "delays_release": True}

# Asking.


def asked_by_the_other_agency(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(reviewer="school-district", asked="county-cw")


def asked_for_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(deadline=log.now(timedelta(days=14, seconds=1) - early))


def asked_for_too_short(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(deadline=log.now(timedelta(days=14, seconds=-61) + early))


# Who acts.


# What is handed out.


# What is stated.


# In order.


def decided_of_a_time_before_the_review(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    at = log.now(timedelta(minutes=-5, seconds=-1) + early)
    project.answer()
    return project.decide(at=at)


def answered_of_a_time_to_come(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    return project.answer(at=log.now(timedelta(minutes=5, seconds=1) - early))


# No more than agreed.


def asked_more_than_agreed(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(charged=201)


def asked_more_than_a_week_leaves(log: SampleLog, weeks: int = 8, charged: int = 11) -> Entry:
    """Ask about as many as allowed at first, and some weeks later once more."""
    project = ReviewedProject(log)
    project.linked(charged=200)
    project.close_round()
    log.moment += timedelta(days=14)
    project.end(reason="deadline", release=None)
    project.destroy()
    log.moment += timedelta(days=7 * weeks - 14)
    project.linked(charged=charged)
    return log.entries[-1]


def accepted_more_than_may_be_asked(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(accepted=201)


# What the asked agency would learn from the log.


def told_how_many_were_rejected_in_all(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(rejected=45)


# In time.


def decided_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _answered(log)
    log.moment += timedelta(days=14, minutes=1) - early
    return project.decide()


def answered_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    log.moment += timedelta(days=14, minutes=1) - early
    return project.answer()


def ended_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _answered(log)
    project.decide()
    log.moment += timedelta(days=14, minutes=1) - early
    return project.end()


def ended_as_if_at_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    log.moment += timedelta(days=14, seconds=-1) + early
    return project.end(reason="deadline", release=None)


def never_ended(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    asked = ReviewedProject(log).linked()
    log.moment += timedelta(days=16) - early
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )
    return asked


# What comes of it.


def ended_without_the_match_record(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(match_record_root=None, openings=())


def opened_to_a_stranger(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(openings=log.openings("data-center"))


def supplied_after_the_batch_of_the_end(log: SampleLog) -> Entry:
    project = _ended(log)
    log.close()
    return project.prepare("county-cw")


def released_before_the_end(log: SampleLog) -> Entry:
    return _asked(log).prepare("county-cw")


def closed_with_claims_left_out(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    project.claim(K12)
    return project.close_supplement(claims=project.closing().claims[:1])


def closed_before_the_claims(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    return project.close_supplement()


def opened_while_a_supplement_is_open(log: SampleLog) -> Entry:
    project = _supplied(log)
    log.moment += timedelta(days=7)
    return log.rounds(project.project).open()


REVIEW_BREAKS: dict[str, dict[str, Break]] = {
    "review-unasked": ways(
        asked_by_the_other_agency, asked_twice=lambda log: _asked(log).ask_review()
    ),
    "decisions-told": ways(
        told_how_many_were_rejected_in_all,
        told_how_many_were_accepted_so_far=lambda log: _answered(log).decide(
            counts={"accepted": 40}
        ),
    ),
    "review-duty": ways(
        decided_without_the_duty=lambda log: _answered(log).decide(ANN),
        answered_by_the_reviewers_agency=lambda log: _asked(log).answer(CW),
    ),
    "review-file": ways(
        other_questions_fetched=lambda log: _asked(log).fetch(sha256="aa" * 32),
        other_buckets_fetched=lambda log: _asked(log).fetch("buckets", K12, sha256="71" * 32),
    ),
    "release-unapproved": ways(
        questions_fetched_without_an_approval=lambda log: _asked(log, approvals=UNAPPROVED).fetch(
            "questions"
        )
    ),
    "release-not-final": ways(
        questions_fetched_that_nobody_cosigned=lambda log: _asked(log, finality=FINAL).fetch(
            "questions"
        )
    ),
    "statement-late": ways(decided_of_a_time_before_the_review, answered_of_a_time_to_come),
    "review-statement": ways(
        stated_by_another_person=lambda log: _answered(log).decide(person=ANN.person),
        stated_for_another_party=lambda log: _asked(log).answer(party="county-cw"),
    ),
    "review-order": ways(
        decided_with_a_gap=lambda log: _answered(log).decide(number=2),
        ended_by_decisions_of_nobody=lambda log: _asked(log).end(),
    ),
    "review-late": ways(
        asked_for_too_long,
        asked_for_too_short,
        decided_after_the_deadline,
        answered_after_the_deadline,
        ended_after_the_deadline,
        ended_as_if_at_the_deadline,
        never_ended,
    ),
    "match-record-unknown": ways(ended_without_the_match_record),
    "review-beyond": ways(
        asked_more_than_agreed, asked_more_than_a_week_leaves, accepted_more_than_may_be_asked
    ),
    "release-late": ways(supplied_after_the_batch_of_the_end),
    "release-matches": ways(
        released_with_other_matches_than_accepted=lambda log: _ended(log, accepted=40).prepare(
            "county-cw", matches=41
        )
    ),
    "openings-to-stranger": ways(opened_to_a_stranger),
    "release-twice": ways(supplied_twice=lambda log: _supplied(log).prepare("county-cw")),
    "claims-round": ways(claimed_before_the_supplement=lambda log: _asked(log).claim(CW)),
    "claims-order": ways(claimed_out_of_number=lambda log: _supplied(log).claim(CW, sequence=1)),
    "round-claims": ways(closed_with_claims_left_out),
    "supplement-unasked": ways(
        released_before_the_end,
        closed_without_a_supplement=lambda log: _asked(log).close_supplement(),
    ),
    "supplement-closing": ways(closed_before_the_claims, opened_while_a_supplement_is_open),
}
