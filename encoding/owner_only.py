"""Files that only their owner may read: secrets, keys, handle maps."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import AgencyError

_IS_WINDOWS = os.name == "nt"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Place = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A kind of file that only its owner may read, and the errors that say why one cannot be used."""

    what: str
    missing: Callable[..., AgencyError]
    exposed: Callable[..., AgencyError]
    exists: Callable[..., AgencyError]

    def create(self, path: Place, content: bytes, *, hint: str | None = None) -> None:
        """Write a new file, durably.

        Args:
            hint: what to do where there is one already.
        Raises:
            `exists`: there is a file of that name; it is left as it is.
            `missing`: the folder cannot be written.
        """
        try:
            create_owner_only(path, content)
        except FileExistsError:
            raise self.exists(f"{path} exists and is not overwritten", hint=hint) from None
        except OSError:
            raise self.missing(f"the {self.what} {path} cannot be written") from None

    def read(self, path: Place, limit: int, *, hint: str | None = None) -> bytes:
        """Return the content, but no more than a byte beyond `limit` bytes.

        Args:
            hint: what to do where there is none.
        Raises:
            `missing`, `exposed`: it cannot be read, or others may read it.
        """
        try:
            if is_readable_by_others(path):
                raise self.exposed(
                    f"other users of this computer can read the {self.what} {path}",
                    hint=f"to make it readable by you alone: chmod 600 {path}",
                )
            with Path(path).open("rb") as file:
                return file.read(limit + 1)
        except OSError:
            raise self.missing(f"the {self.what} {path} cannot be read", hint=hint) from None


def create_owner_only(path: Place, content: bytes) -> None:
    """Write a new file that only its owner may read, and force it to disk.

    On POSIX the mode is 0600 from the first byte on. On Windows the access list is cut down to the
    current user by icacls; where that fails the file keeps the rights of its folder, which in a user's
    profile are the owner's, the administrators' and the system's.

    Raises:
        FileExistsError: the file is there already; it is left as it is.
        OSError: it cannot be written; nothing is left behind.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _restrict_on_windows(path)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


def is_readable_by_others(path: Place) -> bool:
    """Return whether the file's mode lets anyone but its owner in; always False on Windows."""
    return not _IS_WINDOWS and bool(os.stat(path).st_mode & _OTHERS)


def _restrict_on_windows(path: Place) -> None:
    if not _IS_WINDOWS:
        return
    user = f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"
    command = ["icacls", os.fspath(path), "/inheritance:r", "/grant:r", f"{user}:F"]
    try:
        subprocess.run(command, check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return
