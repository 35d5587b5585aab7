"""A whole file of bsf1 rows as its spec page says it, with dictionaries and loops."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from twins import bsf1

Row = tuple[bytes, int, bytes]


@dataclass(frozen=True)
class SlowFile:
    """Real rows (token, record, sealed), and per pass: keys, blocks above the cap, rows dropped.

    `keyed` and `sent` name the passes that have a key of each record, and those that have a row of it.
    """

    rows: list[Row]
    keys: Counter[str]
    blocks_too_large: Counter[str]
    rows_dropped: Counter[str]
    keyed: dict[int, set[str]]
    sent: dict[int, set[str]]


def slow_file(
    profile: dict[str, Any],
    key: bytes,
    side: str,
    spellings: list[list[bsf1.Columns]],
    *,
    order: bytes,
    fill: bytes,
) -> SlowFile:
    """Return the rows of records, each given by its spellings, under a key of the round."""
    cap = profile["block_cap"]
    file = SlowFile([], Counter(), Counter(), Counter(), defaultdict(set), defaultdict(set))
    blocks: dict[bytes, list[tuple[int, bsf1.Columns]]] = defaultdict(list)
    passes: dict[bytes, str] = {}
    for record, own in enumerate(spellings):
        further = bsf1.with_further(profile, side, own)
        for number, name, cell in bsf1.cells(profile, key, side, own):
            blocks[cell].append((record, further[number][1]))
            passes[cell] = name
            file.keys[name] += 1
            file.keyed[record].add(name)
    for cell, members in blocks.items():
        placed = [(place, *member) for member in members for place in range(cap)]
        if side == "larger":
            members.sort(key=lambda member: _drawn(order, cell, member[0]))
            placed = [(place, *member) for place, member in enumerate(members)][:cap]
            file.blocks_too_large[passes[cell]] += len(members) > cap
            file.rows_dropped[passes[cell]] += max(0, len(members) - cap)
        for place, record, columns in placed:
            file.sent[record].add(passes[cell])
            token, row_key = bsf1.token_and_key(cell, place)
            named = token + record.to_bytes(4, "little")
            filler = bsf1.b2(fill, 64, b"bsf1 fill", named)
            file.rows.append((token, record, bsf1.sealed(profile, row_key, columns, filler)))
    return file


def _drawn(order: bytes, cell: bytes, record: int) -> bytes:
    named = cell + record.to_bytes(4, "little")
    return blake2b(named, digest_size=16, key=order, person=b"bsf1 order").digest()
