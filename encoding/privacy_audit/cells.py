"""Which rows of two files share a token: what the broker's join finds, worked out without sealing every row.

The blocking keys are those of the product; a cell's key stands for its tokens. The larger file gives the rows
of a block their places at random and leaves out those from the cap on, as `encoding.blocks.assembly` does; a
test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.blocking_keys import BlockingKeys
from encoding.blocks.further import Columns, with_either, with_exchanged
from encoding.blocks.keys import CellKeys
from encoding.privacy_audit.files import ClearFile
from schemas.linkage.profile import EncodingProfile, Side

_CELL_BYTES: Final = 8
# Records whose keys are worked out at once: those of a nation do not fit into memory as Python's objects.
_AT_ONCE: Final = 50_000
_HEAD_BITS: Final = 24
_BEHIND_HEAD: Final = np.uint64(64 - _HEAD_BITS)
# Cells are put in order in parts, by their first bits: sorting takes several times the memory of its input.
_PART_BITS: Final = 4
_BEHIND_PART: Final = np.uint64(64 - _PART_BITS)

Cells = NDArray[np.uint64]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FileKeys:
    """The blocking keys of a file: one cell a key, with the line that gave it.

    Attributes:
        cell: the first 8 bytes of the cell's key as a number; two cells have the same once in 2^64 pairs.
        line: the line of the file.
        record: its record.
    """

    cell: Cells
    line: Places
    record: Places

    def __len__(self) -> int:
        return len(self.cell)

    def take(self, chosen: NDArray[np.bool_] | None) -> FileKeys:
        """Return the keys of some records; `chosen` says of each whether it is one of them; None: all are."""
        return self if chosen is None else self.at(chosen[self.record])

    def at(self, places: Places | NDArray[np.intp] | NDArray[np.bool_]) -> FileKeys:
        """Return the keys at some places, in the order of these, or where it is said to be."""
        return FileKeys(self.cell[places], self.line[places], self.record[places])

    def first(self, most: int) -> FileKeys:
        """Return the first keys of each record, as many as there is room for in the larger file."""
        crowded = np.flatnonzero((np.bincount(self.record) > most)[self.record])
        order = crowded[np.argsort(self.record[crowded], kind="stable")]
        record = self.record[order]
        place = np.arange(len(order)) - np.searchsorted(record, record, side="left")
        is_first = np.ones(len(self), dtype=bool)
        is_first[order[place >= most]] = False
        return self.at(is_first)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Meetings:
    """Rows that share a token, as lines of the two files, and the records that they belong to."""

    left_line: Places
    right_line: Places
    left: Places
    right: Places

    def __len__(self) -> int:
        return len(self.left)


def file_keys(
    profile: EncodingProfile, file: ClearFile, side: Side, *, key: bytes = bytes(32)
) -> FileKeys:
    """Return the keys of all spellings, as many a record as there is room for."""
    blocking = BlockingKeys(profile, CellKeys(key))
    aliases = profile.alias_keys
    most = profile.keys + (aliases.larger if side == "larger" else aliases.smaller)
    columns, record_of, of = _spellings(profile, file, side)
    first = np.unique(record_of, return_index=True)[1].astype(np.intp)
    seen: dict[int, list[bytes]] = {}
    several = np.bincount(record_of, minlength=file.n_records) > 1
    # Form by form, as the keys of a file that is worked out at once: of each the cells, and the lines.
    forms: list[tuple[list[Cells], list[Places]]] = []
    for start in range(0, len(first), _AT_ONCE):
        mains = blocking.of_mains(columns, first[start : start + _AT_ONCE])
        for number, of_form in enumerate(mains):
            if number == len(forms):
                forms.append(([], []))
            forms[number][0].append(_heads(of_form.cells))
            forms[number][1].append(of_form.rows.astype(np.int32))
            for at in np.flatnonzero(several[record_of[of_form.rows]]).tolist():
                record = int(record_of[of_form.rows[at]])
                seen.setdefault(record, []).append(of_form.cells[at])
    others = np.setdiff1d(np.arange(len(record_of)), first).tolist()
    cells: list[bytes] = []
    lines: list[int] = []
    for line, found in zip(others, blocking.of_aliases(columns, others), strict=True):
        earlier = seen.setdefault(int(record_of[line]), [])
        new = [cell for cell in found.cells if cell not in earlier][: most - len(earlier)]
        earlier += new
        cells += new
        lines += [line] * len(new)
    forms.append(([_heads(cells)], [np.array(lines, dtype=np.int32)]))
    cell = np.concatenate([some for of_form, _ in forms for some in of_form])
    line_of = np.concatenate([some for _, rows in forms for some in rows])
    return FileKeys(cell, of[line_of].astype(np.int32), record_of[line_of].astype(np.int32))


def _spellings(
    profile: EncodingProfile, file: ClearFile, side: Side
) -> tuple[Columns, NDArray[np.int64], NDArray[np.intp]]:
    """Return the spellings that keys are made of, the record of each, and the line that it came from.

    An exchanged spelling counts as the main one here: its own distances say as much.
    """
    is_main = np.zeros(len(file.record), dtype=bool)
    is_main[file.main] = side == "smaller"
    columns, of = with_exchanged(profile, file.columns, is_main)
    columns, source = with_either(profile, columns)
    of = of[source]
    return columns, file.record[of], of


def _heads(cells: Sequence[bytes]) -> Cells:
    return np.frombuffer(b"".join(cell[:_CELL_BYTES] for cell in cells), dtype=np.uint64)


def meet(smaller: FileKeys, larger: FileKeys, cap: int, draw: np.random.Generator) -> Meetings:
    """Return where rows of the smaller file meet those of the larger, of which blocks hold `cap` at most."""
    return join(smaller, in_blocks(larger, smaller.cell, cap, draw))


def in_blocks(larger: FileKeys, asked: Cells, cap: int, draw: np.random.Generator) -> FileKeys:
    """Return the keys of the rows that blocks hold, `cap` a block at most, in the order of their cells."""
    place = draw.random(len(larger))
    is_near = _may_be_among(larger.cell, asked)
    kept = []
    for part in range(1 << _PART_BITS):
        some = np.flatnonzero(is_near & (larger.cell >> _BEHIND_PART == part))
        order = some[np.lexsort((place[some], larger.cell[some]))]
        cells = larger.cell[order]
        is_kept = np.ones(len(order), dtype=bool)
        is_kept[cap:] = cells[cap:] != cells[:-cap]
        kept.append(order[is_kept].astype(np.int32))
    return larger.at(np.concatenate(kept))


def join(smaller: FileKeys, blocks: FileKeys) -> Meetings:
    """Return where rows of the smaller file meet those in blocks, which are in the order of their cells."""
    smaller = smaller.at(np.flatnonzero(_may_be_among(smaller.cell, blocks.cell)))
    first = np.searchsorted(blocks.cell, smaller.cell, side="left")
    length = np.searchsorted(blocks.cell, smaller.cell, side="right") - first
    left = np.repeat(np.arange(len(smaller)), length)
    within = np.arange(len(left)) - np.repeat(np.cumsum(length) - length, length)
    right = np.repeat(first, length) + within
    return Meetings(
        smaller.line[left], blocks.line[right], smaller.record[left], blocks.record[right]
    )


def _may_be_among(cells: Cells, others: Cells) -> NDArray[np.bool_]:
    """Return whether others begin like each cell: of few others nearly no cell of a large file does."""
    is_there = np.zeros(1 << _HEAD_BITS, dtype=bool)
    is_there[others >> _BEHIND_HEAD] = True
    found: NDArray[np.bool_] = is_there[cells >> _BEHIND_HEAD]
    return found


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
