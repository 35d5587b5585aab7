"""Blocks of a file, against a twin that makes the keys of one record at a time."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import bsf1

from encoding.profiles.catalog import shipped_profile
from encoding.quality.blocks import count_blocks, input_of
from encoding.quality.counts import BlockCounts
from encoding.quality.key_sample import KeySample, KeySampler
from encoding.recipe.rows import CleanedRows, RowCleaner
from encoding.records import Chunk
from schemas.linkage.passes import AliasKeys
from schemas.linkage.profile import EncodingProfile

SHIPPED = shipped_profile("children")
COLUMNS = ("first_name", "last_name", "birth_date", "sex", "zip", "alias_last")
KEY = bytes(32)
Row = tuple[str, ...]
ROWS = st.lists(
    st.tuples(
        st.integers(-1, 5),
        st.sampled_from(["Ana", "Anna", "Bob", ""]),
        st.sampled_from(["Ortiz", "Lee", "Lee Ortiz", "Bobby"]),
        st.sampled_from(["2011-04-09", "2011-09-04", "2012-04-09", ""]),
        st.sampled_from(["F", "M", ""]),
        st.sampled_from(["69541", "10001", ""]),
        st.sampled_from(["", "", "Reyes", "Lee"]),
    ),
    min_size=1,
    max_size=14,
)


def profile_with(cap: int) -> EncodingProfile:
    # Room for the keys of every alias: how encoding chooses among too many is not counted.
    return SHIPPED.model_copy(
        update={"block_cap": cap, "alias_keys": AliasKeys.model_construct(larger=512, smaller=512)}
    )


def cleaned_of(profile: EncodingProfile, rows: list[Row]) -> CleanedRows:
    cleaner = RowCleaner(profile, columns={}, available=COLUMNS, date_format="YYYY-MM-DD")
    cells = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    return cleaner.clean(Chunk(1, cells, 1.0))


def sampled(
    profile: EncodingProfile, rows: list[Row], most_keys: int | None = None, at_once: int = 3
) -> KeySample:
    cleaned = cleaned_of(profile, rows)
    sampler = KeySampler(profile, most_keys)
    for start in range(0, len(rows), at_once):
        here = (cleaned.rows > start) & (cleaned.rows <= start + at_once)
        places = np.flatnonzero(here)
        columns = {name: [cells[at] for at in places] for name, cells in cleaned.columns.items()}
        n_rows = min(at_once, len(rows) - start)
        sampler.add(CleanedRows(cleaned.rows[here], columns, ()), start + 1, n_rows)
    return sampler.sample()


def counted(profile: EncodingProfile, rows: list[Row], records: list[int]) -> BlockCounts:
    return count_blocks(profile, sampled(profile, rows), np.array(records, dtype=np.int32))


def numbered(ids: list[int]) -> list[int]:
    known = {one: at for at, one in enumerate(dict.fromkeys(one for one in ids if one >= 0))}
    return [known.get(one, -1) for one in ids]


def cells_of_records(
    profile: EncodingProfile, rows: list[Row], records: list[int]
) -> dict[int, list[tuple[str, bytes]]]:
    """Return pass and cell of each key of each record that can be encoded."""
    cleaned = cleaned_of(profile, rows)
    spellings: dict[int, list[dict[str, str]]] = defaultdict(list)
    for at, row in enumerate(cleaned.rows.tolist()):
        if records[row - 1] >= 0:
            spelling = {name: cells[at] for name, cells in cleaned.columns.items()}
            spellings[records[row - 1]].append(spelling)
    return {
        record: [
            (name, cell) for _, name, cell in bsf1.cells(profile.to_json(), KEY, "larger", own)
        ]
        for record, own in spellings.items()
    }


@settings(max_examples=60)
@given(ROWS, st.integers(1, 3))
def test_blocks_are_those_of_the_keys_that_encoding_makes(
    people: list[tuple[int, *tuple[str, ...]]], cap: int
) -> None:
    profile, rows = profile_with(cap), [row[1:] for row in people]
    records = numbered([row[0] for row in people])
    cells = cells_of_records(profile, rows, records)
    found = counted(profile, rows, records)
    assert found.records == len(cells)
    assert found.keyless == sum(not own for own in cells.values())
    for one in found.passes:
        sizes: dict[bytes, int] = defaultdict(int)
        for own in cells.values():
            for name, cell in own:
                sizes[cell] += name == one.name
        assert one.keys == sum(sizes.values())
        assert one.records_without == sum(
            one.name not in {name for name, _ in own} for own in cells.values()
        )
        assert one.blocks_too_large == sum(size > cap for size in sizes.values())
        assert one.rows_dropped == sum(max(0, size - cap) for size in sizes.values())


def many(n: int, **fixed: str) -> list[Row]:
    """Draw people whose names are syllables: no two of a value are much more frequent than others."""
    draw = Random(n)

    def name() -> str:
        return "".join(draw.choice("bcdfghjklmnprst") + draw.choice("aeiou") for _ in range(3))

    rows = []
    for _ in range(n):
        row = {
            "first_name": name(),
            "last_name": name(),
            "birth_date": f"{draw.randint(2008, 2019)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            "sex": draw.choice("FM"),
            "zip": f"{draw.randint(10001, 10900)}",
            "alias_last": "",
        }
        rows.append(tuple((row | fixed)[name] for name in COLUMNS))
    return rows


def test_a_default_date_is_found_by_its_column() -> None:
    rows = many(500) + many(1_000, birth_date="2010-01-01")
    found = counted(profile_with(1), rows, list(range(len(rows))))
    (any_sound,) = (one for one in found.passes if one.name == "any-sound")
    assert any_sound.rows_dropped > 100
    assert any_sound.dropped_by == ("birth_date",)


def test_a_default_name_is_found_by_its_column() -> None:
    rows = many(500) + many(1_001, last_name="Client")
    found = counted(profile_with(1), rows, list(range(len(rows))))
    assert sum(one.rows_dropped for one in found.passes) > 50
    assert {name for one in found.passes for name in one.dropped_by} == {"last_name"}


def test_nothing_is_to_blame_where_nothing_is_dropped() -> None:
    found = counted(SHIPPED, many(300), list(range(300)))
    assert not any(one.dropped_by for one in found.passes if not one.rows_dropped)


def test_a_sample_keeps_whole_blocks() -> None:
    rows = many(1_500)
    records = np.arange(len(rows), dtype=np.int32)
    whole, some = sampled(SHIPPED, rows, at_once=500), sampled(SHIPPED, rows, 4_000, at_once=500)
    assert some.one_in > 1
    sizes = {}
    for sample in (whole, some):
        entries = sample.entries(records)
        keys = sample.spellings.keys[entries.spellings, entries.forms]
        sizes[sample.one_in] = dict(zip(*np.unique(keys, return_counts=True), strict=True))
    assert len(keys) <= 4_000
    kept = sizes[some.one_in]
    assert kept == {key: n for key, n in sizes[1].items() if key <= some.limit}
    n_keys = sum(sizes[1].values())
    assert sum(kept.values()) * some.one_in == pytest.approx(n_keys, rel=0.2)
    assert (whole.passes == some.passes).all()


@pytest.mark.parametrize(
    ("column", "header"),
    [
        ("first_name_soundex", "first_name"),
        ("surname_2_head", "last_name"),
        ("birth_day_month", "birth_date"),
        ("middle_initial", "middle_name"),
        ("zip3", "zip"),
        ("sex", "sex"),
    ],
)
def test_a_derived_column_is_known_by_what_it_is_made_from(column: str, header: str) -> None:
    assert input_of(column) == header
