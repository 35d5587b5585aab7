"""The rows in which, by a release, own records met those of a partner: each has to be the record's own."""

from __future__ import annotations

from collections.abc import Mapping

from encoding.ledger.errors import ForgedMatchError
from encoding.packing.container import KeptContainer
from schemas.ids import Handle


def tokens_met(container: KeptContainer, row_of: Mapping[Handle, int]) -> dict[int, bytes]:
    """Return the token of each row by its place, for the proofs of matches.

    A broker that may name any row would prove a forged match by the row of two others who did meet.

    Args:
        container: the one that was sent.
        row_of: the row in which each handle's record met its match.
    Raises:
        ForgedMatchError: a row is another record's.
        WorkspaceError: there is no such row.
    """
    found: dict[int, bytes] = {}
    n_forged = 0
    rows = container.rows(row_of.values())
    for (handle, row), (owner, token) in zip(row_of.items(), rows, strict=True):
        n_forged += owner != handle
        found[row] = token
    if n_forged:
        raise ForgedMatchError(
            f"{n_forged} of {len(row_of)} matches name a row of another record",
            hint="nothing of this round is stored; tell the other agencies and the operator",
            n_concerned=n_forged,
        )
    return found
