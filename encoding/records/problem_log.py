"""Rows that cannot be encoded: the first ones for the message, all of them for the list."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from encoding.errors import InvalidRowsError
from encoding.files import replacing
from encoding.problems import RowProblem

SHOWN: Final = 20
LIST_HEADER: Final = ("row", "column", "rule")
LIST_START: Final = f"{','.join(LIST_HEADER)}\n".encode()


class ProblemLog:
    """Collects problems in a file, so that a file full of them costs no memory; a context manager.

    Attributes:
        first: the first problems, at most 20.
        n_problems: how many there are.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(LIST_HEADER)
        self.first: list[RowProblem] = []
        self.n_problems = 0
        self._rows: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def n_rows(self) -> int:
        """How many rows have a problem."""
        return len(self._rows)

    def add(self, problems: Iterable[RowProblem]) -> None:
        """Take some problems."""
        for problem in problems:
            self._writer.writerow((problem.row, problem.column, problem.rule))
            self._rows.add(problem.row)
            self.n_problems += 1
            if len(self.first) < SHOWN:
                self.first.append(problem)

    def raise_if_any(self, hint: str) -> None:
        """Raise InvalidRowsError if there is any problem."""
        if self.n_problems:
            raise InvalidRowsError(self.first, n_problems=self.n_problems, hint=hint)

    def write_list(self, path: Path) -> None:
        """Write the list of row, column and rule, never a value, as CSV."""
        self._file.flush()
        with replacing(path) as target, self._path.open("rb") as source:
            shutil.copyfileobj(source, target)
