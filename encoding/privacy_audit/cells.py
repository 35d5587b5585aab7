"""Which rows of two files share a token: what the broker's join finds, worked out without sealing every row.

The blocking keys are those of the product; a cell's key stands for its tokens. The larger file gives the rows
of a block their places at random and leaves out those from the cap on, as `encoding.blocks.assembly` does; a
test holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.blocking_keys import BlockingKeys
from encoding.blocks.keys import CellKeys
from encoding.privacy_audit.files import ClearFile, Numbers
from schemas.profile import EncodingProfile, Side

_CELL_BYTES: Final = 8

Cells = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FileKeys:
    """The blocking keys of a file: one cell a key, with the line that gave it.

    Attributes:
        cell: the first 8 bytes of the cell's key as a number; two cells have the same once in 2^64 pairs.
        line: the line of the file.
        record: its record.
    """

    cell: Cells
    line: Numbers
    record: Numbers

    def __len__(self) -> int:
        return len(self.cell)

    def take(self, chosen: NDArray[np.bool_]) -> FileKeys:
        """Return the keys of some records; `chosen` says of each record whether it is one of them."""
        kept = chosen[self.record]
        return FileKeys(self.cell[kept], self.line[kept], self.record[kept])

    def first(self, most: int) -> FileKeys:
        """Return the first keys of each record, as many as there is room for in the larger file."""
        order = np.argsort(self.record, kind="stable")
        record = self.record[order]
        place = np.arange(len(order)) - np.searchsorted(record, record, side="left")
        kept = np.sort(order[place < most])
        return FileKeys(self.cell[kept], self.line[kept], self.record[kept])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Meetings:
    """Rows that share a token, as lines of the two files, and the records that they belong to."""

    left_line: Numbers
    right_line: Numbers
    left: Numbers
    right: Numbers

    def __len__(self) -> int:
        return len(self.left)


def file_keys(
    profile: EncodingProfile, file: ClearFile, side: Side, *, key: bytes = bytes(32)
) -> FileKeys:
    """Return the keys of all spellings, as many a record as there is room for.

    Args:
        profile: the encoding profile.
        file: in the clear.
        side: says how many keys there is room for.
        key: in place of the round's; all that is compared must have the same.
    """
    blocking = BlockingKeys(profile, CellKeys(key))
    aliases = profile.alias_keys
    most = profile.keys + (aliases.larger if side == "larger" else aliases.smaller)
    first = np.unique(file.record, return_index=True)[1].astype(np.intp)
    cells: list[bytes] = []
    lines: list[int] = []
    seen: dict[int, list[bytes]] = {}
    several = np.bincount(file.record, minlength=file.n_records) > 1
    for of_form in blocking.of_mains(file.columns, first):
        cells += of_form.cells
        lines += of_form.rows.tolist()
        for line, cell in zip(of_form.rows.tolist(), of_form.cells, strict=True):
            if several[file.record[line]]:
                seen.setdefault(int(file.record[line]), []).append(cell)
    others = np.setdiff1d(np.arange(len(file.record)), first).tolist()
    for line, found in zip(others, blocking.of_aliases(file.columns, others), strict=True):
        earlier = seen.setdefault(int(file.record[line]), [])
        new = [cell for cell in found.cells if cell not in earlier][: most - len(earlier)]
        earlier += new
        cells += new
        lines += [line] * len(new)
    heads = b"".join(cell[:_CELL_BYTES] for cell in cells)
    at = np.array(lines, dtype=np.int64)
    return FileKeys(np.frombuffer(heads, dtype=np.uint64), at, file.record[at])


def meet(smaller: FileKeys, larger: FileKeys, cap: int, draw: np.random.Generator) -> Meetings:
    """Return where rows of the smaller file meet those of the larger, of which blocks hold `cap` at most."""
    order = np.lexsort((draw.random(len(larger)), larger.cell))
    cells = larger.cell[order]
    starts = np.searchsorted(cells, cells, side="left")
    kept = order[np.arange(len(order)) - starts < cap]
    cells = larger.cell[kept]
    first = np.searchsorted(cells, smaller.cell, side="left")
    length = np.searchsorted(cells, smaller.cell, side="right") - first
    left = np.repeat(np.arange(len(smaller)), length)
    within = np.arange(len(left)) - np.repeat(np.cumsum(length) - length, length)
    right = kept[np.repeat(first, length) + within]
    return Meetings(
        smaller.line[left], larger.line[right], smaller.record[left], larger.record[right]
    )


def meet_within(keys: FileKeys) -> Meetings:
    """Return where rows of one file meet each other: each pair of a cell once, the earlier record left."""
    order = np.lexsort((keys.record, keys.cell))
    cells = keys.cell[order]
    last = np.searchsorted(cells, cells, side="right")
    after = last - np.arange(len(order)) - 1
    left = np.repeat(np.arange(len(order)), after)
    within = np.arange(len(left)) - np.repeat(np.cumsum(after) - after, after)
    one, other = order[left], order[left + 1 + within]
    return Meetings(keys.line[one], keys.line[other], keys.record[one], keys.record[other])
