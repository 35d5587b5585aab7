"""What reviewers accepted, as a release of its own: match IDs drawn anew, files and a match record sealed.

Durable, but nothing visible yet.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, terms_in_force
from app.broker import Broker
from app.decisions.plan import GRADED, REVIEWED
from app.decisions.preparation import DrawnRecord, write_record
from app.decisions.rows import RecordRows
from app.decisions.service import header_of
from app.errors import NotInForceError
from app.links.matches import LinkedRun, Matches
from app.links.preparation import Prepared, prepare_releases
from app.matching.blocks.bins import MemoryShelf, Rows
from app.matching.blocks.decisions import Band
from app.matching.blocks.ranges import Sizes
from app.matchlog.draft import EntryDraft
from app.review.held_pairs import HeldPair
from app.review.models import Review
from app.rounds.models import RoundPairing
from app.rounds.service import pair_of_run
from app.rounds.supplements import next_release
from app.runs.service import run_specification
from app.uploads.reader import Handles
from app.uploads.withdrawals import handle_digest, withdrawn_digests
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.linkage.profile import SIDES
from schemas.linkage.run import RunSpecification

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PreparedSupplement:
    """A supplementary release that lacks only its place in the log, with its match record."""

    number: int
    pair: RoundPairing
    releases: Prepared
    record: DrawnRecord

    @property
    def specification(self) -> RunSpecification:
        """The specification of the run that it comes of."""
        return self.releases.run.specification

    @property
    def n_matches(self) -> int:
        """How many pairs it links."""
        return len(self.releases.run.matches)

    def drafts(self) -> list[EntryDraft]:
        """Return the log entries of its releases, in their order."""
        return self.releases.drafts()


def prepare_supplement(
    session: Session, broker: Broker, review: Review, accepted: Sequence[HeldPair], stack: ExitStack
) -> PreparedSupplement | None:
    """Release pairs that were accepted, of which neither record was withdrawn; the project's rounds are locked.

    None: there are none, or they may not be released: what bound when the run was asked for does not now.
    """
    terms = _binding(session, broker, review)
    specification = run_specification(session, review.run)
    pairs = _without_withdrawn(session, specification, accepted)
    header, pair = header_of(session, review.run), pair_of_run(session, review.run)
    if terms is None or not pairs or header is None or pair is None:
        return None
    number = next_release(session, review.project, review.round)
    graded, linked = _linked_run(specification, terms, pairs, number)
    key, shelf = secrets.token_bytes(_KEY_BYTES), MemoryShelf()
    rows = RecordRows(specification, [graded], linked.handles, key, shelf)
    own = header.model_copy(update={"release": number, "rows": len(rows)})
    releases = prepare_releases(broker, linked, stack)
    return PreparedSupplement(number, pair, releases, write_record(broker, rows, own, terms, stack))


def _binding(session: Session, broker: Broker, review: Review) -> TermsInForce | None:
    try:
        terms = terms_in_force(session, review.project, broker.clock())
    except NotInForceError:
        return None
    return terms if terms.digest == review.agreement else None


def _without_withdrawn(
    session: Session, specification: RunSpecification, pairs: Sequence[HeldPair]
) -> list[HeldPair]:
    out = [
        withdrawn_digests(session, specification.project, specification.epoch, upload.party)
        for upload in specification.uploads
    ]
    return [
        pair
        for pair in pairs
        if not any(
            handle_digest(handle) in digests
            for handle, digests in zip(pair.handles, out, strict=True)
        )
    ]


def _linked_run(
    specification: RunSpecification, terms: TermsInForce, pairs: Sequence[HeldPair], number: int
) -> tuple[Rows, LinkedRun]:
    """Return the accepted pairs, dtype `GRADED`, and as a run that linked nothing else.

    Records are numbered among them alone.
    """
    graded = np.empty(len(pairs), dtype=GRADED)
    handles = []
    for at, (side, upload) in enumerate(zip(SIDES, specification.uploads, strict=True)):
        graded[side], table = _numbered([pair.handles[at] for pair in pairs])
        graded[f"row_{side}"] = [pair.rows[at] for pair in pairs]
        handles.append(Handles.whole(upload.party, table))
    graded["band"], graded["rule"] = Band.AUTO, REVIEWED
    graded["probability"] = [pair.probability for pair in pairs]
    graded["lead"] = [pair.lead for pair in pairs]
    graded.sort(order="smaller")
    sizes = Sizes(smaller=len(handles[1]), larger=len(handles[0]))
    linked = LinkedRun(
        specification,
        terms,
        Matches([graded], sizes, MemoryShelf()),
        (handles[0], handles[1]),
        {space.name: secrets.token_bytes(_KEY_BYTES) for space in specification.spaces},
        number,
    )
    return graded, linked


def _numbered(
    handles: Sequence[Handle],
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.uint32]], np.ndarray[tuple[int, int], np.dtype[np.uint8]]
]:
    """Return each handle's number in increasing order of handles, and the table of them in that order."""
    place = {handle: number for number, handle in enumerate(sorted(handles))}
    table = np.frombuffer(b"".join(sorted(handles)), dtype=np.uint8).reshape(-1, HANDLE_BYTES)
    return np.array([place[handle] for handle in handles], dtype=np.uint32), table
