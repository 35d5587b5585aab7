"""One sealed file of the workspace: AES-256-GCM under a sub-key of the workspace key.

File: the line `blindlink/sealed-record/1`, then nonce, ciphertext and tag; the line and the record's name are
authenticated, and the sub-key is derived for that name alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import WorkspaceError
from encoding.files import make_private_folder, replacing
from schemas.documents.document import Document
from schemas.documents.errors import FormatError

MAGIC: Final = b"blindlink/sealed-record/1\n"
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
PIECE_BYTES: Final = 1024 * 1024

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
        pieces = self.pieces()
        return None if pieces is None else b"".join(pieces)

    def pieces(self) -> Iterator[bytes] | None:
        """Return the content piece by piece, for what is too large to hold; None if there is no such file.

        None of it is given before all of it was authenticated.

        Raises:
            WorkspaceError: as `read`.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return None
        return self._opened(file)

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

    def write(self, *content: bytes | Iterable[bytes]) -> None:
        """Replace the content, in one step and durably; what comes in pieces is not held in whole."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealing = self._cipher(GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(self._bound())
        make_private_folder(self.path.parent)
        with replacing(self.path) as file:
            file.write(MAGIC + nonce)
            for part in content:
                for piece in _cut(part) if isinstance(part, bytes) else part:
                    file.write(sealing.update(piece))
            file.write(sealing.finalize() + sealing.tag)

    def _opened(self, file: IO[bytes]) -> Iterator[bytes]:
        with file:
            for _ in self._unsealed(file):
                pass
            yield from self._unsealed(file)

    def _unsealed(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the content piece by piece; only after the last one is it known to be whole."""
        start, size = len(MAGIC) + NONCE_BYTES, os.fstat(file.fileno()).st_size - TAG_BYTES
        file.seek(0)
        if size < start or file.read(len(MAGIC)) != MAGIC:
            raise self._damaged()
        opening = self._opening(file.read(NONCE_BYTES))
        for at in range(start, size, PIECE_BYTES):
            yield opening.update(file.read(min(PIECE_BYTES, size - at)))
        try:
            opening.finalize_with_tag(file.read(TAG_BYTES))
        except (InvalidTag, ValueError):
            raise self._damaged() from None

    def _opening(self, nonce: bytes) -> AEADDecryptionContext:
        opening = self._cipher(GCM(nonce)).decryptor()
        opening.authenticate_additional_data(self._bound())
        return opening

    def _damaged(self) -> WorkspaceError:
        file = f"{self.path.parent.name}/{self.path.name}"
        return WorkspaceError(
            f"{file} in the workspace is damaged, or sealed under another key",
            hint="restore the workspace from its backup, workspace.key included",
        )

    def _bound(self) -> bytes:
        return MAGIC + self.name.encode()

    def _cipher(self, mode: GCM) -> Cipher[GCM]:
        info = f"blindlink/v1/workspace/record/{self.name}".encode()
        key = HKDF(SHA256(), 32, salt=None, info=info).derive(self.workspace_key)
        return Cipher(AES256(key), mode)


def _cut(content: bytes) -> Iterator[memoryview]:
    whole = memoryview(content)
    return (whole[at : at + PIECE_BYTES] for at in range(0, len(whole), PIECE_BYTES))
