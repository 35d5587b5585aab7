"""Records that their agencies have withdrawn: noted by the digest of the handle, left out of every later run.

A handle is 128 random bits, so that its digest tells nobody which record it was.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
from sqlalchemy import func, select

from app.matching.exhaustive import Dataset
from app.uploads.withdrawal_models import WithdrawnRecord
from schemas.ids import Handle

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy.orm import Session

_LABEL: Final = b"blindlink/withdrawn-record\n"


def note_withdrawn(session: Session, project: str, epoch: int, party: str, handle: Handle) -> None:
    """Note that a record is withdrawn; a second time changes nothing."""
    key = (project, epoch, party, handle_digest(handle))
    if session.get(WithdrawnRecord, key) is None:
        session.add(WithdrawnRecord(project=project, epoch=epoch, party=party, digest=key[3]))
        session.flush()


def withdrawn_digests(session: Session, project: str, epoch: int, party: str) -> frozenset[str]:
    """Return the digests of the handles that a party has withdrawn in an epoch."""
    query = select(WithdrawnRecord.digest).where(
        WithdrawnRecord.project == project,
        WithdrawnRecord.epoch == epoch,
        WithdrawnRecord.party == party,
    )
    return frozenset(session.scalars(query))


def count_withdrawn(session: Session, project: str, epoch: int) -> int:
    """Return how many records have been withdrawn in an epoch, by all parties."""
    query = select(func.count()).where(
        WithdrawnRecord.project == project, WithdrawnRecord.epoch == epoch
    )
    return session.scalar(query) or 0


def handle_digest(handle: Handle) -> str:
    """Return what stands for a handle that was withdrawn."""
    return hashlib.sha256(_LABEL + handle).hexdigest()


def leave_out(handles: NDArray[np.uint8], dataset: Dataset, digests: frozenset[str]) -> Dataset:
    """Return the dataset without the encodings of withdrawn records; the old encodings are zeroed.

    The records keep their numbers: a record without an encoding matches nothing.

    Args:
        handles: uint8, shape (n_records, 16), one a record.
        digests: of the handles that were withdrawn; none leaves the dataset as it is.
    """
    if not digests:
        return dataset
    is_out = np.fromiter(
        (handle_digest(Handle(handle.tobytes())) in digests for handle in handles),
        dtype=np.bool_,
        count=len(handles),
    )
    if not is_out.any():
        return dataset
    is_kept = ~is_out[dataset.record]
    kept = Dataset(dataset.words[is_kept], dataset.record[is_kept], dataset.n_records)
    dataset.words.fill(0)
    return kept
