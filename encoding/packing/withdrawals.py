"""Records that this agency has withdrawn: no later container holds them, in whatever epoch.

A record is kept by an HMAC of its record ID under a sub-key of the workspace key, the same in every epoch.

File: sealed as `encoding.workspace.sealed_record` says, canonical JSON within.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray
from pydantic import Field, model_validator

from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document, Model
from schemas.documents.ids import Sha256Hex

MAX_RECORDS: Final = 1_000_000


class LoggedWithdrawal(Model):
    """Where the match log says so, and the salt that opens what it says: SHA-256 of salt and handle."""

    epoch: Annotated[int, Field(ge=1)]
    index: Annotated[int, Field(ge=0)]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]


class WithdrawnRecord(Model):
    """One record by its key; `logged` is empty as long as no broker was told."""

    key: Annotated[Sha256Hex, Field(repr=False)]
    logged: tuple[LoggedWithdrawal, ...] = ()


class WithdrawnRecords(Document):
    """All withdrawn records of a project, in the order of their keys."""

    KIND: ClassVar[str] = "list of withdrawn records"

    version: Literal["blindlink/withdrawn/1"] = "blindlink/withdrawn/1"
    records: Annotated[tuple[WithdrawnRecord, ...], Field(max_length=MAX_RECORDS)] = ()

    @model_validator(mode="after")
    def _keys_are_in_order(self) -> Self:
        keys = [record.key for record in self.records]
        if keys != sorted(set(keys)):
            raise ValueError("records must be listed once each, in order")
        return self

    def with_one(self, key: str, logged: LoggedWithdrawal | None = None) -> WithdrawnRecords:
        """Return the list with this record in it, and with one more place in the log."""
        found = {record.key: record for record in self.records}
        before = found[key].logged if key in found else ()
        more = () if logged is None else (logged,)
        found[key] = WithdrawnRecord(key=key, logged=(*before, *more))
        return WithdrawnRecords(records=tuple(found[key] for key in sorted(found)))


class Withdrawn:
    """The withdrawn records of one project in a workspace; use it under the workspace's lock."""

    def __init__(self, path: Path, project: str, workspace_key: bytes) -> None:
        """Read what is kept.

        Raises:
            WorkspaceError: it is damaged, of another project, or sealed under another workspace key.
        """
        self._record = SealedRecord(path, f"withdrawn/{project}", workspace_key)
        info = f"blindlink/v1/workspace/withdrawn/record-id/{project}".encode("ascii")
        self._record_id_key = HKDF(SHA256(), 32, salt=None, info=info).derive(workspace_key)
        self._kept = self._record.read_as(WithdrawnRecords) or WithdrawnRecords()
        self._set = frozenset(record.key for record in self._kept.records)

    def __len__(self) -> int:
        """Return how many records are withdrawn."""
        return len(self._kept.records)

    def add(self, record_id: str, logged: LoggedWithdrawal | None = None) -> None:
        """Note a record as withdrawn, durably; again, with another place in the log, is safe."""
        self._kept = self._kept.with_one(self._key(record_id), logged)
        self._set = frozenset(record.key for record in self._kept.records)
        self._record.write(self._kept.to_canonical())

    def among(self, record_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Tell of each record ID whether its record is withdrawn, shape (n,)."""
        if not self._set:
            return np.zeros(len(record_ids), dtype=np.bool_)
        found = (self._key(record_id) in self._set for record_id in record_ids)
        return np.fromiter(found, dtype=np.bool_, count=len(record_ids))

    def _key(self, record_id: str) -> str:
        raw = record_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._record_id_key, raw, "sha256").hex()
