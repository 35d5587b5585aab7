"""Does what a file of who takes part asks for and is not done yet, or nothing where it contradicts what is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from app.agencies import persons
from app.agencies.duties import parse_duties
from app.agencies.service import enrol_party, party_titles
from app.agreements.negotiation import negotiators_of, open_project
from app.errors import ConfigurationError
from app.matchlog.timeline import broker_entries_of_kinds
from schemas.matchlog.person_kinds import PartyEnrolled

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broker import Broker
    from app.cli.invitation_files import Writer
    from app.cli.parties_file import PartyLine, PersonLine, Wanted
    from app.security.actor import Actor
    from schemas.signing.identity import Duty


@dataclass
class Opened:
    """What was done, and what was there already."""

    projects: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    enrolled: list[str] = field(default_factory=list)
    invited: list[dict[str, str]] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "projects": self.projects,
            "projects_opened": self.opened,
            "parties_enrolled": self.enrolled,
            "people_invited": self.invited,
            "people_there": self.kept,
        }

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        for party in self.enrolled:
            yield f"enrolled  {party}"
        for project in self.opened:
            yield f"opened    {project}"
        for one in self.kept:
            yield f"there     {one['label']} of {one['party']}: {one['state']}"
        for one in self.invited:
            yield f"invited   {one['label']} of {one['party']}, until {one['until']}: {one['file']}"
        if not (self.enrolled or self.opened or self.invited):
            yield "nothing is new"


def open_from(
    session: Session, broker: Broker, wanted: Wanted, *, actor: Actor, folder: Path, write: Writer
) -> Opened:
    """Enrol parties, open projects and invite people, as far as that is not done yet."""
    done, now = Opened(list(wanted.projects)), broker.clock()
    for party in _new_parties(session, wanted, actor.party):
        enrol_party(
            session,
            broker.log,
            name=party.name,
            title=party.title,
            role=party.role,
            actor=actor,
            now=now,
        )
        done.enrolled.append(party.name)
    for project, parties in wanted.projects.items():
        if _is_new_project(session, project, parties):
            open_project(
                session, broker.log, project=project, parties=parties, actor=actor, now=now
            )
            done.opened.append(project)
    for party in wanted.parties:
        there = _there(session, broker, party.name)
        for line in party.people:
            known = there.get(line.label)
            if known is not None:
                _refuse_other_duties(party, line, known)
                done.kept.append({"party": party.name, "label": line.label, "state": known.state})
                continue
            invited = persons.invite_person(
                session, party=party.name, duties=line.duties, label=line.label, now=now
            )
            path = folder / line.file_name(party.name)
            write(path, invited, wanted.invited_to[party.name])
            done.invited.append(
                {
                    "party": party.name,
                    "label": line.label,
                    "file": str(path),
                    "until": invited.expires,
                }
            )
    return done


@dataclass(frozen=True, slots=True)
class _Known:
    """Someone who enrolled or was invited before."""

    state: str
    duties: tuple[Duty, ...]


def _new_parties(session: Session, wanted: Wanted, operator: str) -> list[PartyLine]:
    """Return the parties that are not enrolled yet, after holding the others against what is."""
    titles = party_titles(session)
    roles = {
        body.party: body.role
        for entry in broker_entries_of_kinds(session, {"party-enrolled"})
        for body in [cast(PartyEnrolled, entry.body)]
    }
    for party in wanted.parties:
        if (party.role == "operator") != (party.name == operator):
            raise ConfigurationError(
                f"the setting parties ({party.name}) role: {operator} alone runs this broker",
                hint='give your own party role = "operator", and no other',
            )
        if party.name not in titles:
            continue
        for name, said, known in (
            ("title", party.title, titles[party.name]),
            ("role", party.role, roles.get(party.name, party.role)),
        ):
            if said != known:
                raise ConfigurationError(
                    f"the setting parties ({party.name}) {name}: the party is enrolled already, and otherwise",
                    hint=f"it stays what it is: {known}",
                )
    return [party for party in wanted.parties if party.name not in titles]


def _is_new_project(session: Session, project: str, parties: Sequence[str]) -> bool:
    known = negotiators_of(session, project)
    missing = [party for party in parties if party not in known]
    if known and missing:
        raise ConfigurationError(
            f"the setting parties ({missing[0]}): the project {project} is open already, without it",
            hint="a party joins an open project when an agreement that names it is sent",
        )
    return not known


def _there(session: Session, broker: Broker, party: str) -> dict[str, _Known]:
    """Return who of a party has enrolled or can still use an invitation, by label; the newest counts."""
    invited = {
        row.label: _Known(f"invited, until {row.expires}", parse_duties(row.duties))
        for row in persons.open_invitations(session, party, broker.clock())
    }
    enrolled = {
        row.label: _Known(persons.state_of(row), persons.identity_of(row).duties)
        for row in persons.list_persons(session, party)
    }
    return {
        unicodedata.normalize("NFC", label): known
        for label, known in {**enrolled, **invited}.items()
    }


def _refuse_other_duties(party: PartyLine, line: PersonLine, known: _Known) -> None:
    if set(line.duties) != set(known.duties):
        had = ", ".join(known.duties)
        raise ConfigurationError(
            f"the setting parties ({party.name}) people: {line.label} is there already, with other duties",
            hint=f"they are {had}, and stay; for others, invite the person anew under another label",
        )
