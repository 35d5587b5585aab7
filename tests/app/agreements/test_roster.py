"""A steward changes who acts for their party, alone and at once; everybody else's word stays."""

from __future__ import annotations

import random
from typing import Any

from rigs.enrolled import EnrolledPerson
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.refused_calls import refusal
from rigs.signed import STEWARDS, Accord
from samples.round_files import random_people

from encoding.people.identity import replace_keys
from schemas.agreement.agreement import Agreement


def newcomer(accord: Accord, name: str, party: str, *duties: Any) -> None:
    """Enrol one more person, whom no agreement lists yet."""
    accord.persons[name] = EnrolledPerson.confirmed(accord.founded, accord.client, party, *duties)


def roster_of(accord: Accord, party: str, *names: str, **changes: Any) -> Agreement:
    """The amendment by which these are a party's persons, and nothing else changes."""
    raw = accord.agreement.to_json()
    persons = sorted((accord.persons[one].identity.public.to_json() for one in names), key=_id)
    for one in raw["parties"]:
        if one["name"] == party:
            one["persons"] = persons
            if one["holder"] not in map(_id, persons):
                one["holder"] = next(_id(p) for p in persons if "analyst" in p["duties"])
                changes = {"epoch": raw["epoch"] + 1, **changes}
    amends = {"only": "persons", "party": party}
    return accord.amended(**{"parties": raw["parties"], "amends": amends, **changes})


def _id(person: Any) -> str:
    return str(person["person"])


def replace_bob(accord: Accord) -> Agreement:
    newcomer(accord, "cleo", CHILD_WELFARE, "analyst", "recipient", "reviewer")
    return roster_of(accord, CHILD_WELFARE, "ann", "cleo")


def test_one_signature_puts_a_successor_in_place_at_once_and_the_others_may_halt_and_leave(
    accord: Accord,
) -> None:
    accord.agree()
    by_another = accord.propose(replace_bob(accord), "kim")
    assert refusal(by_another) == (409, "agreement-refused", "parties")
    assert accord.propose(accord.agreement).status_code == 201
    assert refusal(accord.consent("kim", counsel=None))[:2] == (422, "statement-refused")
    view = accord.consent("ann", counsel=None).json()
    assert (view["state"], view["missing"]) == ("in-force", [])
    path = f"/v1/projects/{PROJECT}"
    bound = accord.client.get(path, headers=accord.as_person("cleo")).json()
    assert (bound["agreement"], bound["terms"]["epoch"]) == (accord.agreement.digest(), 2)
    assert accord.log_kinds()[-3:] == [
        "agreement-proposed",
        "agreement-signed",
        "agreement-in-force",
    ]
    assert accord.notice("sue", "suspend").status_code == 200
    accord.sleep(hours=1)
    assert accord.notice("kim", "withdraw").json()["state"] == "withdrawn"


def test_approvals_in_advance_go_on_while_their_approver_is_listed(accord: Accord) -> None:
    accord.agree()
    for name in ("ann", "lee"):
        assert accord.stand(name).status_code == 200
    newcomer(accord, "max", SCHOOL, "reviewer")
    accord.propose(roster_of(accord, SCHOOL, "kim", "lee", "max"), "kim")
    accord.consent("kim", counsel=None)
    accord.upload_both()
    assert accord.run()["state"] == "queued"
    accord.work()
    # Lee, who approved for the schools, leaves.
    accord.propose(roster_of(accord, SCHOOL, "kim", "max"), "kim")
    accord.consent("kim", counsel=None)
    accord.sleep(days=7)
    accord.upload_both()
    assert accord.run()["state"] == "awaiting"


def test_nobody_lists_themselves(accord: Accord) -> None:
    accord.agree()
    newcomer(accord, "max", SCHOOL, "analyst", "approver", "recipient", "steward")
    taken = roster_of(accord, SCHOOL, "lee", "max")
    assert refusal(accord.propose(taken, "max"))[:2] == (404, "not-found")
    # Another party lists them for all to sign: until that is so, they may sign it and no more.
    raw = taken.to_json()
    del raw["amends"]
    assert accord.propose(Agreement.from_json(raw), "ann").status_code == 201
    shown = accord.client.get(accord.about("agreements"), headers=accord.as_person("max"))
    assert [one["number"] for one in shown.json()["agreements"]] == [2, 1]
    project = accord.client.get(f"/v1/projects/{PROJECT}", headers=accord.as_person("max"))
    assert refusal(project)[:2] == (404, "not-found")
    again = Agreement.from_json(raw | {"end": "2027-07-31"})
    assert refusal(accord.propose(again, "max")) == (409, "agreement-refused", "parties")
    accord.agreement = Agreement.from_json(raw)
    states = [accord.consent(name).json()["state"] for name in ("ann", "eve", "sue", "max")]
    assert states[-1] == "in-force"
    assert refusal(accord.notice("kim", "suspend"))[:2] == (404, "not-found")


def test_new_stewards_take_the_place_of_one_partys_at_a_time(accord: Accord) -> None:
    accord.agree()
    bound = accord.agreement
    duties = ("analyst", "approver", "recipient", "reviewer", "steward")
    newcomer(accord, "ida", CHILD_WELFARE, *duties)
    newcomer(accord, "max", SCHOOL, *duties)
    raw = roster_of(accord, CHILD_WELFARE, "ida").to_json()
    (schools,) = (one for one in raw["parties"] if one["name"] == SCHOOL)
    schools |= {"persons": [accord.persons["max"].identity.public.to_json()]}
    schools["holder"] = schools["persons"][0]["person"]
    del raw["amends"]
    assert accord.propose(Agreement.from_json(raw), "eve").status_code == 201
    for name in ("eve", "ida"):
        assert accord.consent(name).json()["state"] == "proposed"
    assert refusal(accord.consent("max"))[:2] == (422, "statement-refused")
    accord.agreement = bound
    raw = roster_of(accord, SCHOOL, "kim", "lee", "max").to_json()
    del raw["amends"]
    assert accord.propose(Agreement.from_json(raw), "kim").status_code == 201
    assert refusal(accord.consent("max"))[:2] == (422, "statement-refused")
    assert accord.consent("kim").status_code == 200


def test_who_has_left_acts_no_more_whatever_version_they_name(accord: Accord) -> None:
    accord.agree()
    newcomer(accord, "max", SCHOOL, "analyst", "approver", "recipient", "steward")
    both = roster_of(accord, SCHOOL, "kim", "lee", "max")
    accord.propose(both, "kim")
    accord.consent("kim", counsel=None)
    accord.propose(roster_of(accord, SCHOOL, "lee", "max"), "max")
    assert accord.consent("max", counsel=None).json()["state"] == "in-force"
    newest = accord.agreement
    accord.agreement = both
    # The version that was replaced lists kim still.
    assert refusal(accord.notice("kim", "suspend"))[:2] == (404, "not-found")
    accord.agreement = newest
    assert accord.notice("max", "suspend").status_code == 200
    kim = accord.persons["kim"]
    _, change = replace_keys(kim.identity, accord.founded.clock())
    assert kim.call("GET", "/v1/whoami").json()["party"] == SCHOOL
    assert kim.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 200


def test_who_is_taken_off_the_roster_does_not_end_an_upload_and_a_colleague_does(
    accord: Accord,
) -> None:
    accord.agree()
    made = accord.container(random_people(random.Random(5), 12), CHILD_WELFARE)
    upload = accord.open(made, CHILD_WELFARE).json()["upload"]
    accord.put(upload, 0, made.parts[0], CHILD_WELFARE)
    accord.propose(replace_bob(accord))
    accord.consent("ann", counsel=None)
    late = accord.put(upload, 1, made.parts[1], CHILD_WELFARE)
    assert refusal(late)[:2] == (404, "not-found")
    shown = accord.client.get(f"/v1/uploads/{upload}", headers=accord.as_person("cleo"))
    assert (shown.status_code, shown.json()["state"]) == (200, "open")


def test_nothing_else_changes_with_it_and_what_else_does_takes_every_party_and_counsel(
    accord: Accord,
) -> None:
    accord.agree()
    bound = accord.agreement
    newcomer(accord, "cleo", CHILD_WELFARE, "analyst", "recipient", "reviewer")
    more: list[dict[str, Any]] = [{"end": "2027-07-31"}, {"start": "2026-01-02"}]
    for changes in (*more, {"epoch": 1}, {"epoch": 3}):
        wider = roster_of(accord, CHILD_WELFARE, "ann", "cleo", **changes)
        assert refusal(accord.propose(wider)) == (409, "agreement-refused", "number"), changes
        accord.agreement = bound
    accord.propose(accord.amended(end="2027-07-31"))
    assert refusal(accord.consent("ann", counsel=None))[:2] == (422, "statement-refused")
    accord.agreement = bound
    accord.propose(accord.amended(start="2026-01-02", amends={"only": "practice", "party": None}))
    states = [accord.consent(name, counsel=None).json()["state"] for name in STEWARDS]
    assert states == ["proposed", "proposed", "proposed", "in-force"]
    assert AUDITOR in accord.agreement.signers
    # The others' persons may have new keys meanwhile.
    for name in ("kim", "bob"):
        person = accord.persons[name]
        _, change = replace_keys(person.identity, accord.founded.clock())
        assert person.call("POST", "/v1/key-changes", json=change.to_json()).status_code == 200
    newcomer(accord, "max", CHILD_WELFARE, "reviewer")
    accord.propose(roster_of(accord, CHILD_WELFARE, "ann", "bob", "max"))
    assert accord.consent("ann", counsel=None).json()["state"] == "in-force"


def test_a_party_halts_the_linkage_still_and_what_it_has_left_is_not_amended(
    accord: Accord,
) -> None:
    accord.agree()
    accord.notice("kim", "suspend")
    accord.propose(replace_bob(accord))
    assert accord.consent("ann", counsel=None).json()["state"] == "suspended"
    accord.sleep(hours=1)
    assert accord.notice("kim", "resume").status_code == 200
    assert accord.get(f"/v1/projects/{PROJECT}", SCHOOL).json()["in_force"]
    accord.sleep(seconds=1)
    assert accord.notice("kim", "withdraw").status_code == 200
    left = accord.agreement
    persons = roster_of(accord, CHILD_WELFARE, "ann", "bob")
    dates = accord.amended(start="2026-01-02", amends={"only": "practice", "party": None})
    for change in (persons, dates):
        assert refusal(accord.propose(change)) == (409, "agreement-refused", "number")
        accord.agreement = left
