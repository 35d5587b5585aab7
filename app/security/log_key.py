"""The key that signs the match log's checkpoints, in a file of its own for its owner only.

Three lines: the format, the log's name (its origin), and 32 bytes in base64. Whoever holds it can sign a
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
from schemas.errors import CheckpointError
from schemas.matchlog.note import NoteSigner, require_key_name

FORMAT: Final = "blindlink-log-key/1"


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


def _origin(name: str) -> str:
    try:
        require_key_name(name)
    except CheckpointError as exc:
        raise ConfigurationError("the log's name has spaces or other signs it cannot have") from exc
    return name
