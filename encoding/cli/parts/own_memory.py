"""What this agency remembers of earlier rounds with a partner, for the rows of the next one."""

from __future__ import annotations

from encoding.cli.parts.session import Session
from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile
from encoding.packing.crosswalk import CrosswalkFile
from encoding.packing.memory import Memory, memory_key
from schemas.agreement import ProjectTerms


def own_memory(session: Session, terms: ProjectTerms, partner: str) -> Memory:
    """Return what is remembered; use it under the workspace's lock.

    Raises:
        LedgerFileError, WorkspaceError: the ledger of link IDs, or the known pairs, are damaged.
    """
    workspace, project = session.workspace, session.project
    key = memory_key(workspace.key(), project)
    space = _lasting_space(terms, session.party, partner)
    # What is known from before counts until the record has a link ID.
    linked = dict(
        CrosswalkFile(
            workspace.crosswalk(project, partner), project, partner, workspace.key()
        ).read()
    )
    if space is not None:
        path = workspace.ledger(project, space)
        name = SpaceName(project, space)
        ledger = LedgerFile(path, name, session.party, workspace.key()).read()
        linked |= {record: held.link.hex() for record, held in ledger.everyone().items()}
    return Memory(key, linked)


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
