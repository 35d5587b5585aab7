"""A log as a broker shows it to an agency, or otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from breaks.false_log import Log

from schemas.api.bodies import LogCheckpoint

Bend = Callable[[LogCheckpoint], LogCheckpoint]


@dataclass
class Source:
    """Answers for a log; `grow_by` entries come in between two questions, and `bend` changes each answer."""

    log: Log
    grow_by: int = 0
    bend: Bend = lambda shown: shown

    def log_checkpoint(self, old_size: int) -> LogCheckpoint:
        shown = self.log.show(old_size)
        add(self.log, self.grow_by)
        return self.bend(shown)


def add(log: Log, n_entries: int) -> Log:
    log.entries += [f"entry {len(log.entries) + i}".encode() for i in range(n_entries)]
    return log
