"""An agreement as people read it: all that is signed is said, and nothing that is said can be forged."""

from __future__ import annotations

import html
import re
from typing import Any

from samples.agreement import AGREEMENT, identity
from samples.documents import changed

from encoding.agreement.page import agreement_page
from encoding.agreement.picture import data_flow
from encoding.agreement.text import agreement_lines, agreement_markdown
from encoding.profiles.catalog import shipped_profile
from schemas.agreement.agreement import Agreement
from schemas.agreement.chapters import chapters_of
from schemas.agreement.knowledge import MEASURED
from schemas.linkage.profile import EncodingProfile

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


def test_whatever_is_agreed_is_said_and_what_an_amendment_takes_the_place_of() -> None:
    first = Agreement.from_json(BASE)
    plain = words(first)
    for place, other in OTHERS.items():
        assert words(Agreement.from_json(changed(BASE, place, other))) != plain, place
    changes = {"number": 2, "previous": first.digest(), "epoch": 2}
    assert words(Agreement.from_json(BASE | changes)) != plain


def test_what_every_agreement_must_say_is_said() -> None:
    text = words(Agreement.from_json(BASE))
    every = "nothing in this agreement changes without the signature of every party that the new version names"
    for said in (
        # Who signs later changes, as it is held to, and in which log.
        "a steward of a party may change who acts for that party, alone and at once",
        f"Except for who acts for a party, {every}",
        "Counsel of every party that the new version names signs any other change",
        "may leave out one party",
        "data-center keeps its match log under the name broker.example/log;"
        " a copy of these signatures counts in no other log.",
        *(f"{one['giver']} to {one['receiver']}" for one in AGREEMENT["directions"]),
        # How many links are expected to be wrong, and what attacks found, with the sizes.
        "of 1,000 links made so, at most 100 are expected to be wrong",
        "4,000 children in care and 200,000 pupils",
        *(found for _, found in MEASURED),
        "ZIP codes are compared",
        "only if both have a first name, a last name and a date of birth, and these are compared.",
        "k12 has the larger file",
        "A named person's membership is not hidden from the other agency.",
        "The match log and the receipts stay",
        "out of the broker's reach",
    ):
        assert said in text.replace("Of 1,000", "of 1,000"), said
    assert "nothing is left at" not in text
    stricter = Agreement.from_json(changed(BASE, "policy.auto", "0.9475"))
    assert "at most 52.5 are expected to be wrong" in words(stricter)
    without = shipped_profile("children", zip_code=False)
    agreement = Agreement.from_json(BASE | {"profile": without.digest()})
    assert "ZIP codes are not compared." in words(agreement, without)
    numbered = shipped_profile("children", number="student-id")
    agreement = Agreement.from_json(BASE | {"profile": numbered.digest()})
    assert "Student IDs that agree take the place of one of the three." in words(
        agreement, numbered
    )
    nameless = numbered.model_copy(update={"fields": numbered.fields[1:]})
    agreement = Agreement.from_json(BASE | {"profile": nameless.digest()})
    assert "WARNING: the profile does not have the fields" in words(agreement, nameless)


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


def test_recipients_of_one_space_prove_their_matches_and_others_have_nothing_in_common() -> None:
    spaces = [{"name": name, "lifetime": "round"} for name in ("one", "two")]
    apart = changed(changed(BASE, "spaces", spaces), "recipients.0.space", "one")
    apart = changed(apart, "recipients.1.space", "two")
    blind = changed(BASE, "recipients.1.mode", "blind")
    together, separate, sealed = (words(Agreement.from_json(raw)) for raw in (BASE, apart, blind))
    for text, proves, unproven, differ in (
        (together, True, False, False),
        (separate, False, True, True),
    ):
        assert ("prove to each other" in text) is proves
        assert ("nothing proves" in text) is unproven
        assert ("recipients of different link-ID sets" in text) is differ
    assert "nothing proves" in sealed


def test_the_columns_that_are_encoded_are_said_whether_or_not_they_are_data_elements() -> None:
    shared = [one for one in BASE["elements"] if one["use"] == "shared"]
    for elements in (BASE["elements"], shared, []):
        text = words(Agreement.from_json(BASE | {"elements": elements}))
        assert f"from these columns: {PROFILE.columns[0]}, " in text
        assert "columns above" not in text
    unknown = words(Agreement.from_json(BASE | {"elements": shared}), None)
    assert "from the columns that it names" in unknown


def test_each_coalition_that_design_warns_of_has_its_row() -> None:
    for mode in ("linked", "blind", "count"):
        agreement = Agreement.from_json(changed(BASE, "recipients.1.mode", mode))
        text = words(agreement)
        assert "the operator and anyone who holds the secret" in text, mode
        assert "compares in secret" in text
        for party in agreement.parties:
            assert f"{party.name}, a" in text or f"{party.name}, the operator" in text


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


def test_what_reviewers_see_is_said_whatever_their_agency_receives() -> None:
    review = {
        "reviewer": "child-welfare",
        "persons": 1,
        "first": 9,
        "weekly": 1,
        "bucket": 20,
        "days": 14,
        "consent": None,
    }
    shown = {"party": "k12", "name": "first_name", "use": "shown"}
    first, *others = BASE["recipients"]
    raw = BASE | {"review": review, "elements": [*BASE["elements"], shown]}
    for own in (*([first | {"mode": mode}] for mode in ("linked", "count", "none")), []):
        text = words(Agreement.from_json(raw | {"recipients": [*own, *others]}))
        assert "on cards that its reviewers open: first_name" in text, own
    # Counsel looks at the picture first.
    picture = " ".join(re.sub(r"<[^>]*>", " ", data_flow(Agreement.from_json(raw))).split())
    assert "of linked people, from k12: School" in picture
    assert "of pairs under review, from k12: first_name" in picture
    assert picture.count("from k12") == 2
