"""Names taken apart, one rule of docs/recipe.md each."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoding.recipe.names import read_given_name, read_middle_names, read_suffix, read_surname
from encoding.recipe.tables import load_tables
from encoding.recipe.text import plain_upper, transliteration_digest, words

TABLES = load_tables()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("O'Neal", "ONEAL"),
        ("O’Neal", "ONEAL"),
        ("ONeal", "ONEAL"),
        ("O Neal", "ONEAL"),
        ("De La Cruz", "DELACRUZ"),
        ("Delacruz", "DELACRUZ"),
        ("de-la-cruz", "DELACRUZ"),
        ("Mc Cabe", "MCCABE"),
        ("St. James", "STJAMES"),
        ("Van Der Berg", "VANDERBERG"),
        ("García-López", "GARCIA LOPEZ"),
        ("García López", "GARCIA LOPEZ"),
        ("Ortega y Gasset", "ORTEGA GASSET"),
        ("Muñoz", "MUNOZ"),
        ("Smith, Jr.", "SMITH"),
        ("SMITH III", "SMITH"),
        ("Le", "LE"),
        ("Łukasiewicz", "LUKASIEWICZ"),
        ("Иванов", "IVANOV"),
        ("王", "WANG"),
        ("Smith2", "SMITH"),
        ("", ""),
        ("UNKNOWN", ""),
        ("Not Provided", ""),
        ("N/A", ""),
        ("Doe", ""),
    ],
)
def test_surname_is_cleaned(raw: str, expected: str) -> None:
    assert read_surname(raw, TABLES).text == expected


@pytest.mark.parametrize(
    ("raw", "first", "rest"),
    [
        ("José Luis", "JOSE", "LUIS"),
        ("Ja'Kayla", "JAKAYLA", ""),
        ("La Keisha", "LAKEISHA", ""),
        ("J Michael", "MICHAEL", "J"),
        ("Mr. John", "JOHN", ""),
        ("John Jr", "JOHN", ""),
        ("Baby Boy", "", ""),
        ("BABY GIRL A", "", ""),
        ("Babette", "BABETTE", ""),
        ("Test", "", ""),
        ("NFN", "", ""),
        ("X", "", ""),
        ("Min-Jun", "MIN", "JUN"),
    ],
)
def test_given_name_is_cleaned(raw: str, first: str, rest: str) -> None:
    name = read_given_name(raw, TABLES)
    assert (name.first, name.rest) == (first, rest)


@pytest.mark.parametrize(
    "raw",
    [
        "Robert (Bobby)", 'Robert "Bobby"', "Robert “Bobby”", "Robert „Bobby“", "Robert «Bobby»",
        "Robert ＂Bobby＂", "Robert（Bobby）",
    ],
)  # fmt: skip
def test_bracketed_name_is_what_the_child_is_called(raw: str) -> None:
    name = read_given_name(raw, TABLES)
    assert (name.first, name.rest, name.called) == ("ROBERT", "", "BOBBY")


@pytest.mark.parametrize("raw", ["", "NMN", "nmi", "N/A", "X"])
def test_middle_placeholder_is_missing(raw: str) -> None:
    assert not read_middle_names(raw, TABLES)


@pytest.mark.parametrize(
    ("raw", "suffix"), [("Jr.", "JR"), ("junior", "JR"), ("3rd", "III"), ("", ""), ("Esq", "")]
)
def test_suffix_has_one_spelling(raw: str, suffix: str) -> None:
    assert read_suffix(raw, TABLES) == suffix


def test_suffix_in_the_cell_of_a_name_is_found() -> None:
    assert read_surname("García II", TABLES).suffix == "II"
    assert read_given_name("John Jr. (Jack)", TABLES).suffix == "JR"


@given(st.text(max_size=40))
def test_composed_and_decomposed_spellings_agree(raw: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, raw) for form in ("NFC", "NFD"))
    assert words(composed) == words(decomposed)


@given(st.text(max_size=40))
def test_cleaning_gives_plain_letters(raw: str) -> None:
    for name in (read_surname(raw, TABLES).text, read_given_name(raw, TABLES).text):
        assert all("A" <= character <= "Z" or character == " " for character in name)
        assert name == " ".join(name.split())


@given(
    st.lists(st.sampled_from(["García", "De", "la", "Cruz", "O'Neal", "Núñez", "Mc"]), max_size=4)
)
def test_cleaned_surname_cleans_to_itself(parts: list[str]) -> None:
    once = read_surname(" ".join(parts), TABLES).text
    assert read_surname(once, TABLES).text == once


def test_case_never_depends_on_the_locale() -> None:
    assert plain_upper("iıİI") == "IIII"


def test_transliteration_is_the_one_that_the_profiles_were_made_with() -> None:
    # A new table cleans names differently: it needs a new version of the recipe, not a new digest here.
    assert transliteration_digest() == (
        "fe7e6e48f86222611bfbf0ae646c02bf570259d86e05d4f380212526f536033e"
    )
