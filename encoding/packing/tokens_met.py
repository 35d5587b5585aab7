"""The rows in which, by a release, own records met those of a partner: each has to be the record's own."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from encoding.ledger.errors import ForgedMatchError
from encoding.packing.container import KeptContainer
from encoding.packing.handles import Handles
from schemas.linkage.profile import TOKEN_BYTES


@dataclass(frozen=True, slots=True)
class TokensMet:
    """The tokens of rows: the places of the rows, in order, and their tokens, end to end."""

    rows: array[int] = field(default_factory=lambda: array("q"), repr=False)
    tokens: bytes = field(default=b"", repr=False)

    def of(self, row: int) -> bytes | None:
        """Return the token of a row; None if it is none of these."""
        place = bisect_left(self.rows, row)
        if place == len(self.rows) or self.rows[place] != row:
            return None
        return self.tokens[place * TOKEN_BYTES : (place + 1) * TOKEN_BYTES]


def tokens_met(container: KeptContainer, handles: Handles, rows: NDArray[np.int64]) -> TokensMet:
    """Return the token of each row by its place, for the proofs of matches.

    A broker that may name any row would prove a forged match by the row of two others who did meet.

    Args:
        container: the one that was sent.
        handles: of the matched records, shape (n, 16).
        rows: the row in which each of these met its match, shape (n,).
    Raises:
        ForgedMatchError: a row is another record's.
        WorkspaceError: there is no such row.
    """
    order = np.argsort(rows, kind="stable")
    found = array("q", rows[order].tobytes())
    tokens, n_forged = bytearray(), 0
    owners = (handles[place].tobytes() for place in order)
    for handle, (owner, token) in zip(owners, container.rows(found), strict=True):
        n_forged += owner != handle
        tokens += token
    if n_forged:
        raise ForgedMatchError(
            f"{n_forged} of {len(rows)} matches name a row of another record",
            hint="nothing of this round is stored; tell the other agencies and the operator",
            n_concerned=n_forged,
        )
    return TokensMet(found, bytes(tokens))
