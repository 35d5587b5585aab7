"""What the passes of a profile make of a file: keys, records without any, and blocks that are too large.

A block that holds more rows than the cap loses the others, if the file is the larger of its pair: records that
share a default date, say, are then not brought together by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.quality.counts import BlockCounts, PassCounts
from encoding.quality.key_sample import Entries, KeySample, is_cleaned
from encoding.recipe.columns import COLUMNS_OF
from encoding.recipe.numbers import NUMBER_COLUMN
from schemas.linkage.profile import EncodingProfile

# A value stands out among the dropped rows if its odds there are so many times those among all keys of the
# pass, and if it is in so many blocks that chance would do it once in a thousand such files: a default date
# stands out, one of two sexes or a first name that many have does not.
_FEWEST_BLOCKS: Final = 3
_ODDS: Final = 20
_LEAST_BITS: Final = 10
# So much of the dropped rows must have such a value for its column to be named.
_LEAST_SHARE: Final = 0.25
_INPUT_OF: Final[Mapping[str, str]] = {
    "surname": "last_name", "first_name": "first_name", "birth_date": "birth_date", "zip": "zip"
}  # fmt: skip


def count_blocks(
    profile: EncodingProfile, sample: KeySample, records: NDArray[np.int32]
) -> BlockCounts:
    """Count keys and blocks by pass."""
    n_records = int(records.max(initial=-1)) + 1
    by_record = sample.passes_of(records, n_records)
    by_record = by_record[is_cleaned(by_record)]
    entries = sample.entries(records)
    place = np.arange(len(entries.block)) - np.searchsorted(entries.block, entries.block)
    is_dropped = place >= profile.block_cap
    inputs = [input_of(name) for name in sample.hasher.columns]
    passes = []
    for number, one in enumerate(profile.passes):
        here = sample.hasher.passes[entries.forms] == number
        # A known number that several records hold is encoded for none of them.
        dropped = here & is_dropped & (NUMBER_COLUMN not in one.columns)
        passes.append(
            PassCounts(
                name=one.name,
                keys=int(here.sum()) * sample.one_in,
                records_without=int((by_record & np.uint32(1 << number) == 0).sum()),
                blocks_too_large=len(np.unique(entries.block[dropped])) * sample.one_in,
                rows_dropped=int(dropped.sum()) * sample.one_in,
                dropped_by=_to_blame(sample, entries, here, dropped, inputs),
                forms=one.keys,
            )
        )
    keyless = int(((by_record << np.uint32(16)) == 0).sum())
    return BlockCounts(tuple(passes), len(by_record), keyless, profile.block_cap, sample.one_in)


def input_of(column: str) -> str:
    """Return the input of the recipe that a derived column is made from."""
    if column == "middle_initial":
        return "middle_name"
    for source, columns in COLUMNS_OF.items():
        if column in columns:
            return _INPUT_OF[source]
    return column


def _to_blame(
    sample: KeySample,
    entries: Entries,
    here: NDArray[np.bool_],
    dropped: NDArray[np.bool_],
    inputs: list[str],
) -> tuple[str, ...]:
    """Return the inputs whose values stand out among the dropped rows of a pass, the worst first."""
    shares: dict[str, float] = {}
    for name in dict.fromkeys(inputs):
        everywhere = _values(sample, entries, here, inputs, name)
        among = _values(sample, entries, dropped, inputs, name)
        if len(among[0]):
            shares[name] = _standing_out(everywhere[0], *among) / int(dropped.sum())
    worst = sorted(shares, key=lambda name: (-shares[name], name))
    return tuple(name for name in worst if shares[name] >= max(_LEAST_SHARE, shares[worst[0]] / 2))


def _values(
    sample: KeySample, entries: Entries, chosen: NDArray[np.bool_], inputs: list[str], name: str
) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Return what chosen keys hold of one input, as numbers, and the block of each."""
    values, blocks = [], []
    for form, columns in enumerate(sample.hasher.forms):
        own = [column for column in columns if inputs[column] == name]
        at = np.flatnonzero(chosen & (entries.forms == form))
        if own and len(at):
            held = sample.spellings.values[entries.spellings[at][:, None], own]
            values.append(held.sum(axis=1, dtype=np.uint64))
            blocks.append(entries.block[at])
    if not values:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.intp)
    return np.concatenate(values), np.concatenate(blocks)


def _standing_out(
    everywhere: NDArray[np.uint64], values: NDArray[np.uint64], blocks: NDArray[np.intp]
) -> int:
    """Return how many of the dropped rows hold a value which stands out."""
    known, place, n_rows = np.unique(values, return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([place, blocks], axis=1), axis=0)
    n_blocks = np.bincount(pairs[:, 0], minlength=len(known))
    met, n_met = np.unique(everywhere, return_counts=True)
    usual = n_met[np.searchsorted(met, known)] / len(everywhere)
    share = n_rows / len(values)
    is_frequent = share * (1 - usual) >= _ODDS * usual * (1 - share)
    bits = n_blocks * np.log2(share / usual)
    is_out = (n_blocks >= _FEWEST_BLOCKS) & is_frequent & (bits >= _LEAST_BITS)
    return int(n_rows[is_out].sum())
