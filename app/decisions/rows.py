"""The rows of a match record as leaves of its tree, and the openings of their commitments.

Nonces follow from a key and a row's number, so they are kept nowhere but in openings; the key goes with
the run.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from app.decisions.plan import NO_LEAD, PADDING, REVIEWED, Graded, RowPlan, plan_rows
from app.decisions.summary import ShownKind, ShownKinds
from app.matching.blocks.decisions import Band, Rule
from app.matching.blocks.plain import plain_numbers
from schemas.decision_steps import LEAD_STEPS, PROBABILITY_STEPS
from schemas.match_record import NONCE_BYTES, Decision, Opening, commitment, padding_leaf

if TYPE_CHECKING:
    from app.uploads.reader import Handles
    from schemas.ids import Handle
    from schemas.run import RunSpecification

# Band, rule, steps of probability and lead.
_Columns: TypeAlias = tuple[int, int, int, int]

_ORDER_BYTES: Final = 16
_PLACE: Final = struct.Struct(">QB")


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecordRows:
    """All rows of one match record, made as they are asked for.

    Attributes:
        handles: of the larger and of the smaller file.
    """

    specification: RunSpecification
    handles: Sequence[Handles]
    keys: RecordKeys
    graded: Graded
    plan: RowPlan

    def leaves(self, start: int, stop: int) -> Iterator[tuple[bytes, bool]]:
        """Yield the leaves of rows `start` (from 0) up to `stop`, each with whether it may be shown."""
        decided = self.plan.decision[start:stop]
        shown = self.plan.is_shown[start:stop].tolist()
        is_decision = decided != PADDING
        lines = self._lines(decided[is_decision], np.flatnonzero(is_decision) + start + 1)
        for number, (is_row, is_shown) in enumerate(
            zip(is_decision.tolist(), shown, strict=True), start + 1
        ):
            if is_row:
                yield next(lines), is_shown
            else:
                yield padding_leaf(self.keys.nonce(number, 0)), False

    def openings(self, side: int) -> Iterator[Opening]:
        """Yield what opens an agency's own commitments of linked pairs, in increasing order of handle.

        Args:
            side: 0 for the larger file's agency, 1 for the smaller one's.
        """
        record, number = self._linked_rows(side)
        # Pairs are one to one, and records are numbered in the order of their handles.
        order = np.argsort(record)
        handles = self.handles[side].each(record[order])
        for handle, place in zip(handles, plain_numbers(number[order]), strict=True):
            yield Opening(handle, place, self.keys.nonce(place, side))

    def n_openings(self) -> int:
        """Return how many openings each agency gets."""
        return int((self.graded.band == Band.AUTO).sum())

    def summary(self) -> ShownKinds:
        """Return how many rows of each kind are shown: multiples of the floor, those of none left out."""
        shown = self.plan.decision[self.plan.is_shown]
        _, first, counts = np.unique(self.graded.kind[shown], return_index=True, return_counts=True)
        lines = self._lines(shown[first], np.ones(len(first), dtype=np.int64))
        kinds = (
            Decision.from_canonical(line).model_dump(exclude={"commitments"}) for line in lines
        )
        return ShownKinds(
            kinds=tuple(
                ShownKind(**kind, rows=n) for kind, n in zip(kinds, counts.tolist(), strict=True)
            )
        )

    def _lines(self, decided: NDArray[np.int64], numbers: NDArray[np.int64]) -> Iterator[bytes]:
        """Yield the lines of these decisions, in rows of these numbers."""
        graded = self.graded
        columns = (graded.band, graded.rule, graded.probability, graded.lead)
        records = (graded.larger, graded.smaller)
        return map(
            self._line,
            plain_numbers(numbers),
            zip(*(plain_numbers(column[decided]) for column in columns), strict=True),
            zip(
                *(
                    handles.each(record[decided])
                    for handles, record in zip(self.handles, records, strict=True)
                ),
                strict=True,
            ),
        )

    def _line(self, number: int, columns: _Columns, handles: tuple[Handle, Handle]) -> bytes:
        """Return the canonical JSON of `schemas.match_record.Decision`; a million of them take seconds."""
        band, rule, probability, lead = columns
        commitments = [
            commitment(
                self.keys.nonce(number, side),
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

    def _linked_rows(self, side: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return of each row that links a record of one file: the record, and the row's number."""
        graded, of_row = self.graded, self.plan.decision
        rows = np.flatnonzero(of_row != PADDING)
        rows = rows[graded.band[of_row[rows]] == Band.AUTO]
        record = graded.smaller if side else graded.larger
        return record[of_row[rows]], rows + 1


_BANDS: Final = {int(band): band.name.lower() for band in Band}
_RULES: Final = {int(rule): rule.label for rule in Rule} | {REVIEWED: "reviewed"}


def plan_record(
    specification: RunSpecification, graded: Graded, handles: Sequence[Handles], secret: bytes
) -> RecordRows:
    """Decide where each decision stands, and which may be shown.

    Args:
        handles: of the larger and of the smaller file.
        secret: a key that is used for nothing else; the same one gives the same record.
    """
    keys = RecordKeys.of_run(secret)
    return RecordRows(
        specification=specification,
        handles=handles,
        keys=keys,
        graded=graded,
        plan=plan_rows(graded.band, graded.kind, specification.floor, keys.order),
    )
