"""What an amendment changes alone, against a table of all clauses, and who has to sign it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from samples.agreement import (
    AGREEMENT,
    amended,
    consent,
    identity,
    person_id,
    private,
    signed,
    stated,
)
from samples.refusals import raises

from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import amends_of, of_same_clauses, succession_fault
from schemas.agreement.clauses import Amends
from schemas.agreement.statement import SignedStatement
from schemas.documents.errors import FormatError, SignatureError

BEFORE = Agreement.from_json(AGREEMENT)
PRACTICE = {"only": "practice", "party": None}
PERSONS = {"only": "persons", "party": "child-welfare"}


def after(**changes: Any) -> Agreement:
    return Agreement.from_json(amended(**changes))


def part(name: str, **changes: Any) -> dict[str, Any]:
    return {name: AGREEMENT[name] | changes}


def with_persons(party: str, *names: str, **changes: Any) -> dict[str, Any]:
    """The parties with these persons of one of them, and other fields of it changed."""
    parties = copy.deepcopy(AGREEMENT["parties"])
    for one in parties:
        if one["name"] == party:
            one |= {"persons": [identity(name) for name in names], **changes}
    return {"parties": parties}


def with_newcomer(**changes: Any) -> dict[str, Any]:
    """Ann stays, and somebody new takes bob's place, who holds the secret."""
    newcomer = {**identity("bob", seed=31), "person": f"per-{31:032x}"}
    made = with_persons("child-welfare", "ann", holder=newcomer["person"], **changes)
    made["parties"][0]["persons"].append(newcomer)
    return {**made, "epoch": 2}


FILES = AGREEMENT["limits"]["files"]
# Whether counsel has to sign a change of each clause, and examples of both.
WITHOUT_COUNSEL = {
    "nothing": {},
    "a new secret": {"epoch": 2},
    "an extension": {"end": "2028-08-31", **part("retention", destroy_by="2029-08-31")},
    "an earlier end": {"end": "2027-06-30", **part("retention", destroy_by="2028-06-29")},
    "a later start": {"start": "2026-10-01"},
    "thresholds within the range": part("policy", auto="0.92", review="0.1"),
    "another schedule": part("schedule", due="monday 06:00"),
    "sizes of files": part("limits", files=[FILES[0] | {"most": FILES[0]["most"] + 1}, *FILES[1:]]),
    "links kept shorter": part("retention", keep_links_days=300),
}
WITH_COUNSEL = {
    "the purpose": part("purpose", statement="Something else."),
    "the paper": {"paper": None},
    "a legal basis": {"directions": [AGREEMENT["directions"][0] | {"citation": "Another Code"},
                                     *AGREEMENT["directions"][1:]]},
    "the population": part("population", code="foster-care.0-18"),
    "a data element": {"elements": AGREEMENT["elements"][:-1]},
    "the profile": {"profile": "b" * 64, "epoch": 2},
    "the lead": part("policy", lead=AGREEMENT["policy"]["lead"] + 1),
    "the range": part("policy_range", auto_from="0.8"),
    "a recipient's mode": {"recipients": [AGREEMENT["recipients"][0] | {"mode": "count"},
                                          AGREEMENT["recipients"][1]]},
    "who approves": part("approvals", releases=True),
    "the floor": part("limits", floor=5),
    "how many rounds there may be": part("limits", budget=None),
    "how many links may end at once": part("limits", most_ended=None),
    "which file is larger": part("limits", files=[FILES[0] | {"most": 10**9}, *FILES[1:]]),
    "encodings kept longer": part("retention", keep_encodings_days=31),
    "links kept longer": part("retention", keep_links_days=401),
    "all kept longer after the end": part("retention", destroy_by="2028-09-01"),
    "a legal hold": part("retention", legal_hold="A court's order."),
    "a promise": part("breach", hours=48),
    "finality": part("finality", cosigners=1),
    "a party's capacity": with_persons("k12", "kim", "pat", capacity="something else"),
    "persons of two parties": {"parties": [
        one | {"persons": [p for p in one["persons"] if p["person"] not in
                           (person_id("pat"), person_id("bob"))],
               "holder": person_id("ann") if one["name"] == "child-welfare" else one["holder"]}
        for one in AGREEMENT["parties"]], "epoch": 2},
    "persons, and the end": {**with_newcomer(), "end": "2027-07-31"},
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_COUNSEL)
def test_practice_changes_without_counsel(name: str) -> None:
    changed = WITHOUT_COUNSEL[name]
    assert amends_of(BEFORE, after(**changed)) == Amends(**PRACTICE)
    narrow = after(**changed, amends=PRACTICE)
    assert succession_fault(BEFORE, narrow) is None
    assert narrow.signers == BEFORE.names()


@pytest.mark.parametrize("name", WITH_COUNSEL)
def test_the_rest_changes_with_counsel_of_every_party(name: str) -> None:
    changed = WITH_COUNSEL[name]
    assert amends_of(BEFORE, after(**changed)) is None
    assert succession_fault(BEFORE, after(**changed)) is None
    for narrow in (PRACTICE, PERSONS, PERSONS | {"party": "k12"}):
        assert succession_fault(BEFORE, after(**changed, amends=narrow)) is not None


def test_without_an_agreed_range_counsel_signs_every_threshold() -> None:
    before = Agreement.from_json(AGREEMENT | {"policy_range": None})
    changed = amended(before.to_json(), **part("policy", auto="0.92"))
    assert amends_of(before, Agreement.from_json(changed)) is None


def test_every_clause_is_in_one_of_the_tables() -> None:
    """A clause that is added needs a decision."""
    named = {
        clause
        for changes in (*WITHOUT_COUNSEL.values(), *WITH_COUNSEL.values())
        for clause in changes
    }
    frame = {"version", "project", "log", "number", "previous", "amends", "no_reidentification"}
    # With a known number goes another profile; these go with recipients, and with elements that a card shows.
    others = {"known_number", "spaces", "review"}
    assert named | frame | others == set(Agreement.model_fields)


def test_a_partys_persons_change_by_its_own_signature() -> None:
    changed = with_newcomer()
    assert amends_of(BEFORE, after(**changed)) == Amends(**PERSONS)
    narrow = after(**changed, amends=PERSONS)
    assert succession_fault(BEFORE, narrow) is None
    assert narrow.signers == ("child-welfare",)
    for other in (PRACTICE, PERSONS | {"party": "k12"}):
        assert succession_fault(BEFORE, after(**changed, amends=other)) is not None


def test_who_else_holds_the_secret_needs_the_next_epoch_all_the_same() -> None:
    same = after(**with_newcomer() | {"epoch": 1}, amends=PERSONS)
    assert "need the next epoch" in (succession_fault(BEFORE, same) or "")


@pytest.mark.parametrize(
    ("amends", "said"),
    [
        ({"only": "persons", "party": None}, "a party is named"),
        ({"only": "practice", "party": "k12"}, "a party is named"),
        ({"only": "persons", "party": "nobody"}, "does not name"),
        ({"only": "everything", "party": None}, "amends"),
    ],
)
def test_what_an_amendment_cannot_say(amends: dict[str, Any], said: str) -> None:
    with raises(FormatError, match=said):
        after(amends=amends)


def test_the_first_agreement_amends_nothing() -> None:
    with raises(FormatError, match="amends nothing"):
        Agreement.from_json(AGREEMENT | {"amends": PRACTICE})


def test_versions_of_the_same_clauses_end_where_something_else_changed() -> None:
    first = BEFORE
    second = Agreement.from_json(amended(**part("schedule", note="Other."), amends=PRACTICE))
    third = Agreement.from_json(amended(second.to_json(), amends=PERSONS))
    fourth = Agreement.from_json(amended(third.to_json(), amends=PERSONS | {"party": "k12"}))
    found = list(of_same_clauses([fourth, third, second, first]))
    assert found == [fourth, third, second]


NARROW = amended(**with_newcomer(), amends=PERSONS)


def test_a_consent_without_counsel_counts_where_none_is_needed() -> None:
    agreement = Agreement.from_json(NARROW)
    said = SignedStatement.from_json(consent("ann", NARROW, counsel=None))
    assert said.verify(agreement).person == person_id("ann")
    for_all = amended(end="2027-07-31")
    with raises(SignatureError, match="counsel has to sign first"):
        SignedStatement.from_json(consent("ann", for_all, counsel=None)).verify(
            Agreement.from_json(for_all)
        )
    with_counsel = SignedStatement.from_json(consent("ann", NARROW))
    assert with_counsel.verify(agreement).person == person_id("ann")


def test_no_other_party_consents_to_a_change_of_persons() -> None:
    statement = SignedStatement.from_json(
        signed(stated("consent", "kim", NARROW, counsel=None), private("kim"))
    )
    with raises(SignatureError, match="child-welfare alone signs"):
        statement.verify(Agreement.from_json(NARROW))
