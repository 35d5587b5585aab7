"""The key that signs the match log's checkpoints, in a file of its own for its owner only.

Three lines: the format, the log's name (its origin), and 32 bytes in base64. Anyone who holds it can sign a
second history, which pins at the agencies would show.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.durable import make_private_folder, refuse_shared, write_new
from app.errors import ConfigurationError
from schemas.documents.errors import CheckpointError
from schemas.shared.durable import sync_folder
from schemas.signing.note import NoteSigner, require_key_name

FORMAT: Final = "blindlink/log-key/1"
# Behind the file's name: the key that is to follow, from before the log names it until it is moved into place.
NEXT_SUFFIX: Final = ".next"


def make_log_key(file: Path, origin: str) -> NoteSigner:
    """Draw a key for a log of this name, write it and return it.

    Raises:
        FileExistsError: there is one already; it is never replaced, since it may sign a living log.
        ConfigurationError: a log cannot have this name.
    """
    signer = NoteSigner(_origin(origin), Ed25519PrivateKey.generate())
    secret = base64.b64encode(signer.private_key.private_bytes_raw()).decode("ascii")
    make_private_folder(file.parent)
    write_new(file, f"{FORMAT}\n{origin}\n{secret}\n".encode())
    return signer


def read_log_key(file: Path) -> NoteSigner:
    """Return the log's name and key.

    Raises:
        ConfigurationError: no such file, others may read it, or it is malformed.
    """
    refuse_shared(file, "the log's key")
    try:
        first, origin, secret = file.read_text("utf-8").splitlines()
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True))
    except (OSError, ValueError, binascii.Error) as exc:
        raise ConfigurationError("the log's key cannot be read") from exc
    if first != FORMAT:
        raise ConfigurationError("the log's key is in another format")
    return NoteSigner(_origin(origin), key)


def next_key_file(file: Path) -> Path:
    """Return where the key that is to follow waits."""
    return file.with_name(f"{file.name}{NEXT_SUFFIX}")


def prepare_next_key(file: Path) -> NoteSigner:
    """Draw the key that is to follow the one in `file`, for the same log, or return the one that waits.

    Raises:
        ConfigurationError: as `read_log_key`.
    """
    waiting = next_key_file(file)
    if waiting.exists():
        return read_log_key(waiting)
    made = make_log_key(waiting, read_log_key(file).name)
    sync_folder(waiting.parent)
    return made


def move_next_key_into_place(file: Path) -> None:
    """Put the key that waits in the place of the old one, which is gone from the disk's names then."""
    next_key_file(file).replace(file)
    sync_folder(file.parent)


def read_log_keys(file: Path) -> tuple[NoteSigner, ...]:
    """Return the key in the file and the one that waits to follow it, if any.

    Raises:
        ConfigurationError: as `read_log_key`.
    """
    try:
        waiting = (read_log_key(next_key_file(file)),) if next_key_file(file).exists() else ()
        return (read_log_key(file), *waiting)
    except ConfigurationError:
        # It may just have been moved into place.
        return (read_log_key(file),)


def _origin(name: str) -> str:
    try:
        require_key_name(name)
    except CheckpointError as exc:
        raise ConfigurationError("the log's name has spaces or other signs it cannot have") from exc
    return name
