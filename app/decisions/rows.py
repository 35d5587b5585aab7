"""The rows of a match record as leaves of its tree, and the openings of their commitments.

Nonces follow from a key and a row's number, so they are kept nowhere but in openings; the key goes with
the run.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from app.decisions.plan import NO_MARGIN, PADDING, Graded, RowPlan, grade, plan_rows
from app.decisions.summary import ShownKind, ShownKinds
from app.matching.exhaustive import Band, Rule
from schemas.match_record import NONCE_BYTES, Decision, Opening, commitment, padding_leaf
from schemas.similarity_steps import margin_steps, similarity_steps

if TYPE_CHECKING:
    from app.matching.exhaustive import Decisions
    from app.uploads.loading import LoadedUpload
    from schemas.profile import EncodingProfile
    from schemas.run import RunSpecification

# Band, rule, steps of similarity and margin, the two files, the two records: see `Decisions`.
_Columns: TypeAlias = tuple[int, int, int, int, int, int, int, int]

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
        decisions: what the run decided, over its uploads in the order of the specification.
        similarity, margin: the texts of the steps.
    """

    specification: RunSpecification
    decisions: Decisions
    uploads: Sequence[LoadedUpload]
    keys: RecordKeys
    graded: Graded
    plan: RowPlan
    similarity: tuple[str, ...]
    margin: tuple[str, ...]

    def leaves(self, start: int, stop: int) -> Iterator[tuple[bytes, bool]]:
        """Yield the leaves of rows `start` (from 0) up to `stop`, each with whether it may be shown."""
        decided = self.plan.decision[start:stop]
        shown = self.plan.is_shown[start:stop].tolist()
        is_decision = decided != PADDING
        rows = self._columns(decided[is_decision])
        for number, (is_row, is_shown) in enumerate(
            zip(is_decision.tolist(), shown, strict=True), start + 1
        ):
            if is_row:
                yield self._line(number, next(rows)), is_shown
            else:
                yield padding_leaf(self.keys.nonce(number, 0)), False

    def openings(self, dataset: int) -> Iterator[Opening]:
        """Yield what opens an agency's own commitments of linked pairs, in increasing order of handle.

        One of each handle, that of its first row: the number of rows would tell the agency with how many
        others' records its own is linked.
        """
        record, number, side = self._linked_rows(dataset)
        order = np.lexsort((number, record))
        _, first = np.unique(record[order], return_index=True)
        for at in order[first].tolist():
            handle = self.uploads[dataset].handle(int(record[at]))
            place = int(number[at])
            yield Opening(handle, place, self.keys.nonce(place, int(side[at])))

    def n_openings(self, dataset: int) -> int:
        """Return how many openings an agency gets."""
        return len(np.unique(self._linked_rows(dataset)[0]))

    def summary(self) -> ShownKinds:
        """Return how many rows of each kind are shown: multiples of the floor, those of none left out."""
        shown = self.plan.decision[self.plan.is_shown]
        _, first, counts = np.unique(self.graded.kind[shown], return_index=True, return_counts=True)
        lines = (self._line(1, columns) for columns in self._columns(shown[first]))
        kinds = (
            Decision.from_canonical(line).model_dump(exclude={"commitments"}) for line in lines
        )
        return ShownKinds(
            kinds=tuple(
                ShownKind(**kind, rows=n) for kind, n in zip(kinds, counts.tolist(), strict=True)
            )
        )

    def _columns(self, decided: NDArray[np.int64]) -> Iterator[_Columns]:
        """Yield what a line says of each of these decisions, as plain numbers."""
        columns = (
            self.decisions.band,
            self.decisions.rule,
            self.graded.similarity,
            self.graded.margin,
            self.decisions.left_dataset,
            self.decisions.right_dataset,
            self.decisions.left_record,
            self.decisions.right_record,
        )
        return zip(*(column[decided].tolist() for column in columns), strict=True)

    def _line(self, number: int, columns: _Columns) -> bytes:
        """Return the canonical JSON of `schemas.match_record.Decision`; a million of them take seconds."""
        band, rule, similarity, margin, left, right, left_record, right_record = columns
        commitments = [
            commitment(
                self.keys.nonce(number, side),
                self.specification.run,
                self.specification.uploads[file].upload,
                self.uploads[file].handle(record),
            )
            for side, (file, record) in enumerate(((left, left_record), (right, right_record)))
        ]
        return (
            f'{{"band":"{_BANDS[band]}","commitments":["{commitments[0]}","{commitments[1]}"],'
            f'"margin":{self._margin_text(margin)},"rule":"{_RULES[rule]}",'
            f'"similarity":"{self.similarity[similarity]}","uploads":[{left},{right}]}}'
        ).encode("ascii")

    def _margin_text(self, margin: int) -> str:
        return "null" if margin == NO_MARGIN else f'"{self.margin[margin]}"'

    def _linked_rows(
        self, dataset: int
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint8]]:
        """Return of each row that links a record of one file: the record, the row's number, which side."""
        decisions, of_row = self.decisions, self.plan.decision
        rows = np.flatnonzero(of_row != PADDING)
        rows = rows[decisions.band[of_row[rows]] == Band.AUTO]
        sides = (
            (decisions.left_dataset, decisions.left_record),
            (decisions.right_dataset, decisions.right_record),
        )
        mine = [rows[file[of_row[rows]] == dataset] for file, _ in sides]
        return (
            np.concatenate(
                [record[of_row[found]] for found, (_, record) in zip(mine, sides, strict=True)]
            ),
            np.concatenate(mine) + 1,
            np.repeat(np.arange(2, dtype=np.uint8), [len(found) for found in mine]),
        )


_BANDS: Final = {int(band): band.name.lower() for band in Band}
_RULES: Final = {int(rule): rule.label for rule in Rule}


def plan_record(
    specification: RunSpecification,
    profile: EncodingProfile,
    decisions: Decisions,
    uploads: Sequence[LoadedUpload],
    secret: bytes,
) -> RecordRows:
    """Decide where each decision of a run stands, and which may be shown.

    Args:
        uploads: in the order of the specification.
        secret: the run's key; the same one gives the same record.
    """
    similarity = similarity_steps(profile)
    margin = margin_steps(profile, Fraction(specification.policy.auto))
    graded = grade(decisions, similarity, margin)
    keys = RecordKeys.of_run(secret)
    return RecordRows(
        specification=specification,
        decisions=decisions,
        uploads=uploads,
        keys=keys,
        graded=graded,
        plan=plan_rows(decisions.band, graded.kind, specification.floor, keys.order),
        similarity=tuple(step.text for step in similarity),
        margin=tuple(step.text for step in margin),
    )
