"""What a dishonest agency may send: rows, counts and encodings that break or bend the rules."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rigs.refused_calls import refuses
from samples.block_rows import InParts, as_array
from samples.matching_profiles import block_profile, memory_field, number_field
from twins.block_matching import Row

from app.matching.blocks.checks import (
    FEW,
    MOST_COUNTED,
    RowCheck,
    check_alone,
    linked_once,
    require_link_rate,
    require_plausible,
    require_steady,
)
from app.matching.blocks.decisions import Band, BandRule
from app.matching.blocks.errors import (
    CountedPairsError,
    EmptyFileError,
    LinkedBeforeTwiceError,
    LinkRateError,
    RecordNumberError,
    RepeatedTokenError,
    RowCountError,
    RowMatchingError,
    RowOrderError,
    RowsDisagreeError,
    TwinPairsError,
)
from app.matching.blocks.levels import LevelRules
from app.matching.blocks.pairs import MEETING, PAIR
from app.matching.blocks.ranges import LOWEST, Sizes, TokenRange, meet_range
from app.matching.blocks.resolution import LinkPolicy, Resolution, resolve_pair
from app.matching.blocks.rows import ROW, Rows, join_rows
from encoding.blocks.seal import drawn_calls, filters
from encoding.blocks.siphash import siphash
from encoding.blocks.values import FilterTexts
from schemas.documents.errors import DocumentError
from schemas.linkage.counts import FieldCounts, FileCounts, published_counts
from schemas.linkage.profile import EncodingProfile, Side

PROFILE = block_profile()
SIZES = Sizes(100, 5_000)
DATA = Path(__file__).parents[3] / "data"
POLICY = LinkPolicy(
    Fraction(2, 5), BandRule.of_probabilities(auto="0.9", review="0.05", lead=0, twin_limit=None)
)


def rows_of(*pairs: tuple[int, int]) -> Rows:
    """Rows of (token, record)."""
    return as_array([Row(token.to_bytes(16), record, bytes(64)) for token, record in pairs])


def honest_rows(side: Side, n_records: int) -> list[tuple[int, int]]:
    each = PROFILE.rows(side)
    return [(1000 + at, at % n_records) for at in range(each * n_records)]


def check(side: Side, n_records: int, *parts: Rows) -> None:
    checked = RowCheck(PROFILE, side, n_records)
    for part in parts:
        checked.add(part)
    checked.finish()


# Rows


def test_honest_rows_pass_in_any_parts_and_no_more_nor_fewer_do() -> None:
    sides: tuple[Side, ...] = ("larger", "smaller")
    for side in sides:
        honest = honest_rows(side, 3)
        rows = rows_of(*honest)
        for at in range(len(rows) + 1):
            check(side, 3, rows[:at], rows[at:])
        with pytest.raises(RowCountError, match="fewer"):
            check(side, 3, rows[:-1])
        with pytest.raises(RowCountError, match="fewer"):
            check(side, 4, rows)
        longer = rows_of(*honest, (10**6, 1))
        with pytest.raises(RowCountError, match="more"):
            check(side, 3, longer)
        # A part alone has no more rows of a record than agreed.
        check_alone(rows, PROFILE, side, 3)
        with pytest.raises(RowCountError, match="more"):
            check_alone(longer, PROFILE, side, 3)


def refuses_both_ways(
    error: type[Exception], side: Side, n_records: int, *pairs: tuple[int, int]
) -> None:
    """Check that rows are refused in one part, and each in a part of its own."""
    with pytest.raises(error):
        check(side, n_records, rows_of(*pairs))
    with pytest.raises(error):
        check(side, n_records, *(rows_of(pair) for pair in pairs))


def test_rows_that_break_a_rule_are_refused_within_and_across_parts() -> None:
    sides: tuple[Side, ...] = ("larger", "smaller")
    for side in sides:
        for first, second in (
            ((8, 1), (7, 1)),
            ((8, 1), (8, 0)),
            ((8, 1), (8, 1)),
            ((1 << 64, 1), (5, 1)),
        ):
            refuses_both_ways(RowOrderError, side, 2, first, second)
    # Two rows of the larger file with one token, which the smaller one may have.
    refuses_both_ways(RepeatedTokenError, "larger", 2, (8, 0), (8, 1))
    RowCheck(PROFILE, "smaller", 2).add(rows_of((8, 0), (8, 1)))
    for record in (3, 2**32 - 1):
        refuses_both_ways(RecordNumberError, "smaller", 3, (7, 0), (8, record))


def code_of(check: Callable[[Rows, EncodingProfile, Side, int], None], *args: Any) -> str | None:
    try:
        check(*args)
    except RowMatchingError as exc:
        return exc.code
    return None


def check_counting(rows: Rows, profile: EncodingProfile, side: Side, n_records: int) -> None:
    RowCheck(profile, side, n_records).add(rows)


@given(
    rows=st.lists(st.tuples(st.integers(7, 9), st.integers(0, 3)), max_size=20),
    is_sorted=st.booleans(),
    side=st.sampled_from(["larger", "smaller"]),
)
def test_a_part_alone_is_refused_for_what_it_would_be_as_the_first_one(
    rows: list[tuple[int, int]], is_sorted: bool, side: Side
) -> None:
    part = rows_of(*(sorted(set(rows)) if is_sorted else rows))
    args = part, PROFILE, side, 3
    assert code_of(check_alone, *args) == code_of(check_counting, *args)


def test_a_file_without_records_is_refused() -> None:
    with pytest.raises(EmptyFileError):
        RowCheck(PROFILE, "larger", 0)
    for sizes in (Sizes(0, 5), Sizes(5, 0)):
        with pytest.raises(EmptyFileError):
            run(sizes=sizes)


def test_no_refusal_says_a_token_or_a_record() -> None:
    token = int.from_bytes(b"a secret token..")
    bad: list[tuple[Side, list[tuple[int, int]]]] = [
        ("larger", [(token, 1), (token, 0)]),
        ("larger", [(token, 0), (token, 1)]),
        ("smaller", [(token, 77_777)]),
    ]
    for side, pairs in bad:
        with pytest.raises(RowMatchingError) as found:
            check(side, 2, rows_of(*pairs))
        assert "secret" not in str(found.value)
        assert "7777" not in str(found.value)


# Tokens made up to be slow


def made_up(n: int, head: bytes, *, step: int) -> Rows:
    """n rows whose tokens share their first bytes."""
    rows = np.zeros(n, dtype=ROW)
    ends = (np.arange(n, dtype=np.uint64) * step).astype(">u8").view("u1").reshape(n, 8)
    rows["token"][:, :8] = np.frombuffer(head, dtype=np.uint8)
    rows["token"][:, 8:] = ends
    rows["record"] = np.arange(n)
    return rows


def test_tokens_that_share_their_first_bytes_are_joined_exactly() -> None:
    for head in (bytes(8), b"\xff" * 8, b"somehead"):
        met = join_rows(made_up(300, head, step=3), made_up(500, head, step=2))
        found = list(zip(met.smaller.tolist(), met.larger.tolist(), strict=True))
        assert found == [(at, 3 * at // 2) for at in range(300) if at % 2 == 0]
    # No rows meet none.
    for n_smaller, n_larger in ((0, 5), (5, 0), (0, 0)):
        met = join_rows(made_up(n_smaller, bytes(8), step=1), made_up(n_larger, bytes(8), step=1))
        assert (len(met.smaller), len(met.larger)) == (0, 0)


def test_tokens_that_share_their_first_bytes_do_not_take_the_square_of_their_number() -> None:
    n = 400_000
    smaller, larger = made_up(n, b"somehead", step=3), made_up(n, b"somehead", step=2)
    started = time.process_time()
    met = join_rows(smaller, larger)
    # 1.6e11 comparisons would take minutes; the bound is generous for a busy machine.
    assert time.process_time() - started < 20
    assert len(met) == len(range(0, n * 2 // 3 + 1, 2))


def test_a_million_rows_of_the_smaller_file_in_one_token_meet_one_row_each() -> None:
    n = 1_000_000
    smaller = np.zeros(n, dtype=ROW)
    smaller["token"] = np.frombuffer(b"one token of all", dtype=np.uint8)
    smaller["record"] = np.arange(n)
    larger = rows_of((1, 0), (int.from_bytes(b"one token of all"), 1), (2**127, 2))
    stored = InParts(smaller, 1 << 16), InParts(larger, 2)
    met = meet_range(TokenRange(LOWEST, None), *stored, LevelRules(PROFILE))
    assert (met["smaller"] == np.arange(n)).all()
    assert (met["larger"] == 1).all()
    # Each part is read once, though one token spans all of them.
    assert stored[0].read == list(range(len(stored[0].n_rows)))
    assert stored[1].read == [0]


# Filters that are near to everybody


def first_names() -> list[str]:
    with (DATA / "febrl4a.csv").open(newline="", encoding="utf-8") as file:
        names = [
            row["given_name"].strip().upper() for row in csv.DictReader(file, skipinitialspace=True)
        ]
    return sorted(set(names) - {""})


def under_keys(texts: FilterTexts, values: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the filter of each value under a key of its own."""
    drawn = drawn_calls(texts.calls(), values)
    low, high = (np.repeat(half, drawn.n) for half in keys)
    return filters([drawn], siphash(low, high, drawn.words))[0]


def distances(left: np.ndarray, right: np.ndarray | int) -> np.ndarray:
    return np.bitwise_count(left ^ right).astype(np.int64)


@pytest.mark.parametrize("trick", [0, 2**64 - 1])
def test_an_empty_or_a_full_filter_is_no_nearer_to_honest_names_than_a_stranger(trick: int) -> None:
    """With a fill of one half, no filter of the broker's or an agency's making is near to many names."""
    lane = PROFILE.fields[0].lanes[0]
    texts = FilterTexts(lane)
    names = np.array(texts.numbers(first_names()), dtype=np.int32)
    random = np.random.default_rng(1)
    n = 100_000
    one, other = random.choice(names, (2, n))
    one, other = one[one != other], other[one != other]
    keys = random.integers(0, 2**64, (2, len(one)), dtype=np.uint64)
    honest, stranger = (under_keys(texts, values, keys) for values in (one, other))
    to_stranger = distances(honest, stranger)
    to_trick = distances(honest, np.full(len(honest), trick, dtype=np.uint64))
    assert abs(to_trick.mean() - 32) < 0.5
    for within in (0, 11, 17, 22, 26):
        assert (to_trick <= within).mean() <= (to_stranger <= within).mean()


# Counts and links


def counts_with(**changed: Any) -> FileCounts:
    return published_counts(PROFILE, 5_000).model_copy(update=changed)


def with_strangers(strangers: Sequence[int]) -> FileCounts:
    first, *others = published_counts(PROFILE, 5_000).fields
    changed = FieldCounts(field=first.field, strangers=tuple(strangers), twins=first.twins)
    return counts_with(fields=(changed, *others))


def run(counts: FileCounts | None = None, sizes: Sizes = SIZES) -> Resolution:
    return resolve_pair(
        [],
        profile=PROFILE,
        counts=counts or published_counts(PROFILE, 5_000),
        sizes=sizes,
        policy=POLICY,
    )


def test_counts_that_are_no_distribution_are_not_read() -> None:
    honest = published_counts(PROFILE, 5_000).fields[0].model_dump()
    changes: tuple[dict[str, Any], ...] = (
        {"strangers": (0, 0, 0, 0)},
        {"strangers": (-1, 1, 1, 1)},
        {"strangers": (2**40 + 1, 1, 1, 1)},
        {"strangers": (1, 1, 1)},
        {"twins": (10**6 - 1, 0, 0, 0)},
        {"twins": (10**6 + 1, -1, 0, 0)},
    )
    for changed in changes:
        with refuses(ValidationError, changed):
            FieldCounts.model_validate(honest | changed)


def test_counts_of_other_levels_are_refused() -> None:
    fields = published_counts(PROFILE, 5_000).fields
    for others in (fields[:-1], fields[::-1]):
        with pytest.raises(DocumentError):
            run(counts_with(fields=others))


def test_more_pairs_of_strangers_than_anybody_counts_are_refused() -> None:
    run(with_strangers((0, 0, 0, MOST_COUNTED)))
    with pytest.raises(CountedPairsError):
        run(with_strangers((0, 0, 1, MOST_COUNTED)))


@pytest.mark.parametrize(
    "field", [number_field({"first-name": ["far"]}), memory_field("linked-before")]
)
def test_counts_of_what_nobody_counts_are_the_profiles_own(field: dict[str, Any]) -> None:
    profile = block_profile(fields=[*PROFILE.to_json()["fields"], field])
    honest = published_counts(profile, 5_000)
    require_plausible(honest, profile, 5_000)
    own = honest.fields[-1].model_copy(update={"strangers": (0, 1_500_000)})
    claimed = honest.model_copy(update={"fields": (*honest.fields[:-1], own)})
    with pytest.raises(CountedPairsError):
        require_plausible(claimed, profile, 5_000)


def test_more_twins_than_records_are_refused() -> None:
    require_plausible(counts_with(twin_pairs=5_000), PROFILE, 5_000)
    with pytest.raises(TwinPairsError):
        run(counts_with(twin_pairs=5_001))


def test_a_small_files_own_counts_are_not_used() -> None:
    published, own = (
        run(counts, Sizes(100, 1_999))
        for counts in (published_counts(PROFILE, 1_999), with_strangers((0, 0, 0, 10**6)))
    )
    assert published.weights == own.weights


def test_a_link_rate_outside_the_agreed_band_is_refused() -> None:
    band = Fraction(1, 10), Fraction(8, 10)
    for n_linked in (10, 80):
        require_link_rate(n_linked, 100, *band)
    for n_linked in (9, 81):
        with pytest.raises(LinkRateError):
            require_link_rate(n_linked, 100, *band)


# What a run would tell of a partner's values


def met(*meetings: tuple[int, int, dict[str, int], int]) -> Any:
    """Meetings of records: smaller, larger, levels other than the first, and the row in both containers."""
    found = np.zeros(len(meetings), dtype=MEETING)
    for at, (smaller, larger, levels, row) in enumerate(meetings):
        pattern = [[levels.get(field.name, 1) for field in PROFILE.fields]]
        code = LevelRules(PROFILE).codes(np.array(pattern, dtype=np.uint8))[0]
        found[at] = smaller, larger, code, row, 10 * row
    return found


def linked(*meetings: tuple[int, int, dict[str, int], int]) -> Any:
    counts = published_counts(PROFILE, 5_000)
    run = resolve_pair(
        [met(*meetings)], profile=PROFILE, counts=counts, sizes=Sizes(300, 5_000), policy=POLICY
    )
    return run.rows(Band.AUTO)


def test_which_row_a_release_names_does_not_hang_on_the_guess_that_was_right() -> None:
    """A modified encoder puts another value into each row of a record; the partner has one of them."""
    for right in (3, 5, 8):
        guesses = [(7, 9, {} if row == right else {"sex": 2}, row) for row in (5, 3, 8)]
        (found,) = linked(*guesses)
        assert (found["row_smaller"], found["row_larger"]) == (3, 30)
        assert found["is_unsteady"]


def test_rows_that_say_different_things_of_many_records_end_the_run() -> None:
    def pairs(n: int, n_crafted: int) -> list[tuple[int, int, dict[str, int], int]]:
        return [
            (
                record,
                record,
                {"sex": 2} if second and record < n_crafted else {},
                2 * record + second,
            )
            for record in range(n)
            for second in range(2)
        ]

    assert len(linked(*pairs(100, FEW))) == 100
    with pytest.raises(RowsDisagreeError):
        linked(*pairs(100, FEW + 1))
    require_steady(50, 1_000)
    with pytest.raises(RowsDisagreeError):
        require_steady(51, 1_000)


def test_a_record_that_was_linked_before_to_two_ends_the_run() -> None:
    profile = block_profile(fields=[*PROFILE.to_json()["fields"], memory_field("linked-before")])
    rules = LevelRules(profile)

    def before(*pairs: tuple[int, int, int]) -> Any:
        """Pairs of records, with the level of what was linked before: 1 is the same link ID."""
        lot = np.zeros(len(pairs), dtype=PAIR)
        for at, (smaller, larger, level) in enumerate(pairs):
            lot[at]["smaller"], lot[at]["larger"] = smaller, larger
            levels = np.array([[1] * len(PROFILE.fields) + [level]], dtype=np.uint8)
            lot[at]["code"] = rules.codes(levels)[0]
        return lot

    def look(*lots: Any) -> list[Any]:
        return list(linked_once(lots, rules, 9))

    assert len(look(before((1, 1, 1), (1, 2, 2)), before((2, 2, 1), (3, 2, 2)))) == 2
    for lots in (
        [before((1, 1, 1), (1, 2, 1))],
        [before((1, 1, 1), (2, 1, 1))],
        [before((1, 1, 1)), before((2, 1, 1))],
    ):
        with pytest.raises(LinkedBeforeTwiceError):
            look(*lots)
