"""A file read once: the same rows, the same derived rows, and rows left out as people know them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from encoding.errors import InputError
from encoding.profiles.catalog import shipped_profile
from encoding.recipe.rows import CleanedRows, RowCleaner
from encoding.records.agency_file import AgencyFile, open_reading
from encoding.records.read_once import FileWanted, KeptTable, Readings, made_once, reading_once

PROFILE = shipped_profile("children")
LINES = (
    "id,first_name,last_name,birth_date,district\n",
    "1,Ann Marie,Lee-Soto,01/02/2014,017\n",
    "2,Bob,Hay,02/30/2014,018\n",
    "3,Cy,Fox,03/04/2015,018\n",
    ",Di,Kay,04/05/2016,017\n",
    "5,Ed,Day,05/06/2017,017\n",
)


def file_in(folder: Path, *districts: str) -> AgencyFile:
    path = folder / "children.csv"
    path.write_text("".join(LINES), "utf-8")
    only = ("district", frozenset(districts)) if districts else None
    return AgencyFile(path, "id", only=only)


def read_before(file: AgencyFile) -> Readings:
    found = Readings({file.reading: KeptTable.read(open_reading(file.reading))})
    # As it goes to another process.
    again: Readings = pickle.loads(pickle.dumps(found))
    return again


def cleaned(file: AgencyFile, n_rows: int) -> list[tuple[list[str], CleanedRows]]:
    table = file.open()
    cleaner = RowCleaner(PROFILE, columns={}, available=table.columns, date_format="MM/DD/YYYY")
    return [
        (chunk.columns["id"], cleaner.clean(chunk))
        for chunk in table.select(["id", *cleaner.headers]).chunks(n_rows)
    ]


def flat(found: list[tuple[list[str], CleanedRows]]) -> object:
    return [
        (ids, one.rows.tolist(), {name: list(cells) for name, cells in one.columns.items()}, one.problems)
        for ids, one in found
    ]  # fmt: skip


@pytest.mark.parametrize("districts", [(), ("017",), ("018",), ("017", "018")])
@pytest.mark.parametrize("n_rows", [2, 10])
def test_what_is_read_once_is_what_is_read_each_time(
    tmp_path: Path, districts: tuple[str, ...], n_rows: int
) -> None:
    file = file_in(tmp_path, *districts)
    each_time = flat(cleaned(file, n_rows))
    readings = read_before(file)
    file.path.unlink()
    with reading_once(readings):
        assert flat(cleaned(file, n_rows)) == each_time
        assert flat(cleaned(file, n_rows)) == each_time


def test_rows_left_out_do_not_change_the_numbers_that_people_are_told(tmp_path: Path) -> None:
    ((ids, found),) = cleaned(file_in(tmp_path, "018"), 10)
    assert ids == ["2", "3"]
    assert [(one.row, one.column) for one in found.problems] == [(2, "birth_date")]
    assert found.rows.min() == 2


def test_only_says_what_is_wrong_with_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no row with one of the values"):
        list(file_in(tmp_path, "019").open().chunks())
    other = AgencyFile(file_in(tmp_path).path, "id", only=("county", frozenset({"1"})))
    with pytest.raises(InputError, match="has no column county"):
        other.open()


def test_a_file_that_was_not_read_yet_is_asked_for(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    with reading_once(Readings()), pytest.raises(FileWanted) as asked:
        file.open()
    assert asked.value.reading == file.reading


def test_a_file_is_read_once_for_all_who_name_it_from_their_own_folders(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    (tmp_path / "spokes").mkdir()
    other = AgencyFile(tmp_path / "spokes" / ".." / file.path.name, "id")
    with reading_once(read_before(file)):
        assert other.open().columns == file.open().columns
    assert other.records == file.records


def test_what_is_made_of_a_file_is_made_once_for_each_thing_it_hangs_on() -> None:
    made: list[str] = []

    def make() -> int:
        made.append("made")
        return len(made)

    assert [made_once("a", {"of": 1}, make), made_once("a", {"of": 1}, make)] == [1, 2]
    with reading_once(Readings()):
        assert [made_once("a", {"of": n}, make) for n in (1, 1, 2)] == [3, 3, 4]
        assert made_once("b", {"of": 1}, make) == 5
