"""Rows for tests of their matching: made up without keys, and as parts at rest."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import numpy as np
from twins.block_matching import Row

from app.matching.blocks.rows import ROW, Rows
from schemas.linkage.counts import FieldCounts, FileCounts, published_twins
from schemas.linkage.fields import MILLION
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.row_layout import row_layout


class InParts:
    """Rows in memory as if they were stored in parts; remembers which parts were read."""

    def __init__(self, rows: Rows, rows_each: int) -> None:
        self._parts = [rows[at : at + rows_each] for at in range(0, len(rows), rows_each)]
        self.first_tokens = [part["token"][0].tobytes() for part in self._parts]
        self.n_rows = [len(part) for part in self._parts]
        self.read: list[int] = []

    def part(self, number: int) -> Rows:
        self.read.append(number)
        return self._parts[number]


def as_array(rows: Iterable[Row]) -> Rows:
    return np.array(
        [(np.frombuffer(t, "u1"), r, np.frombuffer(s, "u1")) for t, r, s in rows], dtype=ROW
    )


def random_rows(
    random: Random, profile: EncodingProfile, n_smaller: int, n_larger: int, n_tokens: int
) -> tuple[list[Row], list[Row]]:
    """Return rows of two files of which some share tokens, near or far in any lane; both sorted."""
    tokens = sorted(
        {
            random.choice([b"", b"same head"]).ljust(14, b"-") + random.randbytes(2)
            for _ in range(n_tokens)
        }
    )
    larger = [
        Row(token, random.randrange(n_larger), random.randbytes(64))
        for token in tokens
        if random.random() < 0.8
    ]
    pad = {row.token: row.sealed for row in larger}
    smaller = {
        (token, random.randrange(n_smaller)): near(random, pad.get(token, bytes(64)), profile)
        for token in random.choices(tokens, k=2 * n_tokens)
    }
    return [Row(*at, sealed) for at, sealed in sorted(smaller.items())], larger


def near(random: Random, sealed: bytes, profile: EncodingProfile) -> bytes:
    """Return bytes of which each lane is the same, a little different or quite another."""
    layout = row_layout(profile)
    lanes = [(lane.offset, lane.lane.bits) for lane in (*layout.filters, *layout.tags)]
    lanes += [(at, 16) for _, at in layout.presence]
    found = int.from_bytes(sealed, "little")
    for offset, bits in lanes:
        if random.random() < 0.4:
            for _ in range(random.choice([1, 3, bits])):
                found ^= 1 << (8 * offset + random.randrange(bits))
    return found.to_bytes(64, "little")


def random_counts(random: Random, profile: EncodingProfile) -> FileCounts:
    """Return counts that an agency could have signed, zeros among them."""
    fields = []
    for field in profile.fields:
        if not field.is_counted:
            fields.append(
                FieldCounts(
                    field=field.name,
                    strangers=tuple(level.u for level in field.levels),
                    twins=published_twins(field),
                )
            )
            continue
        n = len(field.levels)
        strangers = [random.choice([0, 1, 7, 12_345, 1_500_000]) for _ in range(n - 1)]
        twins = sorted(random.randint(0, MILLION) for _ in range(n - 1))
        spread = [b - a for a, b in zip([0, *twins], [*twins, MILLION], strict=True)]
        fields.append(
            FieldCounts(field=field.name, strangers=(*strangers, 40_000), twins=tuple(spread))
        )
    return FileCounts(
        fields=tuple(fields),
        dependence=random.choice([0, 631, 2_000]),
        twin_pairs=random.choice([1, 10, 800]),
    )
