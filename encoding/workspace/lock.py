"""One command at a time in a workspace, on every system, and after a power cut without help.

The lock is a file that is created exclusively and holds process, host and a random word. While a command
holds it, its time is renewed. Another command takes it over only if its holder is gone: the process is no
longer there, or the time has not been renewed for long (the number may belong to another process by now).
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from encoding.errors import WorkspaceBusyError

RENEWAL_S: Final = 30.0
ABANDONED_AFTER_S: Final = 600.0


class Lock:
    """Holds `path` as long as the `with` block lasts.

    Raises:
        WorkspaceBusyError: on entering, if another command holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = f"{os.getpid()} {platform.node()} {secrets.token_hex(16)}\n"
        self._descriptor = -1
        self._done = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        if not self._create() and not (self._take_over() and self._create()):
            raise WorkspaceBusyError(
                "another blindlink command is using this workspace", hint="wait until it has ended"
            )
        self._renewal.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._renewal.join()
        os.close(self._descriptor)
        if _read(self._path) == self._text:
            self._path.unlink(missing_ok=True)

    def _create(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        os.write(descriptor, self._text.encode("utf-8"))
        # Kept open: Windows then lets nobody else rename or remove the file.
        self._descriptor = descriptor
        return True

    def _take_over(self) -> bool:
        """Remove the lock of a holder that is gone; false if it is still held."""
        found = _read(self._path)
        if not _is_abandoned(self._path, found):
            return False
        aside = self._path.with_name(f"{self._path.name}.{secrets.token_hex(6)}")
        try:
            os.rename(self._path, aside)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        if _read(aside) != found:
            # Someone else took it over between our look and our rename: it is theirs, so it goes back.
            with contextlib.suppress(OSError):
                os.rename(aside, self._path)
            return False
        aside.unlink(missing_ok=True)
        return True

    def _renew(self) -> None:
        while not self._done.wait(RENEWAL_S):
            with contextlib.suppress(OSError):
                os.utime(self._path)


def _is_abandoned(path: Path, found: str) -> bool:
    if os.name == "nt":
        return True  # Renaming decides: Windows refuses it while the holder lives.
    try:
        silent_s = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return True
    if silent_s > ABANDONED_AFTER_S:
        return True
    process, _, rest = found.partition(" ")
    on_this_host = rest.startswith(f"{platform.node()} ")
    return on_this_host and process.isdecimal() and not _is_alive(int(process))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
