"""How a job takes its steps. A step says what is due; what it no longer yields is done, so that a job that was
killed anywhere goes on where it stopped. One runner waits for other agencies, tells what fails, and keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from encoding.errors import (
    AgencyError,
    BrokerRefusedError,
    OthersWaitedForError,
    UnseenAgreementError,
)
from encoding.project.session import Session

FIRST_LOOK_S: Final = 1.0
LAST_LOOK_S: Final = 60.0
# What the broker refuses only as long as someone else has not done their part.
_PASSING: Final = frozenset({"uploads-missing", "as-of-gap", "not-approved", "run-not-final"})
# The broker's words for a request, or a manifest, that was signed under an agreement that is replaced.
_OUTDATED: Final = frozenset({"request-agreement", "other-agreement"})

_Job = TypeVar("_Job")
_Due = TypeVar("_Due")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Step(Generic[_Job, _Due]):
    """One step of a job.

    `due` yields what there is to do, by what workspace, log, and broker say; `do` does one of these things, and
    may be repeated. `waits`: for other agencies, as long as the job may. `fault` says what could not be done
    where the job goes on all the same; None: the job ends there.
    """

    due: Callable[[_Job], Iterable[_Due]]
    do: Callable[[_Job, _Due], object]
    waits: bool = False
    fault: Callable[[_Due], str] | None = None


@dataclass(slots=True)
class Runner:
    """Takes steps; `left_s` is how long it may still wait for others, `left` what could not be done."""

    session: Session
    left_s: float
    left: list[AgencyError] = field(default_factory=list)

    def take(self, job: _Job, *steps: Step[_Job, Any]) -> None:
        """Do all that is due in these steps, in order."""
        for step in steps:
            for what in step.due(job):
                do = partial(step.do, job, what)
                try:
                    self.until_ready(do) if step.waits else do()
                except AgencyError as exc:
                    if step.fault is None or is_outdated(exc):
                        raise
                    self.session.warn(f"{step.fault(what)}: {exc}")
                    self.left.append(exc)

    def until_ready(self, step: Callable[[], _Result]) -> _Result:
        """Take a step, again and again as long as others are waited for, and return what it gives."""
        look_s = FIRST_LOOK_S
        while True:
            try:
                return step()
            except BrokerRefusedError as refusal:
                if refusal.problem not in _PASSING:
                    raise
                waits = OthersWaitedForError(str(refusal), hint=refusal.hint)
            except OthersWaitedForError as others:
                waits = others
            if self.left_s <= 0:
                raise waits from None
            if look_s == FIRST_LOOK_S:
                hours = self.left_s / 3600
                self.session.say(f"{waits}; waiting for up to {hours:.1f} hours")
            pause_s = min(look_s, self.left_s)
            self.session.sleep(pause_s)
            self.left_s -= pause_s
            look_s = min(LAST_LOOK_S, look_s * 1.5)

    def raise_left(self) -> None:
        """Raise the first thing that could not be done: what is to be put right here before what waits."""
        for exc in sorted(self.left, key=lambda exc: isinstance(exc, OthersWaitedForError)):
            raise exc


def is_outdated(exc: AgencyError) -> bool:
    """Tell whether something goes on, once a command goes by the agreement that binds now."""
    if isinstance(exc, BrokerRefusedError):
        return exc.problem in _OUTDATED
    return isinstance(exc, UnseenAgreementError)
