"""What a verdict says of things that went late, and of what left before enough parties cosigned it."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from breaks.destruction import begin, hold, lift, note
from rigs.independent_verdict import why_refused
from samples.delivered_log import DeliveringProject
from samples.log import SampleLog, signer
from samples.parties import CW, K12, OPERATOR, SIGNERS, person_of

from app.auditor.errors import RuleBrokenError
from app.auditor.verdict import Verdict
from app.auditor.verdict_words import verdict_lines
from app.auditor.verify import verify_bundle
from schemas.agreement.clauses import Finality
from schemas.matchlog.entry import Actor, Entry
from schemas.signing.note import COSIGNER_KEY, NoteSigner

BRIEF = "brief"


def verified(log: SampleLog, project: str | None = None) -> Verdict:
    bundle = log.bundle(project)
    assert why_refused(bundle) is None
    return verify_bundle(io.BytesIO(bundle))


def refused(bundle: bytes) -> None:
    assert why_refused(bundle) is not None
    with pytest.raises(RuleBrokenError) as broken:
        verify_bundle(io.BytesIO(bundle))
    assert broken.value.code == "release-not-final"


def strangers(count: int) -> list[Actor]:
    """Persons of as many parties that have nothing to do with the project."""
    return [
        CW.model_copy(update={"party": f"party-{number}", "person": f"per-{number:032x}"})
        for number in range(0x100, 0x100 + count)
    ]


def codes(verdict: Verdict) -> set[str]:
    return {caveat.code for caveat in verdict.caveats}


@pytest.fixture
def log() -> SampleLog:
    made = SampleLog(1)
    made.enrol(CW, K12)
    return made


class TestLateness:
    """A project that keeps everything for seven days."""

    @pytest.fixture
    def uploads(self, log: SampleLog) -> list[Entry]:
        log.create_project(BRIEF, keep_encodings_days=7, keep_links_days=7)
        return log.linked(BRIEF)[0]

    def test_what_went_on_its_last_day_is_not_late(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=8)
        log.clear(BRIEF)
        assert verified(log).late == ()

    def test_a_reader_is_told_what_went_late_and_how_late(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=1000)
        log.clear(BRIEF)
        verdict = verified(log)
        assert [one.what for one in verdict.late].count("upload") == 2
        assert {one.what for one in verdict.late} == {"upload", "release", "match-record"}
        assert {one.days for one in verdict.late} == {992}
        assert verdict.to_json()["late"][0]["object"] == uploads[0].object
        (said,) = [line for line in verdict_lines(verdict) if line.startswith("late ")]
        assert f"5 things were destroyed later than agreed: upload {uploads[0].object}" in said
        assert "by 992 days" in said
        assert "destroyed-late" in codes(verified(log, BRIEF))

    def test_a_delivery_that_went_late_is_told_of_too(self, log: SampleLog) -> None:
        retention = {
            "keep_encodings_days": 30,
            "keep_links_days": 7,
            "destroy_by": "2028-08-31",
            "legal_hold": None,
        }
        project = DeliveringProject(log, retention=retention)
        received = project.deliver()
        log.moment += timedelta(days=9)
        log.clear(project.project)
        project.end_delivery(received)
        late = [one for one in verified(log).late if one.what == "delivery"]
        assert [(one.object, one.days) for one in late] == [(received.object, 1)]

    def test_the_day_by_which_everything_ends_makes_late_too(self, log: SampleLog) -> None:
        last = (log.moment + timedelta(days=4)).date().isoformat()
        log.create_project(BRIEF, end=last, destroy_by=last)
        received = log.upload(BRIEF, CW)
        log.moment += timedelta(days=6)
        log.destroy(received)
        (late,) = verified(log).late
        assert (late.object, late.days) == (received.object, 1)

    def test_a_hold_defers_the_last_day_if_it_stood_by_then(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=8)
        for number in "12":
            hold(log, project=BRIEF, object="hld-" + number * 32)
            log.moment += timedelta(days=50)
            lift(log, project=BRIEF, object="hld-" + number * 32)
            log.moment += timedelta(days=1)
        log.clear(BRIEF)
        assert verified(log).late == ()

    def test_a_hold_that_came_too_late_makes_nothing_good(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=9)
        hold(log, project=BRIEF)
        log.moment += timedelta(days=50)
        lift(log, project=BRIEF)
        log.clear(BRIEF)
        assert {one.days for one in verified(log).late} == {51}

    def test_each_standing_hold_is_told_with_what_is_overdue_under_it(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        since = log.now()[:10]
        by_operator = hold(log, project=BRIEF)
        hold(log, project=BRIEF, actor=CW, object="hld-" + "2" * 32)
        hold(log, project=BRIEF, object="hld-" + "3" * 32)
        lift(log, project=BRIEF, object="hld-" + "3" * 32)
        assert [one.overdue for one in verified(log).holds] == [(), ()]
        log.moment += timedelta(days=4_000)
        log.export()
        verdict = verified(log)
        assert [
            (one.party, one.since, one.is_signed, len(one.overdue)) for one in verdict.holds
        ] == [(OPERATOR.party, since, False, 5), (CW.party, since, True, 5)]
        said, _ = (line for line in verdict_lines(verdict) if line.startswith("hold "))
        assert f"{BRIEF} since {since} by {OPERATOR.party}, 'Order of the court'" in said
        assert f"entry {by_operator.seq}, signed by nobody but the log; 5 overdue: upload" in said
        assert verdict.to_json()["holds"][0]["index"] == by_operator.seq

    def test_a_hold_of_the_agreement_is_told_too(self, log: SampleLog) -> None:
        log.create_project(BRIEF, has_legal_hold=True)
        (one,) = verified(log).holds
        assert (one.project, one.party, one.order, one.overdue) == (BRIEF, None, None, ())

    def test_what_went_early_is_told_with_who_asked(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.destroy(uploads[0])
        begin(log, "party", party=K12.party, project=BRIEF, actor=OPERATOR)
        log.destroy(uploads[1])
        verdict = verified(log)
        assert [(one.object, one.by, one.days) for one in verdict.early] == [
            (uploads[0].object, None, 6),
            (uploads[1].object, OPERATOR.party, 6),
        ]
        (said,) = [line for line in verdict_lines(verdict) if line.startswith("early ")]
        assert "6 days early, for nobody whom the log names" in said

    def test_what_the_log_leaves_open_of_runs_and_releases_is_told(self, log: SampleLog) -> None:
        log.create_project(BRIEF)
        _, prepared = log.linked(BRIEF)
        assert {"counts-not-shown", "unverified-releases"}.isdisjoint(codes(verified(log)))
        log.fetch(prepared[0], CW)
        assert "unverified-releases" in codes(verified(log))
        log.verify(prepared[0], CW)
        assert "unverified-releases" not in codes(verified(log))
        log.create_blind_project("study")
        asked = log.finish_blind("study")
        for agency in (CW, K12):
            log.release_blind(asked, agency.party)
        caveats = {one.code: one.text for one in verified(log).caveats}
        assert "of 1 of 2 runs the log does not say how many" in caveats["counts-not-shown"]

    def test_what_a_hold_keeps_that_came_too_late_is_told_with_whose_it_is(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=9)
        held = hold(log, project=BRIEF, actor=CW)
        log.moment += timedelta(days=50)
        note(log)
        verdict = verified(log)
        assert {one.what for one in verdict.held_late} == {"upload", "release", "match-record"}
        assert {(one.party, one.hold, one.days) for one in verdict.held_late} == {
            (CW.party, held.seq, 1)
        }
        shown = verdict.to_json()["held_late"][0]
        assert (shown["object"], shown["index"]) == (uploads[0].object, uploads[0].seq)
        (said,) = [line for line in verdict_lines(verdict) if line.startswith("late ")]
        assert "5 things are left that should have been destroyed before a hold was set" in said
        assert f"held by county-cw, entry {held.seq}, 1 day after its last day" in said
        assert "held-late" in codes(verified(log, BRIEF))

    def test_no_hold_of_a_day_hides_what_was_kept_for_years(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=2000)
        hold(log, project=BRIEF)
        lift(log, project=BRIEF)
        note(log)
        late = verified(log).held_late
        assert {(one.party, one.days) for one in late} == {(OPERATOR.party, 1992)}
        assert len(late) == 5

    def test_of_several_holds_the_first_that_came_too_late_is_named(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        hold(log, project=BRIEF, actor=K12)
        log.moment += timedelta(days=20)
        lift(log, project=BRIEF, actor=K12)
        for days, actor in ((3, CW), (1, OPERATOR)):
            log.moment += timedelta(days=days)
            hold(log, project=BRIEF, actor=actor, object=f"hld-{days:032x}")
        late = verified(log).held_late
        assert {(one.party, one.days) for one in late} == {(CW.party, 2)}

    def test_what_a_hold_keeps_that_stood_in_time_is_not_late(
        self, log: SampleLog, uploads: list[Entry]
    ) -> None:
        log.moment += timedelta(days=8)
        hold(log, project=BRIEF, actor=CW)
        log.moment += timedelta(days=1000)
        note(log)
        assert verified(log).held_late == ()

    def test_terms_that_hold_and_came_too_late_are_named_as_the_agreement(
        self, log: SampleLog
    ) -> None:
        project = log.create_project(BRIEF, keep_encodings_days=7)
        received = log.upload(BRIEF, CW)
        log.moment += timedelta(days=9)
        retention = project.agreement.to_json()["retention"]
        following = project.amended(retention={**retention, "legal_hold": "Case 26-17"})
        project.propose(following)
        for party in following.names():
            project.consent(SIGNERS[party])
        project.in_force()
        log.moment += timedelta(days=50)
        note(log)
        (late,) = verified(log).held_late
        assert (late.object, late.party, late.days) == (received.object, None, 1)
        assert "held by the agreement, entry" in late.text

    def test_terms_that_held_defer_it_until_others_bind(self, log: SampleLog) -> None:
        project = log.create_project(BRIEF, has_legal_hold=True, keep_encodings_days=7)
        received = log.upload(BRIEF, CW)
        log.moment += timedelta(days=100)
        retention = project.agreement.to_json()["retention"]
        following = project.amended(retention={**retention, "legal_hold": None})
        project.propose(following)
        for party in following.names():
            project.consent(SIGNERS[party])
        project.in_force()
        note(log)
        verified(log)
        log.moment += timedelta(days=1)
        log.destroy(received)
        assert verified(log).late == ()


class TestFinality:
    """A project of which nothing is handed out before two parties have cosigned it."""

    @pytest.fixture
    def released(self, log: SampleLog) -> Entry:
        log.create_project(BRIEF, finality=Finality(cosigners=2, delays_release=True))
        return log.linked(BRIEF)[1][0]

    def test_what_two_parties_cosigned_is_handed_out(self, log: SampleLog, released: Entry) -> None:
        log.cosign(K12)
        note(log)
        log.cosign(CW)
        log.fetch(released, CW)
        assert not codes(verified(log)) & {"few-cosigners", "unlisted-cosigners"}

    def test_what_nobody_fetched_needs_no_cosigner(self, log: SampleLog, released: Entry) -> None:
        verified(log)

    def test_persons_whom_no_agreement_lists_are_told_of(
        self, log: SampleLog, released: Entry
    ) -> None:
        newcomer = CW.model_copy(update={"person": "per-" + "3" * 32})
        log.append(person_of(newcomer), actor=OPERATOR)
        log.cosign(newcomer)
        note(log)
        log.cosign(K12)
        log.fetch(released, CW)
        assert "unlisted-cosigners" in codes(verified(log))

    def test_a_bundle_without_room_for_all_parties_says_so(
        self, log: SampleLog, released: Entry
    ) -> None:
        log.fetch(released, CW)
        for one in strangers(64):
            log.enrol(one)
            log.cosign(one)
        assert "few-cosigners" in codes(verified(log))

    def test_a_bundle_with_room_for_one_more_party_is_to_have_it(
        self, log: SampleLog, released: Entry
    ) -> None:
        log.fetch(released, CW)
        for one in strangers(63):
            log.enrol(one)
            log.cosign(one)
        refused(log.bundle())

    def test_keys_that_signed_nothing_fill_no_bundle(self, log: SampleLog, released: Entry) -> None:
        log.fetch(released, CW)
        for one in strangers(64):
            log.enrol(one)
        parts = log.parts()
        keys = [
            NoteSigner(one.party, log.key_of(one.person or ""), COSIGNER_KEY)
            for one in strangers(64)
        ]
        parts.cosigners = sorted(key.verifier_key.text for key in keys)
        refused(parts.pack())

    def test_keys_of_nobody_whom_the_log_knows_fill_no_bundle(
        self, log: SampleLog, released: Entry
    ) -> None:
        log.fetch(released, CW)
        for number, one in enumerate(strangers(64)):
            log.enrol(one)
            log.witnesses.append(signer(200 + number, one.party, COSIGNER_KEY))
            log.cosign(-1)
        refused(log.bundle())

    def test_many_keys_of_two_parties_fill_no_bundle(self, log: SampleLog, released: Entry) -> None:
        log.fetch(released, CW)
        persons = strangers(64)
        log.enrol(*persons[:2])
        for one in persons[2:]:
            of_party = one.model_copy(update={"party": persons[0].party})
            log.append(person_of(of_party), actor=OPERATOR)
            log.cosign(of_party)
        for one in persons[:2]:
            note(log)
            log.cosign(one)
        refused(log.bundle())
