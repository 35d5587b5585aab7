"""Which columns an agreement lets go from hand to hand, and which it lets only be counted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from encoding.errors import ColumnNotListedError, NotReadyError
from encoding.sharing.columns import agreed_among, not_agreed

if TYPE_CHECKING:
    from schemas.agreement import Agreement


def agreed_columns(agreement: Agreement, party: str) -> tuple[str, ...] | None:
    """Return the names of what a party may hand over, to whomever the agreement lets have them.

    None where it lists no data element of any party; empty where it lists none that this party may hand over.
    """
    return agreement.columns(party, "shared") if agreement.elements else None


def refuse_other_columns(
    agreement: Agreement, giver: str, receiver: str, columns: Sequence[str]
) -> None:
    """Refuse to hand over to a party what the agreement does not let it have."""
    agreed = agreed_columns(agreement, giver)
    if agreed == () or not agreement.discloses(giver, receiver):
        raise NotReadyError(f"the agreement lets no columns of {giver} go to {receiver}")
    for column in not_agreed(columns, agreed):
        raise ColumnNotListedError(
            f"the agreement does not let the column {column} go to {receiver}",
            hint="take it out of blindlink.toml: [share] columns",
        )


def refuse_counted(agreement: Agreement, party: str, columns: Sequence[str], *, own: bool) -> None:
    """Refuse to hand over, or to take, columns by which the agreement lets people only be counted."""
    parties = [name for name in agreement.names() if (name == party) == own]
    counted, shared = (
        [column for one in parties for column in agreement.columns(one, use)]
        for use in ("counted", "shared")
    )
    for column in agreed_among(columns, not_agreed(counted, shared)):
        raise ColumnNotListedError(
            f"the agreement lets people be counted by {column}, and lets nobody hand it over",
            hint="make a table of it: blindlink tabulate",
        )
