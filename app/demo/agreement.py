"""How the parties of a demo come to an agreement that all have signed: persons, keys, answers, signatures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.demo.commands import Commands, DemoError
from app.demo.plan import (
    AUDITOR,
    KEY_FILE,
    OPERATOR,
    POPULATION,
    PROJECT,
    SCHOOLS,
    SHARED_COLUMNS,
    SHOWN_COLUMNS,
    WELFARE,
    Rehearsal,
    Sizes,
)
from app.durable import write_durably

COUNSEL: Final = ("--counsel-name", "Nobody, a rehearsal", "--counsel-title", "General counsel")
RUNS: Final = "10"
_BROKER: Final = ("blindlink-broker", "--state", "state")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a demo who acts for a party, with the folder in which they work."""

    name: str
    party: str
    folder: Path
    duties: tuple[str, ...]

    @property
    def identity(self) -> str:
        """The file with their public keys."""
        return f"{self.party}.json"


def persons_of(plan: Rehearsal) -> tuple[Person, ...]:
    """Return who takes part; in a rehearsal one person does all that an agency's persons do."""
    everything = ("steward", "analyst", "approver", "recipient")
    reviewing = (*everything, "reviewer")
    broker = plan.state.parent
    return (
        Person("the operator", OPERATOR, broker, ("operator", "steward")),
        Person("child welfare's person", WELFARE, plan.welfare.folder, reviewing),
        Person("K-12's person", SCHOOLS, plan.schools.folder, everything),
        Person("the auditor", AUDITOR, plan.bundle.parent, ("auditor", "steward")),
    )


def enrol_persons(commands: Commands, plan: Rehearsal) -> None:
    """Give every person keys of their own, made known by a code and confirmed by their fingerprint."""
    broker, ca_file = plan.state.parent, plan.ca_file
    for person in persons_of(plan):
        duties = [word for duty in person.duties for word in ("--duty", duty)]
        commands.run(
            f"invite {person.name}", broker,
            *_BROKER, "person", "invite", person.party, *duties, to=f"{person.party}.code",
        )  # fmt: skip
        commands.run(
            f"make the keys of {person.name}", person.folder,
            "blindlink", "identity", "new", person.party, *duties, "--key-file", KEY_FILE,
        )  # fmt: skip
        enrolled = commands.run(
            "make them known", person.folder,
            "blindlink", "identity", "enrol", "--broker", plan.url, "--ca-file", ca_file,
            "--code-file", broker / f"{person.party}.code", "--out", person.identity,
        )  # fmt: skip
        identity, fingerprint = _heard(enrolled.output)
        commands.run(
            f"compare the fingerprint of {person.name}", broker,
            *_BROKER, "person", "confirm", identity, "--fingerprint", fingerprint,
        )  # fmt: skip


def agree(commands: Commands, plan: Rehearsal, sizes: Sizes) -> None:
    """Draft the agreement, have every party sign it, and approve runs in advance."""
    persons = persons_of(plan)
    operator, drafter, other, auditor = persons
    answers = plan.welfare.folder / "answers.toml"
    write_durably(answers, _answers(plan, persons, sizes).encode("utf-8"))
    draft = f"{PROJECT}.agreement-1.json"
    drafted = commands.run(
        "draft the agreement", drafter.folder,
        "blindlink", "agreement", "draft", "--from", answers.name, "-o", draft,
    )  # fmt: skip
    fingerprint = "".join(drafted.output.split())
    commands.run(
        "print it for counsel", drafter.folder,
        "blindlink", "agreement", "show", draft, "--html", "agreement.html",
    )  # fmt: skip
    today = datetime.now(UTC).date().isoformat()
    for person, source in ((drafter, (draft,)), (other, ()), (auditor, ()), (operator, ())):
        commands.run(
            f"sign for {person.party}", person.folder,
            "blindlink", "agreement", "sign", *source, *_seat(plan), "--fingerprint", fingerprint,
            "--keys-compared", *COUNSEL, "--counsel-date", today,
        )  # fmt: skip
    for person in (drafter, other):
        commands.run(
            f"approve runs in advance for {person.party}", person.folder,
            "blindlink", "approve", "standing", "--until", _days(30), "--runs", RUNS, "--yes",
            *_seat(plan),
        )  # fmt: skip


def _seat(plan: Rehearsal) -> tuple[str | Path, ...]:
    return (
        *("--project", PROJECT, "--broker", plan.url, "--ca-file", plan.ca_file),
        *("--key-file", KEY_FILE),
    )


def _heard(shown: str) -> tuple[str, str]:
    """Return id and fingerprint as the person reads them to the operator."""
    identity = re.search(r"per-[0-9a-f]{32}", shown)
    groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
    if identity is None or groups is None:
        raise DemoError("enrolling did not show a fingerprint")
    return identity.group(), " ".join(groups.group().split())


def _days(number: int) -> str:
    return (datetime.now(UTC).date() + timedelta(number)).isoformat()


def _answers(plan: Rehearsal, persons: tuple[Person, ...], sizes: Sizes) -> str:
    identities = {
        person.party: Path(os.path.relpath(person.folder / person.identity, plan.welfare.folder))
        for person in persons
    }
    return ANSWERS.format(
        project=PROJECT,
        population=POPULATION,
        shared=_elements(SHARED_COLUMNS, "shared"),
        shown=_elements(SHOWN_COLUMNS, "shown"),
        welfare=WELFARE,
        schools=SCHOOLS,
        operator=OPERATOR,
        auditor=AUDITOR,
        welfare_identity=identities[WELFARE].as_posix(),
        schools_identity=identities[SCHOOLS].as_posix(),
        operator_identity=identities[OPERATOR].as_posix(),
        auditor_identity=identities[AUDITOR].as_posix(),
        start=_days(0),
        end=_days(30),
        destroy_by=_days(60),
        # Some people have several rows and some none; the agreement must not stand in the way of a rehearsal.
        most_children=2 * sizes.children,
        most_students=2 * sizes.children + sizes.students + 1,
    )


def _elements(columns: Iterable[str], use: str) -> str:
    return "\n".join(ELEMENT.format(party=SCHOOLS, column=column, use=use) for column in columns)


ELEMENT: Final = """\
[[elements]]
party = "{party}"
name = "{column}"
use = "{use}"
"""
ANSWERS: Final = """\
# Answers to the questions that `blindlink agreement draft` asks; docs/agreement.md explains each.
project = "{project}"
profile = "children"
start = {start}
end = {end}

[purpose]
code = "school-stability"
statement = "A rehearsal with invented people: which pupils are in foster care?"

[[parties]]
name = "{welfare}"
kind = "agency"
title = "County Child Welfare"
capacity = "holds the case records of children in foster care"
contact = "Nobody, this is a rehearsal"
identities = ["{welfare_identity}"]

[[parties]]
name = "{schools}"
kind = "agency"
title = "State Education Agency"
capacity = "holds the education records of all pupils"
contact = "Nobody, this is a rehearsal"
identities = ["{schools_identity}"]

[[parties]]
name = "{operator}"
kind = "operator"
title = "State Data Center"
capacity = "authorised representative of both agencies"
contact = "Nobody, this is a rehearsal"
identities = ["{operator_identity}"]

[[parties]]
name = "{auditor}"
kind = "auditor"
title = "State Auditor"
capacity = "reviews the linkage"
contact = "Nobody, this is a rehearsal"
identities = ["{auditor_identity}"]

[[directions]]
giver = "{welfare}"
receiver = "{operator}"
basis = "other"
citation = "Example Code 12.3, foster care data"

[[directions]]
giver = "{welfare}"
receiver = "{schools}"
basis = "other"
citation = "Example Code 12.4, school stability"

[[directions]]
giver = "{schools}"
receiver = "{welfare}"
basis = "ferpa-child-welfare"

[[directions]]
giver = "{schools}"
receiver = "{operator}"
basis = "ferpa-audit-evaluation"

[population]
code = "{population}"
definition = "Children of school age: placed away from home, and enrolled in a public school."
as_of = "The day of the upload."

{shared}
{shown}
[policy]
review = "0.005"

# Pairs of which a run is not sure are decided by people of child welfare, who see those columns of K-12.
[review]
reviewer = "{welfare}"

[[recipients]]
party = "{welfare}"
space = "pupils-in-care"

[[recipients]]
party = "{schools}"
space = "pupils-in-care"

[approvals]
runs = "standing"

[limits]
files = [
    {{ party = "{welfare}", least = 1, most = {most_children} }},
    {{ party = "{schools}", least = 1, most = {most_students} }},
]

[retention]
keep_encodings_days = 30
keep_links_days = 30
destroy_by = {destroy_by}

[breach]
hours = 24
instruction = "None: these people are invented."
"""
