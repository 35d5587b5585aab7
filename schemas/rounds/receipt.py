"""The receipt that an agency gets for what the log says of it. Spec page: `schemas/spec/receipt.md`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.documents.document import Document
from schemas.documents.ids import RandomId


class Receipt(Document):
    """Proof that the broker logged an entry: the entry, its place, and the way to a signed checkpoint.

    `subject` is the id of what the entry is about, null where its kind has none, such as one of a round.
    `entry` is the canonical JSON text of the log entry, `proof` the inclusion proof as base64 hashes from
    leaf to root, `checkpoint` a C2SP signed note whose size is above `index`.
    """

    KIND: ClassVar[str] = "receipt"

    version: Literal["blindlink/receipt/1"] = "blindlink/receipt/1"
    subject: RandomId | None
    # As long as the entries that open and close a round may be.
    entry: Annotated[str, Field(max_length=49_152)]
    index: Annotated[int, Field(ge=0, le=2**40)]
    proof: Annotated[
        tuple[Annotated[str, Field(min_length=44, max_length=44)], ...], Field(max_length=64)
    ]
    checkpoint: Annotated[str, Field(max_length=8192)]
