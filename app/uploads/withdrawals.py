"""Records that their agencies have withdrawn: noted by the digest of the handle, left out of every later run.

A handle is 128 random bits, so that its digest tells nobody which record it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.db import add_if_alone
from app.uploads import repository
from app.uploads.models import WithdrawnRecord
from schemas.documents.ids import Handle

_LABEL: Final = b"blindlink/withdrawn-record\n"


def note_withdrawn(session: Session, project: str, epoch: int, party: str, handle: Handle) -> None:
    """Note that a record is withdrawn; a second time changes nothing."""
    digest = handle_digest(handle)
    row = WithdrawnRecord(project=project, epoch=epoch, party=party, digest=digest)
    add_if_alone(session, row)


def handle_digest(handle: Handle) -> str:
    """Return what stands for a handle that was withdrawn."""
    return hashlib.sha256(_LABEL + handle).hexdigest()


def withdrawn_digests(session: Session, project: str, epoch: int, party: str) -> frozenset[str]:
    """Return the digests of the handles of a party's records that were withdrawn."""
    return repository.withdrawn_digests(session, project, epoch, party)


def withdrawn_records(
    handles: Iterable[NDArray[np.uint8]], digests: frozenset[str]
) -> NDArray[np.uint32]:
    """Return the numbers of the records that were withdrawn, in increasing order."""
    found: list[int] = []
    first = 0
    for piece in handles if digests else ():
        found += [
            first + at
            for at, handle in enumerate(piece)
            if handle_digest(Handle(handle.tobytes())) in digests
        ]
        first += len(piece)
    return np.array(found, dtype=np.uint32)
