"""What a file's columns are guessed to mean, and why some files cannot be linked as they stand."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import (
    ConfigError,
    HeaderMissingError,
    MissingColumnError,
    TokensError,
    TooFewColumnsError,
)
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


def test_odd_headers_are_understood_however_the_file_is_written(tmp_path: Path) -> None:
    for text, delimiter in (("utf-8", ","), ("latin-1", ";"), ("utf-16", "\t")):
        found = guessed(tmp_path, HEADER, ROWS, text=text, delimiter=delimiter)
        assert found.faults == (), text
        assert found.layout.columns == {
            "first_name": "Given",
            "last_name": "Fam. Name",
            "birth_date": "Born On",
            "sex": "M/F",
            "zip": "Post",
        }
        how = found.layout.input
        expected = ("Kid #", "MM/DD/YYYY", delimiter)
        assert (how.id_column, how.date_format, how.delimiter) == expected
        assert found.dates is not None
        assert found.dates.other is None
        # Shares say how many rows could be read.
        named = ("record ID", "first_name", "last_name", "birth_date")
        shares = {one.name: one.share for one in found.meanings}
        assert shares == dict.fromkeys(named, 1.0) | {"sex": 0.75, "zip": 0.75}
        assert found.n_rows == 4


def test_a_header_that_its_cells_contradict_is_passed_over(tmp_path: Path) -> None:
    header = ("ID", "First", "Surname", "Birthdate", "DOB", "Zip")
    rows = [(str(n), "Ana", "Lee", "yes", f"2011-04-{n + 10}", "4223") for n in range(9)]
    found = guessed(tmp_path, header, rows)
    assert found.layout.columns["birth_date"] == "DOB"
    assert "zip" not in found.layout.columns
    assert found.unused == ("Birthdate", "Zip")


def test_columns_without_a_telling_header_are_found_by_their_cells_if_only_one_can_be_meant(
    tmp_path: Path,
) -> None:
    header = ("Kid #", "Given", "Fam. Name", "F4", "F5")
    found = guessed(tmp_path, header, [row[:5] for row in ROWS[:3]])
    assert (found.layout.columns["birth_date"], found.layout.columns["sex"]) == ("F4", "F5")
    found = guessed(tmp_path, header, [(*row[:4], row[3]) for row in ROWS])
    (fault,) = found.faults
    assert fault.sentence == "no column of a.csv looks like the date of birth"


def test_without_a_record_id_or_where_it_stands_on_many_rows_rows_are_numbered(
    tmp_path: Path,
) -> None:
    found = guessed(tmp_path, HEADER[1:], [row[1:] for row in ROWS])
    assert (found.layout.input.id_column, found.faults) == (None, ())
    found = guessed(tmp_path, ("Household ID", *HEADER[1:]), [("H7", *row[1:]) for row in ROWS])
    assert found.layout.input.id_column is None


def test_a_file_that_cannot_be_linked_says_why(tmp_path: Path) -> None:
    unread = "column DOB of a.csv holds no dates that can be read"
    for header, row, said, remedy in (
        (
            ("ID", "Full Name", "DOB"),
            ("1", "Ana Lee", "2011-04-09"),
            "no column of a.csv looks like the first name",
            "split Full Name into",
        ),
        (
            ("ID", "First", "DOB"),
            ("1", "Ana", "2011-04-09"),
            "no column of a.csv looks like the last name",
            None,
        ),
        *(
            (
                ("ID", "First", "Last", name),
                ("1", "Ana", "Lee", "2011"),
                f"column {name} of a.csv holds years of birth alone",
                "the whole date",
            )
            for name in ("Birth Year", "DOB")
        ),
        *(
            (("ID", "First", "Last", "DOB"), ("1", "Ana", "Lee", cell), unread, "four digits")
            for cell in ("3/4/12", "")
        ),
    ):
        fault, *_ = guessed(tmp_path, header, [row]).faults
        assert fault.sentence == said
        assert (remedy is None) == (fault.remedy is None), said
        assert (remedy or "") in (fault.remedy or "")


def test_a_person_in_place_of_a_header_is_refused_and_not_told(tmp_path: Path) -> None:
    for first in (
        ("K1", "Ana", "Ortiz", "x"),
        ("K1", "Q", "Ortiz", "2012-03-04"),
        ("K1", "Q", "Ortiz", "27601"),
    ):
        with raises(HeaderMissingError, match="looks like a person") as refused:
            guessed(tmp_path, first, ROWS)
        assert not any(cell in str(refused.value) for cell in ("Ana", "Ortiz", "2012"))
    # A header in which a word looks like a person is taken.
    for column in ("August", "Mark", "2026-09-01", "20260901"):
        rows = [(*row, "x") for row in ROWS]
        assert not guessed(tmp_path, (*HEADER, column), rows).faults, column
    # Words that may be a person are not written down.
    header = ("x7", "Zaphod", "Beeble", "unknown")
    found = guessed(tmp_path, header, [("x8", "Ford", "Ng", "2012-03-04")])
    assert found.faults
    assert found.unused == ()
    for header in (("name",), ("First", "DOB")):
        with raises(TooFewColumnsError, match="has only"):
            guessed(tmp_path, header, [["x"] * len(header)])
    with raises(TokensError, match="holds tokens of OpenLinkToken"):
        guessed(tmp_path, ("RuleId", "Token", "RecordId"), [["T1", "qp4RJ0pgGXH4DZ5B", "r1"]])


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


def test_a_column_or_an_input_that_the_owner_names_and_there_is_none_of_is_refused(
    tmp_path: Path,
) -> None:
    for how, columns, error, said in (
        ({"id_column": "SSID"}, {"first_name": "Given"}, MissingColumnError, "has no column SSID"),
        (
            {},
            {"firstname": "Given"},
            ConfigError,
            "names firstname, which the recipe does not have",
        ),
    ):
        given = Layout(input=LayoutSection(**how), columns=columns)
        with raises(error, match=said):
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
