"""Files that the auditor's tool writes: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

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
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes the place of `path` when the block ends well, durably.

    It may be read from while the block lasts.

    Raises:
        UnwritableError: as `write_text`.
    """
    try:
        # A name of its own, so that two runs at once do not write into one file.
        number, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as exc:
        raise UnwritableError(f"the file {path.name} cannot be written") from exc
    try:
        with os.fdopen(number, "w+b") as file:
            yield cast(BinaryIO, file)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
    except OSError as exc:
        raise UnwritableError(f"the file {path.name} cannot be written") from exc
    finally:
        with suppress(OSError):
            Path(partial).unlink()
