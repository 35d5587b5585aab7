"""A file read once: the same rows, the same derived rows, and rows left out as people know them.
A sample holds whole records, the same ones whatever the order and size of the chunks.
How a text file is written, told by its bytes.
A file without record IDs: the number of a row stands for one.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import FileMissingError, InputError
from encoding.profiles.catalog import shipped_profile
from encoding.recipe.rows import CleanedRows, RowCleaner
from encoding.records import open_table
from encoding.records.agency_file import AgencyFile, open_reading
from encoding.records.read_once import FileWanted, KeptTable, Readings, made_once, reading_once
from encoding.records.row_numbers import ROW_NUMBER, UnnumberedFile
from encoding.records.sample import RecordSampler, Sample
from encoding.records.text_guess import guess_delimiter, guess_encoding

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


ROWS = st.lists(
    st.tuples(st.sampled_from(["", *map(str, range(12))]), st.integers(0, 99).map(str)), max_size=40
)


def draw(rows: list[tuple[str, str]], n_records: int, chunk: int = 100, seed: str = "s") -> Sample:
    sampler = RecordSampler(n_records, ["cell"], seed)
    for start in range(0, len(rows), chunk):
        some = rows[start : start + chunk]
        sampler.add([row[0] for row in some], {"cell": [row[1] for row in some]})
    return sampler.sample()


@given(ROWS, st.integers(1, 15), st.integers(1, 7))
def test_every_record_comes_with_all_of_its_rows(
    rows: list[tuple[str, str]], n_records: int, chunk: int
) -> None:
    found = draw(rows, n_records, chunk)
    ids = {row[0] for row in rows if row[0]}
    n_found = len(set(found.record.tolist()))
    assert n_found == min(n_records, len(ids))
    by_record: dict[str, list[str]] = {}
    for record_id, cell in rows:
        by_record.setdefault(record_id, []).append(cell)
    drawn = [
        [found.columns["cell"][row] for row in np.flatnonzero(found.record == number)]
        for number in range(n_found)
    ]
    assert all(cells in list(by_record.values()) for cells in drawn)
    assert (np.diff(found.record) >= 0).all()


@given(ROWS, st.integers(1, 15), st.integers(1, 7))
def test_the_size_of_the_chunks_changes_nothing(
    rows: list[tuple[str, str]], n_records: int, chunk: int
) -> None:
    one, other = draw(rows, n_records, chunk), draw(rows, n_records)
    assert one.columns == other.columns
    assert one.record.tolist() == other.record.tolist()


def test_another_seed_chooses_other_records() -> None:
    rows = [(str(n), str(n)) for n in range(200)]
    assert draw(rows, 20).columns != draw(rows, 20, seed="t").columns


def test_rows_without_a_record_id_are_not_taken() -> None:
    assert not len(draw([("", "a")], 5).record)


TEXT = "ID;Name\n1;José\n2;Núñez\n"


def test_the_encoding_is_one_that_reads_every_letter(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with raises(FileMissingError, match="there is no file"):
        guess_encoding(file)
    for written, guessed in (
        *(("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig")),
        *(("cp1252", "cp1252"), ("utf-16", "utf-16")),
    ):
        file.write_bytes(TEXT.encode(written))
        assert guess_encoding(file) == guessed, written
        table = open_table(file, encoding=guessed, delimiter=guess_delimiter(file, guessed))
        (chunk,) = table.chunks()
        assert chunk.columns["Name"] == ["José", "Núñez"]
    for content, guessed in (
        # A byte that Windows does not have; the last letter of a large file; a letter across two blocks.
        (b"ID,Name\n1,Jos\x81\n", "latin-1"),
        (b"ID\n" + b"x" * (1 << 20) + "é".encode("latin-1"), "cp1252"),
        (b"x" * ((1 << 20) - 1) + "é".encode(), "utf-8-sig"),
    ):
        file.write_bytes(content)
        assert guess_encoding(file) == guessed


def test_the_delimiter_cuts_every_row_alike_and_is_a_comma_without_one(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = [
        ["ID", "Last, First", "a;b", "c|d"],
        *[[str(n), "Lee, Ana", "x;y", "|"] for n in range(80)],
    ]
    for delimiter in (",", ";", "\t", "|"):
        lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
        file.write_text("\n".join(lines), "utf-8")
        assert guess_delimiter(file, "utf-8-sig") == delimiter
    for content in ("", "name\nAna\n", 'a,"b\n'):
        file.write_text(content, "utf-8")
        assert guess_delimiter(file, "utf-8-sig") == ",", content


def test_rows_are_numbered_from_1_across_chunks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("first,last\nAna,Lee\nBo,Ng\nCy,Oz\n", "utf-8")
    table = UnnumberedFile(tmp_path / "a.csv").open()
    assert table.columns == (ROW_NUMBER, "first", "last")
    chunks = list(table.select([ROW_NUMBER, "last"]).chunks(2))
    assert [list(chunk.columns) for chunk in chunks] == [[ROW_NUMBER, "last"]] * 2
    assert [cell for chunk in chunks for cell in chunk.columns[ROW_NUMBER]] == ["1", "2", "3"]
    assert [cell for chunk in chunks for cell in chunk.columns["last"]] == ["Lee", "Ng", "Oz"]
