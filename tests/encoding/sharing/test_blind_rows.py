"""Rows with sealed match IDs and pseudonyms: written by an agency, opened by the recipient, or refused."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises
from vectors.blind_rows import blind_rows_vectors
from vectors.file import read_vectors

from encoding.errors import ColumnNotListedError, LinksFileError, SealedFileError
from encoding.people.identity import Identity, PrivateKeys
from encoding.people.piece_reader import read_pieces
from encoding.records.agency_file import AgencyFile
from encoding.sharing.blind_links import (
    extract_blind,
    is_blind_links,
    read_blind_links,
    write_blind_links,
)
from encoding.sharing.blind_pseudonyms import Pseudonyms
from encoding.sharing.blind_rows import ROWS_START, open_blind_rows, write_blind_rows
from schemas.blind import RECORD_BYTES, BlindHeader, parse_blind_header
from schemas.identity import PublicIdentity, SignedIdentity

VECTORS = read_vectors("blind-release")
ROWS = read_vectors("blind-rows")
VECTOR: dict[str, Any] = VECTORS["good"][0]
RAW = base64.b64decode(VECTOR["file"])
HEADER = BlindHeader.from_json(VECTOR["header"])
COLUMNS = ("grade", "note")


def receiver(number: int) -> Identity:
    stored = VECTORS["receivers"][number]
    keys = PrivateKeys.from_bytes(bytes.fromhex(stored["private_hex"]))
    public = PublicIdentity.from_json(stored["identity"])
    return Identity(SignedIdentity.of(public, keys.signing_key), keys)


def sealed_by_handle() -> dict[str, bytes]:
    body = RAW[parse_blind_header(RAW).body_offset :]
    starts = range(0, len(body), RECORD_BYTES)
    return {body[at : at + 16].hex(): body[at + 16 : at + RECORD_BYTES] for at in starts}


SEALED = sealed_by_handle()
NAMES = Pseudonyms.of(bytes(32), HEADER, are_lasting=True)
PSEUDONYMS = {sealed: NAMES.make(handle) for handle, sealed in SEALED.items()}
NAME = b"," + b"0" * 32
# The first note has the line end of old Macs.
CELLS = {
    handle: (f"grade {n}", 'a "note", with\na line end' if n else "a\rline end")
    for n, handle in enumerate(SEALED)
}


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows"
    rows = [(SEALED[handle], NAMES.make(handle), CELLS[handle]) for handle in SEALED]
    assert write_blind_rows(path, HEADER, COLUMNS, [*rows, *rows]) == len(rows)
    return path


def opened(content: bytes, columns: tuple[str, ...] = COLUMNS, number: int = 0) -> list[Any]:
    return list(open_blind_rows(io.BytesIO(content), [receiver(number)], columns).rows)


@pytest.mark.parametrize("number", [0, 1])
def test_every_person_of_the_recipient_opens_the_match_ids(rows_file: Path, number: int) -> None:
    expected = {
        (VECTOR["match_ids"][handle], NAMES.make(handle), CELLS[handle]) for handle in SEALED
    }
    found = opened(rows_file.read_bytes(), number=number)
    assert {(row.match.hex(), row.pseudonym, row.cells) for row in found} == expected


def test_the_file_says_nothing_but_what_was_listed(rows_file: Path) -> None:
    content = rows_file.read_bytes()
    lines = content.split(b"\n", 2)
    assert lines[0] + b"\n" == ROWS_START
    assert lines[1] == HEADER.to_canonical()
    assert lines[2].startswith(b"sealed_match_id,pseudonym,grade,note\n")
    for handle, match_id in VECTOR["match_ids"].items():
        assert handle.encode() not in content
        assert match_id.encode() not in content


def test_rows_stand_in_the_order_of_sealed_match_ids(tmp_path: Path) -> None:
    names = [SEALED[handle] for handle in SEALED]
    for rows in (names, names[::-1]):
        write_blind_rows(
            tmp_path / "rows", HEADER, ("n",), [(one, PSEUDONYMS[one], ("",)) for one in rows]
        )
        body = (tmp_path / "rows").read_text().splitlines()[3:]
        assert body == sorted(body)
        assert [bytes.fromhex(line.split(",")[0]) for line in body] == sorted(names)


def test_wanted_columns_come_in_the_wanted_order(rows_file: Path) -> None:
    rows = opened(rows_file.read_bytes(), ("note", "grade"))
    assert {row.cells for row in rows} == {(note, grade) for grade, note in CELLS.values()}


def test_opened_cells_are_no_formulas_for_a_spreadsheet(tmp_path: Path) -> None:
    rows = [(sealed, PSEUDONYMS[sealed], ("=A1", "-1.5")) for sealed in SEALED.values()]
    write_blind_rows(tmp_path / "rows", HEADER, COLUMNS, rows)
    assert {row.cells for row in opened((tmp_path / "rows").read_bytes())} == {("'=A1", "-1.5")}


def test_a_column_with_control_characters_is_named_without_them(tmp_path: Path) -> None:
    write_blind_rows(tmp_path / "rows", HEADER, ("grade\x1b[2K",), [])
    with raises(ColumnNotListedError, match=r"the column grade\\x1b\[2K, which"):
        opened((tmp_path / "rows").read_bytes())


@pytest.mark.parametrize("columns", [(), ("grade",), ("grade", "note", "more")])
def test_a_column_that_is_not_listed_or_not_there_is_refused(
    rows_file: Path, columns: tuple[str, ...]
) -> None:
    with raises(ColumnNotListedError):
        opened(rows_file.read_bytes(), columns)


def test_others_do_not_open_it(rows_file: Path) -> None:
    with pytest.raises(SealedFileError):
        opened(rows_file.read_bytes(), number=len(VECTORS["receivers"]) - 1)


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda raw: raw[1:], id="another first line"),
        pytest.param(lambda raw: raw.replace(b'"epoch":1', b'"epoch":2'), id="another head"),
        pytest.param(lambda raw: raw.replace(b"sealed_match_id", b"match_id"), id="another column"),
        pytest.param(lambda raw: raw.replace(b",grade 0", b""), id="a cell less"),
        pytest.param(lambda raw: raw.replace(b",grade 0", b",,grade 0"), id="a cell more"),
        pytest.param(lambda raw: raw + b"\n", id="an empty row"),
        pytest.param(lambda raw: raw + b'"', id="an open quotation mark"),
        pytest.param(lambda raw: raw + b"\xff" + NAME + b",1,2\n", id="not UTF-8"),
        pytest.param(lambda raw: raw + b"00" + NAME + b",1,2\n", id="a short match ID"),
        pytest.param(lambda raw: raw + b"00" * 44 + NAME + b",1,2\n", id="a forged match ID"),
        pytest.param(
            lambda raw: raw + next(iter(SEALED.values())).hex().upper().encode() + NAME + b",1,2\n",
            id="upper case",
        ),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(rows_file: Path, bend: Any) -> None:
    raw = rows_file.read_bytes()
    assert bend(raw) != raw
    with raises((LinksFileError, SealedFileError)):
        opened(bend(raw))


def test_sealed_match_ids_are_kept_beside_record_ids(tmp_path: Path) -> None:
    path = tmp_path / "links"
    by_record = {f"r,{n}": sealed for n, sealed in enumerate(SEALED.values())}
    write_blind_links(path, HEADER, by_record.items())
    assert is_blind_links(path)
    kept = read_blind_links(path)
    assert (kept.header, kept.sealed) == (HEADER, by_record)
    for spoilt in (path.read_bytes() + b"x,y\n", path.read_bytes()[1:], path.read_bytes()[:40]):
        path.write_bytes(spoilt)
        with raises(LinksFileError):
            read_blind_links(path)
    assert not is_blind_links(tmp_path / "missing")


def test_rows_of_records_that_were_not_uploaded_stay(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,name,grade\n1,Anastasia,7\n2,Bo,8\n3,Cy,9\n1,Ann,7\n")
    first, second, *_ = SEALED.values()
    write_blind_links(tmp_path / "links", HEADER, [("1", first), ("3", second)])
    links = read_blind_links(tmp_path / "links")
    out = tmp_path / "out"
    assert extract_blind(AgencyFile(file, "id"), links, NAMES, ("grade",), out) == 2
    found = {(row.pseudonym, row.cells) for row in opened(out.read_bytes(), ("grade",))}
    assert found == {(NAMES.make("1"), ("7",)), (NAMES.make("3"), ("9",))}
    assert b"Anastasia" not in out.read_bytes()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_pieces_read_like_a_file(size: int) -> None:
    content = bytes(range(250)) * 3
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    file = read_pieces(iter([b"", *pieces, b""]))
    assert b"".join(iter(lambda: file.read(size), b"")) == content


@pytest.mark.parametrize("vector", ROWS["pseudonyms"], ids=str)
def test_pseudonyms_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    named = {"project": ROWS["project"], "recipient": vector["recipient"], "space": vector["space"]}
    header = HEADER.model_copy(update=named | {"round": vector["round"] or HEADER.round})
    key = bytes.fromhex(ROWS["workspace_key"])
    made = Pseudonyms.of(key, header, are_lasting=vector["round"] is None)
    assert made.make(vector["record_id"]) == vector["pseudonym"]
    assert vector["pseudonym"] not in repr(made)


def test_no_two_recipients_spaces_rounds_or_agencies_have_a_pseudonym_in_common() -> None:
    found = [vector["pseudonym"] for vector in ROWS["pseudonyms"]]
    assert len(set(found)) == len(found)
    ours = Pseudonyms.of(bytes(32), HEADER, are_lasting=True)
    theirs = Pseudonyms.of(bytes(range(32)), HEADER, are_lasting=True)
    assert ours.make("7") != theirs.make("7")


@pytest.mark.parametrize("vector", ROWS["good"], ids=lambda vector: vector["name"])
def test_a_good_file_of_rows_is_read_and_written_to_the_byte(
    tmp_path: Path, vector: dict[str, Any]
) -> None:
    raw = base64.b64decode(vector["file"])
    found = opened(raw, tuple(vector["columns"]))
    assert [[row.match.hex(), row.pseudonym, *row.cells] for row in found] == vector["rows"]
    sealed = (line.split(b",")[0] for line in raw.splitlines()[3:])
    rows = [
        (bytes.fromhex(one.decode()), row.pseudonym, row.cells)
        for one, row in zip(sealed, found, strict=True)
    ]
    write_blind_rows(tmp_path / "rows", HEADER, vector["columns"], reversed(rows))
    assert (tmp_path / "rows").read_bytes() == raw


@pytest.mark.parametrize("vector", ROWS["bad"], ids=lambda vector: vector["name"])
def test_a_bad_file_of_rows_is_refused(vector: dict[str, Any]) -> None:
    with raises((LinksFileError, SealedFileError)):
        opened(base64.b64decode(vector["file"]))


def test_the_stored_vectors_of_rows_are_those_that_are_written() -> None:
    assert blind_rows_vectors() == ROWS
