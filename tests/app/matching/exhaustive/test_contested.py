from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from samples.encodings import seeded_rows

from app.matching.exhaustive import (
    Block,
    Candidates,
    Dataset,
    MatchingPolicy,
    contested_records,
    match_block,
    pack_words,
    plan_blocks,
    resolve,
)
from app.matching.exhaustive.candidates import sort_candidates

N_RECORDS = (3, 4, 3)
FILES = list(itertools.combinations(range(3), 2))
PAIRS = st.sets(
    st.sampled_from(
        [(a, x, b, y) for a, b in FILES for x in range(N_RECORDS[a]) for y in range(N_RECORDS[b])]
    )
)


def block_of(pairs, a: int, b: int) -> tuple[Block, Candidates]:
    rows = [(x, y) for c, x, d, y in pairs if (c, d) == (a, b)]
    left, right = (np.array([row[i] for row in rows], dtype=np.uint32) for i in (0, 1))
    counts = np.full(len(rows), 5, dtype=np.uint16)
    block = Block(0, a, b, 0, N_RECORDS[a], 0, N_RECORDS[b], 1)
    return block, sort_candidates(Candidates(left, right, counts, counts * np.uint16(2)))


@given(pairs=PAIRS)
def test_records_that_share_a_candidate_are_contested(pairs):
    links = [((a, x), (b, y)) for a, x, b, y in pairs]
    links += [(y, x) for x, y in links]
    expected = {y for x, y in links if any(x == w and y != z and y[0] == z[0] for w, z in links)}
    found = contested_records(N_RECORDS, [block_of(pairs, a, b) for a, b in FILES])
    assert {(file, int(r)) for file, records in enumerate(found) for r in records} == expected


def test_comparing_contested_records_decides_as_comparing_all():
    left, right = seeded_rows(300, 256, 0.4, seed=12)
    random = np.random.default_rng(1)
    twins = right[:60] ^ np.packbits(random.random((60, 256)) < 0.01, axis=1)
    datasets = [Dataset.of(pack_words(rows)) for rows in (left, np.concatenate([right, twins]))]
    n_records = [dataset.n_records for dataset in datasets]
    policy = MatchingPolicy(Fraction(17, 20), Fraction(4, 5), Fraction(1, 20), "groups")

    def matched(sets, blocks):
        return [(block, match_block(sets, block, policy)) for block in blocks]

    across = matched(datasets, plan_blocks(datasets, block_pairs=20_000, is_within=False))
    everyone = matched(datasets, plan_blocks(datasets, block_pairs=20_000, is_across=False))
    contested = [
        dataset.only(records)
        for dataset, records in zip(datasets, contested_records(n_records, across), strict=True)
    ]
    assert 0 < len(contested[1].words) < 200
    some = matched(contested, plan_blocks(contested, block_pairs=20_000, is_across=False))
    whole, part = (resolve(n_records, across + within, policy) for within in (everyone, some))
    assert list(whole.groups) == list(part.groups)
    assert whole.decisions.rule.tolist() == part.decisions.rule.tolist()
    without = resolve(n_records, across, policy)
    assert without.n_auto_pairs < whole.n_auto_pairs
