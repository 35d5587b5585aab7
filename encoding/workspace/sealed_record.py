"""One sealed file of the workspace: AES-256-GCM under a sub-key of the workspace key.

File: the line `blindlink/sealed-record/1`, then nonce, ciphertext and tag; the line and the record's name are
authenticated, and the sub-key is derived for that name alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import WorkspaceError
from encoding.files import make_private_folder, write_durably
from schemas.document import Document
from schemas.errors import FormatError

MAGIC: Final = b"blindlink/sealed-record/1\n"
NONCE_BYTES: Final = 12

_Document = TypeVar("_Document", bound=Document)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """Where a record is kept, and under which name it is sealed."""

    path: Path
    name: str
    workspace_key: bytes = field(repr=False)

    def read(self) -> bytes | None:
        """Return the content; None if there is no such file.

        Raises:
            WorkspaceError: it is damaged, another record, or sealed under another workspace key.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        magic, rest = content[: len(MAGIC)], content[len(MAGIC) :]
        if magic != MAGIC:
            raise self._damaged()
        try:
            return self._cipher().decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], self._bound())
        except (InvalidTag, ValueError):
            raise self._damaged() from None

    def read_as(self, kind: type[_Document]) -> _Document | None:
        """Return the content as a document of this kind; None if there is no such file.

        Raises:
            WorkspaceError: as `read`, or it is no such document.
        """
        content = self.read()
        try:
            return None if content is None else kind.from_canonical(content)
        except FormatError:
            raise self._damaged() from None

    def write(self, content: bytes) -> None:
        """Replace the content, in one step and durably."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher().encrypt(nonce, content, self._bound())
        make_private_folder(self.path.parent)
        write_durably(self.path, MAGIC + nonce + sealed)

    def _damaged(self) -> WorkspaceError:
        file = f"{self.path.parent.name}/{self.path.name}"
        return WorkspaceError(
            f"{file} in the workspace is damaged, or sealed under another key",
            hint="restore the workspace from its backup, workspace.key included",
        )

    def _bound(self) -> bytes:
        return MAGIC + self.name.encode()

    def _cipher(self) -> AESGCM:
        info = f"blindlink/v1/workspace/record/{self.name}".encode()
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(self.workspace_key))
