"""What a file's columns are guessed to mean, and why some files cannot be linked as they stand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import ConfigError, HeaderMissingError, MissingColumnError, TooFewColumnsError
from encoding.profiles.catalog import shipped_profile
from encoding.trial.guess import Guess, guess_file
from encoding.trial.layout import Layout, LayoutSection

PROFILE = shipped_profile("children")
TODAY = date(2026, 11, 20)
HEADER = ("Kid #", "Given", "Fam. Name", "Born On", "M/F", "Post")
ROWS = [
    ("K1", "Ana", "Ortiz", "3/14/2012", "F", "27601"),
    ("K2", "José", "Núñez", "4/9/2011", "M", "27703"),
    ("K3", "Zoe", "Zinn", "12/31/2010", "F", ""),
    ("K4", "Dee", "Lee", "1/15/2015", "X", "27510-1234"),
]


def guessed(
    folder: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    given: Layout | None = None,
    *,
    text: str = "utf-8",
    delimiter: str = ",",
) -> Guess:
    path = folder / "a.csv"
    with path.open("w", encoding=text, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    return guess_file(path, PROFILE, TODAY, given)


@pytest.mark.parametrize(
    ("text", "delimiter"), [("utf-8", ","), ("latin-1", ";"), ("utf-16", "\t")]
)
def test_odd_headers_are_understood_however_the_file_is_written(
    tmp_path: Path, text: str, delimiter: str
) -> None:
    found = guessed(tmp_path, HEADER, ROWS, text=text, delimiter=delimiter)
    assert found.faults == ()
    assert found.layout.columns == {
        "first_name": "Given",
        "last_name": "Fam. Name",
        "birth_date": "Born On",
        "sex": "M/F",
        "zip": "Post",
    }
    how = found.layout.input
    assert (how.id_column, how.date_format, how.delimiter) == ("Kid #", "MM/DD/YYYY", delimiter)
    assert found.dates is not None
    assert found.dates.other is None


def test_shares_say_how_many_rows_could_be_read(tmp_path: Path) -> None:
    found = guessed(tmp_path, HEADER, ROWS)
    shares = {one.name: one.share for one in found.meanings}
    assert shares == {
        "record ID": 1.0,
        "first_name": 1.0,
        "last_name": 1.0,
        "birth_date": 1.0,
        "sex": 0.75,
        "zip": 0.75,
    }
    assert found.n_rows == 4


def test_a_header_that_its_cells_contradict_is_passed_over(tmp_path: Path) -> None:
    header = ("ID", "First", "Surname", "Birthdate", "DOB", "Zip")
    rows = [(str(n), "Ana", "Lee", "yes", f"2011-04-{n + 10}", "4223") for n in range(9)]
    found = guessed(tmp_path, header, rows)
    assert found.layout.columns["birth_date"] == "DOB"
    assert "zip" not in found.layout.columns
    assert found.unused == ("Birthdate", "Zip")


def test_a_date_and_a_sex_without_a_telling_header_are_found_by_their_cells(tmp_path: Path) -> None:
    rows = [(*row[:3], row[3], row[4]) for row in ROWS[:3]]
    found = guessed(tmp_path, ("Kid #", "Given", "Fam. Name", "F4", "F5"), rows)
    assert found.layout.columns["birth_date"] == "F4"
    assert found.layout.columns["sex"] == "F5"


def test_of_two_dates_without_a_telling_header_none_is_taken(tmp_path: Path) -> None:
    rows = [(*row[:4], row[3]) for row in ROWS]
    found = guessed(tmp_path, ("Kid #", "Given", "Fam. Name", "F4", "F5"), rows)
    assert [fault.sentence for fault in found.faults] == [
        "no column of a.csv looks like the date of birth"
    ]


def test_without_a_record_id_rows_are_numbered(tmp_path: Path) -> None:
    found = guessed(tmp_path, HEADER[1:], [row[1:] for row in ROWS])
    assert found.layout.input.id_column is None
    assert found.faults == ()


def test_what_stands_on_many_rows_is_no_record_id(tmp_path: Path) -> None:
    rows = [("H7", *row[1:]) for row in ROWS]
    assert guessed(tmp_path, ("Household ID", *HEADER[1:]), rows).layout.input.id_column is None


@pytest.mark.parametrize(
    ("header", "rows", "said", "remedy"),
    [
        (
            ("ID", "Full Name", "DOB"),
            [("1", "Ana Lee", "2011-04-09")],
            "no column of a.csv looks like the first name",
            "split Full Name into",
        ),
        (
            ("ID", "First", "DOB"),
            [("1", "Ana", "2011-04-09")],
            "no column of a.csv looks like the last name",
            None,
        ),
        (
            ("ID", "First", "Last", "Birth Year"),
            [("1", "Ana", "Lee", "2011")],
            "column Birth Year of a.csv holds years of birth alone",
            "the whole date",
        ),
        (
            ("ID", "First", "Last", "DOB"),
            [("1", "Ana", "Lee", "2011")],
            "column DOB of a.csv holds years of birth alone",
            "the whole date",
        ),
        (
            ("ID", "First", "Last", "DOB"),
            [("1", "Ana", "Lee", "3/4/12")],
            "column DOB of a.csv holds no dates that can be read",
            "four digits",
        ),
        (
            ("ID", "First", "Last", "DOB"),
            [("1", "Ana", "Lee", "")],
            "column DOB of a.csv holds no dates that can be read",
            "four digits",
        ),
    ],
)
def test_a_file_that_cannot_be_linked_says_why(
    tmp_path: Path,
    header: tuple[str, ...],
    rows: list[tuple[str, ...]],
    said: str,
    remedy: str | None,
) -> None:
    fault, *_ = guessed(tmp_path, header, rows).faults
    assert fault.sentence == said
    assert (remedy is None) == (fault.remedy is None)
    assert (remedy or "") in (fault.remedy or "")


@pytest.mark.parametrize(
    "first",
    [
        ("K1", "Ana", "Ortiz", "x"),
        ("K1", "Q", "Ortiz", "2012-03-04"),
        ("K1", "Q", "Ortiz", "27601"),
    ],
)
def test_a_person_in_place_of_a_header_is_refused_and_not_told(
    tmp_path: Path, first: tuple[str, ...]
) -> None:
    with raises(HeaderMissingError, match="looks like a person") as refused:
        guessed(tmp_path, first, ROWS)
    assert not any(cell in str(refused.value) for cell in ("Ana", "Ortiz", "2012"))


@pytest.mark.parametrize("column", ["August", "Mark", "2026-09-01", "20260901"])
def test_a_header_in_which_a_word_looks_like_a_person_is_taken(tmp_path: Path, column: str) -> None:
    rows = [(*row, "x") for row in ROWS]
    assert not guessed(tmp_path, (*HEADER, column), rows).faults


def test_words_that_may_be_a_person_are_not_written_down(tmp_path: Path) -> None:
    found = guessed(
        tmp_path, ("x7", "Zaphod", "Beeble", "unknown"), [("x8", "Ford", "Ng", "2012-03-04")]
    )
    assert found.faults
    assert found.unused == ()


@pytest.mark.parametrize("header", [("name",), ("First", "DOB")])
def test_a_file_of_too_few_columns_is_refused(tmp_path: Path, header: tuple[str, ...]) -> None:
    with raises(TooFewColumnsError, match="has only"):
        guessed(tmp_path, header, [["x"] * len(header)])


def test_years_that_the_profile_leaves_out_are_counted(tmp_path: Path) -> None:
    rows = [(str(n), "Ana", "Lee", f"{1990 + n}-04-09") for n in range(10)]
    assert guessed(tmp_path, ("ID", "First", "Last", "DOB"), rows).outside == 0.5


def test_what_the_owner_wrote_down_takes_the_place_of_guessing(tmp_path: Path) -> None:
    given = Layout(
        input=LayoutSection(date_format="DD/MM/YYYY"),
        columns={"first_name": "Fam. Name", "last_name": "Given", "birth_date": "Born On"},
    )
    found = guessed(tmp_path, HEADER, ROWS, given)
    assert found.layout == given
    assert {one.name: one.share for one in found.meanings}["birth_date"] == 0.25


def test_a_column_that_the_owner_names_and_the_file_lacks_is_refused(tmp_path: Path) -> None:
    given = Layout(input=LayoutSection(id_column="SSID"), columns={"first_name": "Given"})
    with raises(MissingColumnError, match="has no column SSID"):
        guessed(tmp_path, HEADER, ROWS, given)


def test_an_input_that_no_recipe_has_is_refused(tmp_path: Path) -> None:
    given = Layout(input=LayoutSection(), columns={"firstname": "Given"})
    with raises(ConfigError, match="names firstname, which the recipe does not have"):
        guessed(tmp_path, HEADER, ROWS, given)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_formula_in_a_column_that_nobody_needs_does_no_harm(
    tmp_path: Path, is_given: bool
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append((*HEADER, "sum"))
    for row in ROWS:
        book.active.append((*row, "=1+1"))
    book.save(tmp_path / "a.xlsx")
    columns = {"first_name": "Given", "last_name": "Fam. Name", "birth_date": "Born On"}
    given = Layout(input=LayoutSection(date_format="MM/DD/YYYY"), columns=columns)
    found = guess_file(tmp_path / "a.xlsx", PROFILE, TODAY, given if is_given else None)
    assert found.faults == ()
    assert found.layout.columns.items() >= columns.items()
