"""Writing files so that a failure at any point leaves the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from encoding.errors import OutputBlockedError, OutputExistsError

PARTIAL_SUFFIX: Final = ".partial"
_MARK_BYTES: Final = 6


@contextlib.contextmanager
def replacing(path: Path, *, private: bool = True) -> Iterator[IO[bytes]]:
    """Give a file to write; on leaving without an error it takes the place of `path`, durably.

    What a killed writer of the same file left behind is removed first.

    Args:
        private: only the owner may read the file (POSIX; on Windows the folder's rights are inherited).
    Raises:
        OutputBlockedError: there is no such folder, no right to write, or the file is held open by another
            program, as spreadsheets do on Windows.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(_MARK_BYTES)}{PARTIAL_SUFFIX}")
    mode = 0o600 if private else 0o666
    with _blocked(path):
        # The mark in full, since one file's name may be the beginning of another's.
        mark = "[0-9a-f]" * (2 * _MARK_BYTES)
        for left_behind in path.parent.glob(f".{glob.escape(path.name)}.{mark}{PARTIAL_SUFFIX}"):
            left_behind.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with _blocked(path):
            os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    sync_folder(path.parent)


def write_durably(path: Path, content: bytes, *, private: bool = True) -> None:
    """Replace `path` by `content`, in one step and durably."""
    with replacing(path, private=private) as file:
        file.write(content)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Replace `path` by a CSV file in UTF-8 with plain line ends, the same on every system."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        text.flush()
        text.detach()


def make_private_folder(path: Path) -> None:
    """Make a folder, and what is missing above it, that only the owner may enter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def why_unread(exc: Exception, path: Path, otherwise: str) -> str:
    """Return why a file could not be read: it is missing, not for this user, or else `otherwise`."""
    match exc:
        case FileNotFoundError():
            return f"there is no file {path}"
        case PermissionError():
            return f"you have no right to read {path}"
        case IsADirectoryError():
            return f"{path} is a folder, not a file"
    return otherwise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system knows how."""
    if os.name == "nt":  # Windows keeps names durable by itself and opens no folder as a file.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_to_overwrite(path: Path, *, own_start: bytes, force: bool | None = None) -> None:
    """Refuse to replace a file that this program did not write.

    Args:
        own_start: what a file begins with that this program wrote for the same purpose; such a file is
            replaced without asking. Empty: no file is.
        force: what the user said; None where the command has no --force.
    Raises:
        OutputExistsError: the file is there, begins otherwise, and `force` is not set.
    """
    if force or not path.exists():
        return
    if path.is_file() and own_start:
        with path.open("rb") as file:
            if file.read(len(own_start)) == own_start:
                return
    otherwise = "move that file away" if force is None else "overwrite it with --force"
    raise OutputExistsError(
        f"the file {path.name} is there already", hint=f"choose another name, or {otherwise}"
    )


@contextlib.contextmanager
def _blocked(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise OutputBlockedError(
            f"{path} cannot be written: {(exc.strerror or 'unknown reason').lower()}",
            hint="close it in other programs, or choose another place",
        ) from exc


_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
