"""Match records and openings by their vectors, and against a second reader.
Release files by their vectors, and from matches to bytes and back.
The encoding profile of block-salted rows: what it takes, what it refuses, what its digest covers.
What follows from a profile: rows a record, columns, the layout of a row, published counts.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.block_profiles import block_profile, filter_of, tag_of
from samples.documents import COUNTS, PROFILE, changed
from twins.match_record import commit, record_root
from vectors.file import naming, read_vectors
from vectors.match_record import HANDLES, HEADER, OPENINGS
from vectors.uploads import RELEASE

from schemas.documents.errors import DocumentError
from schemas.documents.ids import Handle, MatchId
from schemas.linkage.counts import FileCounts, published_counts, require_fit
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS
from schemas.linkage.profile import ROW_BYTES, EncodingProfile
from schemas.linkage.row_layout import row_layout
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
from schemas.rounds.release import (
    LINE_BYTES,
    Match,
    ReleaseHeader,
    parse_release,
    release_digest,
    serialise_release,
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


VECTORS_OF_RELEASE = read_vectors("release")


def test_a_good_file_is_read_and_written_to_the_byte() -> None:
    for vector in VECTORS_OF_RELEASE["good"]:
        with naming(vector):
            raw = vector["file"].encode()
            header, matches = parse_release(raw)
            assert header.to_json() == vector["header"]
            found = [[handle.hex(), one.match_id.hex(), one.row] for handle, one in matches.items()]
            assert found == vector["matches"]
            assert b"".join(serialise_release(header, matches.items())) == raw
            assert len(raw) == raw.index(b"\n") + 1 + LINE_BYTES * header.matches
            assert release_digest(raw) == vector["sha256"]


@given(
    st.dictionaries(
        st.binary(min_size=16, max_size=16),
        st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 10**12 - 1)),
    )
)
def test_matches_survive_their_file(made: dict[bytes, tuple[bytes, int]]) -> None:
    ids = {match_id: handle for handle, (match_id, _) in made.items()}
    kept = sorted(ids.values())
    matches = {Handle(h): Match(MatchId(made[h][0]), made[h][1]) for h in kept}
    header = ReleaseHeader.from_json({**RELEASE, "matches": len(matches)})
    assert parse_release(b"".join(serialise_release(header, matches.items()))) == (header, matches)


@given(st.data())
def test_any_changed_byte_changes_the_digest_or_is_refused(data: st.DataObject) -> None:
    raw = bytearray(VECTORS_OF_RELEASE["good"][0]["file"].encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert release_digest(bytes(raw)) != VECTORS_OF_RELEASE["good"][0]["sha256"]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=16))
def test_lanes_never_overlap_and_never_pass_the_row_s_end(kinds: list[tuple[bool, bool]]) -> None:
    fields = []
    for number, (has_filter, has_second) in enumerate(kinds):
        column = f"x{number}"
        lanes = [filter_of(column) if has_filter else tag_of(column)]
        lanes += [tag_of(f"y{number}")] * has_second
        levels = [
            {"name": "same", "any_of": [[{"lane": column, "within": 0}]], "m": 1, "u": 1},
            {"name": "other", "any_of": [], "m": 10**6 - 1, "u": 10**9 - 1},
        ]
        fields.append(
            {"name": column, "lanes": lanes, "levels": levels, "twins": 0, "memory": None}
        )
    n_bytes = sum(8 if one else 2 for one, _ in kinds) + 2 * sum(two for _, two in kinds)
    n_bytes += 2 * len(kinds)
    if n_bytes > ROW_BYTES:
        with pytest.raises(DocumentError, match="more than 64 bytes"):
            block_profile(fields=fields, dependence=None)
        return
    layout = row_layout(block_profile(fields=fields, dependence=None))
    taken = [byte for one in layout.filters for byte in range(one.offset, one.offset + 8)]
    taken += [byte for one in layout.tags for byte in (one.offset, one.offset + 1)]
    taken += [byte for _, offset in layout.presence for byte in (offset, offset + 1)]
    assert taken == list(range(n_bytes))


def profile(**changes: Any) -> EncodingProfile:
    values = PROFILE
    for path, value in changes.items():
        values = changed(values, path.replace("__", "."), value)
    return EncodingProfile.from_json(values)


def test_every_record_of_a_side_has_the_same_number_of_rows() -> None:
    plain = profile()
    assert plain.keys == 3
    assert plain.rows("larger") == 3 + 1
    assert plain.rows("smaller") == (3 + 2) * 4
    capped = profile(block_cap=7)
    assert (capped.rows("larger"), capped.rows("smaller")) == (3 + 1, (3 + 2) * 7)


def test_columns_are_those_of_lanes_and_then_of_passes_each_once() -> None:
    assert profile().columns == ("first", "nickname", "year", "month_day", "second")


def test_filters_lie_first_then_tags_then_presence() -> None:
    layout = row_layout(profile())
    assert [(one.lane.column, one.offset) for one in layout.filters] == [("first", 0)]
    tags = [(one.lane.column, one.field, one.offset) for one in layout.tags]
    assert tags == [("nickname", 0, 8), ("year", 1, 10), ("month_day", 1, 12)]
    assert layout.presence == ((0, 14), (1, 16))


def test_published_counts_are_those_of_the_profile() -> None:
    counts = published_counts(profile(), 1_500)
    assert [one.strangers for one in counts.fields] == [
        tuple(level["u"] for level in field["levels"]) for field in PROFILE["fields"]
    ]
    assert counts.dependence == PROFILE["dependence"]["published"]
    assert counts.twin_pairs == 45


def test_a_tiny_file_has_a_pair_of_twins_at_least() -> None:
    assert published_counts(profile(), 3).twin_pairs == 1


def test_without_a_dependence_none_is_published() -> None:
    assert published_counts(profile(dependence=None), 1_500).dependence == 0


@given(st.integers(0, 1000))
def test_twins_are_mixed_of_matches_and_strangers_as_the_page_says(twins: int) -> None:
    (first, _) = published_counts(profile(fields__0__twins=twins), 10).fields
    levels = PROFILE["fields"][0]["levels"]
    expected = [
        (1000 * twins * level["m"] + (1000 - twins) * level["u"]) // 10**6 for level in levels
    ]
    expected[-1] += 10**6 - sum(expected)
    assert list(first.twins) == expected


def test_counts_of_another_profile_are_refused() -> None:
    made = FileCounts.model_validate_json(json.dumps(COUNTS))
    require_fit(made, profile())
    with pytest.raises(DocumentError):
        require_fit(made, profile(fields__0__name="forename", dependence=None))


def test_steps_increase_and_begin_where_every_pair_is() -> None:
    assert [float(step) for step in PROBABILITY_STEPS] == sorted(map(float, PROBABILITY_STEPS))
    assert (PROBABILITY_STEPS[0], LEAD_STEPS[0]) == ("0.00", 0)
    assert list(LEAD_STEPS) == sorted(LEAD_STEPS)
