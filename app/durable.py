"""Files that survive a power cut: written beside their place, synced, moved into it, the folder synced.

What these functions returned from is on the disk. A reader sees the old file or the new one, never a part.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from app.errors import ConfigurationError, StorageFullError
from schemas.shared.durable import replacing, sync_folder

# Owner only: everything the broker writes by itself is sealed, secret or both.
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
SECTOR_BYTES: Final = 512


def write_durably(path: Path, content: bytes) -> None:
    """Write or replace a file so that it is wholly there, and on the disk, when this returns."""
    # Several processes of a broker may write one file at a time.
    with replacing(path, clear=False) as file:
        file.write(content)


def write_new(path: Path, content: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Write a file that must not exist yet and sync it; the folder's entry is not synced.

    Raises:
        FileExistsError: something is already there.
    """
    # Binary on Windows too, where the default would translate line ends.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def overwrite_sector(path: Path, content: bytes) -> None:
    """Write over a file of the same length, of one sector at most; durable when this returns.

    A disk writes a sector wholly or not at all, so after a crash the file is the old one or the new. The file
    itself stays the same one: if it is removed at this moment, it stays removed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has another length, or more than a sector.
    """
    with path.open("r+b", buffering=0) as file:
        if len(content) > SECTOR_BYTES or os.fstat(file.fileno()).st_size != len(content):
            raise ValueError("a file can be written over only within its one sector")
        file.write(content)
        os.fsync(file.fileno())


def remove_durably(path: Path) -> None:
    """Remove a file, if it is there, and sync its folder, so that it does not come back after a crash."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it, for the owner only; one that exists stays as it is."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    sync_folder(path.parent)


def make_private_file(path: Path) -> None:
    """Make an empty file for the owner only; one that exists stays as it is."""
    with contextlib.suppress(FileExistsError):
        write_new(path, b"")


@contextlib.contextmanager
def storing() -> Iterator[None]:
    """Let what cannot be written within the block be a StorageFullError, whatever the disk says."""
    try:
        yield
    except OSError as exc:
        raise StorageFullError("The broker cannot store this now.") from exc


@contextlib.contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold a lock beside a file for a change of several steps: no other process makes one meanwhile.

    Raises:
        ConfigurationError: another one holds it, or its disk knows no locks.
    """
    # Without the library's stand-in where a disk knows no locks: that is a file which a kill leaves behind.
    lock = FileLock(
        f"{path}.lock",
        mode=PRIVATE_FILE,
        blocking=False,
        fallback_to_soft=False,
        preserve_lock_file=True,
    )
    try:
        lock.acquire()
    except Timeout as exc:
        raise ConfigurationError(
            f"another command is changing {what}",
            hint="wait until that has ended, then repeat the command",
        ) from exc
    except OSError as exc:
        raise ConfigurationError(f"{what} cannot be locked beside its file") from exc
    try:
        yield
    finally:
        lock.release()


def refuse_shared(path: Path, what: str) -> None:
    """Raise ConfigurationError where others than its owner may read a file, or enter a folder, that is secret.

    Windows keeps access lists that permission bits do not show; docs/operator.md says how to set them.
    """
    if os.name == "nt":
        return
    try:
        status = path.stat()
    except OSError as exc:
        raise ConfigurationError(f"{what} cannot be read") from exc
    if status.st_mode & 0o077:
        fit = PRIVATE_FOLDER if stat.S_ISDIR(status.st_mode) else PRIVATE_FILE
        raise ConfigurationError(
            f"{what} may be read by others than its owner", hint=f"chmod {fit:o} {path}"
        )
