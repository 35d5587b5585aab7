"""The held-back pairs that reviewers are asked about: the likeliest ones, within what may be asked for."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from app.decisions.plan import grade
from app.matching.blocks.decisions import Band
from app.matching.blocks.plain import plain_numbers
from app.uploads.buckets import count_all_labels, count_labels
from schemas.ids import Handle
from schemas.review import BUCKET_BYTES, MAX_CARDS, Reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.matching.blocks.resolution import Resolution
    from app.uploads.reader import Handles

# Reference, handles, rows, steps; of the larger file's record first.
_PAIR: Final = struct.Struct(">16s16s16sQQBB")


@dataclass(frozen=True, slots=True)
class HeldPair:
    """A pair that is asked about: handles and rows of the larger and of the smaller file, and its steps.

    Attributes:
        probability, lead: numbers of steps, as in `app.decisions.plan.Graded`.
    """

    reference: Reference
    handles: tuple[Handle, Handle] = field(repr=False)
    rows: tuple[int, int] = field(repr=False)
    probability: int = field(repr=False)
    lead: int = field(repr=False)


def choose_pairs(
    resolution: Resolution, handles: Sequence[Handles], *, asked: int, bucket: int, most: int
) -> Iterator[tuple[tuple[Handle, Handle], tuple[int, int], int, int]]:
    """Yield handles, rows and steps of what is asked about, of the highest total weight first.

    Nothing where the asked file has no buckets, nor of a bucket in which too few are left without a match; no
    more than can be answered with `MAX_CARDS` cards.

    Args:
        handles: of the larger and of the smaller file.
        asked: 0 or 1, which of them is asked for cards.
        bucket: how many records a bucket has at least, and how many without a match so that it is asked about.
        most: how many pairs are asked about.
    """
    size = count_all_labels(handles[asked].pieces())
    if len(handles[asked]) < bucket or min(size.values()) < bucket:
        return
    n_cards, seen, free = 0, set[bytes](), Counter(size)
    free.subtract(_linked_labels(resolution, handles, asked))
    wanted = (
        (pair, label)
        for pair in _held_back(resolution, handles)
        if free[label := pair[0][asked][:BUCKET_BYTES]] >= bucket
    )
    for pair, label in islice(wanted, most):
        n_cards += 0 if label in seen else size[label]
        if n_cards > MAX_CARDS:
            return
        seen.add(label)
        yield pair


def handles_of_buckets(pieces: Iterable[NDArray[np.uint8]], labels: Sequence[bytes]) -> bytes:
    """Return the handles of these buckets, in increasing order, one after the other.

    Args:
        pieces: all handles, uint8 of shape (n, 16), in increasing order.
    """
    wanted = np.frombuffer(b"".join(labels), dtype=">u4")
    return b"".join(
        piece[
            np.isin(np.ascontiguousarray(piece[:, :BUCKET_BYTES]).view(">u4").reshape(-1), wanted)
        ].tobytes()
        for piece in pieces
    )


def pack_pairs(pairs: Sequence[HeldPair]) -> bytes:
    """Return what the broker keeps of the pairs in question."""
    return b"".join(
        _PAIR.pack(one.reference, *one.handles, *one.rows, one.probability, one.lead)
        for one in pairs
    )


def unpack_pairs(raw: bytes) -> tuple[HeldPair, ...]:
    """Read what `pack_pairs` made."""
    return tuple(
        HeldPair(
            Reference(reference), (Handle(larger), Handle(smaller)), (row, other), likely, lead
        )
        for reference, larger, smaller, row, other, likely, lead in _PAIR.iter_unpack(raw)
    )


def _linked_labels(
    resolution: Resolution, handles: Sequence[Handles], side: int
) -> dict[bytes, int]:
    """Return the labels of one side's records that the run links, each with how many they are."""
    linked = resolution.pairs[resolution.decisions.band == Band.AUTO]
    labels, counts = count_labels(handles[side].several(linked[("larger", "smaller")[side]]))
    return dict(zip(labels, counts, strict=True))


def _held_back(
    resolution: Resolution, handles: Sequence[Handles]
) -> Iterator[tuple[tuple[Handle, Handle], tuple[int, int], int, int]]:
    """Return all pairs that are held back, of the highest total weight first, then in order of records."""
    graded = grade(resolution)
    kept = np.flatnonzero(resolution.decisions.band != Band.REJECT)
    held = np.flatnonzero(graded.band == Band.REVIEW)
    pairs, total = resolution.pairs[kept[held]], resolution.total[kept[held]]
    order = np.lexsort((pairs["larger"], pairs["smaller"], -total))
    pairs, held = pairs[order], held[order]
    return zip(
        zip(handles[0].each(pairs["larger"]), handles[1].each(pairs["smaller"]), strict=True),
        zip(plain_numbers(pairs["row_larger"]), plain_numbers(pairs["row_smaller"]), strict=True),
        plain_numbers(graded.probability[held]),
        plain_numbers(graded.lead[held]),
        strict=True,
    )
