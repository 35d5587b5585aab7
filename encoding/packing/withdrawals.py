"""Records that this agency has withdrawn: no later container holds them, in whatever epoch.

A record is kept by an HMAC of its record ID under a sub-key of the workspace key, the same in every epoch.

File: the line `blindlink/withdrawn/1`, then nonce, AES-256-GCM ciphertext and tag under another sub-key; the
line and the project's name are authenticated.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, Self

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray
from pydantic import Field, model_validator

from encoding.errors import WorkspaceError
from encoding.files import make_private_folder, write_durably
from schemas.document import Document, Model
from schemas.errors import FormatError
from schemas.ids import Sha256Hex

MAGIC: Final = b"blindlink/withdrawn/1\n"
NONCE_BYTES: Final = 12
MAX_RECORDS: Final = 1_000_000


class _Keys(NamedTuple):
    record_id: bytes
    seal: bytes

    def __repr__(self) -> str:
        return "_Keys(...)"


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
        self._path = path
        self._project = project.encode("ascii")
        self._keys = _derive(workspace_key, project)
        self._kept = self._read()
        self._set = frozenset(record.key for record in self._kept.records)

    def __len__(self) -> int:
        """Return how many records are withdrawn."""
        return len(self._kept.records)

    def add(self, record_id: str, logged: LoggedWithdrawal | None = None) -> None:
        """Note a record as withdrawn, durably; again, with another place in the log, is safe."""
        self._kept = self._kept.with_one(self._key(record_id), logged)
        self._set = frozenset(record.key for record in self._kept.records)
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain, bound = self._kept.to_canonical(), MAGIC + self._project
        sealed = AESGCM(self._keys.seal).encrypt(nonce, plain, bound)
        make_private_folder(self._path.parent)
        write_durably(self._path, MAGIC + nonce + sealed)

    def among(self, record_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Tell of each record ID whether its record is withdrawn, shape (n,)."""
        if not self._set:
            return np.zeros(len(record_ids), dtype=np.bool_)
        found = (self._key(record_id) in self._set for record_id in record_ids)
        return np.fromiter(found, dtype=np.bool_, count=len(record_ids))

    def _key(self, record_id: str) -> str:
        raw = record_id.encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys.record_id, raw, "sha256").hex()

    def _read(self) -> WithdrawnRecords:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return WithdrawnRecords()
        magic, rest = content[: len(MAGIC)], content[len(MAGIC) :]
        try:
            cipher, bound = AESGCM(self._keys.seal), magic + self._project
            plain = cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound)
            return WithdrawnRecords.from_canonical(plain)
        except (InvalidTag, ValueError, FormatError):
            raise WorkspaceError(
                "the list of withdrawn records is damaged, or sealed under another key",
                hint="restore the workspace from its backup, workspace.key included",
            ) from None


def _derive(workspace_key: bytes, project: str) -> _Keys:
    def sub_key(label: str) -> bytes:
        info = f"blindlink/v1/workspace/withdrawn/{label}/{project}".encode("ascii")
        return HKDF(SHA256(), 32, salt=None, info=info).derive(workspace_key)

    return _Keys(sub_key("record-id"), sub_key("seal"))
