"""An agreement comes to bind when every party has signed it, over HTTP, and ends when any one says so."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, embedded_database
from rigs.signed import COUNSEL, STEWARDS, Accord, MakeAccord, accord, make_accord

from app.agreements import negotiation
from app.agreements.states import project_states
from app.auditor.verify import verify_bundle
from encoding.people.identity import replace_keys
from schemas.agreement import Agreement
from schemas.api import ProjectView
from schemas.identity import MAX_KEY_CHANGES
from schemas.ids import utc_text
from schemas.matchlog.entry import Entry
from schemas.negotiation import AgreementList, AgreementView
from schemas.statement import SignedStatement

__all__ = ["accord", "embedded_database", "make_accord"]

VIEW = f"/v1/projects/{PROJECT}"


def refusal(answer: Any) -> tuple[int, str, str | None]:
    body = answer.json()
    return answer.status_code, body["type"].rsplit(":", 1)[-1], body.get("clause")


def test_an_agreement_binds_when_every_party_has_signed_it(accord: Accord) -> None:
    answer = accord.propose()
    assert answer.status_code == 201, answer.text
    view = AgreementView.from_json(answer.json())
    assert view.state == "proposed"
    assert view.missing == (CHILD_WELFARE, "operator", SCHOOL, AUDITOR)
    for n_signed, name in enumerate(STEWARDS, start=1):
        assert refusal(accord.get(VIEW)) == (409, "not-in-force", "signatures")
        view = AgreementView.from_json(accord.consent(name).json())
        assert len(view.consents) == n_signed
    assert (view.state, view.missing) == ("in-force", ())
    project = ProjectView.from_json(accord.get(VIEW).json())
    assert (project.agreement, project.in_force) == (accord.agreement.digest(), True)
    assert project.terms == accord.agreement.terms()
    assert accord.log_kinds()[-6:] == [
        "agreement-proposed",
        *["agreement-signed"] * 4,
        "agreement-in-force",
    ]


def test_sending_the_same_again_changes_nothing(accord: Accord) -> None:
    first = accord.propose().json()
    consent = accord.signed("ann", "consent", counsel=COUNSEL)
    kinds = accord.log_kinds()
    assert accord.propose().json() == first
    one = accord.post(accord.about("consents"), "ann", consent)
    again = accord.post(accord.about("consents"), "ann", consent)
    assert (one.status_code, one.json()) == (again.status_code, again.json()) == (200, one.json())
    assert accord.log_kinds() == [*kinds, "agreement-signed"]


def test_whoever_changed_keys_as_often_as_can_be_still_halts_the_linkage(accord: Accord) -> None:
    accord.agree()
    person, changes = accord.persons["ann"], []
    for _ in range(MAX_KEY_CHANGES):
        identity, change = replace_keys(person.identity, accord.founded.clock())
        assert person.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 200
        person.identity = identity
        changes.append(change)
    accord.tokens.clear()
    # The longest reason that there can be, in bytes.
    stated = accord.stated("ann", "notice", act="suspend", reason="\U0001f642" * 200)
    key = person.identity.keys.signing_key
    halted = accord.post(
        accord.about("notices"), "ann", SignedStatement.of(stated, key, changes=tuple(changes))
    )
    assert halted.status_code == 200, halted.text
    assert accord.log_kinds()[-1] == "agreement-suspended"


def test_a_party_signs_once(accord: Accord) -> None:
    accord.propose()
    accord.consent("ann")
    other = {**COUNSEL, "name": "Somebody Else"}
    assert refusal(accord.consent("ann", counsel=other))[:2] == (409, "out-of-place")


def test_nothing_binds_before_the_start_or_after_the_end(accord: Accord) -> None:
    accord.agree(accord.first(start="2026-09-03", end="2026-09-05"))
    for day, clause in ((1, "start"), (2, "start"), (3, None), (5, None), (6, "end")):
        accord.sleep(days=day - accord.founded.clock().day)
        answer = accord.offer(CHILD_WELFARE, first=1, nonces=())
        expected = (409, "not-in-force", clause) if clause else None
        assert (refusal(answer) if answer.status_code == 409 else None) == expected, day
    states = [one.state for one in listed(accord).agreements]
    assert states == ["ended"]


def without_auditor(accord: Accord) -> list[Any]:
    return [p for p in accord.agreement.to_json()["parties"] if p["name"] != AUDITOR]


def listed(accord: Accord, name: str = "ann") -> AgreementList:
    answer = accord.client.get(accord.about("agreements"), headers=accord.as_person(name))
    assert answer.status_code == 200, answer.text
    return AgreementList.from_json(answer.json())


def test_an_amendment_leaves_the_old_agreement_in_force_until_all_have_signed(
    accord: Accord,
) -> None:
    accord.agree()
    old = accord.agreement
    limits = {**old.to_json()["limits"], "floor": 5}
    accord.propose(accord.amended(limits=limits), "kim")
    for name in STEWARDS:
        assert listed(accord).in_force == old.digest()
        assert accord.get(VIEW).json()["agreement"] == old.digest()
        accord.consent(name)
    assert listed(accord).in_force == accord.agreement.digest()
    assert [one.state for one in listed(accord).agreements] == ["in-force", "replaced"]
    assert accord.get(VIEW).json()["terms"]["floor"] == 5


def test_an_amendment_waits_for_its_start_while_the_old_agreement_binds(accord: Accord) -> None:
    accord.agree()
    old, later = accord.agreement, accord.amended(start="2026-09-08")
    accord.agree(later)
    assert [one.state for one in listed(accord).agreements] == ["signed", "in-force"]
    assert accord.get(VIEW).json()["agreement"] == old.digest()
    accord.sleep(days=7)
    assert [one.state for one in listed(accord).agreements] == ["in-force", "replaced"]
    assert accord.get(VIEW).json()["agreement"] == later.digest()


def test_an_amendment_of_an_amendment_that_waits_takes_its_place(accord: Accord) -> None:
    accord.agree()
    accord.agree(accord.amended(start="2026-10-01"))
    accord.agree(accord.amended(start="2026-09-01"))
    assert [one.state for one in listed(accord).agreements] == ["in-force", "signed", "replaced"]
    accord.sleep(days=40)
    assert [one.state for one in listed(accord).agreements] == ["in-force", "replaced", "replaced"]


def test_of_two_amendments_the_first_to_be_signed_by_all_counts(accord: Accord) -> None:
    accord.agree()
    first, second = accord.amended(end="2027-01-31"), accord.amended(end="2027-02-28")
    for one in (first, second):
        assert accord.propose(one).status_code == 201
        for name in STEWARDS[:3]:
            assert accord.consent(name).status_code == 200
    assert accord.consent(STEWARDS[3]).status_code == 200
    assert accord.agreement == second
    accord.agreement = first
    assert refusal(accord.consent(STEWARDS[3]))[:2] == (409, "agreement-refused")
    assert [one.state for one in listed(accord).agreements].count("replaced") == 2


def test_another_profile_or_other_holders_need_the_next_epoch_and_nothing_else_does(
    accord: Accord,
) -> None:
    accord.agree()
    raw = accord.agreement.to_json()
    for party in raw["parties"]:
        if party["name"] == SCHOOL:
            party |= {"kind": "recipient", "holder": None}
    raw["recipients"][1]["mode"] = "count"
    leaving = {
        "parties": raw["parties"],
        "directions": [one for one in raw["directions"] if one["giver"] == CHILD_WELFARE],
        "recipients": raw["recipients"],
        "limits": raw["limits"]
        | {"files": [one for one in raw["limits"]["files"] if one["party"] != SCHOOL]},
    }
    assert refusal(accord.propose(accord.amended(**leaving)))[:2] == (409, "agreement-refused")
    for epoch, changes in (
        (1, {"end": "2027-12-31"}),
        (1, {"policy": raw["policy"] | {"auto": "0.98"}}),
        (2, leaving),
    ):
        accord.agreement = next_to(accord)
        assert accord.propose(accord.amended(epoch=epoch, **changes)).status_code == 201


def next_to(accord: Accord) -> Any:
    """The agreement in force, which an amendment has to follow."""
    answer = accord.client.get(
        f"{accord.about('agreements')}/{listed(accord).in_force}", headers=accord.as_person("ann")
    )
    return AgreementView.from_json(answer.json()).agreement


@pytest.mark.parametrize("name", STEWARDS)
def test_any_party_alone_suspends_resumes_and_withdraws(accord: Accord, name: str) -> None:
    accord.agree()
    assert AgreementView.from_json(accord.notice(name, "suspend").json()).state == "suspended"
    assert refusal(accord.offer(CHILD_WELFARE, first=1, nonces=())) == (
        409,
        "not-in-force",
        "suspension",
    )
    assert not accord.get(VIEW).json()["in_force"]
    accord.sleep(seconds=1)
    assert AgreementView.from_json(accord.notice(name, "resume").json()).state == "in-force"
    assert accord.offer(CHILD_WELFARE, first=1, nonces=()).status_code == 201
    accord.sleep(seconds=1)
    assert AgreementView.from_json(accord.notice(name, "withdraw").json()).state == "withdrawn"
    assert refusal(accord.offer(CHILD_WELFARE, first=1, nonces=())) == (
        409,
        "not-in-force",
        "withdrawal",
    )
    accord.sleep(seconds=1)
    assert refusal(accord.notice(name, "resume"))[:2] == (409, "out-of-place")
    accord.agree(accord.amended())
    assert accord.get(VIEW).json()["in_force"]


def test_a_notice_cannot_be_played_again_or_out_of_place(accord: Accord) -> None:
    accord.agree()
    halt = accord.signed("ann", "notice", act="suspend", reason="A reason.")
    assert refusal(accord.notice("ann", "resume"))[:2] == (409, "out-of-place")
    assert accord.post(accord.about("notices"), "ann", halt).status_code == 200
    assert refusal(accord.notice("ann", "suspend", reason="Again."))[:2] == (409, "out-of-place")
    accord.sleep(seconds=1)
    assert refusal(accord.notice("ann", "suspend"))[:2] == (409, "out-of-place")
    assert accord.notice("ann", "resume").status_code == 200
    assert refusal(accord.post(accord.about("notices"), "ann", halt))[:2] == (
        409,
        "statement-order",
    )


def test_a_party_resumes_so_often_a_day_and_then_stays_halted(accord: Accord) -> None:
    accord.agree()
    for _ in range(negotiation.MAX_RESUMED_A_DAY):
        for act in ("suspend", "resume"):
            assert accord.notice("ann", act).status_code == 200
            accord.sleep(seconds=1)
    assert accord.notice("ann", "suspend").status_code == 200
    accord.sleep(seconds=1)
    assert refusal(accord.notice("ann", "resume"))[:2] == (409, "out-of-place")
    assert accord.notice("kim", "suspend").status_code == 200
    accord.sleep(days=1)
    assert accord.notice("ann", "resume").status_code == 200


def test_a_party_proposes_so_often_a_day_and_keeps_nobody_from_an_amendment(
    accord: Accord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(negotiation, "MAX_PROPOSED_A_DAY", 2)
    accord.agree()
    bound = accord.agreement

    def ending(month: int) -> Agreement:
        """The next version, by another last day."""
        accord.agreement = bound
        return accord.amended(end=f"2027-{month:02}-28")

    for first in (1, 5):
        accord.sleep(days=1)
        answers = [accord.propose(ending(first + n_th)) for n_th in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 409]
        assert refusal(answers[-1])[:2] == (409, "agreement-refused")
        assert accord.propose(ending(first + 3), "kim").status_code == 201
    accord.sleep(days=1)
    assert accord.agree(ending(12)).state == "in-force"


def test_who_withdraws_has_signed_no_amendment_either(accord: Accord) -> None:
    accord.agree()
    accord.propose(accord.amended(end="2027-01-31"))
    waiting = accord.agreement
    accord.consent("ann")
    accord.agreement = next_to(accord)
    accord.notice("ann", "withdraw")
    path = f"{accord.about('agreements')}/{waiting.digest()}"
    view = AgreementView.from_json(accord.client.get(path, headers=accord.as_person("kim")).json())
    assert (view.state, view.consents) == ("proposed", ())


def test_a_consent_that_was_voided_cannot_be_played_again(accord: Accord) -> None:
    accord.agree()
    accord.propose(accord.amended(end="2027-01-31"))
    waiting = accord.agreement
    voided = accord.signed("ann", "consent", counsel=COUNSEL)
    assert accord.post(accord.about("consents"), "ann", voided).status_code == 200
    accord.agreement = next_to(accord)
    accord.notice("ann", "withdraw")
    again = accord.post(accord.about("consents"), "ann", voided)
    assert refusal(again)[:2] == (409, "statement-order")
    accord.agreement = waiting
    assert accord.consent("ann").status_code == 200


def test_a_statement_that_was_kept_back_comes_too_late(accord: Accord) -> None:
    accord.agree()
    kept = accord.signed("ann", "notice", act="suspend", reason="A reason.")
    accord.sleep(seconds=1)
    assert accord.notice("ann", "suspend").status_code == 200
    accord.sleep(seconds=1)
    assert accord.notice("ann", "resume").status_code == 200
    late = accord.post(accord.about("notices"), "ann", kept)
    assert refusal(late)[:2] == (409, "statement-order")
    shown = accord.client.get(accord.about("last-word"), headers=accord.as_person("bob")).json()
    assert shown["at"] == utc_text(accord.founded.clock())


def test_a_statement_counts_only_from_its_own_steward_with_their_own_key(accord: Accord) -> None:
    accord.propose()
    path = accord.about("consents")
    by_other_key = accord.signed("ann", "consent", by="kim", counsel=COUNSEL)
    assert refusal(accord.post(path, "ann", by_other_key))[:2] == (422, "statement-refused")
    sent_by_other = accord.signed("ann", "consent", counsel=COUNSEL)
    assert refusal(accord.post(path, "kim", sent_by_other))[:2] == (422, "statement-refused")
    analyst = accord.signed("bob", "consent", counsel=COUNSEL)
    assert refusal(accord.post(path, "bob", analyst))[:2] == (403, "wrong-duty")
    later = accord.signed("ann", "consent", counsel=COUNSEL, at="2026-09-01T06:06:00Z")
    assert refusal(accord.post(path, "ann", later))[:2] == (422, "statement-refused")
    notice = accord.signed("ann", "notice", act="suspend", reason="A reason.")
    assert refusal(accord.post(path, "ann", notice))[:2] == (422, "statement-refused")
    consent = accord.signed("ann", "consent", counsel=COUNSEL)
    assert refusal(accord.post(accord.about("notices"), "ann", consent))[:2] == (
        422,
        "statement-refused",
    )
    assert accord.log_kinds()[-1] == "agreement-proposed"


def test_after_a_change_of_keys_the_new_ones_sign_and_the_old_ones_do_not(accord: Accord) -> None:
    from encoding.people.identity import replace_keys
    from schemas.statement import SignedStatement

    accord.agree()
    person = accord.persons["ann"]
    old = person.identity
    person.identity, change = replace_keys(old, accord.founded.clock())
    headers = accord.as_person("ann") | {"content-type": "application/json"}
    answer = accord.client.post("/v1/key-changes", content=change.to_canonical(), headers=headers)
    assert answer.status_code == 200, answer.text
    accord.tokens.clear()
    stated = accord.stated("ann", "notice", act="suspend", reason="A reason.")
    for key, changes, status in (
        (old.keys.signing_key, (), 422),
        (person.identity.keys.signing_key, (), 422),
        (person.identity.keys.signing_key, (change,), 200),
    ):
        signed = SignedStatement.of(stated, key, changes=changes)
        assert accord.post(accord.about("notices"), "ann", signed).status_code == status


def test_an_agreement_lists_persons_as_they_have_enrolled(accord: Accord) -> None:
    raw = accord.agreement.to_json()
    for party in raw["parties"]:
        if party["name"] == SCHOOL:
            party["persons"][0]["duties"] = sorted({*party["persons"][0]["duties"], "reviewer"})
    answer = accord.propose(accord.first(parties=raw["parties"]))
    assert refusal(answer) == (409, "agreement-refused", "parties")


def test_an_agreement_is_proposed_in_the_log_that_it_was_made_for(accord: Accord) -> None:
    answer = accord.propose(accord.first(log="rehearsal.test/blindlink"))
    assert refusal(answer) == (409, "agreement-refused", "log")
    assert "made for another log" in answer.json()["detail"]
    assert "agreement-proposed" not in accord.log_kinds()


def test_only_a_steward_whom_it_lists_proposes_an_agreement(accord: Accord) -> None:
    assert refusal(accord.propose(name="bob"))[:2] == (403, "wrong-duty")
    parties = without_auditor(accord)
    answer = accord.propose(accord.first(parties=parties), "sue")
    assert refusal(answer) == (409, "agreement-refused", "parties")


def test_an_agreement_is_seen_by_the_parties_that_it_names(accord: Accord) -> None:
    parties = without_auditor(accord)
    accord.propose(accord.first(parties=parties))
    assert listed(accord, "kim").agreements != ()
    assert listed(accord, "sue").agreements == ()
    path = f"{accord.about('agreements')}/{accord.agreement.digest()}"
    unseen = accord.client.get(path, headers=accord.as_person("sue"))
    assert refusal(unseen)[:2] == (404, "not-found")


def test_until_one_binds_the_log_shows_all_that_was_proposed_to_each_party(accord: Accord) -> None:
    accord.propose(accord.first(parties=without_auditor(accord)))
    path = f"/v1/log/bundle?project={PROJECT}"
    bundle = accord.client.get(path, headers=accord.as_person("sue"))
    shown: list[Entry] = []
    key = accord.broker.log.key
    verify_bundle(io.BytesIO(bundle.content), log_key=key, on_entry=shown.append)
    proposed = [one.agreement for one in shown if one.kind == "agreement-proposed"]
    assert proposed == [accord.agreement.digest()]


def test_who_is_not_named_any_more_sees_nothing_from_the_start_of_the_amendment(
    accord: Accord,
) -> None:
    from app.worker.sweeper import Sweeper

    accord.agree()
    parties = without_auditor(accord)
    accord.propose(accord.amended(parties=parties, start="2026-09-08"))
    for name in STEWARDS[:3]:
        assert accord.consent(name).status_code == 200
    for day, status in ((1, 200), (7, 200), (8, 404)):
        accord.sleep(days=day - accord.founded.clock().day)
        Sweeper(accord.broker).sweep()
        assert accord.get(VIEW, AUDITOR, "auditor").status_code == status, day
    assert accord.get(f"/v1/log/bundle?project={PROJECT}", AUDITOR, "auditor").status_code == 404


@pytest.mark.parametrize("at_start", [True, False])
def test_two_last_signatures_at_once_bring_the_agreement_into_force(
    make_accord: MakeAccord, *, at_start: bool
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    accord = make_accord()
    accord.propose(accord.first() if at_start else accord.first(start="2026-09-02"))
    for name in STEWARDS:
        accord.as_person(name)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(accord.consent, STEWARDS))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert accord.log_kinds().count("agreement-in-force") == 1


def test_the_operator_is_told_where_a_project_stands(accord: Accord) -> None:
    def said() -> str:
        with accord.broker.database.read() as session:
            (found,) = project_states(session, accord.founded.operator, accord.founded.clock())
        return found.sentence

    unsigned = "is not in force: not every party has signed an agreement for this project yet"
    assert said() == unsigned
    accord.propose()
    accord.consent("ann")
    assert said() == f"{unsigned} (number 1 waits for operator, {SCHOOL}, {AUDITOR})"
    for name in STEWARDS[1:]:
        accord.consent(name)
    assert said() == "is in force until 2027-12-31 by its signed agreement"
    accord.propose(accord.amended(end="2027-01-31"))
    for name in STEWARDS[1:]:
        accord.consent(name)
    assert said().endswith(f"by its signed agreement (number 2 waits for {CHILD_WELFARE})")
    accord.agreement = next_to(accord)
    accord.notice("kim", "suspend")
    assert said().startswith(f"is not in force: the linkage is suspended by {SCHOOL} (number 2")
