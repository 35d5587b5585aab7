"""Own records as a review shows them, under names that are those of the next encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rigs.agency import Agency
from samples.refusals import raises

from encoding.errors import MissingColumnError
from encoding.packing import fill
from encoding.packing.handles import derive_map_keys, key_text, record_keys
from encoding.packing.memory import Memory, MemoryColumns, memory_key, record_name
from encoding.packing.withdrawals import Withdrawn
from encoding.progress import silent
from encoding.records import Table
from encoding.records.agency_file import AgencyFile
from encoding.review.records import FileRecord, Reading, absent_digest, read_records
from encoding.secret.secret import Secret
from schemas.api.projects import ProjectView
from schemas.linkage.fields import MEMORY_COLUMNS

HEAD = "ID,first,last,born,sex,school\n"
COLUMNS = {"first_name": "first", "last_name": "last", "birth_date": "born"}
# Two rows of one person far apart, an alias, a row that cannot be encoded, one without a record ID.
ROWS = """7,Ana,Ortiz,04/09/2011,F,Elm
8,Bo,Nguyen-Smith,05/01/2012,M,Elm
9,Dee,Lee,01/15/2015,F,Oak
7,Anna,Ortiz,4/9/2011,F,Oak
x,Never,Born,13/13/2013,M,Oak
,No,Number,01/01/2013,M,Oak
7,Ana,Ortiz,04/09/2011,F,Elm
"""


@pytest.fixture
def agency(tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret)


class Read:
    """A file, and how a review reads it."""

    def __init__(self, agency: Agency, path: Path, text: str = HEAD + ROWS) -> None:
        path.write_text(text, "utf-8")
        workspace, project = agency.workspace, agency.view.project
        with workspace.lock():
            key = workspace.key()
            self.keys = derive_map_keys(key, project)
            withdrawn = Withdrawn(workspace.withdrawn(project), project, key)
        self.path, self.memory_key = path, memory_key(key, project)
        self.reading = Reading(
            AgencyFile(path, "ID"), agency.view.profile, COLUMNS, "MM/DD/YYYY",
            self.keys, self.memory_key, withdrawn,
        )  # fmt: skip

    def key(self, record_id: str) -> str:
        return key_text(record_keys(self.keys, [record_id]), 0)

    def records(self, *ids: str, **options: Any) -> dict[str, FileRecord]:
        by_key = {self.key(one): one for one in ids}
        found = read_records(self.reading, by_key, options.pop("elements", ()), silent, **options)
        return {by_key[key]: record for key, record in found.items()}


def test_values_are_the_files_own_by_the_elements_of_the_agreement(
    agency: Agency, tmp_path: Path
) -> None:
    read = Read(agency, tmp_path / "people.csv")
    found = read.records("7", "9", "x", "gone", elements=("last_name", "birth_date", "school"))
    assert {name: record.values for name, record in found.items()} == {
        "7": {"last_name": "Ortiz", "birth_date": "2011-04-09", "school": "Elm / Oak"},
        "9": {"last_name": "Lee", "birth_date": "2015-01-15", "school": "Oak"},
        # What is no date stays as it is.
        "x": {"last_name": "Born", "birth_date": "13/13/2013", "school": "Oak"},
    }
    assert [record.record_id for record in found.values()] == ["7", "9", "x"]
    assert {name for name, record in found.items() if record.is_bare} == {"x"}
    lacking = HEAD + "a,,Ortiz,04/09/2011,F,Elm\nb,Ana,,04/09/2011,F,Elm\nc,Ana,Ortiz,,F,Elm\n"
    read = Read(agency, tmp_path / "people.csv", lacking + "a,Ana,,,F,Elm\n" + ROWS)
    found = read.records("a", "b", "c", "7")
    # What one row of a record lacks another may have.
    assert {name for name, record in found.items() if record.is_bare} == {"b", "c"}
    assert "Ortiz" not in repr(found)


def test_values_are_written_in_one_way_and_what_may_be_missing_or_is_withdrawn_is_left_out(
    agency: Agency, tmp_path: Path
) -> None:
    path, text = tmp_path / "people.csv", HEAD + ROWS
    read = Read(agency, path, text.replace("Anna,Ortiz", "ANA,ORTIZ"))
    found = read.records("7", elements=("first_name", "last_name"))
    assert found["7"].values == {"first_name": "Ana", "last_name": "Ortiz"}
    found = read.records("8", if_there=("sex", "zip", "first_name"))
    assert found["8"].values == {"sex": "M", "first_name": "Bo"}
    found = Read(agency, path, text.replace(",F,", ",Female,")).records("7", "8", elements=("sex",))
    assert [found[one].values["sex"] for one in ("7", "8")] == ["F", "M"]
    # What the recipe does not know stays as it is.
    read = Read(agency, path, text.replace(",F,", ",Other,"))
    assert read.records("9", elements=("sex",))["9"].values == {"sex": "Other"}
    read.reading.withdrawn.add("9")
    assert read.records("7", "9").keys() == {"7"}


def test_a_column_that_is_missing_is_named_by_the_files_own_word(
    agency: Agency, tmp_path: Path
) -> None:
    text = (HEAD + ROWS).replace("last", "surname")
    read = Read(agency, tmp_path / "people.csv", text)
    with raises(MissingColumnError, match="no column last, which the agreement lets"):
        read.records("7", elements=("first_name", "last_name"))


@pytest.mark.parametrize("n_rows", [2, 3, 10_000])
def test_names_are_those_of_the_next_encoding(
    agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_rows: int
) -> None:
    # Rows of a record are read in one piece or in several, by both.
    chunks = Table.chunks
    monkeypatch.setattr(Table, "chunks", lambda table: chunks(table, n_rows))
    encoded: dict[int, str] = {}

    class Watched(MemoryColumns):
        def of(self, columns: Any, numbers: Any) -> Any:
            found = super().of(columns, numbers)
            parts = zip(*(found[name] for name in MEMORY_COLUMNS["rejected-before"]), strict=True)
            encoded.update(zip(numbers.tolist(), map("".join, parts), strict=True))
            return found

    monkeypatch.setattr(fill, "MemoryColumns", Watched)
    read = Read(agency, tmp_path / "people.csv")
    memory = Memory(read.memory_key, is_named=True)
    agency.encode(
        read.path, memory=memory, date_format="MM/DD/YYYY", skip_invalid=tmp_path / "skipped.csv"
    )
    handles = agency.container().handles
    found = read.records("7", "8", "9", "x")
    for name in ("7", "8", "9"):
        number = handles.index(agency.handle_of(name) or b"")
        assert encoded[number] == record_name(read.memory_key, read.key(name), found[name].digest)
    assert found["x"].digest == absent_digest(read.memory_key)
    assert len(set(encoded.values())) == 3


def test_an_edit_changes_the_digest_and_another_column_or_case_does_not(
    agency: Agency, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    before = Read(agency, path).records("9")["9"].digest
    for old, new, is_same in (
        ("9,Dee,Lee,01/15/2015,F,Oak", "9,DEE,lee,1/15/2015,F,Elm", True),
        ("9,Dee,Lee,01/15/2015,F,Oak", "9,Dee,Lee,01/16/2015,F,Oak", False),
        ("9,Dee,Lee,01/15/2015,F,Oak", "9,Dee,Leigh,01/15/2015,F,Oak", False),
    ):
        text = (HEAD + ROWS).replace(old, new)
        assert (Read(agency, path, text).records("9")["9"].digest == before) is is_same, new
