"""The nonces that this workspace drew, and what each was used for.

A container is made under a round key only for a nonce that was drawn here and that no container has left with.
The nonce is marked as spent, durably, before the first byte of its container leaves; from then on that
container is the only one. Backups hold no nonce, so that a restored workspace makes none twice.

File: sealed as `encoding.workspace.sealed_record` says, canonical JSON within.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import NonceRewoundError, NonceSpentError, NonceUnknownError
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document, Model
from schemas.documents.ids import Name, Sha256Hex
from schemas.linkage.run import RoundNumber
from schemas.rounds.rounds import NONCE_BYTES, NonceHex, NonceNumber

MAX_KEPT: int = 10_000


class KeptNonce(Model):
    """A nonce that was drawn here; `container` is the digest of the one that left with it, null before."""

    number: NonceNumber
    nonce: NonceHex
    round: RoundNumber | None = None
    partner: Name | None = None
    container: Sha256Hex | None = None


class NonceBook(Document):
    """All nonces of a project, in the order of their numbers."""

    KIND: ClassVar[str] = "list of nonces"

    version: Literal["blindlink/nonce-book/1"] = "blindlink/nonce-book/1"
    nonces: Annotated[tuple[KeptNonce, ...], Field(max_length=MAX_KEPT)] = ()

    @model_validator(mode="after")
    def _numbers_rise(self) -> Self:
        numbers = [kept.number for kept in self.nonces]
        if numbers != sorted(set(numbers)):
            raise ValueError("nonces must be listed once each, in the order of their numbers")
        return self


@dataclass(slots=True)
class Nonces:
    """The nonces of one project in a workspace; use it under the workspace's lock."""

    path: Path
    project: str
    workspace_key: bytes

    def to_offer(self, first: int, how_many: int) -> tuple[str, ...]:
        """Return nonces for the numbers from `first` on, in hex: kept durably, and new unless they wait here.

        An offer whose answer was lost is made again, not another one.
        """
        kept = self._read().nonces
        waiting = [one for one in kept if one.number >= first]
        if any(one.container is not None for one in waiting):
            raise NonceRewoundError(
                f"the broker says that random number {first} of this agency comes next, but encodings have left"
                " with that number or a later one",
                hint="nothing was drawn; tell the other agencies and the operator",
            )
        if waiting:
            return tuple(one.nonce for one in waiting[:how_many])
        drawn = tuple(secrets.token_hex(NONCE_BYTES) for _ in range(how_many))
        new = (KeptNonce(number=first + at, nonce=nonce) for at, nonce in enumerate(drawn))
        self._write((*kept, *new))
        return drawn

    def require(self, number: int, nonce: str) -> KeptNonce:
        """Return the nonce of this number."""
        for kept in self._read().nonces:
            if kept.number == number and secrets.compare_digest(kept.nonce, nonce):
                return kept
        raise NonceUnknownError("the round uses a nonce that this workspace did not draw")

    def require_unspent(self, number: int, nonce: str) -> None:
        """Make sure that a container may be made for the nonce of this number."""
        kept = self.require(number, nonce)
        if kept.container is not None:
            raise NonceSpentError(
                f"encodings were sent to {kept.partner} in round {kept.round}, and they are never made twice",
                hint="to correct them in the next round: blindlink round --correct wrong-file",
            )

    def has_drawn(self, number: int) -> bool:
        """Tell whether the nonce of this number was drawn here."""
        return any(one.number == number for one in self._read().nonces)

    def is_spent(self, number: int) -> bool:
        """Tell whether a container has left with this nonce, or was about to."""
        return any(one.number == number and one.container for one in self._read().nonces)

    def spend(self, number: int, *, round_number: int, partner: str, container: str) -> None:
        """Mark a nonce as spent on one container; the same container again changes nothing."""
        kept = list(self._read().nonces)
        at = next(place for place, one in enumerate(kept) if one.number == number)
        if kept[at].container == container:
            return
        if kept[at].container is not None:
            raise NonceSpentError(
                f"other encodings were sent to {partner} in round {round_number}, and they are never made"
                " twice",
                hint="to correct them in the next round: blindlink round --correct",
            )
        spent = {"round": round_number, "partner": partner, "container": container}
        kept[at] = kept[at].model_copy(update=spent)
        self._write(kept)

    def _record(self) -> SealedRecord:
        return SealedRecord(self.path, f"nonces/{self.project}", self.workspace_key)

    def _read(self) -> NonceBook:
        return self._record().read_as(NonceBook) or NonceBook()

    def _write(self, nonces: Sequence[KeptNonce]) -> None:
        self._record().write(NonceBook(nonces=tuple(nonces)).to_canonical())
