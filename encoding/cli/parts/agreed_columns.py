"""Which columns an agreement lets go from hand to hand, and which it lets only be counted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from encoding.errors import ColumnNotListedError, NotReadyError
from encoding.sharing.columns import not_agreed

if TYPE_CHECKING:
    from schemas.agreement.agreement import Agreement


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
