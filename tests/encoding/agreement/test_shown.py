"""An agreement as people read it: all that is signed is said, and nothing that is said can be forged."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from samples.agreement import AGREEMENT, identity
from samples.documents import changed

from encoding.agreement.page import agreement_page
from encoding.agreement.text import agreement_lines, agreement_markdown
from encoding.profiles.catalog import shipped_profile
from schemas.agreement import Agreement
from schemas.chapters import chapters_of
from schemas.knowledge import MEASURED
from schemas.profile import EncodingProfile

PROFILE = shipped_profile("children")
BASE: dict[str, Any] = {**AGREEMENT, "profile": PROFILE.digest()}

OTHERS: dict[str, Any] = {
    "project": "other",
    "log": "broker.example/log-2",
    "paper.number": "DSA 7",
    "paper.date": "2026-08-21",
    "paper.sha256": "6" * 64,
    "paper": None,
    "purpose.code": "other",
    "purpose.statement": "Something else.",
    "parties.0.title": "Other",
    "parties.0.capacity": "other",
    "parties.0.contact": "Other",
    "parties.0.holder": AGREEMENT["parties"][0]["persons"][0]["person"],
    "parties.0.persons.0.signing_key": identity("ann", seed=99)["signing_key"],
    "parties.0.persons.0.receiving_key": identity("ann", seed=99)["receiving_key"],
    "parties.0.persons.1.created": "2026-09-02T06:00:00Z",
    "parties.0.persons.1.duties": ["analyst", "recipient"],
    "directions.2.basis": "court-order",
    "directions.0.citation": "Another law",
    "population.code": "other",
    "population.definition": "Others.",
    "population.as_of": "Another day.",
    "population.max_age_days": 8,
    "population.max_gap_days": None,
    "elements.0.name": "Middle name",
    "elements.2.use": "encoded",
    "profile": "b" * 64,
    "policy.auto": "0.91",
    "policy.review": "0.06",
    "policy.lead": 2,
    "policy.review_share": "0.06",
    "policy.twin_guard": True,
    "policy.prior_matches": "0.5",
    "policy.link_rate.least": "0.1",
    "policy.link_rate.most": "0.99",
    "policy.max_pairs": 7,
    "policy_range": None,
    "policy_range.auto_from": "0.83",
    "policy_range.auto_to": "0.99",
    "policy_range.review_from": "0.01",
    "policy_range.review_to": "0.3",
    "spaces.0.lifetime": "round",
    "spaces": [*AGREEMENT["spaces"], {"name": "unused", "lifetime": "round"}],
    "recipients.1.mode": "blind",
    "recipients.0.onward": "somebody",
    "schedule.frequency": "monthly",
    "schedule.due": "22:00",
    "schedule.round_days": 8,
    "schedule.note": None,
    "approvals.runs": "each",
    "approvals.asker_suffices": True,
    "approvals.releases": True,
    "limits.files.0.least": 99,
    "limits.files.0.most": 99_999,
    "limits.files.1.most": 8_000_001,
    "limits.budget": None,
    "limits.budget.rounds": 7,
    "limits.budget.days": 31,
    "limits.floor": 0,
    "limits.most_ended": "0.2",
    "start": "2026-09-02",
    "end": "2027-08-30",
    "retention.keep_encodings_days": 31,
    "retention.keep_links_days": 401,
    "retention.destroy_by": "2028-09-01",
    "retention.legal_hold": "An order",
    "breach.hours": 25,
    "breach.instruction": "Run.",
    "finality.cosigners": 2,
}


PARTY_CELLS = ("party", "legal name", "part", "capacity", "whom to call")


def words(agreement: Agreement, profile: EncodingProfile | None = PROFILE) -> str:
    return "\n".join(map(str, chapters_of(agreement, profile)))


@pytest.mark.parametrize("place", OTHERS)
def test_whatever_is_agreed_is_said(place: str) -> None:
    plain = Agreement.from_json(BASE)
    other = Agreement.from_json(changed(BASE, place, OTHERS[place]))
    assert words(plain) != words(other)


def test_what_an_amendment_takes_the_place_of_is_said() -> None:
    first = Agreement.from_json(BASE)
    changes = {"number": 2, "previous": first.digest(), "epoch": 2}
    assert words(first) != words(Agreement.from_json(BASE | changes))


def test_who_signs_later_changes_is_said_as_it_is_held_to() -> None:
    text = words(Agreement.from_json(BASE))
    every = "nothing in this agreement changes without the signature of every party that the new version names"
    for said in (
        "a steward of a party may change who acts for that party, alone and at once",
        f"Except for who acts for a party, {every}",
        "Counsel of every party that the new version names signs any other change",
        "may leave out one party",
    ):
        assert said in text


def test_in_which_log_signatures_count_is_said() -> None:
    said = "data-center keeps its match log under the name broker.example/log"
    assert f"{said}; a copy of these signatures counts in no other log." in words(
        Agreement.from_json(BASE)
    )


def test_the_legal_basis_of_every_disclosure_is_said() -> None:
    text = words(Agreement.from_json(BASE))
    for direction in AGREEMENT["directions"]:
        assert f"{direction['giver']} to {direction['receiver']}" in text


def test_how_many_links_are_expected_to_be_wrong_is_said() -> None:
    assert "of 1,000 links made so, at most 100 are expected to be wrong" in words(
        Agreement.from_json(BASE)
    ).replace("Of 1,000", "of 1,000")
    stricter = Agreement.from_json(changed(BASE, "policy.auto", "0.9475"))
    assert "at most 52.5 are expected to be wrong" in words(stricter)


def test_whether_zip_codes_are_compared_is_said() -> None:
    without = shipped_profile("children", zip_code=False)
    agreement = Agreement.from_json(BASE | {"profile": without.digest()})
    assert "ZIP codes are not compared." in words(agreement, without)
    assert "ZIP codes are compared" in words(Agreement.from_json(BASE))


def test_who_has_the_larger_file_is_said() -> None:
    assert "k12 has the larger file" in words(Agreement.from_json(BASE))


def test_how_many_links_may_end_in_one_round_is_said() -> None:
    text = words(Agreement.from_json(BASE))
    assert "If a round would end more than 10% of an agency's links in force" in text
    assert "Fewer than 10 links count as 10." in text
    shown = Agreement.from_json(changed(BASE, "limits.floor", 0))
    assert "links count as" not in words(shown)
    unbound = Agreement.from_json(changed(BASE, "limits.most_ended", None))
    assert "Any number of links may end in one round" in words(unbound)


def test_who_reads_a_table_of_counts_is_told_of_where_there_are_columns_for_it() -> None:
    counted = changed(BASE, "elements.2.use", "counted")
    text = words(Agreement.from_json(counted))
    assert "linked people may be counted by it, in tables for others" in text
    assert "no count below 10, and none from which one could be worked out" in text
    assert "anyone who reads a table of linked people" in text
    assert "beside a link ID the columns School" not in text
    every = words(Agreement.from_json(changed(counted, "limits.floor", 0)))
    assert "Nothing: every count is shown, however small." in every
    assert "worked out" not in every
    assert "in tables" not in words(Agreement.from_json(BASE))
    assert "reads a table" not in words(Agreement.from_json(BASE))


def test_membership_is_said_not_to_be_hidden() -> None:
    said = "A named person's membership is not hidden from the other agency."
    assert said in words(Agreement.from_json(BASE))


def test_recipients_of_one_space_prove_their_matches_and_others_do_not() -> None:
    assert "prove to each other" in words(Agreement.from_json(BASE))
    assert "nothing proves" not in words(Agreement.from_json(BASE))
    spaces = [{"name": name, "lifetime": "round"} for name in ("one", "two")]
    apart = changed(changed(BASE, "spaces", spaces), "recipients.0.space", "one")
    text = words(Agreement.from_json(changed(apart, "recipients.1.space", "two")))
    assert "nothing proves" in text
    assert "prove to each other" not in text
    blind = words(Agreement.from_json(changed(BASE, "recipients.1.mode", "blind")))
    assert "nothing proves" in blind


def test_what_attacks_found_is_said_with_the_sizes_that_it_was_measured_on() -> None:
    text = words(Agreement.from_json(BASE))
    assert "4,000 children in care and 200,000 pupils" in text
    for _, found in MEASURED:
        assert found in text


def test_the_columns_that_are_encoded_are_said_whether_or_not_they_are_data_elements() -> None:
    shared = [one for one in BASE["elements"] if one["use"] == "shared"]
    for elements in (BASE["elements"], shared, []):
        text = words(Agreement.from_json(BASE | {"elements": elements}))
        assert f"from these columns: {PROFILE.columns[0]}, " in text
        assert "columns above" not in text
    unknown = words(Agreement.from_json(BASE | {"elements": shared}), None)
    assert "from the columns that it names" in unknown


def test_what_stays_after_the_day_of_destruction_is_said() -> None:
    text = words(Agreement.from_json(BASE))
    assert "The match log and the receipts stay" in text
    assert "out of the broker's reach" in text
    assert "nothing is left at" not in text


@pytest.mark.parametrize("mode", ["linked", "blind", "count"])
def test_each_coalition_that_design_warns_of_has_its_row(mode: str) -> None:
    agreement = Agreement.from_json(changed(BASE, "recipients.1.mode", mode))
    text = words(agreement)
    assert "the operator and anyone who holds the secret" in text
    assert "compares in secret" in text
    for party in agreement.parties:
        assert f"{party.name}, a" in text or f"{party.name}, the operator" in text


def test_spaces_that_differ_are_said_to_have_nothing_in_common() -> None:
    spaces = [{"name": name, "lifetime": "round"} for name in ("one", "two")]
    apart = changed(changed(BASE, "spaces", spaces), "recipients.0.space", "one")
    apart = changed(apart, "recipients.1.space", "two")
    assert "recipients of different ID spaces" in words(Agreement.from_json(apart))
    assert "recipients of different ID spaces" not in words(Agreement.from_json(BASE))


def test_the_page_says_all_that_the_chapters_say() -> None:
    agreement = Agreement.from_json(BASE)
    shown = re.sub(r"<[^>]*>", "", agreement_page(agreement, PROFILE))
    for chapter in chapters_of(agreement, PROFILE):
        for text in (
            chapter.heading,
            *chapter.sentences,
            *(cell for table in chapter.tables for row in table.rows for cell in row),
        ):
            assert html.escape(text) in shown


def test_the_page_has_a_place_for_every_counsel_and_the_fingerprint() -> None:
    agreement = Agreement.from_json(BASE)
    page = agreement_page(agreement, PROFILE)
    last = page[page.index("Signatures of counsel") :]
    assert agreement.digest()[:8] in last
    for party in agreement.parties:
        assert party.title in last


def test_markup_in_an_agreement_stays_text() -> None:
    evil = '<script>alert(1)</script> | **x** `y` "z"'
    agreement = Agreement.from_json(changed(BASE, "parties.0.title", evil))
    page = agreement_page(agreement, PROFILE)
    assert "<script" not in page
    markdown = agreement_markdown(agreement, PROFILE)
    assert evil not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| child-welfare |")]
    cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert cells[0] == len(PARTY_CELLS) + 1


def test_the_page_loads_nothing() -> None:
    page = agreement_page(Agreement.from_json(BASE), PROFILE)
    assert not re.search(r"(src|href)=|url\((?!#)|@import|<script", page)
    assert "default-src 'none'" in page


def test_the_terminal_gets_lines_that_fit_and_the_fingerprint() -> None:
    agreement = Agreement.from_json(BASE)
    lines = list(agreement_lines(agreement, PROFILE))
    assert max(map(len, lines)) <= 96
    assert lines[1].startswith("fingerprint")
    assert lines[-1] == lines[1]


@pytest.mark.parametrize("mode", ["linked", "count", "none", None])
def test_what_reviewers_see_is_said_whatever_their_agency_receives(mode: str | None) -> None:
    review = {"reviewer": "child-welfare", "persons": 1, "questions": 9, "bucket": 20, "days": 14}
    shown = {"party": "k12", "name": "first_name", "use": "shown"}
    own, *others = BASE["recipients"]
    own = [] if mode is None else [own | {"mode": mode}]
    raw = BASE | {"review": review, "elements": [*BASE["elements"], shown]}
    text = words(Agreement.from_json(raw | {"recipients": [*own, *others]}))
    assert "on cards that its reviewers open: first_name" in text
