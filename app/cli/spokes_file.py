"""A hub and its spokes, for `blindlink-broker open`: who takes part everywhere, and the list of spokes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, model_validator

from app.cli.parties_file import (
    OWN_PARTY,
    PartiesFile,
    PartyLine,
    PersonLine,
    Text,
    Wanted,
    read_model,
    read_toml,
    refuse_twice,
)
from app.errors import ConfigurationError
from schemas.agreement.spokes import project_of_spoke
from schemas.documents.document import Model
from schemas.documents.ids import Name, PartyName
from schemas.shared.written_answers import composed

if TYPE_CHECKING:
    from schemas.signing.identity import Duty

# Who is alone at a spoke does all; where a second person is named, the first signs and the second works.
_SIGNS: Final[tuple[Duty, ...]] = ("approver", "steward")
_WORKS: Final[tuple[Duty, ...]] = ("analyst", "recipient")
_COLUMNS: Final = ("name", "title", "person")
_MAY_BE: Final = ("second", "project")
MOST_SPOKES: Final = 5_000

HUB_TEMPLATE: Final = f"""\
# A hub and its spokes: one project for each spoke, with the hub in all of them.
# Fill it in, then: blindlink-broker open --from hub-parties.toml
# Add lines to the list later, and run the same command again: only what is new is done.

# The party that takes part everywhere.
hub = "child-welfare"

# The list of spokes, a CSV file with these columns:
#   name    the party's name: lower-case letters, digits and hyphens
#   title   its legal name
#   person  its person, or unattended job; alone they have all duties
#   second  who works there beside the first, who then only signs; may be empty
# A column project names the project; without it, it is HUB-NAME.
spokes = "districts.csv"

# Who takes part in every project: the hub, yourself, an auditor.
[[parties]]
name = "child-welfare"
title = "Department of Children and Families"

[[parties.people]]
label = "Sam"
duties = ["approver", "steward"]

[[parties.people]]
label = "Ann"
duties = ["analyst", "recipient"]

{OWN_PARTY}"""


class HubFile(Model):
    """Who takes part in all projects of a hub, and where the list of its spokes is."""

    hub: PartyName
    spokes: Text
    parties: Annotated[tuple[PartyLine, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _hub_takes_part(self) -> Self:
        refuse_twice(self.parties)
        if self.hub not in [party.name for party in self.parties]:
            raise ValueError(f"the hub {self.hub} is none of the parties")
        return self


class SpokeLine(Model):
    """A line of the list of spokes."""

    name: PartyName
    title: Text
    person: Text
    second: Text | None = None
    project: Name

    def party(self) -> PartyLine:
        """Return it as a party with its people."""
        alone = self.second is None
        people = [PersonLine(label=self.person, duties=(*_SIGNS, *(_WORKS if alone else ())))]
        if self.second is not None:
            people.append(PersonLine(label=self.second, duties=_WORKS))
        return PartyLine(name=self.name, title=self.title, people=tuple(people))


def read_parties(path: Path) -> Wanted:
    """Read a file of who takes part, in one project or in all of a hub's."""
    answers = read_toml(path)
    if "hub" not in answers:
        return read_model(PartiesFile, answers, path).wanted()
    hub = read_model(HubFile, answers, path)
    spokes = list(_read_spokes(path.parent / hub.spokes, hub.hub))
    shared = tuple(party.name for party in hub.parties)
    parties = (*hub.parties, *(spoke.party() for spoke in spokes))
    try:
        refuse_twice(parties)
    except ValueError as exc:
        raise ConfigurationError(f"{path}: {exc}") from None
    projects = {spoke.project: (*shared, spoke.name) for spoke in spokes}
    if len(projects) < len(spokes):
        raise ConfigurationError(f"{hub.spokes}: two spokes have one project")
    invited_to = dict.fromkeys(shared) | {spoke.name: spoke.project for spoke in spokes}
    return Wanted(parties, projects, invited_to)


def _read_spokes(path: Path, hub: str) -> Iterator[SpokeLine]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = tuple(reader.fieldnames or ())
            rows = [dict(row) for _, row in zip(range(MOST_SPOKES + 1), reader, strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigurationError(f"the list of spokes {path} cannot be read as CSV") from exc
    for name in header:
        if name not in (*_COLUMNS, *_MAY_BE):
            raise ConfigurationError(
                f"the list of spokes {path} has a column that does not belong there",
                hint=f"its columns are {', '.join(_COLUMNS)}, and may be {' and '.join(_MAY_BE)}",
            )
    if not rows or len(rows) > MOST_SPOKES:
        raise ConfigurationError(f"the list of spokes {path} has not 1 to {MOST_SPOKES:,} lines")
    for number, row in enumerate(rows, start=2):
        yield _spoke(row, hub, path, number)


def _spoke(row: Mapping[Any, Any], hub: str, path: Path, number: int) -> SpokeLine:
    if None in row or None in row.values():
        raise ConfigurationError(f"{path}, line {number}: it has not as many cells as the header")
    given = {name: cell.strip() for name, cell in composed(dict(row)).items() if cell.strip()}
    given.setdefault("project", project_of_spoke(hub, given.get("name", "")))
    return read_model(SpokeLine, given, Path(f"{path}, line {number}"))
