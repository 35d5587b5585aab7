"""What an amendment changes alone, against a table of all clauses, and who has to sign it.
Terms that people draft: what is filled in, and what must fit together.
Agreements and their amendments, by the vectors that all readers share.
When rounds open and fall due, against a twin that counts days and minutes.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from samples.documents import TERMS, changed, without
from samples.refusals import raises
from twins import timetable as twin
from vectors.file import naming, read_vectors

from schemas.agreement.agreement import DEFAULT_FLOOR, Agreement, ProjectTerms
from schemas.agreement.amendment import amends_of, of_same_clauses, opens_epoch, succession_fault
from schemas.agreement.clauses import Amends, Frequency
from schemas.agreement.statement import SignedStatement
from schemas.documents.canonical import canonical_bytes
from schemas.documents.errors import DocumentError, FormatError, SignatureError
from schemas.documents.ids import utc_text
from schemas.rounds.timetable import PERIOD_DAYS, next_day, round_due, upload_due

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
    """Ann stays, and someone new takes bob's place, who holds the secret."""
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


DEFAULTS: dict[str, Any] = {
    "version": "blindlink/project-terms/3",
    "epoch": 1,
    "auditors": (),
    "floor": DEFAULT_FLOOR,
    "frequency": "on-request",
    "due": None,
    "round_days": 7,
    "keep_encodings_days": 30,
    "keep_links_days": 400,
    "policy_range": None,
    "as_of_max_age_days": None,
    "as_of_max_gap_days": None,
    "round_budget": None,
    "most_ended": None,
    "review": None,
    "has_legal_hold": False,
}


def test_what_a_draft_leaves_out_is_filled_in() -> None:
    # Where the frequency is left out, nothing is due at a moment.
    undue = changed(TERMS, "due", None)
    for field, value in DEFAULTS.items():
        assert getattr(ProjectTerms.from_json(without(undue, field)), field) == value, field


def test_a_filled_in_draft_has_the_digest_of_the_whole_document() -> None:
    spelled_out = ProjectTerms.from_json(changed(TERMS, "floor", DEFAULT_FLOOR))
    assert ProjectTerms.from_json(without(TERMS, "floor")).digest() == spelled_out.digest()


def test_the_floor_shows_no_small_count_unless_agreed() -> None:
    assert DEFAULT_FLOOR == 10


def test_the_larger_file_is_that_with_the_greater_bound_whatever_comes() -> None:
    terms = ProjectTerms.from_json(TERMS)
    assert terms.pair("child-welfare", "k12") == terms.pair("k12", "child-welfare")
    assert terms.pair("child-welfare", "k12") == ("k12", "child-welfare")


def test_of_two_equal_bounds_the_first_name_has_the_larger_file() -> None:
    equal = [{"party": party, "least": 1, "most": 500} for party in ("child-welfare", "k12")]
    terms = ProjectTerms.from_json(changed(TERMS, "files", equal))
    assert terms.pairs == (("child-welfare", "k12"),)


def test_three_providers_are_three_pairs_in_the_order_of_their_names() -> None:
    most = {"child-welfare": 90_000, "health": 2_000_000, "k12": 8_000_000}
    files = [{"party": party, "least": 1, "most": size} for party, size in most.items()]
    terms = ProjectTerms.from_json({**TERMS, "providers": list(most), "files": files})
    assert terms.pairs == (("health", "child-welfare"), ("k12", "child-welfare"), ("k12", "health"))


def test_no_party_has_the_name_that_the_log_gives_the_broker() -> None:
    own = json.loads(json.dumps(AGREEMENT).replace('"child-welfare"', '"broker"'))
    with pytest.raises(DocumentError, match=r"parties\.0\.name: this name is the broker's own"):
        Agreement.from_json(own)


VECTORS = read_vectors("agreement")
BASE: dict[str, Any] = json.loads(VECTORS["base"])


def test_a_good_agreement_is_read_and_has_its_digest() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            made = changed(BASE, vector["place"], vector["value"])
            assert Agreement.from_canonical(canonical_bytes(made)).digest() == vector["sha256"]


def test_an_amendment_follows_or_does_not() -> None:
    for vector in VECTORS["successions"]:
        with naming(vector):
            before, after = Agreement.from_json(BASE), Agreement.from_json(BASE | vector["changes"])
            assert (succession_fault(before, after) is None) == vector["may_follow"]
            if vector["may_follow"]:
                assert (after.epoch != before.epoch) == vector["encodes_anew"]
                assert vector["encodes_anew"] or not opens_epoch(before, after)


TIMES = st.times().map(lambda time: time.strftime("%H:%M"))
WEEKDAYS = st.sampled_from([*twin.WEEKDAYS])
DAYS = st.dates(date(2020, 1, 1), date(2060, 1, 1))
MOMENTS = st.integers(1_600_000_000, 2_800_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    frequency = draw(st.sampled_from(get_args(Frequency)))
    due = None
    if frequency in PERIOD_DAYS and draw(st.booleans()):
        due = draw(TIMES)
        if frequency != "daily" and draw(st.booleans()):
            due = f"{draw(WEEKDAYS)} {due}"
    return TERMS | {"frequency": frequency, "due": due}


@given(schedules(), DAYS)
def test_a_round_opens_and_falls_due_as_the_twin_counts(raw: dict[str, Any], last: date) -> None:
    terms = ProjectTerms.from_json(raw)
    day, due = next_day(terms, last), round_due(terms, last)
    assert (day and day.isoformat()) == twin.next_day(raw, last.isoformat())
    assert (due and utc_text(due)) == twin.round_due(raw, last.isoformat())


@given(schedules(), MOMENTS)
def test_files_fall_due_as_the_twin_counts(raw: dict[str, Any], opened: datetime) -> None:
    terms = ProjectTerms.from_json(raw)
    assert utc_text(upload_due(terms, opened)) == twin.upload_due(raw, utc_text(opened))


@pytest.mark.parametrize(
    ("last", "due"),
    [
        # On Sunday, as ever; on the Tuesday after it; and for the first time, in the middle of a week.
        ("2026-09-06", "2026-09-13T22:00:00Z"),
        ("2026-09-08", "2026-09-13T22:00:00Z"),
        ("2026-09-02", "2026-09-06T22:00:00Z"),
    ],
)
def test_a_late_round_does_not_put_off_the_next_one(last: str, due: str) -> None:
    terms = ProjectTerms.from_json(TERMS | {"due": "sunday 22:00"})
    assert utc_text(round_due(terms, date.fromisoformat(last))) == due
