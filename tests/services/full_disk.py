"""A disk that is full or read-only at once, for real processes, and well again: a library made when needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class MissingCompilerError(Exception):
    """There is no C compiler, or what it makes cannot be loaded before others here."""


class FullDisk:
    """Of processes that are started with `environment`; full, or read-only, between `fill` and `relieve`."""

    def __init__(self, folder: Path, *, is_read_only: bool = False) -> None:
        """Make the library.

        Raises:
            MissingCompilerError: it cannot be made.
        """
        self._flag = folder / "full"
        library = folder / "full_disk.so"
        compiler = shutil.which("gcc")
        if compiler is None or os.name == "nt":
            raise MissingCompilerError("there is no gcc to make a full disk with")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        flag = "READ_ONLY_WHILE" if is_read_only else "FULL_DISK_WHILE"
        self.environment = {"LD_PRELOAD": str(library), flag: str(self._flag)}

    def fill(self) -> None:
        """From now on nothing can be written."""
        self._flag.touch()

    def relieve(self) -> None:
        """Make room again."""
        self._flag.unlink()

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Have a full disk for a while."""
        self.fill()
        try:
            yield
        finally:
            self.relieve()
