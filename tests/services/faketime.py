"""A clock that tests move, for real processes: the library of Debian's package faketime."""

from __future__ import annotations

import time
from pathlib import Path

PLACES = ("/usr/lib", "/usr/local/lib", "/usr/lib64")
LIBRARY = "faketime/libfaketimeMT.so.1"
CACHE_S = 1


class MissingClockError(Exception):
    """The library is not installed."""


class MovedClock:
    """A clock that processes read through a file, and that only goes on; `ahead_s` is how far it is ahead."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._library = _library()
        self.ahead_s = 0.0
        self.move(0.0)

    def move(self, seconds: float) -> None:
        """Let this much time pass for every process with the environment."""
        self.ahead_s += seconds
        self._file.write_text(f"+{self.ahead_s:.0f}\n", "ascii")
        if seconds:
            # The library counts whole seconds, and reads anew once more than these have passed.
            time.sleep(CACHE_S + 1.1)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to read this clock; how long it waits stays real."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Read anew once a second: at every look at the clock it costs most of the processor.
            "FAKETIME_CACHE_DURATION": str(CACHE_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Its cure for old C libraries makes waits of threads end at once, and Python spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }


def _library() -> Path:
    for place in PLACES:
        for found in (*Path(place).glob(LIBRARY), *Path(place).glob(f"*/{LIBRARY}")):
            return found
    raise MissingClockError("faketime is not installed")
