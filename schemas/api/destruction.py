"""What the broker's API says and takes about destruction; the signed documents are those of destruction.md."""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.documents.document import Document, Model
from schemas.documents.ids import HANDLE_BYTES, Code, Name, RandomId, Sha256Hex, UtcTime
from schemas.documents.texts import Line
from schemas.rounds.destruction import CertificateId, Count, Outstanding, Scope

SALT_BYTES = 32


class DestructionView(Document):
    """How far a destruction is; what is null follows once it is certified.

    `sha256` is the digest of its certificate, `countersigned` names the parties that have signed it too, and
    `outstanding` what parties have not yet stated to be deleted.
    """

    KIND: ClassVar[str] = "destruction"

    certificate: CertificateId
    project: Name
    scope: Scope
    subject: Annotated[str, Field(max_length=40)] | None
    reason: Code
    asked: UtcTime
    objects: Count
    finished: UtcTime | None
    sha256: Sha256Hex | None
    countersigned: tuple[Name, ...]
    outstanding: tuple[Outstanding, ...]


class DestructionList(Document):
    """A project's destructions, newest first."""

    KIND: ClassVar[str] = "destruction list"

    destructions: tuple[DestructionView, ...]


class StatementTaken(Document):
    """A party's statement of destruction is kept and logged; `sha256` is its digest."""

    KIND: ClassVar[str] = "taken statement"

    sha256: Sha256Hex
    project: Name
    party: Name
    at: UtcTime


class HoldView(Model):
    """A legal hold; `lifted` is null while it stands."""

    hold: RandomId
    party: Name
    order: Line
    made: UtcTime
    lifted: UtcTime | None


class HoldList(Document):
    """A project's legal holds, newest first; `is_held` also counts one in the agreement itself."""

    KIND: ClassVar[str] = "hold list"

    is_held: bool
    holds: tuple[HoldView, ...]


class RecordWithdrawal(Document):
    """The handle of a record that its agency withdraws, and the salt of what the log says of it.

    Both are hexadecimal; the agency draws the salt anew for each, and keeps it.
    """

    KIND: ClassVar[str] = "withdrawal of a record"

    handle: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * HANDLE_BYTES}}}$", repr=False)]
    salt: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * SALT_BYTES}}}$", repr=False)]

    def commitment(self) -> str:
        """Return the SHA-256 of salt and handle, which the log has."""
        return hashlib.sha256(bytes.fromhex(self.salt + self.handle)).hexdigest()


class WithdrawalTaken(Document):
    """A record is withdrawn.

    The match log's entry of this index holds the commitment. `runs_cancelled` is how many runs that had not
    ended would have used the record.
    """

    KIND: ClassVar[str] = "taken withdrawal"

    index: Count
    runs_cancelled: Count
