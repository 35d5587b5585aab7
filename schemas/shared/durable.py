"""Replacing a file so that a failure at any point, a power cut too, leaves the old one or the new, whole."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

_MARK_BYTES: Final = 6
_REMAINS: Final = re.compile(rf"\.(.+)\.[0-9a-f]{{{2 * _MARK_BYTES}}}\.partial")
# Windows would translate line ends otherwise.
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


class PlaceBlockedError(OSError):
    """No file can be made or put there; what goes wrong while it is written is not meant."""


@contextlib.contextmanager
def replacing(path: Path, *, clear: bool = True) -> Iterator[IO[bytes]]:
    """Give a file to write and read; on leaving without an error it takes the place of `path`, durably.

    Only the owner may read the file (POSIX; on Windows the folder's rights are inherited).

    Args:
        clear: first remove what a killed writer of the same file left behind; not where another may be writing
            it at this moment, or where someone else sweeps the folder.
    Raises:
        PlaceBlockedError: there is no such folder, no right to write, or the file is held open by another
            program, as spreadsheets do on Windows.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(_MARK_BYTES)}.partial")
    with _blocked():
        if clear:
            for left_behind in remains_in(path.parent, path.name):
                left_behind.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    try:
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _blocked():
            os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    sync_folder(path.parent)


def remains_in(folder: Path, name: str | None = None) -> Iterator[Path]:
    """Yield what is left of writing a file, or any in a folder, by who was killed or is still at it."""
    # The mark in full, since one file's name may be the beginning of another's.
    mark = "[0-9a-f]" * (2 * _MARK_BYTES)
    return folder.glob(f".{'*' if name is None else glob.escape(name)}.{mark}.partial")


def written_name(path: Path) -> str:
    """Return the name of the file that this is, or that this is left of writing."""
    left = _REMAINS.fullmatch(path.name)
    return path.name if left is None else left[1]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system knows how."""
    if os.name == "nt":  # Windows keeps names durable by itself and opens no folder as a file.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _blocked() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise PlaceBlockedError(exc.errno, exc.strerror) from exc
