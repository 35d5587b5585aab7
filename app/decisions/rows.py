"""The rows of a match record as leaves of its tree, and the openings of their commitments.

Nonces follow from a key and a row's number, so they are kept nowhere but in openings; the key goes with
the run.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field

from app.decisions.plan import (
    KIND_BASES,
    NO_LEAD,
    REVIEWED,
    KeyedOrder,
    Ranks,
    Shown,
    by_band,
    columns_of,
    kinds_of,
)
from app.matching.blocks.bins import Bins, Rows, Shelf, plain_numbers, with_columns
from app.matching.blocks.decisions import Band, Rule
from app.uploads.reader import Handles, each_handle
from schemas.documents.document import Document, Model
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.linkage.decision_steps import LEAD_STEPS, PROBABILITY_STEPS, LeadStep, ProbabilityStep
from schemas.linkage.profile import SIDES
from schemas.linkage.run import RunSpecification
from schemas.rounds.match_record import NONCE_BYTES, DecisionRule, Opening, commitment, padding_leaf
from schemas.rounds.match_record import Band as BandName

# Band, rule, steps of probability and lead.
_Columns: TypeAlias = tuple[int, int, int, int]

_ORDER_BYTES: Final = 16
_PLACE: Final = struct.Struct(">QB")


class ShownKind(Model):
    """One kind of decision, and how many rows of it are shown: a multiple of the floor."""

    band: BandName
    lead: LeadStep | None
    probability: ProbabilityStep
    rule: DecisionRule
    rows: Annotated[int, Field(ge=1)]


class ShownKinds(Document):
    """All kinds of decision of which rows are shown."""

    KIND: ClassVar[str] = "summary of a match record"

    kinds: tuple[ShownKind, ...]


@dataclass(frozen=True, slots=True, repr=False)
class RecordKeys:
    """What orders the rows of one record, and what its nonces follow from."""

    order: bytes
    nonces: bytes

    @classmethod
    def of_run(cls, secret: bytes) -> RecordKeys:
        """Derive them from a run's key."""
        derived = HKDF(
            algorithm=SHA256(),
            length=_ORDER_BYTES + NONCE_BYTES,
            salt=None,
            info=b"blindlink/v1/match-record",
        ).derive(secret)
        return cls(derived[:_ORDER_BYTES], derived[_ORDER_BYTES:])

    def nonce(self, number: int, side: int) -> bytes:
        """Return the nonce of one side, 0 or 1, of the row of this number."""
        return hmac.digest(self.nonces, _PLACE.pack(number, side), "sha256")


class RecordRows:
    """All rows of one match record, in their order; what is held of them is a part.

    Attributes:
        specification: of the run.
        shown: how many rows there are of each kind.
    """

    def __init__(
        self,
        specification: RunSpecification,
        graded: Iterable[Rows],
        handles: Sequence[Handles],
        secret: bytes,
        shelf: Shelf,
    ) -> None:
        """Put each decision in its place.

        Args:
            specification: of the run.
            graded: what was decided, in order of records, dtype `GRADED`; read twice.
            handles: of the larger and of the smaller file.
            secret: a key that is used for nothing else; the same one gives the same record.
            shelf: where rows wait, as long as they are wanted.
        """
        self.specification, self._handles, self._shelf = specification, handles, shelf
        self._keys = RecordKeys.of_run(secret)
        self.shown = Shown(graded, specification.floor)
        self._rows = self._placed(graded)

    def __len__(self) -> int:
        return self.shown.n_decisions + self.shown.n_padding

    def leaves(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the leaves of all rows, each with whether it may be shown."""
        ranks, n_shown = Ranks(), self.shown.n_shown
        for start, rows in self._numbered():
            kind = kinds_of(rows)
            is_shown = (ranks.next(kind) < n_shown[kind]).tolist()
            columns = zip(*(rows[name].tolist() for name, _ in KIND_BASES), strict=True)
            handles = zip(*(each_handle(rows[name]) for name in _HANDLES), strict=True)
            for number, (one, pair, may_show) in enumerate(
                zip(columns, handles, is_shown, strict=True), start
            ):
                if one[0] == _PADDING:
                    yield padding_leaf(self._keys.nonce(number, 0)), False
                else:
                    yield self._line(number, one, pair), may_show

    def openings(self, side: int) -> Iterator[Opening]:
        """Yield what opens an agency's own commitments of linked pairs, in increasing order of handle.

        Args:
            side: 0 for the larger file's agency, 1 for the smaller one's.
        """
        # Pairs are one to one, and records are numbered in the order of their handles.
        places = Bins(_PLACE_OF, "record", len(self._handles[side]), self._shelf)
        for start, rows in self._numbered():
            at = np.flatnonzero(rows["band"] == Band.AUTO)
            found = np.empty(len(at), dtype=_PLACE_OF)
            found["record"], found["number"] = rows[SIDES[side]][at], at + start
            found["handle"] = rows[_HANDLES[side]][at]
            places.add(found)
        for rows in places:
            for handle, number in zip(
                each_handle(rows["handle"]), plain_numbers(rows["number"]), strict=True
            ):
                yield Opening(handle, number, self._keys.nonce(number, side))

    def n_openings(self) -> int:
        """Return how many openings each agency gets."""
        return int(by_band(self.shown.n_of_kind)[Band.AUTO])

    def summary(self) -> ShownKinds:
        """Return how many rows of each kind are shown: multiples of the floor, those of none left out."""
        n_shown = self.shown.n_shown
        kinds = np.flatnonzero(n_shown)
        return ShownKinds(
            kinds=tuple(
                _shown_kind(columns, n)
                for columns, n in zip(columns_of(kinds), n_shown[kinds].tolist(), strict=True)
            )
        )

    def _placed(self, graded: Iterable[Rows]) -> Bins:
        order = KeyedOrder(self._keys.order)
        larger, smaller = self._handles
        by_larger = Bins(_ROW, "larger", len(larger), self._shelf)
        for rows, own in smaller.joined(graded, "smaller"):
            placed = with_columns(rows, _ROW)
            placed["order"] = order.next(len(rows))
            placed["handle_smaller"] = own
            by_larger.add(placed)
        placed_rows = Bins(_ROW, "order", 1 << 64, self._shelf, n_rows=len(self))
        for rows, own in larger.joined(by_larger, "larger"):
            placed = rows.copy()
            placed["handle_larger"] = own
            placed_rows.add(placed)
        padding = np.zeros(self.shown.n_padding, dtype=_ROW)
        padding["order"] = order.next(len(padding))
        placed_rows.add(padding)
        return placed_rows

    def _numbered(self) -> Iterator[tuple[int, Rows]]:
        """Yield rows in their order, some at a time, with the number of the first, from 1."""
        number = 1
        for rows in self._rows:
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                yield number, some
                number += len(some)

    def _line(self, number: int, columns: _Columns, handles: tuple[Handle, Handle]) -> bytes:
        """Return a `schemas.rounds.match_record.Decision` as canonical JSON; a million of them take seconds."""
        band, rule, probability, lead = columns
        commitments = [
            commitment(
                self._keys.nonce(number, side),
                self.specification.run,
                self.specification.uploads[side].upload,
                handle,
            )
            for side, handle in enumerate(handles)
        ]
        return (
            f'{{"band":"{_BANDS[band]}","commitments":["{commitments[0]}","{commitments[1]}"],'
            f'"lead":{"null" if lead == NO_LEAD else LEAD_STEPS[lead]},'
            f'"probability":"{PROBABILITY_STEPS[probability]}","rule":"{_RULES[rule]}"}}'
        ).encode("ascii")


_HANDLES: Final = ("handle_larger", "handle_smaller")
_HANDLE: Final = ("u1", (HANDLE_BYTES,))
_ROW: Final = np.dtype(
    [
        ("order", "<u8"),
        ("larger", "<u4"),
        ("smaller", "<u4"),
        # 0 is padding.
        ("band", "u1"),
        ("rule", "u1"),
        ("probability", "u1"),
        ("lead", "u1"),
        *((name, *_HANDLE) for name in _HANDLES),
    ]
)
_PLACE_OF: Final = np.dtype([("record", "<u4"), ("number", "<i8"), ("handle", *_HANDLE)])
_PADDING: Final = 0
# Rows that are Python's own objects at a time.
_AT_ONCE: Final = 1 << 13


_BANDS: Final = {int(band): band.name.lower() for band in Band}
_RULES: Final = {int(rule): rule.label for rule in Rule} | {REVIEWED: "reviewed"}


def _shown_kind(columns: tuple[int, ...], n_rows: int) -> ShownKind:
    band, rule, probability, lead = columns
    return ShownKind.model_validate(
        {
            "band": _BANDS[band],
            "rule": _RULES[rule],
            "probability": PROBABILITY_STEPS[probability],
            "lead": None if lead == NO_LEAD else LEAD_STEPS[lead],
            "rows": n_rows,
        }
    )
