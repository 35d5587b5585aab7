"""What a person does for their party, and in which role that lets them act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from app.agencies.models import Person
from app.errors import DUTIES_REFUSED, RefusedError
from schemas.signing import identity
from schemas.signing.identity import Duty, Role, duty_apart


def role_of(duties: Sequence[Duty]) -> Role:
    """Return the role that these duties act in."""
    apart = duty_apart(duties)
    if apart is not None:
        raise RefusedError(
            DUTIES_REFUSED,
            f"The duty {apart} can be combined only with the duty steward.",
            hint="enrol two persons",
        )
    return identity.role_of(duties)


def duties_text(duties: Sequence[Duty]) -> str:
    """Return duties as a row keeps them: once each, in alphabetical order, with commas between."""
    return ",".join(sorted(set(duties)))


def duties_of(person: Person) -> tuple[Duty, ...]:
    """Return a person's duties; none for whom the operator is in commands and on the pages."""
    return parse_duties(person.duties or "")


def parse_duties(text: str) -> tuple[Duty, ...]:
    """Return the duties that a row keeps."""
    return cast("tuple[Duty, ...]", tuple(text.split(","))) if text else ()
