"""What this agency remembers of earlier rounds with a partner, for the rows of the next one."""

from __future__ import annotations

from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile
from encoding.packing.crosswalk import CrosswalkFile
from encoding.packing.memory import Memory, memory_key
from encoding.packing.partition import Buckets
from encoding.project.reviewing.kept_verdicts import kept_verdicts
from encoding.project.session import Session
from schemas.agreement.agreement import ProjectTerms


def own_memory(session: Session, terms: ProjectTerms, partner: str) -> Memory:
    """Return what is remembered; use it under the workspace's lock."""
    workspace, project, review = session.workspace, session.project, terms.review
    key = memory_key(workspace.key(), project)
    space = _lasting_space(terms, session.party, partner)
    # What is known from before counts until the record has a link ID.
    linked = dict(
        CrosswalkFile(
            workspace.crosswalk(project, partner), project, partner, workspace.key()
        ).read()
    )
    if space is not None:
        linked |= _linked(session, space)
    rejected = {}
    if review is not None and review.reviewer == session.party:
        rejected = kept_verdicts(session, partner).rejections(review.persons)
    return Memory(key, linked, rejected, is_named=is_asked(terms, session.party, partner))


def own_buckets(session: Session, terms: ProjectTerms, partner: str) -> Buckets | None:
    """Return how records are put together for a partner that reviews them; None: it does not.

    Use it under the workspace's lock.
    """
    if terms.review is None or not is_asked(terms, session.party, partner):
        return None
    spaces = [
        one.space for one in terms.recipients if (one.party, one.mode) == (session.party, "linked")
    ]
    linked = {record for space in spaces for record in _linked(session, space)}
    return Buckets(terms.review.bucket, linked)


def is_asked(terms: ProjectTerms, party: str, partner: str) -> bool:
    """Tell whether a partner's people review pairs with this party's records."""
    return terms.review is not None and partner == terms.review.reviewer != party


def _linked(session: Session, space: str) -> dict[str, str]:
    """Return the link IDs of the own records in an ID space, by record key."""
    workspace, project = session.workspace, session.project
    path = workspace.ledger(project, space)
    name = SpaceName(project, space)
    ledger = LedgerFile(path, name, session.party, workspace.key()).read()
    return {record: held.link.hex() for record, held in ledger.everyone().items()}


def _lasting_space(terms: ProjectTerms, *parties: str) -> str | None:
    """Return the ID space in which both receive matches of their own records, if link IDs last there."""
    lasting = {space.name for space in terms.spaces if space.lifetime == "lasting"}
    received = {
        one.party: one.space
        for one in terms.recipients
        if one.mode == "linked" and one.space in lasting
    }
    one, other = (received.get(party) for party in parties)
    return one if one == other else None
