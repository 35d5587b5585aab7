"""A notice to families says what the agreement says, reads easily in two languages, and hides no open place."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import CliRunner, Result
from rigs.documents import ROOT
from rigs.reading import read, read_spanish, sentences_of, words_of
from samples.agreement import AGREEMENT
from samples.documents import changed
from samples.refusals import raises

from encoding.agreement.family_notice import (
    FamilyNotice,
    family_markdown,
    family_notice,
    family_page,
    family_words,
    flat_answers,
)
from encoding.cli.main import main
from encoding.errors import AgreementDraftError
from encoding.profiles.catalog import shipped_profile
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementProposal

PROFILE = shipped_profile("children")
BASE: dict[str, Any] = {**AGREEMENT, "profile": PROFILE.digest()}
PAGE = (ROOT / "docs" / "notices.md").read_text("utf-8")
(TOML,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ENGLISH_ANSWERS = flat_answers(tomllib.loads(TOML))
SPANISH_ANSWERS = {
    "population": "Niños y jóvenes de hasta 21 años que viven fuera de su hogar por orden de un juez.",
    "purpose": "La escuela sabe quién está en cuidado de crianza y puede ayudarle a seguir en ella.",
    "school-staff": "La persona de la escuela encargada del cuidado de crianza y el director o la directora.",
    "objection": "El padre, la madre o el tutor, o usted si tiene 18 años. Escriba a la agencia.",
    "interpreter": "Llame al número de arriba. El intérprete es gratis.",
    "onward.k12": "La persona encargada del cuidado de crianza en la escuela.",
    "contact.child-welfare": "Línea de ayuda a las familias, 555-0110.",
    "contact.k12": "Oficina de registros escolares del distrito, 555-0111.",
    "citation.child-welfare.k12": "una ley estatal sobre seguir en la misma escuela, Example Code 12.4",
    "citation.child-welfare.data-center": "una ley estatal sobre los datos de crianza, Example Code 12.3",
}
LANGUAGES: tuple[Literal["en", "es"], ...] = ("en", "es")


def reviewed() -> dict[str, Any]:
    raw = copy.deepcopy(BASE)
    raw["review"] = {
        "reviewer": "child-welfare",
        "persons": 1,
        "first": 200,
        "weekly": 10,
        "consent": None,
        "bucket": 20,
        "days": 14,
    }
    raw["elements"] += [
        {"party": "k12", "name": name, "use": "shown"} for name in ("birth_date", "first_name")
    ]
    return raw


def apart_from_foster_care() -> dict[str, Any]:
    raw = copy.deepcopy(BASE)
    for one in raw["directions"]:
        one.update(basis="consent", citation=None)
    return raw


KINDS: dict[str, dict[str, Any]] = {
    "linked": BASE,
    "blind": changed(BASE, "recipients.1.mode", "blind"),
    "count": changed(BASE, "recipients.1.mode", "count"),
    "reviewed": reviewed(),
    "held": changed(BASE, "retention.legal_hold", "Order 7 of the district court"),
    "others": apart_from_foster_care(),
    "counted": changed(BASE, "elements.2.use", "counted"),
    "no paper": changed(BASE, "paper", None),
}


def made(raw: dict[str, Any], language: Literal["en", "es"] = "en", **answers: str) -> FamilyNotice:
    return family_notice(Agreement.from_json(raw), PROFILE, language, answers)


def text(raw: dict[str, Any], language: Literal["en", "es"] = "en") -> str:
    return family_markdown(made(raw, language))


@pytest.mark.parametrize("kind", KINDS)
def test_families_can_read_it_in_both_languages_which_say_the_same(kind: str) -> None:
    notices = [made(KINDS[kind], language) for language in LANGUAGES]
    english, spanish = map(family_markdown, notices)
    assert read(english).ease >= 70
    assert read_spanish(spanish).inflesz >= 65
    long = [
        one for one in (*sentences_of(english), *sentences_of(spanish)) if len(words_of(one)) > 30
    ]
    # Only sentences that name the digest, which nobody reads aloud.
    assert all("7" in one and "foster-k12" in one for one in long), long
    # They leave the same places open.
    places = [[one.place for one in notice.places] for notice in notices]
    blocks = [[len(part.blocks) for part in notice.parts] for notice in notices]
    assert (places[0], blocks[0]) == (places[1], blocks[1])
    for notice in notices:
        shown = family_page(notice)
        assert shown.count("<mark>") == len(notice.places) + 1
        assert all(f"<mark>{{{one.place}: " in shown for one in notice.places)


def test_a_notice_that_is_filled_in_reads_easily_and_is_no_draft() -> None:
    english = family_notice(Agreement.from_json(BASE), PROFILE, "en", ENGLISH_ANSWERS)
    spanish = family_notice(Agreement.from_json(BASE), PROFILE, "es", SPANISH_ANSWERS)
    for notice, answers in ((english, ENGLISH_ANSWERS), (spanish, SPANISH_ANSWERS)):
        assert (notice.places, len(notice.parts)) == ((), 8)
        page = family_page(notice)
        assert "<mark>" not in page
        assert all(said.replace("'", "&#x27;") in page for said in answers.values())
    assert read(family_markdown(english)).ease >= 70
    assert read_spanish(family_markdown(spanish)).inflesz >= 65


def test_both_languages_have_words_for_all_that_an_agreement_chooses_from() -> None:
    from schemas.agreement.chapter_limits import FREQUENCY_WORDS
    from schemas.agreement.clause_words import BASIS_WORDS

    english, spanish = map(family_words, LANGUAGES)
    for words in (english, spanish):
        assert words["bases"].keys() == BASIS_WORDS.keys()
        assert words["frequencies"].keys() == FREQUENCY_WORDS.keys()
    assert list(english["columns"]) == list(spanish["columns"])
    assert english["opens"].keys() == spanish["opens"].keys()
    assert english.keys() == spanish.keys()
    for name, said in english.items():
        if isinstance(said, str):
            assert set(re.findall(r"\{\w+\}", said)) == set(
                re.findall(r"\{\w+\}", spanish[name])
            ), name


def test_what_each_recipient_learns_is_said() -> None:
    linked = text(BASE)
    assert "The school agency learns which of its own records have a match" in linked
    assert "The child welfare agency may not pass on what it gets." in linked
    assert "The point of contact of the pupil's own school." in linked
    assert "may give the child welfare agency this as well: school." in linked
    assert "which rows that it gets are about one person" in text(KINDS["blind"])
    assert "It does not learn a number below 10." in text(KINDS["count"])


def test_who_at_a_school_sees_foster_care_is_said_only_where_the_school_agency_learns_of_it() -> (
    None
):
    assert "A match can show the school agency that a child is in foster care." in text(BASE)
    assert "un niño está en cuidado de crianza" in text(BASE, "es")
    for kind in ("blind", "count", "others"):
        assert "that a child is in foster care." not in text(KINDS[kind])
        assert "sensitive" in {one.place for one in made(KINDS[kind]).places}
    assert "Department of Education learns" in text(KINDS["others"])


def test_limits_that_counsel_signs_are_not_left_out_and_cards_and_orders_said_where_they_are() -> (
    None
):
    said = text(BASE)
    for sentence in (
        "A person who has the codes and the key could guess whose they are.",
        "It cannot rule it out.",
        "A match can be wrong.",
    ):
        assert sentence in said
    assert "anonymous" not in said
    assert "anónim" not in text(BASE, "es")
    assert "may see from the school agency: first name, date of birth." in text(KINDS["reviewed"])
    assert "look at the records and decide" not in said
    assert "because of this order: “Order 7" in text(KINDS["held"])
    assert "data sharing agreement" not in text(KINDS["no paper"])


def test_what_is_compared_is_said_by_the_profile() -> None:
    assert "first name, last name, other names, date of birth, sex, ZIP code" in text(BASE).replace(
        "first letter of the middle name, ", ""
    )
    plain = shipped_profile("children", zip_code=False)
    agreement = Agreement.from_json(BASE | {"profile": plain.digest()})
    assert "ZIP" not in family_markdown(family_notice(agreement, plain))
    number = shipped_profile("children", number="ssn")
    raw = changed(BASE, "elements.0.name", "ssn") | {
        "profile": number.digest(),
        "known_number": {"kind": "ssn", "basis": "other", "citation": "Example Code 12.5"},
    }
    said = family_markdown(family_notice(Agreement.from_json(raw), number))
    assert "Social Security number, matches made before." in said
    assert "To compare the Social Security number: “Example Code 12.5”" in said


def test_markup_in_an_agreement_or_an_answer_stays_text() -> None:
    evil = "<script>alert(1)</script> **x**"
    page = family_page(made(changed(BASE, "purpose.statement", evil), objection=evil))
    assert "<script" not in page
    assert '<html lang="en">' in page
    assert '<html lang="es">' in family_page(made(BASE, "es"))
    assert "**x**" not in text(changed(BASE, "purpose.statement", evil))


def test_an_answer_for_no_place_or_without_a_text_is_refused() -> None:
    with raises(AgreementDraftError, match=r"this notice has no place contact\.nobody") as refused:
        made(BASE, **{"contact.nobody": "x"})
    assert "contact.k12" in str(refused.value.hint)
    for wrong in ({"contact": {"k12": ""}}, {"purpose": 7}, {"purpose": "two\nlines"}):
        with raises(AgreementDraftError, match="must be one line of text"):
            flat_answers(wrong)


def type_in(folder: Path, line: str) -> Result:
    words = [
        str(folder / word) if word.endswith((".json", ".html", ".md", ".toml")) else word
        for word in line.removeprefix("blindlink ").split()
    ]
    return CliRunner().invoke(main, words)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    proposal = AgreementProposal.from_json({"agreement": BASE, "profile": PROFILE.to_json()})
    (tmp_path / "foster-k12.agreement-1.json").write_bytes(proposal.to_canonical())
    (tmp_path / "families.toml").write_text(TOML, "utf-8")
    return tmp_path


def test_the_page_about_notices_can_be_typed(folder: Path) -> None:
    lines = re.findall(r"^blindlink .*$", PAGE, re.MULTILINE)
    first, *others = (type_in(folder, line) for line in lines)
    assert [one.exit_code for one in (first, *others)] == [0] * 4
    assert "contact.k12: give an office" in first.stdout
    assert "10 places are open" in first.stderr
    assert "no place is open" in others[-1].stderr
    assert "contact.k12: ponga la oficina" in others[0].stdout
    assert "<mark>" not in (folder / "notice.html").read_text("utf-8")
    assert (folder / "aviso.md").read_text("utf-8").startswith("# Los datos de su hijo o hija")


def test_a_notice_that_somebody_may_have_adapted_is_not_overwritten(folder: Path) -> None:
    line = "blindlink agreement notice foster-k12.agreement-1.json --json -o notice.md"
    told = json.loads(type_in(folder, line).stdout)
    assert told["language"] == "en"
    assert {one["place"] for one in told["open"]} == {one.place for one in made(BASE).places}
    again = type_in(folder, line)
    assert (again.exit_code, "notice.md is there already" in again.stderr) == (1, True)
    wrong = type_in(folder, line.replace("notice.md", "notice.pdf"))
    assert (wrong.exit_code, (folder / "notice.pdf").exists()) == (2, False)
