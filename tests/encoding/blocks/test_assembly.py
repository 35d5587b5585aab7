"""All rows of a file against the slow twin of a whole file, and what a broker sees of them."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.block_profiles import FURTHER, PROFILE, block_profile, by_column, spelling
from twins import bsf1
from twins.bsf1_file import SlowFile, slow_file
from vectors.file import read_vectors

from encoding.blocks import assembly as module
from encoding.blocks import spool
from encoding.blocks.assembly import STORED_ROW, Assembly, AssemblyCounts, Randomness
from encoding.blocks.keys import CellKeys
from schemas.linkage.profile import EncodingProfile, Side

VECTORS = read_vectors("bsf1")["good"]["record"]
KEY = bytes(range(32))
RANDOM = Randomness(order=b"o" * 32, fill=b"f" * 32, padding=b"p" * 32)
NOBODY = spelling("", (), "", "", "", "")
Record = list[dict[str, str]]

SPELLINGS = st.builds(
    spelling,
    st.sampled_from(["ROSA", "ANA", "GARBO", ""]),
    st.sampled_from([("GARCIA",), ("GARCIA", "LOPEZ"), ("GARZA",), ("LOPEZ", "PAZ"), ()]),
    st.sampled_from(["20110412", "20110413", ""]),
    st.sampled_from(["F", "M", ""]),
)
RECORDS = st.lists(st.lists(SPELLINGS, min_size=1, max_size=5), max_size=9)


def assemble(
    folder: Path,
    records: list[Record],
    side: Side,
    *,
    profile: EncodingProfile | None = None,
    key: bytes = KEY,
    randomness: Randomness | None = RANDOM,
    calls: list[list[tuple[int, int]]] | None = None,
) -> tuple[np.ndarray, AssemblyCounts]:
    """Return all rows; `calls` says which spelling of which record comes in which call of `add`."""
    rows, assembly = assembled(folder, records, side, profile, key, randomness, calls)
    return rows, assembly.counts


def assembled(
    folder: Path,
    records: list[Record],
    side: Side,
    profile: EncodingProfile | None = None,
    key: bytes = KEY,
    randomness: Randomness | None = RANDOM,
    calls: list[list[tuple[int, int]]] | None = None,
) -> tuple[np.ndarray, Assembly]:
    if calls is None:
        calls = [[(record, n) for record, own in enumerate(records) for n in range(len(own))]]
    repeated = np.zeros(len(records), dtype=bool)
    for record, n in Counter(r for call in calls for r in {record for record, _ in call}).items():
        repeated[record] = n > 1
    assembly = Assembly(
        profile or block_profile(),
        CellKeys(key),
        side,
        n_records=len(records),
        repeated=repeated,
        folder=folder,
        randomness=randomness,
    )
    for call in calls:
        columns = by_column([records[record][n] for record, n in call])
        assembly.add(columns, np.array([record for record, _ in call], dtype=np.uint32))
    rows = np.concatenate(list(assembly.rows()))
    assert rows.dtype == STORED_ROW
    assert list(folder.iterdir()) == []
    return rows, assembly


def as_tuples(rows: np.ndarray) -> list[tuple[bytes, int, bytes]]:
    return [(row["token"].tobytes(), int(row["record"]), row["sealed"].tobytes()) for row in rows]


def twin(records: list[Record], side: Side, **changes: Any) -> SlowFile:
    profile = {**PROFILE, **changes}
    return slow_file(profile, KEY, side, records, order=RANDOM.order, fill=RANDOM.fill)


def crowd(n: int, **one: Any) -> list[Record]:
    """Return so many records that share all their keys."""
    return [[spelling(middle=chr(ord("A") + number % 26), **one)] for number in range(n)]


def town(n: int, seed: int = 3) -> list[Record]:
    """Return invented people of whom some share keys."""
    generator = np.random.default_rng(seed)
    letters = list("ABCDEIMNOR")
    names = ["".join(generator.choice(letters, generator.integers(2, 9))) for _ in range(n // 3)]
    return [
        [
            spelling(
                str(generator.choice(names)),
                tuple(generator.choice(names, generator.integers(1, 3))),
                f"20{generator.integers(10, 14)}{generator.integers(1, 13):02}{generator.integers(1, 29):02}",
                str(generator.choice(["F", "M", ""])),
            )
        ]
        for _ in range(n)
    ]


def test_a_record_has_the_tokens_of_the_vectors(tmp_path: Path) -> None:
    for vector in [*VECTORS, *read_vectors("bsf1")["good"]["further"]]:
        key, side = bytes.fromhex(vector["key_hex"]), vector["side"]
        profile = block_profile(**vector.get("profile_changes", {}))
        rows, _ = assemble(tmp_path, [vector["spellings"]], side, profile=profile, key=key)
        places = range(PROFILE["block_cap"] if side == "smaller" else 1)
        tokens = {
            bsf1.token_and_key(bytes.fromhex(one["cell_hex"]), place)[0]
            for one in vector["cells"]
            for place in places
        }
        found = {token for token, _, _ in as_tuples(rows)}
        assert tokens <= found, vector["name"]
        assert len(rows) == block_profile().rows(side) == len(found)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(RECORDS, st.sampled_from(["larger", "smaller"]), st.sampled_from([{}, FURTHER]), st.data())
def test_real_rows_are_those_of_the_twin_however_they_come(
    tmp_path: Path, records: list[Record], side: Side, changes: dict[str, Any], data: st.DataObject
) -> None:
    scattered = [(record, n) for record, own in enumerate(records) for n in range(len(own))]
    owners = data.draw(st.permutations([record for record, _ in scattered]))
    seen: Counter[int] = Counter()
    order = []
    for record in owners:
        order.append((record, seen[record]))
        seen[record] += 1
    size = data.draw(st.integers(1, 12))
    calls = [order[start : start + size] for start in range(0, len(order), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "BUCKET_BYTES", data.draw(st.sampled_from([100, 900, 10**6])))
        patch.setattr(spool, "HELD_BYTES", data.draw(st.sampled_from([1, 500, 10**6])))
        patch.setattr(module, "_SEALED_AT_ONCE", data.draw(st.integers(1, 20)))
        patch.setattr(module, "_PADDING_ROWS", data.draw(st.integers(1, 60)))
        profile = block_profile(**changes)
        rows, assembly = assembled(tmp_path, records, side, profile, calls=calls)
    counts, slow = assembly.counts, twin(records, side, **changes)
    for stated, bits in ((slow.keyed, assembly.met.keyed), (slow.sent, assembly.met.sent)):
        assert [stated[number] for number in range(len(records))] == [
            {one["name"] for at, one in enumerate(PROFILE["passes"]) if bit >> at & 1}
            for bit in bits.tolist()
        ]
    found = as_tuples(rows)
    # Whatever is no row of the twin's is padding.
    padding = Counter(found) - Counter(slow.rows)
    assert Counter(found) - padding == Counter(slow.rows)
    names = [one["name"] for one in PROFILE["passes"]]
    assert [one.keys for one in counts.passes] == [slow.keys[name] for name in names]
    assert [one.blocks_too_large for one in counts.passes] == [
        slow.blocks_too_large[name] for name in names
    ]
    assert [one.rows_dropped for one in counts.passes] == [
        slow.rows_dropped[name] for name in names
    ]
    n_rows = block_profile().rows(side)
    assert Counter(record for _, record, _ in found) == dict.fromkeys(range(len(records)), n_rows)
    keys = [(token, record) for token, record, _ in found]
    assert all(left < right for left, right in itertools.pairwise(keys))
    tokens = Counter(token for token, _, _ in found)
    assert side == "smaller" or set(tokens.values()) <= {1}


def test_padding_is_the_stream_of_its_key_record_by_record(tmp_path: Path) -> None:
    records = [[NOBODY], [spelling()], [NOBODY]]
    rows, _ = assemble(tmp_path, records, "larger")
    n_rows = block_profile().rows("larger")
    lacking = [record for record in range(3) for _ in range(n_rows - 7 * (record == 1))]
    stream = Cipher(algorithms.ChaCha20(RANDOM.padding, bytes(16)), mode=None).encryptor()
    drawn = [stream.update(bytes(80)) for _ in lacking]
    expected = Counter(
        (one[:16], record, one[16:]) for one, record in zip(drawn, lacking, strict=True)
    )
    found = Counter(as_tuples(rows))
    assert expected - found == Counter()
    assert found - expected == Counter(twin(records, "larger").rows)


def test_an_empty_file_has_no_rows_and_a_record_without_any_key_is_padded(tmp_path: Path) -> None:
    records = [[NOBODY], [spelling()], [NOBODY, spelling("ANA")]]
    sides: tuple[Side, ...] = ("larger", "smaller")
    for side in sides:
        rows, _ = assemble(tmp_path, [], side)
        assert len(rows) == 0
        rows, _ = assemble(tmp_path, records, side)
        assert np.bincount(rows["record"]).tolist() == [block_profile().rows(side)] * 3
    # A record whose rows all fell to the cap is not one without keys.
    _, counts = assemble(tmp_path, crowd(30), "larger")
    assert sum(one.rows_dropped for one in counts.passes) == 7 * 26


def test_a_block_of_the_larger_file_keeps_as_many_rows_as_the_cap(tmp_path: Path) -> None:
    profile = block_profile()
    rows, counts = assemble(tmp_path, crowd(9), "larger")
    cells = [cell for _, _, cell in bsf1.cells(PROFILE, KEY, "larger", [spelling()])]
    tokens = Counter(token for token, _, _ in as_tuples(rows))
    for cell in cells:
        found = [tokens[bsf1.token_and_key(cell, place)[0]] for place in range(9)]
        assert found == [1] * profile.block_cap + [0] * (9 - profile.block_cap)
    assert [one.blocks_too_large for one in counts.passes] == [3, 2, 2]
    assert [one.rows_dropped for one in counts.passes] == [15, 10, 10]


def test_the_smaller_file_has_a_row_for_every_place_and_drops_none(tmp_path: Path) -> None:
    profile = block_profile()
    rows, counts = assemble(tmp_path, crowd(9), "smaller")
    cells = [cell for _, _, cell in bsf1.cells(PROFILE, KEY, "smaller", [spelling()])]
    tokens = Counter(token for token, _, _ in as_tuples(rows))
    for cell in cells:
        for place in range(profile.block_cap):
            assert tokens[bsf1.token_and_key(cell, place)[0]] == 9
    assert [one.rows_dropped for one in counts.passes] == [0, 0, 0]


def kept_records(folder: Path, order: bytes) -> list[tuple[int, ...]]:
    """Return which of nine records hold the places of each block."""
    folder.mkdir()
    rows, _ = assemble(folder, crowd(9), "larger", randomness=Randomness(order=order))
    holder = {token: record for token, record, _ in as_tuples(rows)}
    return [
        tuple(holder[bsf1.token_and_key(cell, place)[0]] for place in range(4))
        for _, _, cell in bsf1.cells(PROFILE, KEY, "larger", [spelling()])
    ]


def test_who_is_kept_in_a_block_does_not_follow_from_the_order_of_the_file_or_another_block(
    tmp_path: Path,
) -> None:
    blocks = [kept_records(tmp_path / str(n), bytes([n]) * 32) for n in range(40)]
    found = [of_file[0] for of_file in blocks]
    counts = np.bincount([record for kept in found for record in kept], minlength=9)
    # 160 places among nine: chi-square with 8 degrees of freedom is above 32 once in 10,000.
    expected = counts.sum() / 9
    assert ((counts - expected) ** 2 / expected).sum() < 32
    assert len({*found}) > 30
    assert len({*kept_records(tmp_path / "other", RANDOM.order)}) == 7


def test_two_files_meet_in_the_places_of_common_cells_and_nowhere_else(tmp_path: Path) -> None:
    folders = [tmp_path / "larger", tmp_path / "smaller"]
    for folder in folders:
        folder.mkdir()
    profile = block_profile()
    left_records = [[spelling()], [spelling("ANA", ("PAZ",))]]
    larger, _ = assemble(folders[0], left_records, "larger", randomness=None)
    smaller, _ = assemble(folders[1], [[spelling()]], "smaller", randomness=None)
    common = set(map(bytes, larger["token"])) & set(map(bytes, smaller["token"]))
    assert len(common) == profile.keys
    left = {bytes(row["token"]): row for row in larger}
    right = {bytes(row["token"]): row for row in smaller}
    assert {int(left[token]["record"]) for token in common} == {0}
    for token in common:
        differing = left[token]["sealed"] ^ right[token]["sealed"]
        # Equal values give equal lanes; what both lack is filled apart, and the rest is zero.
        missing = bsf1.sealed(PROFILE, bytes(16), spelling(), bytes(64))
        filled = bsf1.sealed(PROFILE, bytes(16), spelling(), b"\xff" * 64)
        is_filled = [x != y for x, y in zip(missing, filled, strict=True)]
        assert not differing[~np.array(is_filled)].any()
        assert differing[np.array(is_filled)].any()


def test_two_rounds_share_no_token(tmp_path: Path) -> None:
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows, _ = assemble(folder, town(60), "larger", key=bytes([number]) * 32, randomness=None)
        found.append(rows)
    tokens = [set(map(bytes, rows["token"])) for rows in found]
    assert not tokens[0] & tokens[1]
    sealed = [set(map(bytes, rows["sealed"])) for rows in found]
    assert not sealed[0] & sealed[1]


@pytest.mark.parametrize("side", ["larger", "smaller"])
def test_rows_without_a_partner_are_uniform(tmp_path: Path, side: Side) -> None:
    rows, _ = assemble(tmp_path, town(900), side, randomness=None)
    first = np.unique(rows["token"], axis=0, return_index=True)[1]
    alone = rows[first]
    bits = np.unpackbits(np.concatenate([alone["token"], alone["sealed"]], axis=1), axis=1)
    n = len(bits)
    scores = (bits.sum(axis=0) - n / 2) / (n / 4) ** 0.5
    # Chi-square with 640 degrees of freedom: mean 640, standard deviation 36.
    assert abs((scores**2).sum() - 640) < 6 * 36
    pairs = (bits[:, 1:] ^ bits[:, :-1]).sum(axis=0)
    assert np.abs((pairs - n / 2) / (n / 4) ** 0.5).max() < 5.5
    values = np.bincount(alone["sealed"].ravel(), minlength=256)
    expected = values.sum() / 256
    # Chi-square with 255 degrees of freedom: mean 255, standard deviation 22.6.
    assert abs(((values - expected) ** 2 / expected).sum() - 255) < 6 * 22.6


def test_rows_that_real_records_and_padding_have_look_alike(tmp_path: Path) -> None:
    full = [
        [spelling("ROSA", ("GARCIA", "LOPEZ"), f"2011{n % 12 + 1:02}{n % 28 + 1:02}")]
        for n in range(150)
    ]
    rows, _ = assemble(tmp_path, full + [[NOBODY]] * 150, "larger", randomness=None)
    is_real = rows["record"] < 150
    weights = np.bitwise_count(rows["sealed"]).sum(axis=1, dtype=int)
    difference = weights[is_real].mean() - weights[~is_real].mean()
    # 512 bits: the standard deviation of a weight is 11.3, that of the difference of means .4.
    assert abs(difference) < 5 * 11.3 * (2 / 1650) ** 0.5


def test_a_container_is_drawn_anew(tmp_path: Path) -> None:
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows, _ = assemble(folder, [[spelling(sex="")]], "larger", randomness=None)
        found.append(set(as_tuples(rows)))
    # No row is the same: each lacks a value, and padding is random.
    assert not found[0] & found[1]


def test_a_record_in_two_calls_that_was_not_announced_is_refused(tmp_path: Path) -> None:
    assembly = Assembly(
        block_profile(),
        CellKeys(KEY),
        "larger",
        n_records=1,
        repeated=np.zeros(1, dtype=bool),
        folder=tmp_path,
    )
    assembly.add(by_column([spelling()]), np.zeros(1, dtype=np.uint32))
    with pytest.raises(ValueError, match="none of the repeated ones"):
        assembly.add(by_column([spelling("ANA")]), np.zeros(1, dtype=np.uint32))
    assembly.close()


def test_aliases_for_which_there_is_no_room_are_left_out(tmp_path: Path) -> None:
    own = [spelling(), *(spelling(name, ("LOPEZ",)) for name in ("ANA", "EVA", "INES"))]
    _, counts = assemble(tmp_path, [own], "larger")
    assert sum(one.keys for one in counts.passes) == block_profile().keys + 2


def test_cells_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    entries = np.zeros(60, dtype=[("cell", "u1", (32,)), ("record", "<u4")])
    entries["cell"][:, :8] = 7
    entries["cell"][:, 20] = np.arange(60) % 3
    entries["record"] = np.arange(60)
    assembly = Assembly(
        block_profile(),
        CellKeys(KEY),
        "larger",
        n_records=0,
        repeated=np.zeros(0, dtype=bool),
        folder=tmp_path,
    )
    order, block = assembly._in_blocks(entries)
    assert sorted(order.tolist()) == list(range(60))
    assert np.bincount(block).tolist() == [20, 20, 20]
    assert [set(entries["cell"][order[block == n], 20].tolist()) for n in range(3)] == [
        {0},
        {1},
        {2},
    ]
    assembly.close()


def test_progress_ends_at_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BUCKET_BYTES", 2_000)
    told: list[tuple[str, float, int, str]] = []
    assembly = Assembly(
        block_profile(),
        CellKeys(KEY),
        "larger",
        n_records=20,
        repeated=np.zeros(20, dtype=bool),
        folder=tmp_path,
    )
    columns = by_column([own[0] for own in town(20)])
    assembly.add(columns, np.arange(20, dtype=np.uint32))
    list(assembly.rows(lambda *told_now: told.append(told_now)))
    assert told[-1][1] == 1
    assert [one[2] for one in told] == list(range(1, len(told) + 1))
    assert {(one[0], one[3]) for one in told} == {("sealing rows", "buckets")}
    assert len(told) > 1
