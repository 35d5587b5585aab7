"""The ring of key-encryption keys: the first wraps, all unwrap, so that keys rotate while serving.

The ring is one text file for its owner only: a first line that names the format, then one base64 key a
line. Whoever reads it, and the key store, can open every upload that still has its key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.durable import make_private_folder, refuse_shared, write_durably, write_new
from app.errors import ConfigurationError
from app.security.errors import SealBrokenError

FORMAT: Final = "blindlink/kek-ring/1"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyEncryptionKey:
    """One key of the ring; `name` is 16 hex characters that follow from it and give nothing away."""

    name: str
    secret: bytes = field(repr=False)


class KeyRing:
    """The ring in a file, read again whenever a key is wanted that was not there before."""

    def __init__(self, file: Path) -> None:
        """Read the ring.

        Raises:
            ConfigurationError: no such file, others may read it, or it is malformed.
        """
        self._file = file
        self._keys = _read_ring(file)

    def primary(self) -> KeyEncryptionKey:
        """Return the key that wraps."""
        self._keys = _read_ring(self._file)
        return self._keys[0]

    def names(self) -> tuple[str, ...]:
        """Return the names of all keys, the one that wraps first."""
        self._keys = _read_ring(self._file)
        return tuple(key.name for key in self._keys)

    def find(self, name: str) -> KeyEncryptionKey:
        """Return the key of this name.

        Raises:
            SealBrokenError: the ring does not hold it, even after reading it again.
        """
        for keys in (self._keys, _read_ring(self._file)):
            for key in keys:
                if key.name == name:
                    return key
        raise SealBrokenError("A key is wrapped under a key that is not in the ring.")


def make_ring(file: Path) -> None:
    """Write a new ring with one key.

    Raises:
        FileExistsError: there is one already; it is never replaced, since it may hold the only key.
    """
    make_private_folder(file.parent)
    write_new(file, _ring_text([secrets.token_bytes(KEY_BYTES)]))


def add_primary(file: Path) -> None:
    """Draw a new key and put it first; the others stay, to unwrap."""
    old = [key.secret for key in _read_ring(file)]
    write_durably(file, _ring_text([secrets.token_bytes(KEY_BYTES), *old]))


def keep_primary_only(file: Path) -> None:
    """Drop all keys but the first: what is still wrapped under another is lost for good."""
    write_durably(file, _ring_text([_read_ring(file)[0].secret]))


def _read_ring(file: Path) -> tuple[KeyEncryptionKey, ...]:
    refuse_shared(file, "the ring of key-encryption keys")
    try:
        lines = file.read_text("ascii").splitlines()
        keys = [base64.b64decode(line, validate=True) for line in lines[1:]]
    except (OSError, UnicodeDecodeError, binascii.Error) as exc:
        raise ConfigurationError("the ring of key-encryption keys cannot be read") from exc
    if not keys or lines[0] != FORMAT or any(len(key) != KEY_BYTES for key in keys):
        raise ConfigurationError("the ring of key-encryption keys is malformed")
    return tuple(KeyEncryptionKey(_name(key), key) for key in keys)


def _name(key: bytes) -> str:
    return hashlib.sha256(b"blindlink/kek-name\n" + key).hexdigest()[:16]


def _ring_text(keys: list[bytes]) -> bytes:
    lines = [FORMAT, *(base64.b64encode(key).decode("ascii") for key in keys)]
    return "".join(f"{line}\n" for line in lines).encode("ascii")
