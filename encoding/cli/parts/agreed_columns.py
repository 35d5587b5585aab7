"""Which columns the agreement that is kept lets go from hand to hand, and which it lets only be counted by."""

from __future__ import annotations

from collections.abc import Sequence

from encoding.cli.parts.agreements import agreements_kept
from encoding.cli.parts.session import Session
from encoding.errors import ColumnNotListedError
from encoding.sharing.columns import agreed_among, not_agreed


def agreed_columns(session: Session) -> tuple[str, ...] | None:
    """Return the names of what this party may hand over, as the agreement that is kept lists them.

    None where there is no agreement, or it lists no data element of any party; empty where it lists none that
    this party may hand over.
    """
    kept = agreements_kept(session).last_complete()
    if kept is None or not kept.agreement.elements:
        return None
    return kept.agreement.columns(session.party, "shared")


def refuse_counted(session: Session, columns: Sequence[str], *, own: bool) -> None:
    """Refuse to hand over, or to take, columns by which the agreement that is kept lets people only be counted.

    Args:
        own: they are of this party; False: of another.
    Raises:
        ColumnNotListedError: one is listed as counted and not as shared.
    """
    kept = agreements_kept(session).last_complete()
    if kept is None:
        return
    agreement = kept.agreement
    parties = [name for name in agreement.names() if (name == session.party) == own]
    counted, shared = (
        [column for party in parties for column in agreement.columns(party, use)]
        for use in ("counted", "shared")
    )
    for column in agreed_among(columns, not_agreed(counted, shared)):
        raise ColumnNotListedError(
            f"the agreement lets people be counted by {column}, and lets nobody hand it over",
            hint="make a table of it: blindlink tabulate",
        )
