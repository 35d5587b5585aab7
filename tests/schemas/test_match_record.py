"""Match records and openings by their vectors, and against a second reader."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.match_record import commit, record_root
from vectors.file import naming, read_vectors
from vectors.match_record import HANDLES, HEADER, OPENINGS

from schemas.documents.errors import DocumentError
from schemas.documents.ids import Handle
from schemas.rounds.match_record import (
    Decision,
    MatchRecordReader,
    Opening,
    OpeningsHeader,
    Row,
    commitment,
    opens,
    parse_openings,
    read_openings,
    serialise_openings,
)

VECTORS = read_vectors("match-record")
HEX = st.binary(min_size=32, max_size=32)


def read(raw: bytes) -> tuple[MatchRecordReader, list[Row]]:
    reader = MatchRecordReader(io.BytesIO(raw))
    return reader, list(reader.rows())


def test_a_good_record_has_the_root_of_its_vector() -> None:
    for vector in VECTORS["records"]["good"]:
        with naming(vector):
            raw = vector["record"].encode()
            reader, rows = read(raw)
            assert reader.root() == vector["root"] == record_root(raw)
            assert len(rows) == reader.header.rows
            assert [row.number for row in rows] == list(range(1, len(rows) + 1))


def test_a_withheld_row_has_no_decision_and_the_same_place_in_the_tree() -> None:
    shown, hidden = (read(VECTORS["records"]["good"][at]["record"].encode()) for at in (0, 1))
    assert shown[0].root() == hidden[0].root()
    assert [row.decision is None for row in shown[1]] == [False, False, True, True]
    assert [row.leaf_hash for row in shown[1]] == [row.leaf_hash for row in hidden[1]]


@given(st.data())
def test_any_changed_byte_changes_the_root_or_is_refused(data: st.DataObject) -> None:
    vector = VECTORS["records"]["good"][0]
    raw = bytearray(vector["record"].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        reader, _ = read(bytes(raw))
    except DocumentError:
        return
    assert reader.root() != vector["root"]


def test_a_line_without_an_end_is_refused_before_it_is_read_in_whole() -> None:
    class Endless(io.RawIOBase):
        n_read = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.n_read += size
            return b"x" * size

    source = Endless()
    with pytest.raises(DocumentError):
        MatchRecordReader(source)
    assert source.n_read < 20_000


@given(HEX, st.binary(min_size=16, max_size=16))
def test_a_commitment_is_that_of_the_second_reader(nonce: bytes, handle: bytes) -> None:
    run, upload = HEADER["run"], HEADER["uploads"][1]["upload"]
    assert commitment(nonce, run, upload, Handle(handle)) == commit(nonce, run, upload, handle)


OPENING = st.builds(
    Opening,
    st.binary(min_size=16, max_size=16).map(Handle),
    st.integers(1, 2**40),
    st.binary(min_size=32, max_size=32),
)


@given(st.lists(OPENING, unique_by=lambda opening: (opening.handle, opening.number)))
def test_openings_survive_their_file(openings: list[Opening]) -> None:
    header = OpeningsHeader.from_json({**OPENINGS, "openings": len(openings)})
    openings.sort()
    raw = b"".join(serialise_openings(header, openings))
    assert parse_openings(raw) == (header, tuple(openings))


def an_opening(number: int) -> Opening:
    _, openings = parse_openings(VECTORS["openings"]["good"][0]["file"].encode())
    return openings[number - 1]


def a_decision(number: int) -> Decision:
    decision = read(VECTORS["records"]["good"][0]["record"].encode())[1][number - 1].decision
    assert decision is not None
    return decision


def test_an_opening_fits_its_own_row_alone() -> None:
    header = OpeningsHeader.from_json(OPENINGS)
    assert opens(an_opening(1), header, 0, a_decision(1))
    assert not opens(an_opening(1), header, 0, a_decision(2))
    assert not opens(an_opening(2), header, 0, a_decision(1))


def test_an_opening_fits_the_side_of_its_own_upload_alone() -> None:
    header = OpeningsHeader.from_json(OPENINGS)
    other = OpeningsHeader.from_json({**OPENINGS, **HEADER["uploads"][1]})
    assert not opens(an_opening(1), header, 1, a_decision(1))
    assert not opens(an_opening(1), header, 7, a_decision(1))
    assert not opens(an_opening(1), other, 0, a_decision(1))


def test_an_opening_with_another_handle_or_nonce_or_run_fits_nothing() -> None:
    header, opening = OpeningsHeader.from_json(OPENINGS), an_opening(1)
    elsewhere = OpeningsHeader.from_json({**OPENINGS, "run": f"run-{'6' * 32}"})
    for bent in (
        Opening(Handle(HANDLES[1]), 1, opening.nonce),
        Opening(opening.handle, 1, an_opening(2).nonce),
    ):
        assert not opens(bent, header, 0, a_decision(1))
    assert not opens(opening, elsewhere, 0, a_decision(1))


def test_what_opens_a_commitment_does_not_show() -> None:
    opening = an_opening(1)
    assert opening.handle.hex() not in repr(opening)
    assert repr(opening.nonce) not in repr(opening)


def all_openings(raw: bytes) -> list[tuple[OpeningsHeader, tuple[Opening, ...]]]:
    return [(header, tuple(openings)) for header, openings in read_openings(io.BytesIO(raw))]


def test_openings_of_several_uploads_stand_one_after_the_other() -> None:
    files = [vector["file"].encode() for vector in VECTORS["openings"]["good"]]
    assert all_openings(b"".join(files)) == [parse_openings(raw) for raw in files]
    assert all_openings(b"") == []


def test_a_bad_file_of_openings_is_refused_after_a_good_one() -> None:
    for vector in VECTORS["openings"]["bad"]:
        with naming(vector):
            good = VECTORS["openings"]["good"][0]["file"].encode()
            bad = vector["file"].encode()
            if not bad:
                continue
            with pytest.raises(DocumentError):
                all_openings(good + bad)


def test_nothing_follows_the_last_opening() -> None:
    good = VECTORS["openings"]["good"][0]["file"].encode()
    for more in (b"x", b"\n", good[:-1], good.splitlines(keepends=True)[0][:-1]):
        with pytest.raises(DocumentError):
            all_openings(good + more)
