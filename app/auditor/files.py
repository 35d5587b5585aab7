"""Files that the auditor's tool writes: whole or not at all, and over no other unless it is told to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.auditor.errors import OutputExistsError, OutputTakenError, UnwritableError
from schemas.shared.durable import replacing


def require_free(
    outputs: Iterable[Path | None], *, read: Iterable[Path | str | None] = (), force: bool
) -> None:
    """Refuse to write over a file that is there; ask before anything is read or fetched.

    Args:
        outputs: the files that the command was asked for; None: it was not.
        read: what the command reads, of which some may be no file; never replaced, `force` or not.
        force: whether other files may be.
    Raises:
        OutputExistsError: a file is there.
        OutputTakenError: it is one that is read, or two outputs are one file.
    """
    wanted = [path for path in outputs if path is not None]
    inputs = [given for given in read if given is not None]
    for place, path in enumerate(wanted):
        if any(path.absolute() == other.absolute() for other in wanted[:place]):
            raise OutputTakenError(f"the file {path.name} would be written twice")
        if any(_is_same(path, given) for given in inputs):
            raise OutputTakenError(f"the file {path.name} is one that this command reads")
        # A dangling link is something that someone made, too.
        if not force and os.path.lexists(path):
            raise OutputExistsError(f"the file {path.name} is there already")


def starts_with(path: Path, start: bytes) -> bool:
    """Tell whether a file starts so; what reads it says why it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def why_unreadable(path: Path, error: OSError) -> str:
    """Return why a file could not be read, in a sentence that names it."""
    if isinstance(error, FileNotFoundError):
        return f"the file {path.name} does not exist"
    if path.is_dir():
        return f"{path.name} is a folder, not a file"
    return f"the file {path.name} cannot be read"


def write_text(path: Path, text: str) -> None:
    """Write a file in one step, in UTF-8 and with the line ends as they are; an earlier one is replaced."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step, durably; an earlier one is replaced.

    Raises:
        UnwritableError: as `write_text`.
    """
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which takes the place of `path` when the block ends well, durably.

    It may be read from while the block lasts.
    """
    try:
        with replacing(path) as file:
            yield file
    except OSError as exc:
        raise UnwritableError(f"the file {path.name} cannot be written") from exc


def _is_same(path: Path, given: Path | str) -> bool:
    try:
        return os.path.samefile(path, given)
    except (OSError, ValueError):  # One of them is no file: not there, a URL, a key as text.
        return False
