"""One command at a time in a workspace, on every system, and after a power cut without help.

The system holds the lock on an open file and lets go of it when the process ends, however it ends. The file
itself stays, empty: were it removed, two commands could hold locks on two files of one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from encoding.errors import WorkspaceBusyError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` as long as the block lasts.

    Raises:
        WorkspaceBusyError: on entering, if another command holds it, or this one already.
        OSError: the file cannot be made, or its disk knows no locks.
    """
    # Without the library's stand-in where a disk knows no locks: that one is a file which a kill leaves behind.
    lock = FileLock(
        path, mode=0o600, blocking=False, fallback_to_soft=False, preserve_lock_file=True
    )
    try:
        lock.acquire()
    except Timeout:
        raise WorkspaceBusyError(
            "another blindlink command is using this workspace", hint="wait until it has ended"
        ) from None
    try:
        yield
    finally:
        lock.release()
