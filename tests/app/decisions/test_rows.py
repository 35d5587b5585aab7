"""A match record's rows and openings are those of a slow twin, however little of them is held at a time."""

from __future__ import annotations

import hmac
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st

from app.decisions import rows as record_rows
from app.decisions.plan import GRADED, NO_LEAD
from app.decisions.rows import RecordKeys, RecordRows
from app.matching.blocks import bins
from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.decisions import Rule
from app.uploads.reader import Handles
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS
from schemas.rounds.match_record import Decision, commitment, padding_leaf

SECRET = bytes(range(32))
RULES = (Rule.MATCH_PROBABILITY, Rule.REVIEW_BAND, Rule.CONTRADICTED)


def nonce(number: int, side: int) -> bytes:
    key = RecordKeys.of_run(SECRET).nonces
    return hmac.digest(key, number.to_bytes(8, "big") + bytes([side]), "sha256")


def twin(
    pairs: list[Any], tables: list[Any], floor: int
) -> tuple[list[tuple[bytes, bool]], list[list[tuple[bytes, int]]]]:
    """Return all leaves with whether each may be shown, and of each side the handles and numbers of links."""
    step = max(floor, 1)
    kinds = [tuple(pair)[4:] for pair in pairs]
    n_shown = {kind: kinds.count(kind) - kinds.count(kind) % step for kind in kinds}
    n_padding = 0
    if step > 1:
        for band in (1, 2):
            withheld = sum(kinds.count(k) - n_shown[k] for k in set(kinds) if k[0] == band)
            n_padding += step - withheld % step
    n = len(pairs) + n_padding
    key = RecordKeys.of_run(SECRET).order
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * n))
    numbers = [int.from_bytes(stream[8 * at : 8 * at + 8], "little") for at in range(n)]
    leaves, openings, seen = [], [[], []], dict.fromkeys(kinds, 0)
    for number, at in enumerate(sorted(range(n), key=numbers.__getitem__), 1):
        if at >= len(pairs):
            leaves.append((padding_leaf(nonce(number, 0)), False))
            continue
        larger, smaller, _, _, band, rule, probability, ahead = pairs[at]
        handles = [tables[0][larger].tobytes(), tables[1][smaller].tobytes()]
        decision = Decision(
            band="auto" if band == 1 else "review",
            commitments=tuple(
                commitment(nonce(number, side), "run", f"upload {side}", handles[side])
                for side in (0, 1)
            ),
            lead=None if ahead == NO_LEAD else LEAD_STEPS[ahead],
            probability=PROBABILITY_STEPS[probability],
            rule=Rule(rule).label,
        )
        leaves.append((decision.to_canonical(), seen[kinds[at]] < n_shown[kinds[at]]))
        seen[kinds[at]] += 1
        if band == 1:
            for side in (0, 1):
                openings[side].append((handles[side], number))
    return leaves, [sorted(one) for one in openings]


@given(
    seed=st.integers(0, 1 << 30),
    floor=st.integers(0, 4),
    held=st.sampled_from([1, 300, 1 << 20]),
    n_bins=st.integers(2, 5),
    at_once=st.integers(1, 20),
)
def test_rows_and_openings_are_the_twins(
    seed: int, floor: int, held: int, n_bins: int, at_once: int
) -> None:
    random = Random(seed)
    n_larger, n_smaller = random.randint(1, 30), random.randint(1, 30)
    tables = [
        np.array(sorted(list(random.randbytes(16)) for _ in range(n)), dtype=np.uint8)
        for n in (n_larger, n_smaller)
    ]
    n = random.randint(0, min(n_larger, n_smaller))
    graded = np.zeros(n, dtype=GRADED)
    graded["larger"] = random.sample(range(n_larger), n)
    graded["smaller"] = sorted(random.sample(range(n_smaller), n))
    rules = [random.choice(RULES) for _ in range(n)]
    graded["rule"] = rules
    graded["band"] = [1 if rule == Rule.MATCH_PROBABILITY else 2 for rule in rules]
    graded["probability"] = [random.choice([3, 4]) for _ in range(n)]
    graded["lead"] = [random.choice([1, NO_LEAD]) for _ in range(n)]
    uploads = [SimpleNamespace(upload=f"upload {side}") for side in (0, 1)]
    specification: Any = SimpleNamespace(run="run", floor=floor, uploads=uploads)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "_HELD_BYTES", held)
        patch.setattr(bins, "_FEWEST_BINS", n_bins)
        patch.setattr(record_rows, "_AT_ONCE", at_once)
        handles = [
            Handles("party", len(table), lambda table=table: iter(np.array_split(table, 3)))
            for table in tables
        ]
        rows = RecordRows(specification, np.array_split(graded, 3), handles, SECRET, MemoryShelf())
        leaves, openings = twin(graded.tolist(), tables, floor)
        assert len(rows) == len(leaves)
        for _ in range(2):
            assert list(rows.leaves()) == leaves
        for side in (0, 1):
            found = [(one.handle, one.number, one.nonce) for one in rows.openings(side)]
            assert found == [(handle, at, nonce(at, side)) for handle, at in openings[side]]
        assert rows.n_openings() == len(openings[0])
        shown = [leaf for leaf, is_shown in leaves if is_shown]
        counted = {
            (one.band, one.rule, one.probability, one.lead): one.rows
            for one in rows.summary().kinds
        }
        assert sum(counted.values()) == len(shown)
        for leaf in shown:
            one = Decision.from_canonical(leaf)
            assert (one.band, one.rule, one.probability, one.lead) in counted
