"""Two stories of one project in one tree, as an operator with the log's key writes them.

Each reader is shown one story; the entries of the other are withheld, as those of another project are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from breaks.rules import FOSTER
from samples.log import SampleLog, story
from samples.parties import BROKER, CW, K12

from schemas.matchlog import log_kinds


class Fork:
    """A log that tells two stories of a project from here on, by name."""

    def __init__(self, log: SampleLog, project: str = FOSTER) -> None:
        self.log, self.project = log, project
        self.begun = log.size
        self.told: dict[str, set[int]] = {}
        self._states: dict[str, Any] = {}
        self._first = self._state()

    @contextmanager
    def telling(self, name: str) -> Iterator[SampleLog]:
        """Go on with one story; the other does not notice."""
        log = self.log
        state = self._states.get(name) or deepcopy(self._first, {id(log): log})
        for of_project, value in zip(self._by_project(), state, strict=True):
            of_project[self.project] = value
        log.untold = {seq for other, told in self.told.items() if other != name for seq in told}
        start = log.size
        yield log
        log.close()
        self.told.setdefault(name, set()).update(range(start, log.size))
        self._states[name] = self._state()

    def bundle(self, name: str) -> bytes:
        """What a reader of the project is shown who is told one story."""
        parts = self.log.parts(self.project)
        for other in self.told:
            for seq in self.told[other] if other != name else ():
                parts.entries[seq] = None
        return parts.pack()

    def _state(self) -> tuple[Any, ...]:
        self.log.rounds(self.project)
        self.log.places.setdefault(self.project, 0)
        return tuple(one.get(self.project) for one in self._by_project())

    def _by_project(self) -> tuple[dict[Any, Any], ...]:
        log = self.log
        return log.last, log.places, log.all_rounds, log.agreements


def two_closings() -> Fork:
    """A round is closed with the county's last claims for the county, and with earlier ones for the schools."""
    log = story(11, n_weeks=1)
    rounds = log.rounds(FOSTER)
    rounds.ensure_open()
    uploads, prepared = log.linked(FOSTER)
    for release, actor in zip(prepared, (CW, K12), strict=True):
        log.fetch(release, actor)
    for received in uploads:
        log.destroy(received)
    rounds.claim_all()
    fork = Fork(log)
    with fork.telling("county"):
        log.rounds(FOSTER).claim(CW, K12.party)
        log.rounds(FOSTER).close()
    with fork.telling("schools"):
        log.append(log_kinds.Exported(what="log"), project=FOSTER, actor=BROKER)
        log.rounds(FOSTER).close()
    return fork


def two_projects() -> Fork:
    """A project is agreed on twice, each time under its one name."""
    log = story(11, n_weeks=0, projects=("health",))
    fork = Fork(log)
    for name in ("county", "schools"):
        with fork.telling(name):
            log.moment = log.moment.replace(hour=log.moment.hour + 1)
            log.create_project(FOSTER)
    return fork
