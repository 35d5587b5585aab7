"""Files that only their owner may read: secrets, keys, handle maps."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

_IS_WINDOWS = os.name == "nt"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_owner_only(path: str | os.PathLike[str], content: bytes) -> None:
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


def is_readable_by_others(path: str | os.PathLike[str]) -> bool:
    """Return whether the file's mode lets anyone but its owner in; always False on Windows."""
    return not _IS_WINDOWS and bool(os.stat(path).st_mode & _OTHERS)


def _restrict_on_windows(path: str | os.PathLike[str]) -> None:
    if not _IS_WINDOWS:
        return
    user = f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"
    command = ["icacls", os.fspath(path), "/inheritance:r", "/grant:r", f"{user}:F"]
    try:
        subprocess.run(command, check=False, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return
