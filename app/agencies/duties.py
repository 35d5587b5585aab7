"""What a person does for their party, and in which role that lets them act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from app.agencies.errors import DutiesRefusedError
from app.agencies.models import Person
from schemas.api import Role
from schemas.identity import Duty

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# Whoever watches, or runs the broker, may also sign for their party, and do nothing else in it.
_APART: Final[dict[Duty, Role]] = {"auditor": "auditor", "operator": "operator"}
_BESIDE: Final[AbstractSet[Duty]] = frozenset({"steward"})


def role_of(duties: Sequence[Duty]) -> Role:
    """Return the role that these duties act in.

    Raises:
        DutiesRefusedError: auditing, or running the broker, is mixed with what an agency does.
    """
    apart = [duty for duty in duties if duty in _APART]
    if not apart:
        return "agency"
    if set(duties) - {apart[0]} - _BESIDE:
        raise DutiesRefusedError(
            f"The duty {apart[0]} goes together with no other but steward.",
            hint="enrol two persons",
        )
    return _APART[apart[0]]


def duties_text(duties: Sequence[Duty]) -> str:
    """Return duties as a row keeps them: once each, in alphabetical order, with commas between."""
    return ",".join(sorted(set(duties)))


def duties_of(person: Person) -> tuple[Duty, ...]:
    """Return a person's duties; none for whoever only holds a token that the operator issued."""
    return parse_duties(person.duties or "")


def parse_duties(text: str) -> tuple[Duty, ...]:
    """Return the duties that a row keeps."""
    return cast("tuple[Duty, ...]", tuple(text.split(","))) if text else ()
