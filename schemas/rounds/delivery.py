"""A delivery: listed columns on their way from an agency to a partner or a blind recipient, by the broker.

The broker has a sealed file (`sealed-file.md`). In it lies one line, what the sender's person states of it and
has signed, then the rows, then zeros, so that its size tells no small count.
To a recipient of mode `blind` go several tables of rows, each after a line with its length.
Spec page: `schemas/spec/deliveries.md`.
"""

from __future__ import annotations

import re
from typing import IO, Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Document
from schemas.documents.errors import DocumentError
from schemas.documents.ids import Code, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.texts import Line
from schemas.linkage.run import RoundNumber
from schemas.signing.identity import PersonIdText, SignedInName

# A correction, a supplementary release, an unlink: each is a further delivery of the same round.
MAX_DELIVERIES: Final = 16
MAX_COLUMNS: Final = 256
MAX_HEAD_LINE_BYTES: Final = 64 * 1024
# The sizes of releases are told in such steps, too.
STEP_BYTES: Final = 64 * 1024
# What a delivery may have for each record of the sender's largest agreed file and pair, and besides.
ROW_BYTES: Final = 1024
BASE_BYTES: Final = 256 * 1024
MAX_DIGITS: Final = len(str(MAX_INTEGER))

DeliveryNumber = Annotated[int, Field(ge=1, le=MAX_DELIVERIES)]
DeliverySize = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
DeliveryFault = Literal["unreadable", "not-signed", "not-as-stated", "not-agreed"]
"""Why a recipient cannot use a delivery: it cannot be opened; nobody who is trusted has signed it; it is not
what its statement says; it holds what the agreement does not list, or what cannot be a link ID."""


def most_bytes(records: int, pairs: int) -> int:
    """Return how many bytes a delivery may have.

    Args:
        records: how many the sender's file has at most.
        pairs: by the matches of how many pairs of the sender its columns go.
    """
    return BASE_BYTES + records * ROW_BYTES * pairs


def padding_of(size_bytes: int) -> int:
    """Return how many zeros follow head and rows that have so many bytes together."""
    return -size_bytes % STEP_BYTES


class DeliveryStatement(Document):
    """What the sender's person states of a delivery: whose, for whom, of which round, under which agreement.

    `number` counts the deliveries of the sender to the recipient in the round. `columns` are those of the rows
    besides the link ID, or the sealed match ID and the pseudonym, in their order; `size_bytes` and `sha256` are
    those of the rows.
    """

    KIND: ClassVar[str] = "delivery"

    version: Literal["blindlink/delivery/1"] = "blindlink/delivery/1"
    project: Name
    round: RoundNumber
    number: DeliveryNumber
    sender: Name
    person: PersonIdText
    recipient: Name
    purpose: Code
    agreement: Sha256Hex
    columns: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MAX_COLUMNS)]
    size_bytes: DeliverySize
    sha256: Sha256Hex
    at: UtcTime

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.sender == self.recipient:
            raise ValueError("a party does not deliver to itself")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column is listed twice")
        return self


class SignedDelivery(SignedInName):
    """What a delivery states, with its person's signature."""

    KIND: ClassVar[str] = "signed delivery"
    BODY: ClassVar[str] = "statement"
    SIGNED_AS: ClassVar[str] = "delivery"

    statement: DeliveryStatement


class DeliveryView(Document):
    """A delivery as its sender, its recipient, an auditor or the operator sees it: never what is in it.

    `fetched` is when it was handed out first, `opened` when its recipient said that it could be used, `fault`
    why it could not; `replaced` when a later one took its place, `ended` when it was destroyed. All are null
    before.
    """

    KIND: ClassVar[str] = "delivery view"

    delivery: RandomId
    project: Name
    round: RoundNumber
    number: DeliveryNumber
    sender: Name
    recipient: Name
    sha256: Sha256Hex
    size_bytes: DeliverySize
    received: UtcTime
    keep_until: UtcTime
    fetched: UtcTime | None
    opened: UtcTime | None
    fault: DeliveryFault | None
    replaced: UtcTime | None
    ended: UtcTime | None


class DeliveryList(Document):
    """Deliveries, newest first."""

    KIND: ClassVar[str] = "delivery list"

    deliveries: tuple[DeliveryView, ...]


class DeliveryOpening(Document):
    """The word of who fetched a delivery, by its digest: it could be used (null), or why not."""

    KIND: ClassVar[str] = "delivery opening"

    sha256: Sha256Hex
    fault: DeliveryFault | None


def delivery_head(signed: SignedDelivery) -> bytes:
    """Return the line with which the content of a delivery begins."""
    return signed.to_canonical() + b"\n"


def read_delivery_head(content: IO[bytes]) -> SignedDelivery:
    """Read the line with which the content of a delivery begins, and leave the content after it.

    Raises:
        DocumentError: it is missing, too long or malformed.
    """
    line = content.readline(MAX_HEAD_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise DocumentError("signed delivery: the line is missing or too long")
    return SignedDelivery.from_canonical(line[:-1])


def table_head(size_bytes: int) -> bytes:
    """Return the line that stands before a table of so many bytes, where a delivery has several."""
    return b"%d\n" % size_bytes


def read_table_head(content: IO[bytes]) -> int | None:
    """Return the length in bytes of the table that comes next, and leave the content there; None: none comes.

    Raises:
        DocumentError: the line is malformed.
    """
    line = content.readline(MAX_DIGITS + 1)
    if not line:
        return None
    if re.fullmatch(rb"[1-9][0-9]*\n", line) is None:
        raise DocumentError("a table begins without the line of its length")
    return int(line)
