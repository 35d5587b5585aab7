"""Writing files so that a failure at any point leaves the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from encoding.errors import OutputBlockedError, OutputExistsError
from schemas.shared import durable
from schemas.shared.durable import PlaceBlockedError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write; on leaving without an error it takes the place of `path`, durably.

    Raises:
        OutputBlockedError: there is no such folder, no right to write, or the file is held open by another
            program, as spreadsheets do on Windows.
    """
    try:
        with durable.replacing(path) as file:
            yield file
    except PlaceBlockedError as exc:
        raise OutputBlockedError(
            f"{path} cannot be written: {reason_of(exc)}",
            hint="close it in other programs, or choose a different place",
        ) from exc


def write_durably(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, in one step and durably."""
    with replacing(path) as file:
        file.write(content)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Replace `path` by a CSV file in UTF-8 with plain line ends, the same on every system."""
    with replacing(path) as file:
        put_csv(file, header, rows)


def put_csv(file: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write CSV as `write_csv` does, to a file that is open."""
    writer = csv.writer(_PlainLineEnds(file), lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)


class _PlainLineEnds:
    """Takes the rows of a CSV writer; before Python 3.13 that quotes only line ends like its own."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n").encode() + b"\n")


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file; where there is none, whether they are the same."""
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()


def make_private_folder(path: Path) -> None:
    """Make a folder, and what is missing above it, that only the owner may enter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def reason_of(exc: OSError) -> str:
    """Return what the system says is wrong, for the end of a sentence."""
    return (exc.strerror or "unknown reason").lower()


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
        f"the file {path.name} is there already", hint=f"choose a different name, or {otherwise}"
    )
