"""The file of who takes part, from which `blindlink-broker open` enrols parties and invites their people."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

from pydantic import Field, ValidationError, model_validator

from app.errors import ConfigurationError
from schemas.documents.document import Model
from schemas.documents.ids import Name, PartyName
from schemas.shared.written_answers import TOML_HINT, composed, plain_fault
from schemas.signing.identity import Duty, duty_apart

PartyRole = Literal["agency", "auditor", "operator"]
Text = Annotated[str, Field(min_length=1, max_length=200)]
ModelT = TypeVar("ModelT", bound=Model)

OWN_PARTY: Final = """\
# Your own party, by the name and title that you gave to: blindlink-broker init
[[parties]]
name = "data-center"
title = "State Data Center"
role = "operator"

[[parties.people]]
label = "Eve"
duties = ["operator", "steward"]
"""

TEMPLATE: Final = f"""\
# Who takes part in one linkage. Fill it in, then: blindlink-broker open --from parties.toml
# Add people or parties later, and run the same command again: only what is new is done.

# The project's name: lower-case letters, digits and hyphens.
project = "foster-k12"

# One [[parties]] for each party, yours included.
# Its role is {", ".join(get_args(PartyRole))}; left out, agency.
[[parties]]
name = "child-welfare"
title = "Department of Children and Families"

# One [[parties.people]] for each of its people, or unattended jobs. The label is for you, and is never logged.
# Duties: {", ".join(sorted(get_args(Duty)))}.
# auditor and operator go together with no other but steward.
[[parties.people]]
label = "Sam"
duties = ["approver", "steward"]

[[parties.people]]
label = "Ann"
duties = ["analyst", "recipient"]

[[parties]]
name = "k12"
title = "Department of Education"

[[parties.people]]
label = "Kim"
duties = ["approver", "steward"]

[[parties.people]]
label = "Bob"
duties = ["analyst", "recipient"]

[[parties]]
name = "state-auditor"
title = "State Auditor"
role = "auditor"

[[parties.people]]
label = "Ida"
duties = ["auditor", "steward"]

{OWN_PARTY}"""


class PersonLine(Model):
    """One person of a party, by what the operator calls them."""

    label: Text
    duties: Annotated[tuple[Duty, ...], Field(min_length=1)]

    def file_name(self, party: str) -> str:
        """Return the name of the person's invitation file, one that every system takes."""
        plain = unicodedata.normalize("NFKD", self.label).encode("ascii", "ignore").decode()
        slug = "-".join(re.findall(r"[a-z0-9]+", plain.lower())) or "person"
        return f"{party}-{slug[:40]}.invitation"

    @model_validator(mode="after")
    def _duties_go_together(self) -> Self:
        apart = duty_apart(self.duties)
        if apart is not None:
            raise ValueError(
                f"the duties of {self.label}: {apart} can be combined only with the duty steward"
            )
        return self


class PartyLine(Model):
    """One party and its people."""

    name: PartyName
    title: Text
    role: PartyRole = "agency"
    people: tuple[PersonLine, ...] = ()

    @model_validator(mode="after")
    def _people_are_told_apart(self) -> Self:
        # By the files' names, so that no invitation takes another's place.
        twice = _twice(person.file_name(self.name) for person in self.people)
        if twice is not None:
            raise ValueError(f"{self.name} has two people whose labels are alike: {twice}")
        operators = [one.label for one in self.people if "operator" in one.duties]
        if operators and self.role != "operator":
            raise ValueError(
                f"{operators[0]} of {self.name} has the duty operator, and the party has another role"
            )
        return self


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a file asks for.

    Attributes:
        parties: who takes part, with their people.
        projects: the parties of each project, by its name.
        invited_to: the project that invitations of a party name; None where it takes part in many.
    """

    parties: tuple[PartyLine, ...]
    projects: Mapping[str, tuple[str, ...]]
    invited_to: Mapping[str, str | None]


class PartiesFile(Model):
    """Who takes part in a project."""

    project: Name
    parties: Annotated[tuple[PartyLine, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _parties_are_told_apart(self) -> Self:
        refuse_twice(self.parties)
        return self

    def wanted(self) -> Wanted:
        """Return what is asked for: one project, in which all take part."""
        names = tuple(party.name for party in self.parties)
        return Wanted(self.parties, {self.project: names}, dict.fromkeys(names, self.project))


def refuse_twice(parties: Iterable[PartyLine]) -> None:
    """Raise ValueError if two parties have one name."""
    twice = _twice(party.name for party in parties)
    if twice is not None:
        raise ValueError(f"the party {twice} stands there twice")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, its texts in one form."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"{path} cannot be read as text", hint="a template: blindlink-broker open --template"
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"{path} is not TOML: {exc}", hint=TOML_HINT) from exc
    answers: dict[str, Any] = composed(raw)
    return answers


def read_model(kind: type[ModelT], answers: dict[str, Any], path: Path) -> ModelT:
    """Return what a file says as one of its kinds."""
    try:
        # By way of JSON, since a strict reader of Python values would refuse TOML's lists.
        return kind.model_validate_json(json.dumps(answers, default=str))
    except ValidationError as exc:
        raise ConfigurationError(f"{path}: {plain_fault(exc, answers, 'setting')}") from None


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
