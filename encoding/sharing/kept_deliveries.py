"""What is kept of deliveries: what was sent last to each partner, and what came last from each.

The sealed files themselves lie beside: `.outgoing` until the broker has it, `.incoming` so that it needs no
second fetch. Records: sealed as `encoding.workspace.sealed_record` says, canonical JSON within.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import Field

from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document
from schemas.documents.ids import RandomId, Sha256Hex
from schemas.linkage.run import RoundNumber
from schemas.rounds.delivery import DeliveryNumber
from schemas.shared.durable import sync_folder


class SentDelivery(Document):
    """What was sent last to a partner; `delivery` is null until the broker has it.

    `links` is the digest of the link IDs, or sealed match IDs, and columns, `rows` that of all rows with their
    values, of which there are `n_rows`.
    """

    KIND: ClassVar[str] = "sent delivery"

    version: Literal["blindlink/sent-delivery/2"] = "blindlink/sent-delivery/2"
    round: RoundNumber
    number: DeliveryNumber
    agreement: Sha256Hex
    links: Sha256Hex
    rows: Sha256Hex
    n_rows: Annotated[int, Field(ge=0)]
    delivery: RandomId | None


class KeptDelivery(Document):
    """What came last from a partner, and the files that its columns are written to.

    `written` is the round of the delivery whose rows these files have; null: none were written yet. What came
    last may be of another: it could not be used, or the command was killed.
    """

    KIND: ClassVar[str] = "kept delivery"

    version: Literal["blindlink/kept-delivery/3"] = "blindlink/kept-delivery/3"
    delivery: RandomId
    round: RoundNumber
    number: DeliveryNumber
    sha256: Sha256Hex
    outputs: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...], Field(min_length=1)
    ]
    written: RoundNumber | None


_Document = TypeVar("_Document", bound=Document)


@dataclass(frozen=True, slots=True)
class KeptDeliveries:
    """What is kept of one project and partner; use it under the workspace's lock."""

    workspace: Workspace
    project: str
    partner: str

    @property
    def outgoing(self) -> Path:
        """Where the sealed file lies until the broker has it."""
        return self._path("outgoing")

    @property
    def incoming(self) -> Path:
        """Where the sealed file lies that came last."""
        return self._path("incoming")

    def sent(self) -> SentDelivery | None:
        """Return what was sent last; None if nothing was."""
        return self._read("sent", SentDelivery)

    def received(self) -> KeptDelivery | None:
        """Return what came last; None if nothing did."""
        return self._read("received", KeptDelivery)

    def keep_sent(self, sent: SentDelivery) -> None:
        """Keep what is sent; once the broker has it, its file goes."""
        self._record("sent").write(sent.to_canonical())
        if sent.delivery is not None and self.outgoing.exists():
            self.outgoing.unlink()
            sync_folder(self.outgoing.parent)

    def keep_received(self, kept: KeptDelivery) -> None:
        """Keep what came, whose file lies in its place."""
        self._record("received").write(kept.to_canonical())

    def _read(self, what: str, kind: type[_Document]) -> _Document | None:
        return self._record(what).read_as(kind)

    def _path(self, what: str) -> Path:
        return self.workspace.folder / "deliveries" / f"{self.project}.{self.partner}.{what}"

    def _record(self, what: str) -> SealedRecord:
        name = f"deliveries/{self.project}.{self.partner}.{what}"
        return SealedRecord(self._path(what), name, self.workspace.key())
