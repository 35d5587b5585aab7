"""Names taken apart, one rule of docs/recipe.md each.
Known numbers in normal form, and those that several records hold.
Dates of birth: only in the declared format, never guessed.
How a column writes dates, told by its cells.
Phonetic codes, against the rules of the National Archives.
Faults of single records: what keeps a child from being matched, by the day that the file describes.
The published vectors: what every version on every platform must make of these rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises
from twins.recipe import known_number, soundex
from vectors.file import read_vectors
from vectors.recipe import derive, number_of, recipe_vectors, refuse, refuse_recipe

from encoding.errors import DateFormatError
from encoding.profiles.catalog import shipped_profile
from encoding.recipe import Recipe
from encoding.recipe.cells import read_birth
from encoding.recipe.date_guess import FORMATS, are_years, guess_dates
from encoding.recipe.dates import read_date_format
from encoding.recipe.names import read_given_name, read_middle_names, read_suffix, read_surname
from encoding.recipe.numbers import is_number_placeholder, read_number
from encoding.recipe.record_faults import Fault, RecordFaults
from encoding.recipe.shared_numbers import SharedNumbers, hashes, without_shared
from encoding.recipe.tables import load_tables
from encoding.recipe.text import (
    phonetic_code,
    phonetic_digest,
    plain_upper,
    transliteration_digest,
    words,
)
from schemas.linkage.fields import NUMBER_KINDS, NumberKind

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


def test_one_student_id_written_in_many_ways_is_one() -> None:
    for cell in (
        *("0072345678", "72345678", "'0072345678", "72-345 678", " 72345678 ", "72345678.0"),
        *("７２３４５６７８", "7234/5678"),
    ):
        assert read_number(cell, "student-id") == "72345678", cell
    others: tuple[tuple[str, NumberKind, str], ...] = (
        ("ca-0012345x", "case-number", "CA0012345X"),
        ("000A0017", "student-id", "A0017"),
        ("A00172", "student-id", "A00172"),
        ("12E45678", "student-id", "12E45678"),
        ("219-12-3456", "ssn", "219123456"),
        ("19123456", "ssn", "019123456"),
        ("1917345", "ssn", "001917345"),
    )
    for cell, kind, number in others:
        assert read_number(cell, kind) == number, cell


def test_made_up_digits_are_placeholders_of_every_kind_and_what_is_no_number_is_nothing() -> None:
    made_up = (
        *("000000000", "111111111", "999999999", "99999", "123456789", "0123456789", "1234567890"),
        *("987654321", "123-45-6789", "0000012345"),
    )
    nothing = (
        *("", "-", "UNKNOWN", "Ñ7234567", "1.23457E+09", "7234", "see the file of 7 May 2021"),
    )
    for cells, is_made_up in ((made_up, True), (nothing, False)):
        for cell in cells:
            assert {read_number(cell, kind) for kind in NUMBER_KINDS} == {""}, cell
            assert is_number_placeholder(cell) is is_made_up, cell


def test_what_was_never_issued_is_no_social_security_number() -> None:
    for cell in (
        *("000-12-3456", "666-12-3456", "900-12-3456", "912-71-3456", "219-00-3456", "219-12-0000"),
        *("078-05-1120", "219-09-9999", "2191234567", "219-12-345A", "SSN 219-12-3456", "191234"),
    ):
        assert read_number(cell, "ssn") == "", cell


@given(st.text(alphabet="0123456789-A ", max_size=24), st.sampled_from(NUMBER_KINDS))
def test_a_number_in_normal_form_stays_as_it_is_with_or_without_its_zeros(
    cell: str, kind: NumberKind
) -> None:
    number = read_number(cell, kind)
    assert read_number(number, kind) == number
    assert re.fullmatch("([1-9A][0-9A]{4,19})?" if kind != "ssn" else "([0-9]{9})?", number)
    if number:
        assert read_number(f"00{number}" if kind != "ssn" else number.lstrip("0"), kind) == number


CELLS = st.one_of(
    st.text(alphabet="0123456789-.+E A\u00d1\uff17", max_size=14),
    st.from_regex(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}", fullmatch=True),
    st.from_regex(r"0{0,2}[0-9]{5,9}(\.0{1,2})?", fullmatch=True),
    st.sampled_from(["078-05-1120", "219099999", "666-12-3456", "1.2E+09", "12E+9", "12E-9"]),
)


@given(CELLS, st.sampled_from(NUMBER_KINDS))
def test_a_number_is_the_slow_twins(cell: str, kind: NumberKind) -> None:
    assert read_number(cell, kind) == known_number(cell, kind)


HELD = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "a1", "b2", "c3"])), max_size=12)


@given(HELD)
def test_numbers_of_several_records_are_blanked_for_all_of_them(
    held: list[tuple[int, str]],
) -> None:
    holders: dict[str, set[int]] = defaultdict(set)
    for record, number in held:
        if number:
            holders[number].add(record)
    shared = {number for number, records in holders.items() if len(records) > 1}
    records = np.array([record for record, _ in held], dtype=np.int64)
    numbers = [number for _, number in held]
    found = SharedNumbers.among(hashes(numbers), records)
    assert len(found) == len(shared)
    assert found.n_records == len(set().union(*(holders[one] for one in shared)))
    assert found.n_holders == len(set().union(*holders.values()))
    kept = without_shared({"number": numbers, "sex": numbers}, records)
    assert kept["number"] == ["" if one in shared else one for one in numbers]
    assert kept["sex"] == numbers


def test_date_is_read_in_its_format_and_no_other() -> None:
    for text_format, raw in (
        *(
            ("MM/DD/YYYY", "04/09/2011"),
            ("MM/DD/YYYY", "4/9/2011"),
            ("MM/DD/YYYY", "4/9/2011 0:00"),
        ),
        *(("MM/DD/YYYY", "4/9/2011 12:00:00 AM"), ("MM/DD/YYYY", "4/9/2011 12:00\u202fam")),
        *(("DD/MM/YYYY", "9/4/2011"), ("YYYY-MM-DD", "2011-04-09")),
        *(("YYYY-MM-DD", "2011-04-09T00:00:00.000"), ("YYYYMMDD", "20110409")),
        *(("DDMONYYYY", "09APR2011"), ("DD-MON-YYYY", "9-apr-2011"), ("DD.MM.YYYY", "09.04.2011")),
    ):
        assert read_date_format(text_format).parse(raw) == date(2011, 4, 9), raw
    for raw in (
        *("2011-04-09", "13/01/2011", "2/29/2011", "4/9/11", "4/9/20111", "4-9-2011"),
        *("4/9/2011 7:30", "4/9/2011 12:00:00 PM", "4/9/2011 12:00:00", "4/9/2011 1:00:00 AM"),
        "٤/٩/2011",
    ):
        assert read_date_format("MM/DD/YYYY").parse(raw) is None, raw
    several = read_date_format("MM/DD/YYYY or YYYY-MM-DD or DD-MON-YYYY")
    for raw in ("4/9/2011", "2011-04-09", "09-APR-2011"):
        assert several.parse(raw) == date(2011, 4, 9), raw
    assert (several.parse("9.4.2011"), several.strptime) == (None, "%m/%d/%Y")
    for text_format in (*("MM/DD/YYYY or DD/MM/YYYY", "YYYYMMDD or DDMMYYYY", "MM/DD/YYYY or "),):
        with raises(DateFormatError):
            read_date_format(text_format)
    for text_format in (*("", "MM/DD", "MM/DD/YY", "MM/DD/YYYY HH", "MM/MM/YYYY", "YYYYYY-MM-DD"),):
        with raises(DateFormatError):
            read_date_format(text_format)


@given(
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from(["MM/DD/YYYY", "YYYY-MM-DD", "DDMONYYYY", "YYYYMMDD"]),
)
def test_every_date_reads_as_strptime_reads_it(day: date, text_format: str) -> None:
    form = read_date_format(text_format)
    written = day.strftime(form.strptime)
    by_strptime = datetime.strptime(written, form.strptime).replace(tzinfo=UTC).date()
    assert form.parse(written) == by_strptime == day


def test_placeholder_date_counts_as_missing_and_a_year_outside_the_range_is_a_fault() -> None:
    form = read_date_format("MM/DD/YYYY")
    for raw in ("", "00/00/0000", "99/99/9999", "01/01/1900", "UNKNOWN", "9/9/9999"):
        cell = read_birth(raw, form, (1995, 2060), TABLES)
        assert (cell.birth, cell.fault) == ("", ""), raw
    cell = read_birth("1/1/1985", form, (1995, 2060), TABLES)
    assert cell.fault == "a year of birth outside 1995 to 2060"


TODAY = date(2026, 11, 20)
BIRTHS = [date(2011, 4, 9), date(2012, 12, 31), date(2008, 2, 29), date(2013, 10, 17)]


def written(text: str, day: date) -> str:
    month = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"][
        day.month - 1
    ]
    for token, part in (
        ("YYYY", f"{day.year}"), ("MON", month), ("MM", f"{day.month:02d}"), ("DD", f"{day.day:02d}"),
    ):  # fmt: skip
        text = text.replace(token, part)
    return text


@pytest.mark.parametrize("text", [one.text for one in FORMATS])
def test_each_format_is_told_where_a_day_is_above_twelve(text: str) -> None:
    found = guess_dates([written(text, day) for day in BIRTHS], TODAY)
    assert (found.format, found.other, found.share) == (text, None, 1.0)


def test_single_digits_and_midnights_are_read() -> None:
    assert guess_dates(["3/4/2012", "3/14/2012 0:00"], TODAY).format == "MM/DD/YYYY"
    assert guess_dates(["3/4/2012", "14/3/2012"], TODAY).format == "DD/MM/YYYY"


def test_day_and_month_that_cannot_be_told_are_said_to_be_so() -> None:
    found = guess_dates(["3/4/2012", "11/12/2010", ""], TODAY)
    assert (found.format, found.other) == ("MM/DD/YYYY", "DD/MM/YYYY")
    assert (found.n_read, found.n_filled) == (2, 2)


def test_both_orders_in_one_column_are_read_in_part() -> None:
    found = guess_dates(["13/4/2012", "4/13/2012", "5/13/2012", "6/13/2012"], TODAY)
    assert (found.format, found.share) == ("MM/DD/YYYY", 0.75)


def test_a_column_that_was_filled_in_several_ways_has_a_format_for_each() -> None:
    iso = ["2011-04-09", "2012-12-31", "2008-02-29"]
    found = guess_dates([*iso, "4/13/2012", "4/14/2012", "1.5.2010", "nothing", ""], TODAY)
    assert (found.format, found.other) == ("YYYY-MM-DD or MM/DD/YYYY", None)
    assert (found.n_read, found.n_filled) == (5, 7)
    found = guess_dates([*iso, "4/3/2012", "4/5/2012"], TODAY)
    assert (found.format, found.other, found.share) == (
        "YYYY-MM-DD or MM/DD/YYYY", "YYYY-MM-DD or DD/MM/YYYY", 1.0,
    )  # fmt: skip


@pytest.mark.parametrize("cell", ["3/4/12", "1799-01-01", "2031-01-01", "7", "Ana", ""])
def test_what_is_no_day_of_birth_is_not_read(cell: str) -> None:
    assert guess_dates([cell], TODAY).n_read == 0


def test_years_alone_are_no_dates() -> None:
    assert are_years(["2011", "2012", ""], TODAY)
    assert not are_years(["2011-01-02", "2012"], TODAY)
    assert not are_years(["1234", "9999"], TODAY)
    assert not are_years(["", ""], TODAY)


@pytest.mark.parametrize(
    ("name", "code"),
    [("ROBERT", "R163"), ("RUPERT", "R163"), ("ASHCRAFT", "A261"), ("TYMCZAK", "T522"), ("PFISTER", "P236"),
     ("HONEYMAN", "H555"), ("LEE", "L000"), ("", "")],
)  # fmt: skip
def test_code_is_american_soundex(name: str, code: str) -> None:
    assert phonetic_code(name) == code


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=12))
def test_code_of_any_name_is_that_of_the_rules(name: str) -> None:
    assert phonetic_code(name) == soundex(name)


def test_codes_are_those_that_the_profiles_were_made_with() -> None:
    # Other codes make other keys: they need a new version of the recipe, not a new digest here.
    assert phonetic_digest() == "3f29a3c70437bb785f48479e8b2dd1a294cd95fb075318dd39c38215e8c6f0ac"


AS_OF = date(2026, 11, 20)
CHILDREN, PERSONS = (
    shipped_profile(name, zip_code=False) for name in ("children", "generic-person")
)


def faults(birth: str, first: str = "ANA", last: str = "ORTIZ", profile=CHILDREN) -> Fault:
    columns = {"birth_date": [birth, ""], "first_name": [first, ""], "surname_1": [last, ""]}
    (found, other) = RecordFaults(profile, AS_OF).of(columns, [0, 1])
    assert Fault(other) == Fault.NO_BIRTH_DATE | Fault.NO_FIRST_NAME | Fault.NO_LAST_NAME
    return Fault(found)


def test_a_date_of_birth_is_looked_at() -> None:
    for birth, expected in (
        ("20150409", Fault(0)),
        ("", Fault.NO_BIRTH_DATE),
        ("20150101", Fault.DEFAULT_DATE),
        ("20150115", Fault(0)),
        ("20211121", Fault.TOO_YOUNG),
        ("20211120", Fault(0)),
        ("20041120", Fault(0)),
        ("20031121", Fault(0)),
        ("20031120", Fault.TOO_OLD),
        ("20270101", Fault.TOO_YOUNG | Fault.DEFAULT_DATE),
    ):
        assert faults(birth) == expected, birth
    # Ages are asked of files of children alone.
    assert faults("19500409", profile=PERSONS) == Fault(0)
    assert faults("19500101", profile=PERSONS) == Fault.DEFAULT_DATE


def test_a_name_that_is_missing_is_a_fault() -> None:
    assert faults("20150409", first="") == Fault.NO_FIRST_NAME
    assert faults("20150409", last="") == Fault.NO_LAST_NAME


VECTORS = read_vectors("recipe")


def test_rows_numbers_and_recipes_are_read_or_refused_as_published() -> None:
    assert recipe_vectors() == VECTORS
    recipe = Recipe.load(VECTORS["recipe"])
    for vector in VECTORS["good"]:
        assert derive(recipe, vector["row"]) == vector["derived"], vector["name"]
    for vector in VECTORS["numbers"]:
        assert number_of(vector["kind"], vector["cell"]) == vector["number"], vector
    for vector in VECTORS["bad"]:
        assert refuse(recipe, vector["row"]) == vector["problem"], vector["name"]
    for vector in VECTORS["bad_recipes"]:
        assert refuse_recipe(vector["recipe"]) == vector["problem"], vector["name"]
