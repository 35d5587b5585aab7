"""How a job takes its steps: it waits for other agencies, and begins anew under another agreement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from encoding.errors import (
    AgencyError,
    BrokerRefusedError,
    OthersWaitedForError,
    UnseenAgreementError,
)

FIRST_LOOK_S: Final = 1.0
LAST_LOOK_S: Final = 60.0
# What the broker refuses only as long as somebody else has not done their part.
_PASSING: Final = frozenset({"uploads-missing", "as-of-gap", "not-approved", "run-not-final"})

_Result = TypeVar("_Result")


@dataclass(slots=True)
class WaitingTime:
    """How long a command goes on asking; `left_s` is what is left of it."""

    left_s: float
    sleep: Callable[[float], None]
    say: Callable[[str], None]

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
                self.say(f"{waits}; waiting for up to {self.left_s / 3600:.1f} hours")
            pause_s = min(look_s, self.left_s)
            self.sleep(pause_s)
            self.left_s -= pause_s
            look_s = min(LAST_LOOK_S, look_s * 1.5)


# The broker's words for a request, or a manifest, that was signed under an agreement that is replaced.
_OUTDATED: Final = frozenset({"request-agreement", "other-agreement"})


def is_outdated(exc: AgencyError) -> bool:
    """Tell whether something goes on, once a command goes by the agreement that binds now."""
    if isinstance(exc, BrokerRefusedError):
        return exc.problem in _OUTDATED
    return isinstance(exc, UnseenAgreementError)
