"""Files that the auditor's tool writes: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from app.auditor.errors import UnwritableError


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, in UTF-8 and with the line ends as they are; an earlier one is replaced.

    Raises:
        UnwritableError: the folder is not there or not writable, or the file is open elsewhere.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, durably; an earlier one is replaced.

    Raises:
        UnwritableError: as `write_text`.
    """
    try:
        # A name of its own, so that two runs at once do not write into one file.
        number, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as exc:
        raise UnwritableError(f"the file {path.name} cannot be written") from exc
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as exc:
        with suppress(OSError):
            os.unlink(partial)
        raise UnwritableError(f"the file {path.name} cannot be written") from exc
