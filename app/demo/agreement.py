"""How the parties of a demo come to an agreement that all have signed: persons, keys, answers, signatures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from app.demo.commands import Commands, DemoError
from app.demo.plan import (
    AUDITOR,
    KEY_FILE,
    OPERATOR,
    OPERATOR_TITLE,
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


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a demo who acts for a party, with the folder in which they work."""

    label: str
    party: str
    title: str
    role: str
    folder: Path
    duties: tuple[str, ...]

    @property
    def invitation(self) -> str:
        """The name of the file that invites them."""
        return f"{self.party}-{self.label.lower()}.invitation"


def persons_of(plan: Rehearsal) -> tuple[Person, ...]:
    """Return who takes part; in a rehearsal one person does all that an agency's persons do."""
    everything = ("steward", "analyst", "approver", "recipient")
    welfare, schools = plan.welfare.folder, plan.schools.folder
    return (
        Person("Eve", OPERATOR, OPERATOR_TITLE, "operator", plan.broker, ("operator", "steward")),
        Person(
            "Ann", WELFARE, "County Child Welfare", "agency", welfare, (*everything, "reviewer")
        ),
        Person("Bob", SCHOOLS, "State Education Agency", "agency", schools, everything),
        Person("Ida", AUDITOR, "State Auditor", "auditor", plan.auditor, ("auditor", "steward")),
    )


def write_parties(plan: Rehearsal) -> str:
    """Write down who takes part, for `blindlink-broker open`; return the file's name in the broker's folder."""
    text = PARTIES.format(project=PROJECT) + "".join(
        PARTY.format(
            party=person.party, title=person.title, role=person.role, label=person.label,
            duties=json.dumps(person.duties),
        )
        for person in persons_of(plan)
    )  # fmt: skip
    write_durably(plan.broker / "parties.toml", text.encode("utf-8"))
    return "parties.toml"


def enrol_persons(commands: Commands, plan: Rehearsal) -> None:
    """Give every person keys of their own, made from an invitation, and confirmed by their fingerprint."""
    persons = persons_of(plan)
    heard: dict[str, tuple[str, str]] = {}

    def begin(person: Person, lane: Commands) -> None:
        started = lane.run(
            f"{person.label}: make the keys of {person.party}", person.folder,
            "blindlink", "start", plan.broker / "invitations" / person.invitation,
            "--key-file", KEY_FILE,
        )  # fmt: skip
        heard[person.party] = _heard(started.output)

    commands.at_once(*(partial(begin, person) for person in persons))
    told = [heard[person.party] for person in persons]
    commands.run(
        "Eve: compare the fingerprint that each has read to her", plan.broker,
        "blindlink-broker", "--state", "state", "person", "confirm",
        *(identity for identity, _ in told),
        *(word for _, fingerprint in told for word in ("--fingerprint", fingerprint)),
    )  # fmt: skip


def agree(commands: Commands, plan: Rehearsal, sizes: Sizes) -> None:
    """Draft the agreement, have every party sign it, and approve runs in advance."""
    operator, drafter, other, auditor = persons_of(plan)
    answers = drafter.folder / "answers.toml"
    write_durably(answers, _answers(sizes).encode("utf-8"))
    draft = f"{PROJECT}.agreement-1.json"
    drafted = commands.run(
        "Ann: draft the agreement, and print it for counsel", drafter.folder,
        "blindlink", "agreement", "draft", "--from", answers.name, "-o", draft, "--html", "agreement.html",
    )  # fmt: skip
    fingerprint = "".join(drafted.output.split())
    today = datetime.now(UTC).date().isoformat()

    def sign(person: Person, source: tuple[str, ...], lane: Commands) -> None:
        lane.run(
            f"{person.label}: sign for {person.party}", person.folder,
            "blindlink", "agreement", "sign", *source, "--fingerprint", fingerprint, "--keys-compared",
            *COUNSEL, "--counsel-date", today,
        )  # fmt: skip

    def approve(person: Person, lane: Commands) -> None:
        lane.run(
            f"{person.label}: approve runs in advance for {person.party}", person.folder,
            "blindlink", "approve", "standing", "--until", _days(30), "--runs", RUNS, "--yes",
        )  # fmt: skip

    sign(drafter, (draft,), commands)
    commands.at_once(*(partial(sign, one, ()) for one in (other, auditor, operator)))
    commands.at_once(*(partial(approve, one) for one in (drafter, other)))


def _heard(shown: str) -> tuple[str, str]:
    """Return id and fingerprint as the person reads them to the operator."""
    identity = re.search(r"per-[0-9a-f]{32}", shown)
    groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
    if identity is None or groups is None:
        raise DemoError("enrolling did not show a fingerprint")
    return identity.group(), " ".join(groups.group().split())


def _days(number: int) -> str:
    return (datetime.now(UTC).date() + timedelta(number)).isoformat()


def _answers(sizes: Sizes) -> str:
    return ANSWERS.format(
        project=PROJECT,
        population=POPULATION,
        shared=_elements(SHARED_COLUMNS, "shared"),
        counted=_elements(SHARED_COLUMNS, "counted"),
        shown=_elements(SHOWN_COLUMNS, "shown"),
        welfare=WELFARE,
        schools=SCHOOLS,
        operator=OPERATOR,
        auditor=AUDITOR,
        start=_days(0),
        end=_days(30),
        destroy_by=_days(60),
        # Some people have several rows and some none; the agreement must not stand in the way of a rehearsal.
        most_children=2 * sizes.children,
        most_students=2 * sizes.children + sizes.students + 1,
    )


def _elements(columns: Iterable[str], use: str) -> str:
    return "\n".join(ELEMENT.format(party=SCHOOLS, column=column, use=use) for column in columns)


PARTIES: Final = """\
# Who takes part in the linkage; `blindlink-broker open --template` explains it.
project = "{project}"
"""
PARTY: Final = """
[[parties]]
name = "{party}"
title = "{title}"
role = "{role}"

[[parties.people]]
label = "{label}"
duties = {duties}
"""
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

[[parties]]
name = "{schools}"
kind = "agency"
title = "State Education Agency"
capacity = "holds the education records of all pupils"
contact = "Nobody, this is a rehearsal"

[[parties]]
name = "{operator}"
kind = "operator"
title = "State Data Center"
capacity = "authorised representative of both agencies"
contact = "Nobody, this is a rehearsal"

[[parties]]
name = "{auditor}"
kind = "auditor"
title = "State Auditor"
capacity = "reviews the linkage"
contact = "Nobody, this is a rehearsal"

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
{counted}
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
