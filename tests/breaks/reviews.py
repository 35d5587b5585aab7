"""Every way to break a rule about clerical review, done by a broker or a person who signs what they did.

Each function takes a log, adds a project with a review, and returns the entry that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from samples.log import SampleLog
from samples.parties import ANN, CW, EVE, K12, OPERATOR, identity, person_of
from samples.reviewed_log import REVIEW, ReviewedProject, reviewed_agreement
from samples.signed_log import SignedProject, accord_of
from vectors.identity import private_bytes

from schemas.matchlog import kinds, review_kinds
from schemas.matchlog.entry import Entry
from schemas.review import SignedReviewStatement
from schemas.rounds import ListedClaims

Break = Callable[[SampleLog], Entry]


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


def asked_without_a_clause(log: SampleLog) -> Entry:
    project = SignedProject(log, "sight").agree(accord_of(project="sight", approvals=APPROVALS))
    asked = project.ask()
    project.approve(ANN, asked)
    project.finish(asked)
    body = review_kinds.ReviewAsked(
        round=1,
        reviewer="county-cw",
        asked="school-district",
        questions=None,
        questions_sha256="71" * 32,
        buckets_sha256="62" * 32,
        deadline=log.now(timedelta(days=14)),
    )
    return log.append(body, project="sight", object=asked.object)


APPROVALS = {"runs": "each", "parties": ["county-cw"], "asker_suffices": True, "releases": False}


def asked_by_the_other_agency(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(reviewer="school-district", asked="county-cw")


def asked_of_a_stranger(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(asked="health-office")


def asked_of_oneself(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(asked="county-cw")


def asked_twice(log: SampleLog) -> Entry:
    return _asked(log).ask_review()


def asked_of_a_run_that_has_not_finished(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    asked = project.ask()
    project.approve(ANN, asked)
    log.start(asked)
    project.run = asked.object or ""
    return project.ask_review()


def asked_of_an_older_round(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    project.close_round()
    log.moment += timedelta(days=7)
    log.rounds(project.project).open()
    return project.ask_review()


def asked_of_a_superseded_round(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    log.rounds(project.project).top_up()
    log.rounds(project.project).supersede()
    return project.ask_review()


def asked_after_the_batch_of_the_end(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    log.close()
    return project.ask_review()


def asked_about_few(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(questions=9)


def asked_for_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(deadline=log.now(timedelta(days=14, seconds=1) - early))


def asked_for_too_short(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(deadline=log.now(timedelta(days=14, seconds=-61) + early))


def asked_of_another_round(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(round=2)


# Who acts.


def decided_without_the_duty(log: SampleLog) -> Entry:
    return _answered(log).decide(ANN)


def decided_by_the_asked_agency(log: SampleLog) -> Entry:
    return _answered(log).decide(K12)


def answered_by_the_reviewers_agency(log: SampleLog) -> Entry:
    return _asked(log).answer(CW)


def answered_without_the_duty(log: SampleLog) -> Entry:
    return _asked(log).answer(EVE)


def decided_after_access_ended(log: SampleLog) -> Entry:
    project = _answered(log)
    body = kinds.RoleChanged(party=CW.party, person=CW.person, role="analyst", change="revoked")
    log.append(body, actor=OPERATOR)
    return project.decide()


def decided_by_somebody_not_listed(log: SampleLog) -> Entry:
    project = _answered(log)
    who = CW.model_copy(update={"person": "per-" + "8" * 32})
    log.append(person_of(who), actor=OPERATOR)
    return project.decide(who)


def questions_fetched_by_the_asked_agency(log: SampleLog) -> Entry:
    return _asked(log).fetch("questions", K12)


def questions_fetched_without_the_duty(log: SampleLog) -> Entry:
    return _asked(log).fetch("questions", ANN)


def cards_fetched_by_the_asked_agency(log: SampleLog) -> Entry:
    project = _asked(log)
    project.answer()
    return project.fetch("cards", K12)


def buckets_fetched_by_the_reviewers_agency(log: SampleLog) -> Entry:
    return _asked(log).fetch("buckets", CW)


# What is handed out.


def other_questions_fetched(log: SampleLog) -> Entry:
    return _asked(log).fetch(sha256="aa" * 32)


def other_buckets_fetched(log: SampleLog) -> Entry:
    return _asked(log).fetch("buckets", K12, sha256="71" * 32)


def questions_fetched_that_nobody_cosigned(log: SampleLog) -> Entry:
    return _asked(log, finality=FINAL).fetch("questions")


def questions_fetched_that_were_cosigned_before_they_were_asked(log: SampleLog) -> Entry:
    project = ReviewedProject(log, finality=FINAL)
    log.cosign(CW)
    project.linked()
    return project.fetch("questions")


def questions_fetched_without_an_approval(log: SampleLog) -> Entry:
    return _asked(log, approvals=UNAPPROVED).fetch("questions")


def buckets_fetched_without_an_approval(log: SampleLog) -> Entry:
    return _asked(log, approvals=UNAPPROVED).fetch("buckets", K12)


def answered_without_an_approval(log: SampleLog) -> Entry:
    return _asked(log, approvals=UNAPPROVED).answer()


def cards_fetched_before_they_came(log: SampleLog) -> Entry:
    return _asked(log).fetch("cards")


# What is stated.


def stated_by_another_person(log: SampleLog) -> Entry:
    return _answered(log).decide(person=ANN.person)


def stated_for_another_party(log: SampleLog) -> Entry:
    return _asked(log).answer(party="county-cw")


def stated_of_another_run(log: SampleLog) -> Entry:
    return _answered(log).decide(run="run-" + "0" * 32)


def stated_of_another_round(log: SampleLog) -> Entry:
    return _asked(log).answer(round=2)


def stated_of_another_project(log: SampleLog) -> Entry:
    return _answered(log).decide(project="foster")


def stated_under_another_agreement(log: SampleLog) -> Entry:
    return _answered(log).decide(agreement="0" * 64)


def stated_with_another_key(log: SampleLog) -> Entry:
    return _answered(log).decide(key=private_bytes(99))


def stated_and_changed(log: SampleLog) -> Entry:
    project = _asked(log)
    signed = project.stated(K12, "cards")
    bent = signed.statement.model_copy(update={"sha256": "0" * 64})
    forged = SignedReviewStatement(statement=bent, signature=signed.signature)
    body = review_kinds.ReviewAnswered(round=project.round, signed=forged)
    return project.about(body, K12)


# In order.


def decided_of_a_time_before_the_review(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    at = log.now(timedelta(minutes=-5, seconds=-1) + early)
    project.answer()
    return project.decide(at=at)


def answered_of_a_time_to_come(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    return project.answer(at=log.now(timedelta(minutes=5, seconds=1) - early))


def decided_before_the_question(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.decide()


def answered_before_the_question(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.answer()


def ended_before_the_question(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.end(reason="round-over", release=None)


def answered_twice(log: SampleLog) -> Entry:
    project = _asked(log)
    project.answer()
    return project.answer()


def decided_with_a_gap(log: SampleLog) -> Entry:
    return _answered(log).decide(number=2)


def decided_by_one_number_twice(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.decide(number=1)


def decided_after_the_last(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide(is_last=True)
    return project.decide()


def ended_twice(log: SampleLog) -> Entry:
    project = _ended(log)
    return project.end(release=3)


def ended_by_decisions_of_nobody(log: SampleLog) -> Entry:
    return _asked(log).end()


def released_of_what_is_destroyed(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide(is_last=True)
    return project.end(reason="destroyed")


def ended_with_a_number_left_out(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(release=3)


def ended_of_another_round(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(round=2)


def decided_before_the_cards(log: SampleLog) -> Entry:
    return _asked(log).decide()


def accepted_by_nobody(log: SampleLog) -> Entry:
    project = _answered(log)
    log.moment += timedelta(days=14)
    return project.end(reason="deadline")


def accepted_by_one_where_two_must(log: SampleLog) -> Entry:
    project = _answered(log, review=BOTH, parties=_with_another_reviewer())
    project.decide(is_last=True)
    log.moment += timedelta(days=14)
    return project.end(reason="deadline")


def ended_by_decisions_of_one_where_two_must(log: SampleLog) -> Entry:
    project = _answered(log, review=BOTH, parties=_with_another_reviewer())
    project.decide(is_last=True)
    return project.end(release=None)


BOTH = {**REVIEW, "persons": 2}
OTHER_REVIEWER = CW.model_copy(update={"person": "per-" + "c" * 32})


def _with_another_reviewer() -> Any:
    parties = reviewed_agreement().to_json()["parties"]
    parties[0]["persons"].append(identity(OTHER_REVIEWER).to_json())
    return parties


# No more than agreed.


def asked_more_than_agreed(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.ask_review(questions=201)


def accepted_more_than_was_asked(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    project.linked(questions=60)
    project.answer()
    project.decide()
    return project.end(accepted=61)


def accepted_more_than_may_be_asked(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(accepted=201)


# What the asked agency would learn from the log.


def told_how_many_were_accepted_so_far(log: SampleLog) -> Entry:
    return _answered(log).decide(counts={"accepted": 40})


def told_how_many_were_rejected(log: SampleLog) -> Entry:
    return _answered(log).decide(counts={"rejected": 40})


def told_of_how_many_a_reviewer_was_unsure(log: SampleLog) -> Entry:
    return _answered(log).decide(counts={"unsure": 40})


def told_how_many_were_rejected_in_all(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(rejected=40)


def told_how_many_are_left(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(open=40)


# In time.


def decided_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _answered(log)
    log.moment += timedelta(days=14, minutes=1) - early
    return project.decide()


def answered_after_the_deadline(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    project = _asked(log)
    log.moment += timedelta(days=14, minutes=1) - early
    return project.answer()


def fetched_after_the_end(log: SampleLog) -> Entry:
    return _ended(log).fetch()


def decided_after_the_end(log: SampleLog) -> Entry:
    return _ended(log).decide()


def answered_after_the_end(log: SampleLog) -> Entry:
    return _ended(log).answer()


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
        kinds.RoleChanged(party="county-cw", person=CW.person, role="agency", change="granted")
    )
    return asked


def opened_while_a_review_goes_on(log: SampleLog) -> Entry:
    project = _asked(log)
    project.close_round()
    log.moment += timedelta(days=7)
    return log.rounds(project.project).open()


# What comes of it.


def accepted_few(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(accepted=9)


def ended_without_the_match_record(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(match_record_root=None, openings=())


def ended_with_a_match_record_of_nothing(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(release=None, match_record_root="ab" * 32)


def ended_with_openings_of_nothing(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(release=None, openings=log.openings("county-cw"))


def opened_to_a_stranger(log: SampleLog) -> Entry:
    project = _answered(log)
    project.decide()
    return project.end(openings=log.openings("data-center"))


def record_destroyed_of_nothing(log: SampleLog) -> Entry:
    project = _ended(log, release=None)
    return project.about(kinds.MatchRecordDestroyed(root="ab" * 32, reason="retention"))


def supplied_after_the_batch_of_the_end(log: SampleLog) -> Entry:
    project = _ended(log)
    log.close()
    return project.prepare("county-cw")


def released_as_the_review_of_the_run_ends(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    asked = project.ask()
    project.approve(ANN, asked)
    log.start(asked)
    project.run = asked.object or ""
    project.about(log.finished(asked))
    project.ask_review()
    project.answer()
    project.decide()
    project.end()
    return project.prepare("county-cw", 1, matches=1650)


def released_without_a_review(log: SampleLog) -> Entry:
    project = ReviewedProject(log)
    _linked(project)
    return project.prepare("county-cw")


def released_before_the_end(log: SampleLog) -> Entry:
    return _asked(log).prepare("county-cw")


def released_by_another_number(log: SampleLog) -> Entry:
    return _ended(log).prepare("county-cw", 3)


def released_where_nothing_was_accepted(log: SampleLog) -> Entry:
    return _ended(log, release=None).prepare("county-cw")


def released_with_other_matches_than_accepted(log: SampleLog) -> Entry:
    return _ended(log, accepted=80).prepare("county-cw", matches=81)


def released_with_matches_that_the_end_does_not_tell(log: SampleLog) -> Entry:
    return _ended(log).prepare("county-cw", matches=80)


def supplied_twice(log: SampleLog) -> Entry:
    return _supplied(log).prepare("county-cw")


def supplied_to_a_stranger(log: SampleLog) -> Entry:
    return _ended(log).prepare("data-center")


def claimed_before_the_supplement(log: SampleLog) -> Entry:
    return _asked(log).claim(CW)


def claimed_of_another_number(log: SampleLog) -> Entry:
    return _supplied(log).claim(CW, 3)


def claimed_by_a_stranger(log: SampleLog) -> Entry:
    project = _supplied(log)
    return project.claim(EVE, partner="county-cw")


def claimed_after_the_closing(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    project.claim(K12)
    project.close_supplement()
    return project.claim(CW)


def claimed_out_of_number(log: SampleLog) -> Entry:
    return _supplied(log).claim(CW, sequence=1)


def closed_without_a_supplement(log: SampleLog) -> Entry:
    return _asked(log).close_supplement()


def closed_twice(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    project.claim(K12)
    project.close_supplement()
    return project.close_supplement()


def closed_of_another_run(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    project.claim(K12)
    return project.about(project.closing(), object="run-" + "0" * 32)


def closed_with_older_claims(log: SampleLog) -> Entry:
    project = _supplied(log)
    first = project.claim(CW)
    project.claim(K12)
    project.claim(CW)
    (_, other) = project.closing().claims
    older = ListedClaims(
        party="county-cw",
        partner="school-district",
        sha256=first.body.sha256,  # type: ignore[attr-defined]
    )
    return project.close_supplement(claims=(older, other))


def closed_with_claims_left_out(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    project.claim(K12)
    return project.close_supplement(claims=project.closing().claims[:1])


def closed_before_the_claims(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.claim(CW)
    return project.close_supplement()


def closed_long_before_the_next_round(log: SampleLog) -> Entry:
    project = _supplied(log)
    project.close_supplement()
    log.moment += timedelta(days=7)
    return log.rounds(project.project).open()


def opened_while_a_supplement_is_open(log: SampleLog) -> Entry:
    project = _supplied(log)
    log.moment += timedelta(days=7)
    return log.rounds(project.project).open()


REVIEW_BREAKS: dict[str, list[Break]] = {
    "review-unasked": [
        asked_without_a_clause,
        asked_by_the_other_agency,
        asked_of_a_stranger,
        asked_of_oneself,
        asked_twice,
        asked_of_a_run_that_has_not_finished,
        asked_of_an_older_round,
        asked_of_a_superseded_round,
        asked_after_the_batch_of_the_end,
    ],
    "below-floor": [asked_about_few, accepted_few],
    "decisions-told": [
        told_how_many_were_accepted_so_far,
        told_how_many_were_rejected,
        told_of_how_many_a_reviewer_was_unsure,
        told_how_many_were_rejected_in_all,
        told_how_many_are_left,
    ],
    "review-duty": [
        decided_without_the_duty,
        decided_by_the_asked_agency,
        decided_after_access_ended,
        decided_by_somebody_not_listed,
        answered_by_the_reviewers_agency,
        answered_without_the_duty,
        questions_fetched_by_the_asked_agency,
        questions_fetched_without_the_duty,
        cards_fetched_by_the_asked_agency,
        buckets_fetched_by_the_reviewers_agency,
    ],
    "review-file": [
        other_questions_fetched,
        other_buckets_fetched,
        cards_fetched_before_they_came,
    ],
    "release-unapproved": [
        questions_fetched_without_an_approval,
        buckets_fetched_without_an_approval,
        answered_without_an_approval,
    ],
    "release-not-final": [
        questions_fetched_that_nobody_cosigned,
        questions_fetched_that_were_cosigned_before_they_were_asked,
    ],
    "statement-late": [decided_of_a_time_before_the_review, answered_of_a_time_to_come],
    "review-statement": [
        stated_by_another_person,
        stated_for_another_party,
        stated_of_another_run,
        stated_of_another_round,
        stated_of_another_project,
        stated_under_another_agreement,
        stated_with_another_key,
        stated_and_changed,
    ],
    "review-order": [
        asked_of_another_round,
        decided_before_the_question,
        answered_before_the_question,
        ended_before_the_question,
        answered_twice,
        decided_with_a_gap,
        decided_by_one_number_twice,
        decided_after_the_last,
        ended_twice,
        ended_by_decisions_of_nobody,
        decided_before_the_cards,
        accepted_by_nobody,
        accepted_by_one_where_two_must,
        ended_by_decisions_of_one_where_two_must,
        released_of_what_is_destroyed,
        ended_with_a_number_left_out,
        ended_of_another_round,
    ],
    "review-late": [
        asked_for_too_long,
        asked_for_too_short,
        decided_after_the_deadline,
        answered_after_the_deadline,
        fetched_after_the_end,
        decided_after_the_end,
        answered_after_the_end,
        ended_after_the_deadline,
        ended_as_if_at_the_deadline,
        never_ended,
        opened_while_a_review_goes_on,
    ],
    "match-record-unknown": [
        ended_without_the_match_record,
        ended_with_a_match_record_of_nothing,
        ended_with_openings_of_nothing,
        record_destroyed_of_nothing,
    ],
    "review-beyond": [
        asked_more_than_agreed,
        accepted_more_than_was_asked,
        accepted_more_than_may_be_asked,
    ],
    "release-late": [supplied_after_the_batch_of_the_end, released_as_the_review_of_the_run_ends],
    "release-matches": [
        released_with_other_matches_than_accepted,
        released_with_matches_that_the_end_does_not_tell,
    ],
    "openings-to-stranger": [opened_to_a_stranger],
    "release-twice": [supplied_twice],
    "release-to-stranger": [supplied_to_a_stranger],
    "claims-round": [
        claimed_before_the_supplement,
        claimed_of_another_number,
        claimed_by_a_stranger,
        claimed_after_the_closing,
    ],
    "claims-order": [claimed_out_of_number],
    "round-claims": [closed_with_older_claims, closed_with_claims_left_out],
    "supplement-unasked": [
        released_without_a_review,
        released_before_the_end,
        released_by_another_number,
        released_where_nothing_was_accepted,
        closed_without_a_supplement,
        closed_twice,
        closed_of_another_run,
    ],
    "supplement-closing": [
        closed_before_the_claims,
        closed_long_before_the_next_round,
        opened_while_a_supplement_is_open,
    ],
}
