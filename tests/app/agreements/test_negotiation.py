"""An agreement comes to bind when every party has signed it, over HTTP, and ends when any one says so."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.refused_calls import refusal
from rigs.signed import COUNSEL, STEWARDS, Accord

from app.agreements import negotiation
from app.agreements.states import project_states
from app.auditor.verify import verify_bundle
from encoding.people.identity import replace_keys
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementList, AgreementView
from schemas.agreement.statement import SignedStatement
from schemas.api.projects import ProjectView
from schemas.documents.ids import utc_text
from schemas.matchlog.entry import Entry
from schemas.signing.identity import MAX_KEY_CHANGES

VIEW = f"/v1/projects/{PROJECT}"


def test_an_agreement_binds_when_every_party_has_signed_it_once(accord: Accord) -> None:
    answer = accord.propose()
    assert answer.status_code == 201, answer.text
    view = AgreementView.from_json(answer.json())
    assert view.state == "proposed"
    assert view.missing == (CHILD_WELFARE, "operator", SCHOOL, AUDITOR)
    assert accord.propose().json() == answer.json()
    consents = {name: accord.signed(name, "consent", counsel=COUNSEL) for name in STEWARDS}
    for n_signed, name in enumerate(STEWARDS, start=1):
        assert refusal(accord.get(VIEW)) == (409, "not-in-force", "signatures")
        signed = accord.post(accord.about("consents"), name, consents[name])
        # Sent again it changes nothing.
        again = accord.post(accord.about("consents"), name, consents[name])
        assert (again.status_code, again.json()) == (200, signed.json())
        view = AgreementView.from_json(signed.json())
        assert len(view.consents) == n_signed
        if n_signed == 1:
            other = {**COUNSEL, "name": "Another Person"}
            assert refusal(accord.consent(name, counsel=other))[:2] == (409, "out-of-place")
    assert (view.state, view.missing) == ("in-force", ())
    project = ProjectView.from_json(accord.get(VIEW).json())
    assert (project.agreement, project.in_force) == (accord.agreement.digest(), True)
    assert project.terms == accord.agreement.terms()
    assert accord.log_kinds()[-6:] == [
        "agreement-proposed",
        *["agreement-signed"] * 4,
        "agreement-in-force",
    ]


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


def test_an_amendment_leaves_the_old_agreement_in_force_until_all_have_signed_and_it_starts(
    accord: Accord,
) -> None:
    def states() -> list[str]:
        return [one.state for one in listed(accord).agreements]

    accord.agree()
    old = accord.agreement
    limits = {**old.to_json()["limits"], "floor": 5}
    accord.propose(accord.amended(limits=limits), "kim")
    for name in STEWARDS:
        assert listed(accord).in_force == old.digest()
        assert accord.get(VIEW).json()["agreement"] == old.digest()
        accord.consent(name)
    assert listed(accord).in_force == accord.agreement.digest()
    assert states() == ["in-force", "replaced"]
    assert accord.get(VIEW).json()["terms"]["floor"] == 5
    old, later = accord.agreement, accord.amended(start="2026-09-08")
    accord.agree(later)
    assert states() == ["signed", "in-force", "replaced"]
    assert accord.get(VIEW).json()["agreement"] == old.digest()
    accord.sleep(days=7)
    assert states() == ["in-force", "replaced", "replaced"]
    assert accord.get(VIEW).json()["agreement"] == later.digest()
    # An amendment of one that waits takes its place.
    accord.agree(accord.amended(start="2026-10-01"))
    accord.agree(accord.amended(start="2026-09-08"))
    assert states()[:3] == ["in-force", "signed", "replaced"]
    accord.sleep(days=40)
    assert states() == ["in-force", *["replaced"] * 4]


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


def test_any_party_alone_suspends_resumes_and_withdraws(accord: Accord) -> None:
    accord.agree()
    for name in STEWARDS:
        halted = AgreementView.from_json(accord.notice(name, "suspend").json())
        assert halted.state == "suspended", name
        unasked = accord.offer(CHILD_WELFARE, first=1, nonces=())
        assert refusal(unasked) == (409, "not-in-force", "suspension")
        assert not accord.get(VIEW).json()["in_force"]
        accord.sleep(seconds=1)
        lifted = AgreementView.from_json(accord.notice(name, "resume").json())
        assert lifted.state == "in-force", name
        assert accord.offer(CHILD_WELFARE).status_code == 201
        accord.sleep(seconds=1)
        left = AgreementView.from_json(accord.notice(name, "withdraw").json())
        assert left.state == "withdrawn", name
        unasked = accord.offer(CHILD_WELFARE, first=1, nonces=())
        assert refusal(unasked) == (409, "not-in-force", "withdrawal")
        accord.sleep(seconds=1)
        assert refusal(accord.notice(name, "resume"))[:2] == (409, "out-of-place")
        accord.agree(accord.amended())
        assert accord.get(VIEW).json()["in_force"]
        accord.sleep(seconds=1)


def test_a_notice_cannot_be_played_again_or_kept_back_or_out_of_place(accord: Accord) -> None:
    accord.agree()
    kept = accord.signed("ann", "notice", act="suspend", reason="Kept back.")
    accord.sleep(seconds=1)
    halt = accord.signed("ann", "notice", act="suspend", reason="A reason.")
    assert refusal(accord.notice("ann", "resume"))[:2] == (409, "out-of-place")
    assert accord.post(accord.about("notices"), "ann", halt).status_code == 200
    assert refusal(accord.notice("ann", "suspend", reason="Again."))[:2] == (409, "out-of-place")
    accord.sleep(seconds=1)
    assert refusal(accord.notice("ann", "suspend"))[:2] == (409, "out-of-place")
    assert accord.notice("ann", "resume").status_code == 200
    for played in (halt, kept):
        late = accord.post(accord.about("notices"), "ann", played)
        assert refusal(late)[:2] == (409, "statement-order")
    shown = accord.client.get(accord.about("last-word"), headers=accord.as_person("bob")).json()
    assert shown["at"] == utc_text(accord.founded.clock())


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


def test_who_withdraws_has_signed_no_amendment_either_and_the_consent_cannot_be_played_again(
    accord: Accord,
) -> None:
    accord.agree()
    accord.propose(accord.amended(end="2027-01-31"))
    waiting = accord.agreement
    voided = accord.signed("ann", "consent", counsel=COUNSEL)
    assert accord.post(accord.about("consents"), "ann", voided).status_code == 200
    accord.agreement = next_to(accord)
    accord.notice("ann", "withdraw")
    path = f"{accord.about('agreements')}/{waiting.digest()}"
    view = AgreementView.from_json(accord.client.get(path, headers=accord.as_person("kim")).json())
    assert (view.state, view.consents) == ("proposed", ())
    again = accord.post(accord.about("consents"), "ann", voided)
    assert refusal(again)[:2] == (409, "statement-order")
    accord.agreement = waiting
    assert accord.consent("ann").status_code == 200


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


def test_an_agreement_is_proposed_by_a_steward_it_lists_in_the_log_that_it_was_made_for(
    accord: Accord,
) -> None:
    first = accord.agreement
    assert refusal(accord.propose(name="bob"))[:2] == (403, "wrong-duty")
    answer = accord.propose(accord.first(parties=without_auditor(accord)), "sue")
    assert refusal(answer) == (409, "agreement-refused", "parties")
    # The schools' person has another duty than they enrolled with.
    raw = first.to_json()
    for party in raw["parties"]:
        if party["name"] == SCHOOL:
            party["persons"][0]["duties"] = sorted({*party["persons"][0]["duties"], "reviewer"})
    answer = accord.propose(accord.first(parties=raw["parties"]))
    assert refusal(answer) == (409, "agreement-refused", "parties")
    answer = accord.propose(accord.first(log="rehearsal.test/blindlink"))
    assert refusal(answer) == (409, "agreement-refused", "log")
    assert "made for another log" in answer.json()["detail"]
    assert "agreement-proposed" not in accord.log_kinds()


def test_an_agreement_is_seen_by_the_parties_that_it_names_and_its_digest_by_all_before_one_binds(
    accord: Accord,
) -> None:
    parties = without_auditor(accord)
    accord.propose(accord.first(parties=parties))
    assert listed(accord, "kim").agreements != ()
    assert listed(accord, "sue").agreements == ()
    path = f"{accord.about('agreements')}/{accord.agreement.digest()}"
    unseen = accord.client.get(path, headers=accord.as_person("sue"))
    assert refusal(unseen)[:2] == (404, "not-found")
    path = f"/v1/log/bundle?project={PROJECT}"
    bundle = accord.client.get(path, headers=accord.as_person("sue"))
    shown: list[Entry] = []
    key = accord.broker.log.key
    verify_bundle(io.BytesIO(bundle.content), log_key=key, on_entry=shown.append)
    proposed = [one.agreement for one in shown if one.kind == "agreement-proposed"]
    assert proposed == [accord.agreement.digest()]


def test_two_last_signatures_at_once_bring_the_agreement_into_force(accord: Accord) -> None:
    """Whether it starts at once or waits for its first day."""
    for n_th, version in enumerate((accord.first(start="2026-09-02"), None), start=1):
        accord.propose(version or accord.amended(start="2026-09-01"))
        for name in STEWARDS:
            accord.as_person(name)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(accord.consent, STEWARDS))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert accord.log_kinds().count("agreement-in-force") == n_th


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
