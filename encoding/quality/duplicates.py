"""People who are in the file under two record IDs: found in the clear, reported, never merged.

Pairs of records that share a blocking key are compared by the fields of the profile, and told apart into
duplicates, twins and strangers. Twins are no duplicates, however alike they look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.clear import ClearLevels, LevelNumbers
from encoding.blocks.counts import count_strangers, name_dependence, tell_apart
from encoding.blocks.values import Lines
from encoding.files import write_csv
from encoding.quality.key_sample import Entries, KeySample
from encoding.records.agency_file import AgencyFile
from schemas.linkage.counts import SMALLEST_COUNTED_FILE
from schemas.linkage.profile import EncodingProfile

HEADER: Final = ("record_id", "other_record_id", "probability", "differs")
LIST_START: Final = f"{','.join(HEADER)}\n".encode()


def write_duplicates(path: Path, file: AgencyFile, pairs: Sequence[DuplicatePair]) -> None:
    """Write the pairs in their order, into a file that only its owner may read; no value of a record.

    Raises:
        InputError: the agency's file cannot be read again.
        OutputBlockedError: the list cannot be written.
    """
    id_of = _record_ids(file, {row for pair in pairs for row in (pair.row, pair.other_row)})
    write_csv(
        path,
        HEADER,
        (
            (
                id_of[pair.row],
                id_of[pair.other_row],
                f"at least {pair.step}",
                "; ".join(pair.differs) or "nothing",
            )
            for pair in pairs
        ),
    )


def _record_ids(file: AgencyFile, rows: Iterable[int]) -> dict[int, str]:
    """Return the record IDs of some rows, by their numbers."""
    wanted = sorted(rows, reverse=True)
    found: dict[int, str] = {}
    for chunk in file.open().select([file.id_column]).chunks():
        cells = chunk.columns[file.id_column]
        while wanted and wanted[-1] < chunk.first_row + chunk.n_rows:
            row = wanted.pop()
            found[row] = cells[row - chunk.first_row]
    return found


STEPS: Final = (0.99, 0.9, 0.5)
"""The probabilities that are told, the highest first; pairs below the last one are not listed."""

_STRANGER_PAIRS: Final = 500_000
_PAIRS_AT_ONCE: Final = 200_000
# Blocks above this are of default values, not of people: their pairs would be the square of them.
_MOST_IN_BLOCK: Final = 12
# The keys of the comparison do not leave it, and the same file must give the same report.
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two records that are probably one person.

    Attributes:
        row: a row of the one, from 1.
        other_row: a row of the other.
        step: the probability is at least this; one of STEPS.
        differs: the fields in which they differ.
    """

    row: int
    other_row: int
    step: float
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """How many pairs are expected in the file, and those that were found, the likeliest first."""

    expected: float
    pairs: tuple[DuplicatePair, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Candidates:
    """Pairs of spellings, by their places in the sample, and the level of each field."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    found: LevelNumbers

    def __getitem__(self, chosen: NDArray[np.intp]) -> _Candidates:
        return _Candidates(self.left[chosen], self.right[chosen], self.found[chosen])


def find_duplicates(
    profile: EncodingProfile, sample: KeySample, records: NDArray[np.int32]
) -> Duplicates:
    """Find pairs of records that are probably one person."""
    own = records[sample.spellings.rows]
    left, right = _pairs(sample.entries(records), own)
    if not len(left):
        return Duplicates(0.0, ())
    draw = np.random.default_rng(_SEED)
    levels = ClearLevels(profile, sample.tables, seed=_SEED)
    found = np.concatenate(list(_compared(levels, sample.spellings.lines, left, right, draw)))
    pairs = _Candidates(left, right, found)
    pairs = pairs[_best_of_records(profile, found, own[left], own[right])]
    n_records = int(records.max()) + 1
    agreeing = _Agreeing(profile, sample, levels, own)
    is_small = n_records < SMALLEST_COUNTED_FILE
    strangers, dependence = agreeing.published() if is_small else agreeing.counted(draw)
    seen = _chance_to_be_seen(sample, pairs)
    duplicate = tell_apart(
        profile, strangers, dependence, pairs.found, n_records, share=float(seen.max())
    ).duplicate
    listed = tuple(_listed(profile, sample, pairs, duplicate))
    return Duplicates(float((duplicate / seen).sum()), listed)


def _listed(
    profile: EncodingProfile,
    sample: KeySample,
    pairs: _Candidates,
    duplicate: NDArray[np.float64],
) -> Iterator[DuplicatePair]:
    """Yield the pairs that are likely enough, the likeliest first."""
    rows, lines = sample.spellings.rows, sample.spellings.lines
    fields = list(_places_of_fields(profile, sample))
    listed = np.flatnonzero(duplicate >= STEPS[-1])
    one, other = pairs.left[listed], pairs.right[listed]
    for at in listed[np.lexsort((other, one, -duplicate[listed]))].tolist():
        left, right = pairs.left[at], pairs.right[at]
        yield DuplicatePair(
            row=int(rows[left]) + 1,
            other_row=int(rows[right]) + 1,
            step=next(step for step in STEPS if duplicate[at] >= step),
            differs=_differing(lines[left], lines[right], fields),
        )


def _pairs(entries: Entries, own: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all pairs of spellings of different records that share a block, each once."""
    size = np.bincount(entries.block)
    usable = (size[entries.block] > 1) & (size[entries.block] <= _MOST_IN_BLOCK)
    at, block = entries.spellings[usable], entries.block[usable]
    n = max(1, len(own))
    codes: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    for step in range(1, _MOST_IN_BLOCK):
        together = block[step:] == block[:-step]
        if not together.any():
            break
        one, other = at[:-step][together], at[step:][together]
        codes.append(np.minimum(one, other).astype(np.int64) * n + np.maximum(one, other))
    left, right = np.divmod(np.unique(np.concatenate(codes)), n)
    is_other = own[left] != own[right]
    return left[is_other], right[is_other]


def _compared(
    levels: ClearLevels,
    lines: Lines,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    draw: np.random.Generator,
) -> Iterator[LevelNumbers]:
    for start in range(0, len(left), _PAIRS_AT_ONCE):
        here = slice(start, start + _PAIRS_AT_ONCE)
        yield levels.compare(lines[left[here]], lines[right[here]], draw)


def _best_of_records(
    profile: EncodingProfile,
    found: LevelNumbers,
    one: NDArray[np.int32],
    other: NDArray[np.int32],
) -> NDArray[np.intp]:
    """Return which pair of spellings speaks for each pair of records: the nearest by the shipped weights."""
    score = np.zeros(len(found))
    for number, field in enumerate(profile.fields):
        odds = [np.log2(1000 * level.m / level.u) for level in field.levels]
        score += np.array([0.0, *odds])[found[:, number]]
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((-score, second, first))
    first, second = first[order], second[order]
    is_new = np.concatenate([[True], (first[1:] != first[:-1]) | (second[1:] != second[:-1])])[
        : len(order)
    ]
    return np.sort(order[is_new])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Agreeing:
    """How often strangers agree, and how much more often on both names than the names apart would have it."""

    profile: EncodingProfile
    sample: KeySample
    levels: ClearLevels
    own: NDArray[np.int32]

    def published(self) -> tuple[list[NDArray[np.int64]], int]:
        """Return what the profile ships, for a small file."""
        counts = [np.array([level.u for level in field.levels]) for field in self.profile.fields]
        return counts, self.profile.dependence.published if self.profile.dependence else 0

    def counted(self, draw: np.random.Generator) -> tuple[list[NDArray[np.int64]], int]:
        """Count it in the file."""
        # Rows of one record agree with each other: one of each speaks for it.
        one_each = np.unique(self.own, return_index=True)[1]
        lines = self.sample.spellings.lines[one_each]
        people = self.own[one_each].astype(np.uint32)
        counts = count_strangers(self.levels, lines, people, draw, _STRANGER_PAIRS)
        # Where whole blocks were drawn there are more namesakes among them than elsewhere.
        if self.sample.one_in > 1:
            return counts, self.published()[1]
        layout = self.sample.tables.layout
        columns = [placed.lane.column for placed in (*layout.filters, *layout.tags)]
        return counts, name_dependence(self.profile, lines, columns)


def _chance_to_be_seen(sample: KeySample, pairs: _Candidates) -> NDArray[np.float64]:
    """Return how likely each pair is to share a key that was kept, by how many keys it shares."""
    keys = sample.spellings.keys
    left, right = keys[pairs.left], keys[pairs.right]
    shared = ((left == right) & (left != 0)).sum(axis=1)
    chance: NDArray[np.float64] = 1 - (1 - 1 / sample.one_in) ** np.maximum(shared, 1)
    return chance


def _places_of_fields(
    profile: EncodingProfile, sample: KeySample
) -> Iterator[tuple[str, int, list[int]]]:
    """Yield the name of each field, its place that says whether it is there, and all of its places."""
    layout = sample.tables.layout
    placed = [one.lane.column for one in (*layout.filters, *layout.tags)]
    for field in profile.fields:
        places = [placed.index(lane.column) for lane in field.lanes]
        yield field.name, places[0], places


def _differing(
    one: Lines, other: Lines, fields: list[tuple[str, int, list[int]]]
) -> tuple[str, ...]:
    return tuple(
        name
        for name, first, places in fields
        if one[first] and other[first] and (one[places] != other[places]).any()
    )
