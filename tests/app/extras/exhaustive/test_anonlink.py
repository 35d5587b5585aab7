"""Against what anonlink 0.15.3 found, written by tests/vectors/anonlink.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from samples.febrl_encodings import febrl4_encodings

from app.extras.exhaustive import Block, dice_candidates, pack_words
from app.extras.exhaustive.groups import first_record_ids
from app.extras.exhaustive.ordered_pairs import order_pairs, solve_pairs
from app.extras.exhaustive.solver import GroupSolver

FOLDER = Path(__file__).parent / "vectors"
FEBRL4 = json.loads((FOLDER / "anonlink_febrl4.json").read_text())
# Pairs within a file are not compared here.
CASES = [
    case
    for case in json.loads((FOLDER / "anonlink_groups.json").read_text())
    if all(left[0] != right[0] for left, right, _ in case["pairs"])
]


def digest(rows: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


@pytest.fixture(scope="module")
def encodings() -> list[np.ndarray]:
    files = febrl4_encodings()
    written = b"".join(rows.tobytes() for rows in files)
    assert hashlib.sha256(written).hexdigest() == FEBRL4["encodings"]
    return [pack_words(rows) for rows in files]


@pytest.mark.parametrize("threshold", FEBRL4["thresholds"])
def test_pairs_and_groups_of_febrl4_are_those_of_anonlink(kernel, encodings, threshold):
    expected = FEBRL4["thresholds"][threshold]
    pairs = dice_candidates(*encodings, Fraction(threshold), kernel=kernel)
    arrays = (pairs.left.tolist(), pairs.right.tolist(), pairs.similarity().tolist())
    rows = zip(*arrays, strict=True)
    assert digest(f"{i} {j} {score!r}" for i, j, score in rows) == expected["pairs"]
    sizes = [len(words) for words in encodings]
    block = Block(0, 0, 1, 0, sizes[0], 0, sizes[1])
    groups = solve_pairs(order_pairs(sizes, [(block, pairs)]), "groups")
    assert len(groups) == expected["n_groups"]
    assert digest(str(list(group)) for group in groups) == expected["groups"]


def test_groups_of_several_files_are_those_of_anonlink():
    assert len(CASES) > 10
    for number, case in enumerate(CASES):
        first = first_record_ids(case["n_records"])
        sides = [
            np.array([first[at[side][0]] + at[side][1] for at in case["pairs"]], dtype=np.uint32)
            for side in (0, 1)
        ]
        solver = GroupSolver(case["n_records"], *sides, needs_every_pair=True)
        solver.advance(len(case["pairs"]))
        found = [[list(record) for record in group] for group in solver.groups()]
        assert found == case["groups"], number
