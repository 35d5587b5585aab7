"""The ID space in which this agency receives matches, and its ledger of link IDs."""

from __future__ import annotations

from encoding.cli.parts.counter import Counter
from encoding.errors import NotReadyError
from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile


def own_space(counter: Counter) -> str | None:
    """Return the ID space in which this agency receives matches of its own records, or None."""
    for recipient in counter.view.terms.recipients:
        if (recipient.party, recipient.mode) == (counter.session.party, "linked"):
            return recipient.space
    return None


def ledger_file(counter: Counter) -> LedgerFile:
    """Return where the ledger of this agency's ID space is kept.

    Raises:
        NotReadyError: the agreement gives this agency no matches of its own records.
    """
    session, name = counter.session, own_space(counter)
    if name is None:
        raise NotReadyError("the agreement gives this agency no matches of its own records")
    return LedgerFile(
        session.workspace.ledger(session.project, name),
        SpaceName(session.project, name),
        session.party,
        session.workspace.key(),
    )
