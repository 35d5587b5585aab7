"""Sums up what was refused, ends what is overdue, and removes what is left of what ended: keys, blobs, rows.

Everything here may be killed anywhere and done again. Objects that a crash left without a row (a key made
for an upload that was never stored, a blob of a part that was never acknowledged) are removed once they
have been without one for an hour, since their row may still be on its way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from app.agencies.sign_in import sum_up_refusals
from app.agreements.service import narrow_parties
from app.broker import Broker
from app.decisions.preparation import RECORD_PREFIX
from app.denials.service import sum_up_denials
from app.destruction.expiry import begin_overdue, begin_projects, finish_begun
from app.guarded import do_each
from app.review.ending import end_overdue as end_overdue_reviews
from app.review.preparation import REVIEW_PREFIX
from app.rounds.messages import MESSAGE_PREFIX
from app.runs.approvals import end_overdue
from app.runs.ending import close_overdue
from app.sealed.ending import is_needed_blob, is_needed_key, shred
from schemas.documents.ids import DELIVERY_PREFIX, RELEASE_PREFIX, RUN_PREFIX, UPLOAD_PREFIX

ORPHAN_AGE_S: Final = 3600.0
# Keys of anything else in the key store are none of the sweeper's business.
_SWEPT: Final = tuple(
    f"{prefix}-"
    for prefix in (
        UPLOAD_PREFIX,
        RUN_PREFIX,
        RELEASE_PREFIX,
        MESSAGE_PREFIX,
        RECORD_PREFIX,
        REVIEW_PREFIX,
        DELIVERY_PREFIX,
    )
)


log = structlog.get_logger()


class Sweeper:
    """One process's sweeper; several may sweep at once."""

    def __init__(self, broker: Broker, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._broker = broker
        self._clock_s = clock_s
        self._orphans: dict[str, float] = {}
        self._swept_orphans = float("-inf")

    def sweep(self) -> None:
        """End what is overdue and remove what is left of what has ended, as far as nothing fails."""
        self._require_newest_database()
        stages: list[tuple[str, Callable[[], None]]] = [
            ("refusals", self._sum_up_refusals),
            ("denials", self._sum_up_denials),
            ("parties", self._narrow_parties),
            ("approvals", self._end_unapproved),
            ("rounds", self._close_rounds),
            ("projects", self._begin_projects),
            ("overdue", self._begin_overdue),
            ("shredding", partial(shred, self._broker)),
            ("certificates", self._finish_destructions),
            # Last, since it alone needs keys and room; what it ends is destroyed by the next sweep.
            ("reviews", self._end_reviews),
        ]
        if self._clock_s() - self._swept_orphans >= ORPHAN_AGE_S:
            stages.append(("orphans", self.sweep_orphans))
        do_each("stage", stages)

    def sweep_orphans(self) -> None:
        """Remove keys and blobs that no row has named for an hour, and what crashes left of their writing."""
        self._require_newest_database()
        self._swept_orphans = self._clock_s()
        self._remove_orphan_keys()
        self._broker.keystore.sweep(older_than_s=ORPHAN_AGE_S)
        with self._broker.database.read() as session:
            removed = self._broker.blobs.sweep(lambda digest: is_needed_blob(session, digest))
        if removed:
            log.info("orphan_blobs_removed", n_blobs=removed)

    def _require_newest_database(self) -> None:
        with self._broker.database.read() as session:
            self._broker.log.check(session)

    def _sum_up_refusals(self) -> None:
        with self._broker.database.write() as session:
            n_summaries = sum_up_refusals(session, self._broker.log, self._broker.clock())
        if n_summaries:
            log.info("refused_sign_ins_summed_up", n_summaries=n_summaries)

    def _sum_up_denials(self) -> None:
        with self._broker.database.write() as session:
            n_summaries = sum_up_denials(session, self._broker)
        if n_summaries:
            log.info("refused_requests_summed_up", n_summaries=n_summaries)

    def _narrow_parties(self) -> None:
        with self._broker.database.write() as session:
            narrow_parties(session, self._broker.clock())

    def _end_unapproved(self) -> None:
        with self._broker.database.write() as session:
            n_ended = end_overdue(session, self._broker)
        if n_ended:
            log.info("runs_not_approved", n_ended=n_ended)

    def _end_reviews(self) -> None:
        n_ended = end_overdue_reviews(self._broker)
        if n_ended:
            log.info("reviews_ended", n_ended=n_ended)

    def _close_rounds(self) -> None:
        n_closed = close_overdue(self._broker)
        if n_closed:
            log.info("rounds_closed", n_closed=n_closed)

    def _begin_projects(self) -> None:
        n_projects = begin_projects(self._broker)
        if n_projects:
            log.info("project_destructions_begun", n_projects=n_projects)

    def _begin_overdue(self) -> None:
        n_ended = begin_overdue(self._broker)
        if n_ended:
            log.info("overdue_objects_ended", n_ended=n_ended)

    def _finish_destructions(self) -> None:
        n_certified = finish_begun(self._broker)
        if n_certified:
            log.info("destructions_certified", n_certified=n_certified)

    def _remove_orphan_keys(self) -> None:
        now = self._clock_s()
        with self._broker.database.read() as session:
            orphans = {
                object_id
                for object_id in self._broker.keystore.object_ids()
                if object_id.startswith(_SWEPT) and not is_needed_key(session, object_id)
            }
        self._orphans = {name: self._orphans.get(name, now) for name in orphans}
        for name, since in self._orphans.items():
            if now - since >= ORPHAN_AGE_S:
                self._broker.keystore.destroy(name)
                log.info("orphan_key_removed")
