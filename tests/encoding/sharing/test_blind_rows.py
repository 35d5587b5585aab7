"""Rows with sealed match IDs and pseudonyms: written by an agency, opened by the recipient, or refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import partial
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
from encoding.sharing.blind_rows import ROWS_START, Pseudonyms, open_blind_rows, write_blind_rows
from schemas.rounds.blind import RECORD_BYTES, BlindHeader, parse_blind_header
from schemas.signing.identity import PublicIdentity, SignedIdentity

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


def test_every_person_of_the_recipient_and_no_other_opens_the_match_ids_and_wanted_columns(
    rows_file: Path,
) -> None:
    content = rows_file.read_bytes()
    expected = {
        (VECTOR["match_ids"][handle], NAMES.make(handle), CELLS[handle]) for handle in SEALED
    }
    for number in (0, 1):
        found = opened(content, number=number)
        assert {(row.match.hex(), row.pseudonym, row.cells) for row in found} == expected
    rows = opened(content, ("note", "grade"))
    assert {row.cells for row in rows} == {(note, grade) for grade, note in CELLS.values()}
    for columns in ((), ("grade",), ("grade", "note", "more")):
        with raises(ColumnNotListedError):
            opened(content, columns)
    with pytest.raises(SealedFileError):
        opened(content, number=len(VECTORS["receivers"]) - 1)


def test_the_file_says_nothing_but_what_was_listed_in_the_order_of_sealed_match_ids(
    rows_file: Path,
) -> None:
    content = rows_file.read_bytes()
    lines = content.split(b"\n", 2)
    assert lines[0] + b"\n" == ROWS_START
    assert lines[1] == HEADER.to_canonical()
    assert lines[2].startswith(b"sealed_match_id,pseudonym,grade,note\n")
    for handle, match_id in VECTOR["match_ids"].items():
        assert handle.encode() not in content
        assert match_id.encode() not in content
    names = [*SEALED.values()]
    for rows in (names, names[::-1]):
        stated = [(one, PSEUDONYMS[one], ("",)) for one in rows]
        write_blind_rows(rows_file, HEADER, ("n",), stated)
        body = rows_file.read_text().splitlines()[3:]
        assert [bytes.fromhex(line.split(",")[0]) for line in body] == sorted(names)


def test_opened_cells_are_no_formulas_and_columns_are_named_without_control_characters(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows"
    rows = [(sealed, PSEUDONYMS[sealed], ("=A1", "-1.5")) for sealed in SEALED.values()]
    write_blind_rows(path, HEADER, COLUMNS, rows)
    assert {row.cells for row in opened(path.read_bytes())} == {("'=A1", "-1.5")}
    write_blind_rows(path, HEADER, ("grade\x1b[2K",), [])
    with raises(ColumnNotListedError, match=r"the column grade\\x1b\[2K, which"):
        opened(path.read_bytes())


def opened(content: bytes, columns: tuple[str, ...] = COLUMNS, number: int = 0) -> list[Any]:
    return list(open_blind_rows(io.BytesIO(content), [receiver(number)], columns).rows)


UPPER = next(iter(SEALED.values())).hex().upper().encode()
BENDS: dict[str, Callable[[bytes], bytes]] = {
    "another first line": lambda raw: raw[1:],
    "another head": lambda raw: raw.replace(b'"epoch":1', b'"epoch":2'),
    "another column": lambda raw: raw.replace(b"sealed_match_id", b"match_id"),
    "a cell less": lambda raw: raw.replace(b",grade 0", b""),
    "a cell more": lambda raw: raw.replace(b",grade 0", b",,grade 0"),
    "an empty row": lambda raw: raw + b"\n",
    "an open quotation mark": lambda raw: raw + b'"',
    "not UTF-8": lambda raw: raw + b"\xff" + NAME + b",1,2\n",
    "a short match ID": lambda raw: raw + b"00" + NAME + b",1,2\n",
    "a forged match ID": lambda raw: raw + b"00" * 44 + NAME + b",1,2\n",
    "upper case": lambda raw: raw + UPPER + NAME + b",1,2\n",
}


@pytest.mark.parametrize("bend", BENDS.values(), ids=BENDS)
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


def test_pieces_read_like_a_file() -> None:
    content = bytes(range(250)) * 3
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    for size in (1, 3, 100):
        file = read_pieces(iter([b"", *pieces, b""]))
        assert b"".join(iter(partial(file.read, size), b"")) == content, size


def test_pseudonyms_are_those_of_the_vectors_and_none_is_of_two() -> None:
    key = bytes.fromhex(ROWS["workspace_key"])
    for vector in ROWS["pseudonyms"]:
        named = {name: vector[name] for name in ("recipient", "space")}
        named |= {"project": ROWS["project"], "round": vector["round"] or HEADER.round}
        header = HEADER.model_copy(update=named)
        made = Pseudonyms.of(key, header, are_lasting=vector["round"] is None)
        assert made.make(vector["record_id"]) == vector["pseudonym"], vector
        assert vector["pseudonym"] not in repr(made)
    found = [vector["pseudonym"] for vector in ROWS["pseudonyms"]]
    assert len(set(found)) == len(found)
    ours, theirs = (
        Pseudonyms.of(own, HEADER, are_lasting=True) for own in (bytes(32), bytes(range(32)))
    )
    assert ours.make("7") != theirs.make("7")


def test_good_files_of_the_vectors_are_read_and_written_to_the_byte_and_bad_ones_refused(
    tmp_path: Path,
) -> None:
    assert blind_rows_vectors() == ROWS
    for vector in ROWS["good"]:
        raw = base64.b64decode(vector["file"])
        found = opened(raw, tuple(vector["columns"]))
        stated = [[row.match.hex(), row.pseudonym, *row.cells] for row in found]
        assert stated == vector["rows"], vector["name"]
        sealed = (line.split(b",")[0] for line in raw.splitlines()[3:])
        rows = [
            (bytes.fromhex(one.decode()), row.pseudonym, row.cells)
            for one, row in zip(sealed, found, strict=True)
        ]
        write_blind_rows(tmp_path / "rows", HEADER, vector["columns"], reversed(rows))
        assert (tmp_path / "rows").read_bytes() == raw, vector["name"]
    for vector in ROWS["bad"]:
        print(vector["name"])
        with raises((LinksFileError, SealedFileError)):
            opened(base64.b64decode(vector["file"]))
