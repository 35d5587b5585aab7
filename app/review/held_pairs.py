"""The pairs sent to review that reviewers are asked about: the likeliest ones, within what may be asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.decisions.plan import grade
from app.links.matches import Matches
from app.matching.blocks.bins import plain_numbers
from app.matching.blocks.decisions import Band
from app.matching.blocks.resolution import Resolution
from app.uploads.parts import count_labels, labels_of
from app.uploads.reader import Handles, each_handle, handles_of
from schemas.documents.ids import Handle
from schemas.linkage.profile import SIDES
from schemas.rounds.review import BUCKET_BYTES, MAX_CARDS, Reference

# Reference, handles, rows, steps; of the larger file's record first.
_PAIR: Final = struct.Struct(">16s16s16sQQBB")


@dataclass(frozen=True, slots=True)
class HeldPair:
    """A pair that is asked about: handles and rows of the larger and of the smaller file, and its steps.

    Attributes:
        probability, lead: numbers of steps, as in `app.decisions.plan.GRADED`.
    """

    reference: Reference
    handles: tuple[Handle, Handle] = field(repr=False)
    rows: tuple[int, int] = field(repr=False)
    probability: int = field(repr=False)
    lead: int = field(repr=False)


def choose_pairs(
    resolution: Resolution,
    matches: Matches,
    handles: Sequence[Handles],
    *,
    asked: int,
    bucket: int,
    most: int,
) -> Iterator[tuple[tuple[Handle, Handle], tuple[int, int], int, int]]:
    """Yield handles, rows and steps of what is asked about, of the highest total weight first.

    Nothing where the asked file has no buckets, nor of a bucket in which too few are left without a match; no
    more than can be answered with `MAX_CARDS` cards.
    """
    labels, size = count_labels(handles[asked].pieces())
    if len(handles[asked]) < bucket or size.min() < bucket:
        return
    n_cards, seen, free = 0, set[int](), size.copy()
    for _, table in handles[asked].joined(matches.of_side(asked), SIDES[asked]):
        linked, n_linked = count_labels([table])
        free[np.searchsorted(labels, linked)] -= n_linked
    wanted = (
        (pair, place)
        for pair in _held_back(resolution, handles)
        if free[place := _place_of(labels, pair[0][asked])] >= bucket
    )
    for pair, place in islice(wanted, most):
        n_cards += 0 if place in seen else int(size[place])
        if n_cards > MAX_CARDS:
            return
        seen.add(place)
        yield pair


def handles_of_buckets(pieces: Iterable[NDArray[np.uint8]], labels: Sequence[bytes]) -> bytes:
    """Return the handles of these buckets, in increasing order, one after the other."""
    wanted = np.frombuffer(b"".join(labels), dtype=">u4")
    return b"".join(piece[np.isin(labels_of(piece), wanted)].tobytes() for piece in pieces)


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


def _place_of(labels: NDArray[np.uint32], handle: Handle) -> int:
    return int(np.searchsorted(labels, int.from_bytes(handle[:BUCKET_BYTES], "big")))


def _held_back(
    resolution: Resolution, handles: Sequence[Handles]
) -> Iterator[tuple[tuple[Handle, Handle], tuple[int, int], int, int]]:
    """Return all pairs that are sent to review, of the highest total weight first, then in order of records."""
    pairs = np.concatenate(list(resolution.decided.in_band(Band.REVIEW)))
    pairs = pairs[np.lexsort((pairs["larger"], pairs["smaller"], -pairs["total"]))]
    graded = grade(pairs)
    found = (
        each_handle(handles_of(of_side, pairs[side]))
        for of_side, side in zip(handles, SIDES, strict=True)
    )
    return zip(
        zip(*found, strict=True),
        zip(plain_numbers(pairs["row_larger"]), plain_numbers(pairs["row_smaller"]), strict=True),
        plain_numbers(graded["probability"]),
        plain_numbers(graded["lead"]),
        strict=True,
    )
