"""Names taken apart, one rule of docs/recipe.md each."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from encoding.recipe.names import read_given_name, read_middle_names, read_suffix, read_surname
from encoding.recipe.tables import load_tables
from encoding.recipe.text import plain_upper, transliteration_digest, words

TABLES = load_tables()


SURNAMES = {
    "ONEAL": ("O'Neal", "O’Neal", "ONeal", "O Neal"),
    "DELACRUZ": ("De La Cruz", "Delacruz", "de-la-cruz"),
    "MCCABE": ("Mc Cabe",),
    "STJAMES": ("St. James",),
    "VANDERBERG": ("Van Der Berg",),
    "GARCIA LOPEZ": ("García-López", "García López"),
    "ORTEGA GASSET": ("Ortega y Gasset",),
    "MUNOZ": ("Muñoz",),
    "SMITH": ("Smith, Jr.", "SMITH III", "Smith2"),
    "LE": ("Le",),
    "LUKASIEWICZ": ("Łukasiewicz",),
    "IVANOV": ("Иванов",),
    "WANG": ("王",),
    "": ("", "UNKNOWN", "Not Provided", "N/A", "Doe"),
}
GIVEN_NAMES = {
    ("JOSE", "LUIS"): ("José Luis",),
    ("JAKAYLA", ""): ("Ja'Kayla",),
    ("LAKEISHA", ""): ("La Keisha",),
    ("MICHAEL", "J"): ("J Michael",),
    ("JOHN", ""): ("Mr. John", "John Jr"),
    ("BABETTE", ""): ("Babette",),
    ("MIN", "JUN"): ("Min-Jun",),
    ("", ""): ("Baby Boy", "BABY GIRL A", "Test", "NFN", "X"),
}
BRACKETED = (
    *("Robert (Bobby)", 'Robert "Bobby"', "Robert “Bobby”", "Robert „Bobby“", "Robert «Bobby»"),
    *("Robert ＂Bobby＂", "Robert（Bobby）"),
)


def test_surname_and_given_name_are_cleaned() -> None:
    for expected, written in SURNAMES.items():
        for raw in written:
            assert read_surname(raw, TABLES).text == expected, raw
    for (first, rest), written in GIVEN_NAMES.items():
        for raw in written:
            name = read_given_name(raw, TABLES)
            assert (name.first, name.rest) == (first, rest), raw
    # A bracketed name is what the child is called.
    for raw in BRACKETED:
        name = read_given_name(raw, TABLES)
        assert (name.first, name.rest, name.called) == ("ROBERT", "", "BOBBY"), raw
    for raw in ("", "NMN", "nmi", "N/A", "X"):
        assert not read_middle_names(raw, TABLES), raw


def test_suffix_has_one_spelling_and_is_found_in_the_cell_of_a_name() -> None:
    for raw, suffix in (("Jr.", "JR"), ("junior", "JR"), ("3rd", "III"), ("", ""), ("Esq", "")):
        assert read_suffix(raw, TABLES) == suffix, raw
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
