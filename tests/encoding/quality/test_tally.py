"""What is counted in a file, against a twin that looks at one row at a time."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import ConfigError, MissingColumnError
from encoding.profiles.catalog import shipped_profile
from encoding.quality import Ask, Counts, count_file
from encoding.quality.counts import NumberCounts
from encoding.quality.findings import judge
from encoding.recipe.cells import read_birth, read_sex
from encoding.recipe.dates import read_date_format
from encoding.recipe.names import read_given_name, read_surname
from encoding.recipe.numbers import read_zip
from encoding.recipe.tables import load_tables
from encoding.records.agency_file import AgencyFile

HEADER = ("ID", "FIRST", "LAST", "DOB", "SEX", "ZIP")
COLUMNS = {
    "first_name": "FIRST", "last_name": "LAST", "birth_date": "DOB", "sex": "SEX", "zip": "ZIP",
}  # fmt: skip
PROFILE = shipped_profile("children")
AS_OF = date(2025, 10, 1)
ROWS = st.tuples(
    st.sampled_from(["", "1", "2", "3", "4"]),
    st.sampled_from(["", "Ana", "ANA", "Baby Boy", "Unknown", "José", "JosÃ©"]),
    st.sampled_from(["", "Ortiz", "DOE", "De La Cruz", "Muñoz"]),
    st.sampled_from(
        [
            "",
            "01/01/2010",
            "05/15/2011",
            "13/13/2011",
            "01/01/1900",
            "03/04/2030",
            "02/03/1999",
            "x",
        ]
    ),
    st.sampled_from(["", "F", "M", "U", "?x"]),
    st.sampled_from(["", "69541", "00213-1234", "99999", "Unknown", "2139", "K1A 0B1"]),
)


def count(rows: list[tuple[str, ...]], **changes: object) -> Counts:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER, *(row + ("",) * (6 - len(row)) for row in rows)])
        asked: dict[str, object] = {
            "profile": PROFILE,
            "file": AgencyFile(path, "ID"),
            "columns": COLUMNS,
            "date_format": "MM/DD/YYYY",
            "as_of": AS_OF,
        }
        return count_file(Ask(**asked | changes)).counts  # type: ignore[arg-type]


class Twin:
    """The same numbers, row by row, from the recipe's own readers."""

    def __init__(self, rows: list[tuple[str, ...]]) -> None:
        tables, years = load_tables(), PROFILE.recipe["birth_years"]
        form = read_date_format("MM/DD/YYYY")
        self.refused = 0
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.days: list[date] = []
        self.born: list[tuple[str, date]] = []
        for record_id, first, last, born, sex, zip_code in rows:
            birth = read_birth(born, form, tuple(years), tables)
            given_name, surname = read_given_name(first, tables), read_surname(last, tables)
            code = read_sex(sex, tables)
            if not given_name.first:
                self.kinds["first_name", "placeholder" if first else "missing"] += 1
            if not surname.words:
                self.kinds["last_name", "placeholder" if last else "missing"] += 1
            if birth.fault:
                self.kinds["birth_date", "invalid"] += 1
            elif not birth.birth:
                self.kinds["birth_date", "placeholder" if born else "missing"] += 1
            if code.fault:
                self.kinds["sex", "invalid"] += 1
            elif not code.text:
                self.kinds["sex", "placeholder" if sex else "missing"] += 1
            if zip_code and not read_zip(zip_code):
                is_known = zip_code in ("99999", "Unknown")
                self.kinds["zip", "placeholder" if is_known else "invalid"] += 1
            elif not zip_code:
                self.kinds["zip", "missing"] += 1
            self.refused += bool(
                birth.fault or code.fault or not (given_name.first or surname.words)
            )
            if birth.birth:
                self.days.append(form.parse(born))
                self.born.append((record_id, form.parse(born)))

    def at_odds(self) -> int:
        return sum(
            any(own and other == own and day != born for other, day in self.born)
            for own, born in self.born
        )


@settings(max_examples=60)
@given(st.lists(ROWS, min_size=1, max_size=12).filter(lambda rows: any(rows[-1])))
def test_every_count_is_that_of_one_row_at_a_time(rows: list[tuple[str, ...]]) -> None:
    counts, twin = count(rows), Twin(rows)
    assert counts.rows == len(rows)
    assert counts.rows_without_id == sum(not row[0] for row in rows)
    assert counts.records == len({row[0] for row in rows if row[0]})
    assert counts.rows_refused == twin.refused
    for column in counts.columns:
        for kind in ("missing", "placeholder", "invalid"):
            assert getattr(column, kind) == twin.kinds[column.name, kind], (column.name, kind)
    births = counts.births
    assert births.dates == len(twin.days)
    assert births.first_of_january == sum((d.month, d.day) == (1, 1) for d in twin.days)
    assert births.fifteenth == sum(d.day == 15 for d in twin.days)
    assert births.in_future == sum(d > AS_OF for d in twin.days)
    assert births.too_old == sum(d.year == 1999 for d in twin.days)
    assert births.by_year == dict(sorted(Counter(d.year for d in twin.days).items()))
    assert births.at_odds == twin.at_odds()


def test_a_record_id_of_more_than_one_person_is_a_reason_not_to_encode() -> None:
    # Siblings on the number of their case, in place of each one's own.
    families = [
        (str(case), first, "Ortiz", f"0{1 + case % 9}/1{place}/201{place}", "F")
        for case in range(20)
        for place, first in enumerate(("Ana", "Ruth"))
    ]
    (found,) = (one for one in judge(count(families)) if one.rule == "at-odds")
    assert (found.standing, found.count, found.of) == ("stop", 40, 40)
    # A former name, as a second row of the same person.
    names = [(row[0], row[1], "Smith", *row[3:]) for row in families[::2]]
    assert all(one.rule != "at-odds" for one in judge(count([*families[::2], *names])))


def test_a_refused_row_is_one_that_encoding_refuses() -> None:
    rows = [
        ("1", "Ana", "Ortiz", "01/02/2010", "F"),
        ("2", "", "", "01/02/2010", ""),
        ("3", "A", "B", "", ""),
    ]
    assert count(rows).rows_refused == 1


STORED = (
    ("José", "cp437"), ("Peña", "cp437"), ("PEÑA", "cp437"), ("Ángel", "cp850"), ("PEÑA", "cp850"),
    ("José", "mac_roman"), ("Hernández", "mac_roman"), ("PEÑA", "mac_roman"), ("Nguyễn", "utf-8"),
)  # fmt: skip
WELL_WRITTEN = (
    "José", "Ã", "Âzra", "Müller", "Đặng", "Łukasz", "Иванова", "Žižek", "ŽIŽEK", "Mª", "O’Neil",
    "Smith–Jones", "“Bobby”", "Ka\u00adtie",
)  # fmt: skip


def test_letters_of_another_system_are_garbled_and_names_of_every_script_are_not() -> None:
    seen = [
        name.encode(stored).decode(read)
        for name, stored in STORED
        for read in ("cp1252", "latin-1")
    ]
    for names, garbled in (((*seen, "JosÃ©"), 1), (WELL_WRITTEN, 0)):
        for name in names:
            column = count([("1", name, "A", "01/02/2010", "")]).columns[0]
            assert column.garbled == garbled, name
    accents = [(str(at), name, "A", "01/02/2010", "") for at, name in enumerate(("José", "JosÃ©"))]
    assert (count(accents).columns[0].non_ascii, count(accents).columns[0].garbled) == (2, 1)


def test_words_for_unknown_are_read_in_a_column_of_suffixes() -> None:
    # As databases write what is missing.
    cells = ["NULL", "N/A", "None", "-", "Jr.", "", "Esq"]
    rows = [(str(at), "Ana", "Ortiz", "01/02/2010", "", one) for at, one in enumerate(cells)]
    columns = {name: COLUMNS[name] for name in ("first_name", "last_name", "birth_date")}
    counts = count(rows, columns=columns | {"suffix": "ZIP"})
    (found,) = (one for one in counts.columns if one.name == "suffix")
    assert (found.missing, found.placeholder, found.invalid) == (1, 4, 1)


def test_someone_of_23_is_too_old_but_by_a_recipe_for_all_ages() -> None:
    rows = [("1", "A", "B", "10/01/2002", ""), ("2", "A", "C", "10/02/2002", "")]
    assert count(rows).births.too_old == 1
    assert count(rows, profile=shipped_profile("generic-person")).births.too_old is None


def test_columns_that_the_file_lacks_are_named_or_refused_as_by_encoding() -> None:
    rows = [("1", "A", "B", "10/01/2010", "")]
    assert "middle_name" in count(rows).absent
    with raises(MissingColumnError):
        count(rows, columns={**COLUMNS, "last_name": "FAMILY"})
    with raises(ConfigError):
        count(rows, date_format=None)


def test_known_numbers_are_counted_and_those_that_records_share(tmp_path: Path) -> None:
    numbers = [
        ("1", "72345678"), ("1", "072345678"), ("2", "62345678"), ("3", "6234-5678"), ("4", "99999999"),
        ("5", "N/A"), ("6", "17"), ("7", ""), ("8", "62345678"), ("", "72345678"),
    ]  # fmt: skip
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow((*HEADER, "SID"))
        table.writerows((one, "Ana", "Ortiz", "05/15/2011", "F", "", sid) for one, sid in numbers)
    numbered = shipped_profile("children", number="student-id")
    ask = Ask(
        numbered, AgencyFile(path, "ID"), COLUMNS | {"student_id": "SID"}, "MM/DD/YYYY", AS_OF
    )
    counted = count_file(ask).counts
    assert counted.numbers == NumberCounts("SID", holders=4, sharing=3, shared=1)
    (column,) = (one for one in counted.columns if one.name == "student_id")
    assert (column.missing, column.placeholder, column.invalid) == (1, 2, 1)
    # Nothing is left out by the pass of the number: a shared one counts for nobody.
    assert counted.blocks.passes[0].name == "known-number"
    assert counted.blocks.passes[0].rows_dropped == 0
    (found,) = (one for one in judge(counted) if one.rule == "shared-number")
    assert found.sentence().startswith(
        "column SID: 3 of 4 (75.0%) records hold a number that another"
    )
    assert not any(number in found.sentence() for _, number in numbers if len(number) > 2)


def test_a_file_without_the_column_of_the_number_is_told() -> None:
    counted = count([("1", "Ana", "Ortiz", "05/15/2011", "F", "")])
    assert counted.numbers is None
    assert "student_id" not in counted.absent
    numbered = shipped_profile("children", number="student-id")
    counted = count([("1", "Ana", "Ortiz", "05/15/2011", "F", "")], profile=numbered)
    assert counted.numbers is None
    assert "student_id" in counted.absent
