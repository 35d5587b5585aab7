"""A person at a terminal: types command lines in a folder of their own, and answers what is asked."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 120
_WIDTH: Final = 200
_QUIET_S: Final = 0.05


@dataclass
class Typed:
    """A command line that has been typed; `shown` is what has stood on the screen so far."""

    line: str
    process: subprocess.Popen[bytes]
    screen: int
    answers: Mapping[str, str]
    shown: str = ""
    _answered: int = 0

    def __post_init__(self) -> None:
        # Always, since a program whose screen nobody looks at stands still once it is full.
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def end(self, status: int = 0) -> str:
        """Answer what is asked until the command has ended, and return what the screen showed."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._watcher.is_alive():
            assert time.monotonic() < deadline, (self.line, self.shown)
            self._answer()
            self._watcher.join(_QUIET_S)
        code = self.process.wait()
        os.close(self.screen)
        assert code == status, (self.line, code, self.shown)
        return self.shown

    def stop(self) -> None:
        """End the command, as anyone who closes its window does."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.end(self.process.wait(TIMEOUT_S))

    def read_until(self, pattern: str) -> str:
        """Wait until something has been shown, and return it."""
        deadline = time.monotonic() + TIMEOUT_S
        while (found := re.search(pattern, self.shown)) is None:
            assert self._watcher.is_alive(), (self.line, self.shown)
            assert time.monotonic() < deadline, (self.line, self.shown)
            self._answer()
            self._watcher.join(_QUIET_S)
        return found.group()

    def _watch(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        # Linux says EIO when the last process has left the terminal.
        with contextlib.suppress(OSError):
            while piece := os.read(self.screen, 65536):
                self.shown += decoder.decode(piece).replace("\r\n", "\n")

    def _answer(self) -> None:
        asked = self.shown[self._answered :].rsplit("\n", 1)[-1]
        if not asked.endswith(": "):
            return
        for question, answer in self.answers.items():
            if re.search(question, asked):
                self._answered = len(self.shown)
                os.write(self.screen, f"{answer}\n".encode())
                return
        raise AssertionError((self.line, "asks what nobody expects", asked))


@dataclass
class Terminal:
    """Anyone who sits before it has a folder, and answers to questions by a pattern of the question."""

    folder: Path
    answers: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def type(self, line: str) -> Typed:
        """Type a command line of the shell; the caller ends it."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _WIDTH, 0, 0))
        process = subprocess.Popen(
            # Its own session, whose terminal is the one that passphrases are asked at.
            ["setsid", "--ctty", "/bin/sh", "-c", line],
            cwd=self.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "TERM": "dumb",
                # Where it is set, it names the tree that is tested.
                **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
                **self.environment,
            },
        )
        os.close(theirs)
        return Typed(line, process, ours, self.answers)
