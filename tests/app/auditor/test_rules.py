"""Each rule of the log, broken by a broker that signs what it did: found, with the right entry and rule."""

from __future__ import annotations

import inspect
import io
import json
import random
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
from breaks import destruction, reviews, rounds, rules, signed
from breaks.bent_logs import TOLD, stories
from breaks.between_agreements import AGENCIES, MOVED, TRIO, linked, move, supplied
from breaks.destruction import begin, certify, everything_destroyed, hold, lift, withdraw
from breaks.every import ALL_BREAKS, STORED, breaks_of, shown
from breaks.every import CASES as EVERY_BREAK
from breaks.operators_word import PASSING
from breaks.reviews import asked_more_than_a_week_leaves
from breaks.rules import FOSTER
from breaks.signed import approved_with_a_lapse
from campaign.reports import Tally
from campaign.size import times
from rigs.independent_verdict import why_refused
from samples.agreed import agreement_of
from samples.delivered_log import (
    DeliveringProject,
    StudyProject,
    everything_delivered,
    everything_studied,
)
from samples.log import SampleLog, create_trio, everything_else, link_pair, story
from samples.parties import (
    ANN,
    CW,
    EVE,
    HEALTH,
    K12,
    OPERATOR,
    PAT,
    PEOPLE,
    POLICY,
    SIGNERS,
    STRANGER,
    identity,
    terms_of,
)
from samples.reviewed_log import ReviewedProject, everything_reviewed
from samples.signed_log import ACCORD, SignedProject, accord_of, everything_signed

from app.auditor.errors import AuditError, MalformedError, RuleBrokenError
from app.auditor.verify import verify_bundle
from schemas.agreement.clauses import FileSize
from schemas.documents.canonical import canonical_bytes, canonical_digest
from schemas.linkage.run import LinkRate, Recipient
from schemas.matchlog import release_kinds, run_kinds
from schemas.matchlog.agreement_kinds import ProjectOpened
from schemas.matchlog.delivery_kinds import DeliveryReceived
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.rules import RULES

SPEC = Path(__file__).resolve().parents[3] / "schemas" / "spec"
EVIDENCE: dict[str, list[str]] = json.loads(STORED.read_text("utf-8"))
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
# What breaks its rule by a second, and not if it comes, ends or lasts so much otherwise; others do so by a day.
BY_A_SECOND: set[Callable[..., Entry]] = {
    destruction.lifted_by_a_request_from_before,
    reviews.answered_after_the_deadline,
    reviews.answered_of_a_time_to_come,
    reviews.asked_for_too_long,
    reviews.asked_for_too_short,
    reviews.decided_after_the_deadline,
    reviews.decided_of_a_time_before_the_review,
    reviews.ended_after_the_deadline,
    reviews.ended_as_if_at_the_deadline,
    rounds.closed_without_a_run,
    rounds.deadline_too_early,
    rounds.deadline_too_late,
    rounds.offered_long_after_it_was_signed,
    rules.key_changed_long_after_it_was_signed,
    signed.approved_again_before_it_lapsed,
    signed.approved_for_more_than_thirty_days,
    signed.approved_too_late,
    signed.approved_when_another_has_expired,
    signed.fetched_on_an_approval_that_had_lapsed,
    signed.halted_by_a_notice_to_come,
    signed.halted_long_after_it_was_signed,
    signed.standing_used_when_another_has_expired,
}
AT_THE_EDGE = [
    broken for _, broken in EVERY_BREAK.values() if "early" in inspect.signature(broken).parameters
]


def verify(log: SampleLog, project: str | None = None) -> None:
    verify_bundle(io.BytesIO(log.bundle(project)))


def verify_twice(log: SampleLog) -> None:
    """Verify by either verifier."""
    verify(log)
    assert why_refused(log.bundle()) is None


@cache
def _begun(n_weeks: int, projects: tuple[str, ...]) -> SampleLog:
    return story(11, n_weeks, projects)


def begun(n_weeks: int = 0, projects: tuple[str, ...] = (FOSTER,)) -> SampleLog:
    """A log that has begun, with nothing in it but so many good weeks."""
    return _begun(n_weeks, projects).copy()


def fault_of(log: SampleLog, project: str | None = None) -> RuleBrokenError | None:
    """Return the rule that a log breaks, if any."""
    try:
        verify(log, project)
    except RuleBrokenError as error:
        return error
    return None


@pytest.mark.parametrize("table", ALL_BREAKS)
@pytest.mark.campaign("forged-rules")
def test_the_rule_and_the_entry_are_named(table: str, tally: Tally) -> None:
    for name, rule, broken in breaks_of(table):
        log = begun(n_weeks=1)
        entry = broken(log)
        fault = fault_of(log)
        assert fault is not None, name
        assert (fault.code, fault.index) == (rule, entry.seq), name
        assert shown(log, fault) == EVIDENCE[name], name
        assert len(str(fault).split()) > 3, name
        second = why_refused(log.bundle())
        assert second is not None, name
        assert (second.code, second.index) == (rule, entry.seq), name
        tally.tried()


@pytest.mark.parametrize("table", ALL_BREAKS)
@pytest.mark.campaign("forged-rules")
def test_the_same_is_found_in_the_projects_own_view(table: str, tally: Tally) -> None:
    for name, rule, broken in [*breaks_of(table)][:: times(quick=3, full=1)]:
        log = begun(projects=("health", FOSTER))
        entry = broken(log)
        fault = fault_of(log, entry.project or FOSTER)
        assert fault is not None, name
        assert (fault.code, fault.index) == (rule, entry.seq), name
        tally.tried()


# In parts, after each of which a campaign that was broken off goes on.
@pytest.mark.long
@pytest.mark.campaign("forged-rules")
@pytest.mark.parametrize("part", range(times(quick=1, full=20)))
def test_of_two_broken_rules_one_is_named_and_never_neither(part: int, tally: Tally) -> None:
    n_pairs = times(quick=100, full=500)
    pairs = random.Random(16 + part).sample([*permutations(EVERY_BREAK, 2)], n_pairs)
    tally.tried(0)
    wrong = []
    for one, other in pairs:
        (_, first), (other_rule, second) = EVERY_BREAK[one], EVERY_BREAK[other]
        log = begun(n_weeks=1)
        seqs = [first(log).seq]
        try:
            seqs.append(second(log).seq)
        except Exception:  # noqa: BLE001 - where the first leads, the second cannot always follow
            tally.saw("pairs that no one log holds")
            continue
        with pytest.raises(RuleBrokenError) as caught:
            verify(log)
        rule, at = caught.value.code, caught.value.index
        if seqs[0] < at < seqs[1]:
            tally.saw(
                "pairs of which the second breaks a third rule on its way, such as an upload twice"
            )
            continue
        # What is overdue is named where it came from: by the day of the second, something of the first may be.
        is_overdue = rule == other_rule == "destruction-overdue" and at < seqs[0]
        if at not in seqs and not is_overdue:
            wrong.append((one, other, seqs, rule, at))
        tally.tried()
    assert not wrong


def test_an_approval_of_a_release_that_has_lapsed_is_given_anew() -> None:
    log = begun(n_weeks=1)
    project, asked, prepared = approved_with_a_lapse(log)
    project.approve(ANN, asked, "release")
    log.fetch(prepared[0], CW)
    verify_twice(log)


def test_what_all_approved_stays_approved_when_one_renews_and_the_others_has_lapsed() -> None:
    log = begun()
    project = SignedProject(log).agree(accord_of(approvals=signed.RELEASES_TOO))
    asked = project.ask([log.upload(ACCORD, CW), log.upload(ACCORD, PAT)])
    for who in (ANN, K12):
        project.approve(who, asked)
    prepared = project.finish(asked)
    for who, days in ((ANN, 1), (K12, 2)):
        project.approve(who, asked, "release", expires=log.now(timedelta(days=days)))
    log.moment += timedelta(days=3)
    project.approve(K12, asked, "release")
    log.fetch(prepared[0], CW)
    verify_twice(log)


def test_what_no_rule_finds_stands_in_the_auditors_page_and_beside_the_verdict_where_verify_warns() -> (
    None
):
    page = (Path(__file__).parents[3] / "docs" / "auditor.md").read_text("utf-8")
    usual = {one.code for one in verify_bundle(io.BytesIO(begun().bundle())).caveats}
    for words, (forge, code) in PASSING.items():
        log = begun()
        forge(log)
        verdict = verify_bundle(io.BytesIO(log.bundle()))
        assert {one.code for one in verdict.caveats} - usual == ({code} if code else set()), words
        assert why_refused(log.bundle()) is None, words
        assert f"\n| {words}" in page


def test_new_stewards_of_one_party_at_a_time_are_named_beside_the_verdict() -> None:
    log = begun()
    project = SignedProject(log).agree()
    first = project.agreement.digest()
    for new, others in ((signed.IDA, (K12, EVE)), (signed.MAX, (signed.IDA, EVE))):
        project.propose(signed.in_the_place_of_all(project, new), others[0])
        for who in (new, *others):
            project.consent(who)
        project.in_force()
    verdict = verify_bundle(io.BytesIO(log.bundle()), agreements=[first])
    told = [one.text for one in verdict.caveats if one.code == "new-stewards"]
    assert len(told) == 2
    assert "agreement 2 of accord was signed for county-cw" in told[0]
    assert "by someone who was not its steward in the version before" in told[0]
    assert "agreement 3 of accord was signed for school-district" in told[1]
    bound = [(one.number, one.is_given) for one in verdict.agreements if one.project == ACCORD]
    assert bound == [(1, True), (3, False)]
    assert why_refused(log.bundle()) is None


def test_a_party_that_has_left_is_none_of_those_with_new_stewards_any_more() -> None:
    log = begun()
    project = SignedProject(log).agree()
    first = project.agreement
    second = project.propose(signed.in_the_place_of_all(project, signed.IDA, signed.MAX), EVE)
    project.consent(signed.IDA)
    project.agreement = first
    project.notice(ANN, "withdraw")
    project.agreement = second
    project.consent(signed.MAX)
    verify_twice(log)


def test_an_agreement_of_another_fingerprint_than_counsels_is_found() -> None:
    log = begun()
    with pytest.raises(AuditError) as caught:
        verify_bundle(io.BytesIO(log.bundle()), agreements=["0" * 64])
    assert (caught.value.code, caught.value.evidence) == (
        "agreement-not-there",
        {"agreement": "0" * 64},
    )


def test_every_rule_of_the_page_is_broken_here_and_every_kind_has_its_steps() -> None:
    page = (SPEC / "entry.md").read_text("utf-8")
    rules = page.split("## Rules")[1]
    named = set(re.findall(r"\(`([a-z-]+)`[;)]", rules))
    assert named == {rule for rule, _ in EVERY_BREAK.values()}
    assert set(RULES) == set(KINDS)


def everything(log: SampleLog) -> SampleLog:
    """Add every kind of entry."""
    everything_reviewed(log)
    everything_delivered(log)
    everything_else(log)
    everything_destroyed(log)
    everything_signed(log)
    log.export(FOSTER)
    return log


def test_deliveries_to_a_blind_recipient_follow_the_rules() -> None:
    log = story(2, n_weeks=1)
    everything_studied(log)
    verify_twice(log)


def test_a_log_in_which_every_kind_occurs_follows_the_rules() -> None:
    log = everything(story(2, n_weeks=2))
    verify_twice(log)
    assert {entry.kind for entry in log.entries} == set(KINDS)


@pytest.mark.campaign("forged-rules")
def test_nothing_that_a_person_does_is_taken_without_their_signature(tally: Tally) -> None:
    by_story = {one.name: {entry.kind for entry in one.log.entries} for one in stories()}
    for kind in [name for name, kind in KINDS.items() if kind.duties is not None]:
        tell = next(tell for name, tell in TOLD.items() if kind in by_story[name])
        log = SampleLog(2)
        log.unsigned = frozenset({kind})
        tell(story(log, n_weeks=0))
        first = next(
            entry for entry in log.entries if entry.kind == kind and entry.actor.party != "broker"
        )
        fault = fault_of(log)
        assert fault is not None, kind
        assert (fault.code, fault.index) == ("request-unsigned", first.seq), kind
        assert why_refused(log.bundle()) is not None, kind
        tally.tried()


def test_a_log_with_terms_that_the_operator_made_alone_does_not_verify() -> None:
    log = begun()
    log.terms["own"] = terms_of("own")
    own = log.terms["own"].to_json() | {"approvals": None}
    log.agreements["own"] = canonical_digest(own)
    opened = log.draft(ProjectOpened(parties=(CW.party, K12.party)), project="own", actor=OPERATOR)
    said = {"kind": "project-created", "body": {"terms": own}}
    log.keep(opened, canonical_bytes(opened.to_json() | said))
    log.close()
    log.rounds("own").open()
    asked = log.ask(log.specification("own", [log.upload("own", CW), log.upload("own", K12)]))
    log.start(asked)
    for prepared, who in zip(log.finish_run(asked), (CW, K12), strict=True):
        log.fetch(prepared, who)
    with pytest.raises(MalformedError, match="unknown kind") as caught:
        verify(log)
    assert caught.value.index == opened.seq
    assert why_refused(log.bundle()) is not None


@pytest.mark.parametrize("n_linked", [200, 1600])
def test_a_run_may_find_as_many_and_as_few_pairs_as_agreed(n_linked: int) -> None:
    log = begun()
    rate = LinkRate(least="0.1", most="0.8")
    log.create_project("bound", policy=POLICY.model_copy(update={"link_rate": rate}))
    _found(log, 2000, auto_pairs=n_linked)
    verify_twice(log)


def test_all_records_of_a_file_may_be_linked_and_none_held_back() -> None:
    log = begun()
    log.create_project("bound", policy=POLICY)
    _found(log, 1650, auto_pairs=1650)
    verify_twice(log)


def _found(log: SampleLog, n_smaller: int, **counts: int) -> None:
    uploads = [log.upload("bound", CW, 2000), log.upload("bound", K12, n_smaller)]
    asked = log.ask(log.specification("bound", uploads))
    log.start(asked)
    log.finish_run(asked, expected_false=12, concordance=(), **counts)


@pytest.mark.parametrize("n_records", [500, 4000])
def test_a_file_may_have_as_many_and_as_few_records_as_agreed(n_records: int) -> None:
    log = begun()
    sizes = (FileSize(party=who.party, least=500, most=4000) for who in (CW, K12))
    log.create_project("bound", files=tuple(sizes))
    _found(log, n_records, auto_pairs=400)
    verify_twice(log)


def test_a_statement_is_owed_to_a_space_of_which_two_pairs_are_linked() -> None:
    log = begun()
    create_trio(log)
    for other in (HEALTH, K12):
        link_pair(log, "trio", CW, other)
    log.rounds("trio").state(K12)
    verify_twice(log)


@pytest.mark.parametrize(("weeks", "charged"), [(8, 10), (10, 30)])
def test_a_review_may_ask_as_many_questions_as_the_weeks_leave(weeks: int, charged: int) -> None:
    log = begun()
    asked_more_than_a_week_leaves(log, weeks, charged)
    verify_twice(log)


def test_all_that_was_asked_may_be_accepted_and_the_release_says_how_many() -> None:
    log = begun()
    project = ReviewedProject(log)
    project.linked(charged=80)
    project.answer()
    project.decide()
    project.end(accepted=80)
    project.prepare(CW.party, matches=80)
    verify_twice(log)


def test_a_run_that_failed_uses_up_no_approval_in_advance() -> None:
    log = begun()
    project = SignedProject(log).agree()
    uploads, (_, standing) = project.uploads(), project.stand(K12, runs=1)
    project.use(project.ask(uploads), K12.party, standing)
    failed = run_kinds.RunFailed(code="too-many-pairs", attempt=1)
    log.append(failed, project=ACCORD, object=log.entries[-1].object, outcome="failed")
    asked = project.ask(uploads)
    project.use(asked, K12.party, standing)
    project.approve(ANN, asked)
    project.finish(asked)
    verify_twice(log)


def test_the_match_records_of_a_run_and_of_its_review_are_destroyed_each() -> None:
    log = begun()
    project = ReviewedProject(log)
    project.linked()
    finished = next(one for one in reversed(log.entries) if one.kind == "run-finished")
    project.answer()
    project.decide()
    ended = project.end()
    log.destroy_match_record(finished)
    root = ended.body.match_record_root  # type: ignore[attr-defined]
    project.about(run_kinds.MatchRecordDestroyed(root=root, reason="asked"))
    verify_twice(log)


def test_what_another_project_has_is_left_by_a_destruction() -> None:
    log = begun()
    DeliveringProject(log).deliver()
    ReviewedProject(log).linked()
    log.create_project("undone")
    begin(log, project="undone")
    certify(log, project="undone")
    verify_twice(log)


def test_columns_go_to_a_study_by_the_matches_of_the_one_pair_that_was_linked() -> None:
    log = begun()
    log.enrol(STRANGER)
    blind = Recipient(party=STRANGER.party, mode="blind", space="shared")
    elements = [{"party": party, "name": "Grade", "use": "shared"} for party in TRIO]
    agreement = agreement_of(
        terms_of("study", providers=TRIO, recipients=(blind,)),
        map(identity, (*PEOPLE, STRANGER)),
        elements=elements,
    )
    project = SignedProject(log, "study", TRIO)
    project.propose(agreement)
    for party in agreement.names():
        project.consent(STRANGER if party == STRANGER.party else SIGNERS[party])
    project.in_force()
    rounds = log.rounds("study")
    rounds.open()
    uploads = [log.upload("study", CW, partner=K12.party)]
    uploads.append(log.upload("study", K12, partner=CW.party))
    asked = project.ask(uploads)
    project.approve(ANN, asked)
    log.start(asked)
    log.finish_run(asked)
    log.moment += timedelta(days=log.terms["study"].round_days)
    rounds.close()
    said = {"round": 1, "recipient": STRANGER.party, "number": 1, "size_bytes": 4711}
    body = DeliveryReceived(**said, sha256=log.digest())
    log.append(body, project="study", actor=CW, object=log.id("dlv"))
    verify_twice(log)


def test_a_round_on_its_weekday_is_no_breach_however_late_the_last_one_was() -> None:
    log = begun()
    log.create_project("often", frequency="weekly", due="sunday 22:00", round_days=5)
    assert log.moment.weekday() == 1
    log.moment += timedelta(days=5)
    log.rounds("often").close()
    log.rounds("often").open()
    verify_twice(log)


def test_an_export_asked_for_before_anything_bound_ends_a_log_with_a_verdict() -> None:
    log = begun()
    tomorrow = (log.moment + DAY).replace(hour=0, minute=0, second=10)
    project = SignedProject(log).agree(signed.accord_of(start=tomorrow.date().isoformat()))
    log.moment = tomorrow
    log.rounds(ACCORD).ensure_open()
    project.uploads()
    del log.agreements[ACCORD]
    exported = log.export(ACCORD)
    assert (exported.agreement, exported.time[11:16]) == (None, "00:00")
    verify(log)
    verify(log, ACCORD)
    assert why_refused(log.bundle()) is None


def test_a_refused_request_changes_nothing() -> None:
    log = begun()
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    specification = log.specification(FOSTER, uploads)
    log.ask(specification.model_copy(update={"floor": 1}), outcome="refused")
    log.ask(specification)
    verify(log)


def test_a_refused_fetch_by_a_stranger_is_no_breach() -> None:
    log = begun()
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    asked = log.ask(log.specification(FOSTER, uploads))
    log.start(asked)
    prepared = log.finish_run(asked)
    body = release_kinds.ReleaseFetched(recipient="school-district", sha256="0" * 64)
    log.append(body, project=FOSTER, object=prepared[0].object, actor=K12, outcome="refused")
    verify(log)


def test_what_contradicts_an_entry_is_named_beside_it() -> None:
    log = begun()
    received = log.upload(FOSTER, CW)
    destroyed = log.destroy(received)
    log.destroy(received)
    with pytest.raises(RuleBrokenError) as caught:
        verify(log)
    assert caught.value.evidence["other_index"] == destroyed.seq


def test_what_breaks_a_rule_at_its_edge_breaks_none_within_it() -> None:
    assert {*AT_THE_EDGE} > BY_A_SECOND
    for broken in AT_THE_EDGE:
        log = begun(n_weeks=1)
        broken(log, early=SECOND if broken in BY_A_SECOND else DAY)
        assert fault_of(log) is None, broken.__name__
        assert why_refused(log.bundle()) is None, broken.__name__


@pytest.mark.parametrize("records", [100, 50_000])
def test_an_upload_may_have_as_few_and_as_many_records_as_agreed(records: int) -> None:
    log = begun()
    log.upload(FOSTER, CW, records)
    verify_twice(log)


def test_an_analyst_carries_what_is_sealed_to_another_party() -> None:
    log = begun()
    StudyProject(log)
    prepared = [
        one for one in log.entries if isinstance(one.body, release_kinds.BlindReleasePrepared)
    ]
    log.fetch(prepared[-1], PAT)
    verify_twice(log)


def test_a_pair_that_came_to_share_an_id_space_in_its_round_owes_no_claims_in_it() -> None:
    log = begun()
    project, _ = linked(log, *AGENCIES)
    move(project)
    log.rounds(MOVED).close()
    verify_twice(log)


def test_a_round_whose_claims_can_come_no_more_closes_at_its_deadline() -> None:
    log = begun()
    project, _ = linked(log)
    log.rounds(MOVED).claim(CW, K12.party)
    move(project, *AGENCIES)
    log.moment += timedelta(days=log.terms[MOVED].round_days)
    log.rounds(MOVED).close()
    verify_twice(log)


def test_a_supplement_whose_claims_can_come_no_more_closes_with_the_next_round() -> None:
    log = begun()
    project = supplied(log)
    log.rounds(MOVED).claim_all()
    move(project, *AGENCIES)
    log.rounds(MOVED).close()
    log.moment += timedelta(days=7)
    log.rounds(MOVED).top_up()
    log.add(project.closing(), project=MOVED, object=project.run)
    log.rounds(MOVED).open()
    verify_twice(log)


def test_a_release_outlives_an_agreement_whose_next_version_names_its_recipient_too() -> None:
    log = begun()
    project, released = linked(log)
    project.agree(project.amended(end="2027-07-31"))
    for prepared, who in zip(released, (CW, K12), strict=True):
        log.fetch(prepared, who)
    verify_twice(log)


def test_a_run_of_others_goes_on_after_a_record_was_withdrawn() -> None:
    log = begun()
    create_trio(log)
    uploads = [log.upload("trio", CW, partner=K12.party), log.upload("trio", K12, partner=CW.party)]
    asked = log.ask(log.specification("trio", uploads))
    withdraw(log, HEALTH, "trio")
    log.start(asked)
    withdraw(log, HEALTH, "trio")
    log.finish_run(asked)
    withdraw(log, CW, "trio")
    verify_twice(log)


def test_what_a_hold_kept_may_be_destroyed_the_day_after_it_was_lifted() -> None:
    log = begun()
    received = log.upload(FOSTER, CW)
    hold(log)
    log.moment += timedelta(days=60)
    log.export(FOSTER)
    verify(log)
    lift(log)
    log.moment += timedelta(days=1)
    log.destroy(received)
    verify(log)
