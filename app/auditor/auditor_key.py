"""The auditor's own signing key: an Ed25519 key in a PEM file that a passphrase opens.

The file is PKCS #8, so that a key which was made with other tools will do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from app.auditor.errors import KeyFileError
from app.auditor.files import why_unreadable

# Shorter ones are found by trying.
MIN_PASSPHRASE: Final = 12
# In bytes: what the format of key files has room for.
MAX_PASSPHRASE: Final = 1023
MAX_KEY_FILE_BYTES: Final = 64 * 1024

_ENCRYPTED: Final = b"ENCRYPTED"


def new_key_file(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """Make a key and write it to a new file that only its owner may read."""
    if len(passphrase) < MIN_PASSPHRASE or len(passphrase.encode("utf-8")) > MAX_PASSPHRASE:
        raise KeyFileError(
            f"a passphrase has at least {MIN_PASSPHRASE} characters and at most {MAX_PASSPHRASE} bytes; "
            "five or six random words are easy to keep"
        )
    key = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(passphrase.encode("utf-8"))
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as exc:
        raise KeyFileError(f"the file {path.name} is there already") from exc
    except OSError as exc:
        raise KeyFileError(f"the file {path.name} cannot be written") from exc
    return key


def needs_passphrase(path: Path) -> bool:
    """Tell whether a key file is locked by a passphrase."""
    return _ENCRYPTED in _read(path)


def open_key_file(path: Path, passphrase: str | None) -> Ed25519PrivateKey:
    """Return the key in a file; without a passphrase, if the file has none."""
    password = None if passphrase is None else passphrase.encode("utf-8")
    try:
        key = load_pem_private_key(_read(path), password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise KeyFileError(
            f"the key file {path.name} does not open with this passphrase, or is no key"
        ) from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"the key in {path.name} is not an Ed25519 key")
    return key


def read_passphrase(path: Path) -> str:
    """Return the passphrase in a file, its first line."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(MAX_PASSPHRASE + 2).rstrip("\r\n")
    except OSError as exc:
        raise KeyFileError(why_unreadable(path, exc)) from exc
    except UnicodeDecodeError as exc:
        raise KeyFileError(f"the passphrase file {path.name} is not text") from exc


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES)
    except OSError as exc:
        raise KeyFileError(why_unreadable(path, exc)) from exc
