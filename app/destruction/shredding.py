"""Removes what is left of objects that have ended: first the keys, then the encrypted pieces, then the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from app.decisions import retention as decisions
from app.links import retention as links
from app.rounds import retention as rounds
from app.rounds.retention import Remains, destroy_remains
from app.runs import retention as runs
from app.uploads import retention as uploads

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker


class Retention(Protocol):
    """What each slice's `retention` module offers."""

    def find_remains(self, session: Session) -> tuple[Remains, ...]:
        """Return what is left of objects that have ended."""

    def forget_remains(self, session: Session, object_id: str, /) -> None:
        """Note that nothing is left."""

    def is_needed_blob(self, session: Session, digest: str) -> bool:
        """Tell whether a row names this blob."""

    def is_needed_key(self, session: Session, object_id: str) -> bool:
        """Tell whether an object may still need the key of this name."""


# Messages and releases before runs before uploads: what was made of something goes first.
SLICES: Final[tuple[Retention, ...]] = (rounds, links, decisions, runs, uploads)


def shred(broker: Broker) -> None:
    """Remove all that is left of objects that have ended; killed anywhere, it can be done again."""
    for slice_ in SLICES:
        while _shred_some(broker, slice_):
            pass


def is_needed_blob(session: Session, digest: str) -> bool:
    """Tell whether a row of any slice names this blob."""
    return any(slice_.is_needed_blob(session, digest) for slice_ in SLICES)


def is_needed_key(session: Session, object_id: str) -> bool:
    """Tell whether an object of any slice may still need the key of this name."""
    return any(slice_.is_needed_key(session, object_id) for slice_ in SLICES)


def _shred_some(broker: Broker, slice_: Retention) -> bool:
    with broker.database.read() as session:
        found = slice_.find_remains(session)
    for remains in found:
        destroy_remains(broker, remains)
        with broker.database.write() as session:
            slice_.forget_remains(session, remains.object)
    return bool(found)
