"""Sums up refused sign-ins, ends what is overdue, and removes what is left of what ended: keys, blobs, rows.

Everything here may be killed anywhere and done again. Objects that a crash left without a row (a key made
for an upload that was never stored, a blob of a part that was never acknowledged) are removed once they
have been without one for an hour, since their row may still be on its way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from sqlalchemy.orm import Session

from app.agencies.refusals import sum_up_refusals
from app.agreements.service import narrow_parties
from app.broker import Broker
from app.decisions import retention as decisions
from app.decisions.drawing import RECORD_PREFIX
from app.links import retention as links
from app.links.drawing import SPACE_PREFIX
from app.runs import approvals
from app.runs import retention as runs
from app.uploads import retention as uploads
from app.uploads.retention import Remains, destroy_remains
from schemas.ids import RELEASE_PREFIX, RUN_PREFIX, UPLOAD_PREFIX

ORPHAN_AGE_S: Final = 3600.0
# Keys of anything else in the key store are none of the sweeper's business.
_SWEPT: Final = tuple(
    f"{prefix}-"
    for prefix in (UPLOAD_PREFIX, RUN_PREFIX, RELEASE_PREFIX, SPACE_PREFIX, RECORD_PREFIX)
)


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


# Releases before runs before uploads: what was made of something goes first.
_SLICES: Final[tuple[Retention, ...]] = (links, decisions, runs, uploads)

log = structlog.get_logger()


class Sweeper:
    """One process's sweeper; several may sweep at once."""

    def __init__(self, broker: Broker, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._broker = broker
        self._clock_s = clock_s
        self._orphans: dict[str, float] = {}
        self._swept_orphans = float("-inf")

    def sweep(self) -> None:
        """End what is overdue and remove what is left of what has ended."""
        self._sum_up_refusals()
        self._narrow_parties()
        self._end_overdue()
        for slice_ in _SLICES:
            self._remove_remains(slice_)
        if self._clock_s() - self._swept_orphans >= ORPHAN_AGE_S:
            self.sweep_orphans()

    def sweep_orphans(self) -> None:
        """Remove keys and blobs that no row has named for an hour.

        Raises:
            UnavailableError: the database is not the newest one, so what it does not name may be needed.
        """
        with self._broker.database.read() as session:
            self._broker.log.check(session)
        self._swept_orphans = self._clock_s()
        self._remove_orphan_keys()
        with self._broker.database.read() as session:
            removed = self._broker.blobs.sweep(
                lambda digest: any(slice_.is_needed_blob(session, digest) for slice_ in _SLICES)
            )
        if removed:
            log.info("orphan_blobs_removed", n_blobs=removed)

    def _sum_up_refusals(self) -> None:
        with self._broker.database.write() as session:
            n_summaries = sum_up_refusals(session, self._broker.log, self._broker.clock())
        if n_summaries:
            log.info("refused_sign_ins_summed_up", n_summaries=n_summaries)

    def _narrow_parties(self) -> None:
        with self._broker.database.write() as session:
            narrow_parties(session, self._broker.clock())

    def _end_overdue(self) -> None:
        for slice_, event in (
            (approvals, "runs_not_approved"),
            (links, "releases_destroyed"),
            (decisions, "match_records_destroyed"),
            (uploads, "uploads_ended"),
        ):
            with self._broker.database.write() as session:
                n_ended = slice_.end_overdue(session, self._broker)
            if n_ended:
                log.info(event, n_ended=n_ended)

    def _remove_remains(self, slice_: Retention) -> None:
        with self._broker.database.read() as session:
            found = slice_.find_remains(session)
        for remains in found:
            destroy_remains(self._broker, remains)
            with self._broker.database.write() as session:
                slice_.forget_remains(session, remains.object)

    def _remove_orphan_keys(self) -> None:
        now = self._clock_s()
        with self._broker.database.read() as session:
            orphans = {
                object_id
                for object_id in self._broker.keystore.object_ids()
                if object_id.startswith(_SWEPT)
                and not any(slice_.is_needed_key(session, object_id) for slice_ in _SLICES)
            }
        self._orphans = {name: self._orphans.get(name, now) for name in orphans}
        for name, since in self._orphans.items():
            if now - since >= ORPHAN_AGE_S:
                self._broker.keystore.destroy(name)
                log.info("orphan_key_removed")
