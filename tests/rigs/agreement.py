"""Persons of two agencies and of the operator at a real broker, who agree, approve and link by typed commands.

The broker's application runs in the test's own process; what passes between, a courier may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from rigs.desk import NOW, Desk
from rigs.near_broker import (
    ADDRESS,
    ROWS,
    SETTINGS,
    NearBroker,
    answer_with,
    near_broker,
    small_profile,
)
from rigs.persons import lay_down_keys

from app.agreements.negotiation import open_project
from app.broker import Broker
from encoding.people.identity import Identity
from encoding.secret.secret import new_secret
from schemas.signing.identity import Duty

PROJECT: Final = "foster-k12"
PERSONS: Final[dict[str, tuple[str, tuple[Duty, ...]]]] = {
    "ann": ("welfare", ("approver", "steward")),
    "bob": ("welfare", ("analyst", "recipient")),
    "kim": ("schools", ("analyst", "approver", "recipient", "steward")),
    "eve": ("operator", ("operator", "steward")),
}
COUNSEL: Final = (
    *("--counsel-name", "Dana Cole"),
    *("--counsel-title", "General counsel"),
    *("--counsel-date", "2026-11-19"),
)

ANSWERS: Final = """
project = "foster-k12"
profile = "profile.json"
start = 2026-11-01
end = 2027-08-31

[purpose]
code = "education-stability"
statement = "Know each week which pupils are in foster care."

[[parties]]
name = "welfare"
kind = "agency"
title = "Department of Children and Families"
capacity = "holds the case records"
contact = "Duty officer, 555-0101"
identities = ["ann.json", "bob.json"]

[[parties]]
name = "schools"
kind = "agency"
title = "Department of Education"
capacity = "holds the education records of all pupils"
contact = "Duty officer, 555-0100"
identities = ["kim.json"]

[[parties]]
name = "operator"
kind = "operator"
title = "State Data Center"
capacity = "authorised representative of both agencies"
contact = "Duty officer, 555-0102"
identities = ["eve.json"]

[[directions]]
giver = "schools"
receiver = "operator"
basis = "ferpa-audit-evaluation"

[[directions]]
giver = "schools"
receiver = "welfare"
basis = "ferpa-child-welfare"

[[directions]]
giver = "welfare"
receiver = "operator"
basis = "other"
citation = "Example Code 12.3"

[[directions]]
giver = "welfare"
receiver = "schools"
basis = "other"
citation = "Example Code 12.4"

[policy]

[population]
code = "in-care"
definition = "Children placed away from home by court order."
as_of = "The day before the upload."

[[recipients]]
party = "welfare"
space = "shared"

[[recipients]]
party = "schools"
space = "shared"

[limits]
floor = 1
budget = { rounds = 12, days = 30 }

[[limits.files]]
party = "schools"
least = 1
most = 2000

[[limits.files]]
party = "welfare"
least = 1
most = 1000

[schedule]
frequency = "on-request"
round_days = 1

[approvals]
runs = "standing"

[retention]
keep_encodings_days = 30
keep_links_days = 400
destroy_by = 2028-08-31

[breach]
hours = 24
instruction = "Suspend the linkage and call the contacts."
"""

Change = Callable[[Any], Any]


@dataclass
class AgreementRig:
    """The broker, and a desk for each person, by name."""

    near: NearBroker
    persons: dict[str, tuple[str, tuple[Duty, ...]]] = field(default_factory=lambda: dict(PERSONS))

    @property
    def broker(self) -> Broker:
        return self.near.broker

    @property
    def people(self) -> dict[str, Identity]:
        return self.near.people

    @property
    def desks(self) -> dict[str, Desk]:
        return self.near.desks

    def set_up(self) -> None:
        """Enrol everyone, open the project, and lay the answers for an agreement on ann's desk."""
        secret = new_secret()
        for party in self.parties():
            self.near.enrol(party)
        for name, (party, duties) in self.persons.items():
            folder = self.near.folder / name
            folder.mkdir()
            desk = Desk(folder, self.near, party)
            if party in ROWS:
                rows = folder / "people.csv"
                rows.write_text(ROWS[party], "utf-8")
                desk.set_up(rows, secret, **SETTINGS, project={"name": PROJECT})
            self.people[name] = self.near.person(party, *duties)
            lay_down_keys(folder, self.people[name])
            self.desks[name] = desk
        with self.broker.database.write() as session:
            open_project(
                session,
                self.broker.log,
                project=PROJECT,
                parties=self.parties(),
                actor=self.near.operator,
                now=NOW,
            )
        ann = self.desks["ann"].folder
        for name, desk in self.desks.items():
            shown = desk.ok(
                "people", "me", "--json", "--identity", str(desk.folder / "identity.txt")
            )
            (ann / f"{name}.json").write_text(shown.stdout, "utf-8")
        (ann / "profile.json").write_bytes(small_profile().to_canonical())
        (ann / "answers.toml").write_text(ANSWERS, "utf-8")

    def parties(self) -> tuple[str, ...]:
        """Return all parties but the operator, in order."""
        return tuple(sorted({party for party, _ in self.persons.values()} - {"operator"}))

    def unlocked(self, name: str) -> tuple[str, ...]:
        """What a person who has no settings adds to a command."""
        if self.persons[name][0] in ROWS:
            return ()
        folder = self.desks[name].folder
        return (
            *("--broker", ADDRESS, "--project", PROJECT),
            *("--key-file", str(folder / "identity.key")),
        )

    def draft(self, name: str = "first.json", *words: str) -> str:
        """Let ann draft an agreement; returns its fingerprint."""
        path = str(self.desks["ann"].folder / name)
        answers = str(self.desks["ann"].folder / "answers.toml")
        chosen = words or ("--from", answers)
        made = self.desks["ann"].ok("agreement", "draft", *chosen, "-o", path)
        return made.stdout.strip()

    def sign(self, name: str, fingerprint: str, *source: str) -> Any:
        """Let a person sign what waits, unattended."""
        return self.desks[name].type(
            *("agreement", "sign", *source, "--fingerprint", fingerprint, "--keys-compared"),
            *COUNSEL,
            *self.unlocked(name),
        )

    def agree(self) -> str:
        """Draft, send, and let everyone sign; returns the fingerprint."""
        fingerprint = self.draft()
        path = str(self.desks["ann"].folder / "first.json")
        for name, source in (("ann", (path,)), ("kim", ()), ("eve", ())):
            signed = self.sign(name, fingerprint, *source)
            assert signed.exit_code == 0, signed.output
        self.compare()
        return fingerprint

    def compare(self) -> None:
        """Have the two analysts compare their fingerprints."""
        for name, other in (("bob", "kim"), ("kim", "bob")):
            person = self.people[other].public
            words = person.fingerprint().split()
            self.desks[name].ok("people", "trust", person.party, *words, "--also")

    def get_ready(self) -> None:
        """Let both analysts put nonces into the log, so that a round can begin."""
        for name in ("bob", "kim"):
            self.desks[name].ok("round", "--ready")

    def upload(self) -> None:
        """Let both analysts encode and upload; the run is asked for with kim's upload."""
        self.get_ready()
        for name in ("bob", "kim"):
            self.desks[name].ok("encode")
            self.desks[name].ok("upload")

    def run(self) -> str:
        """Return the only run of the newest round, as bob is shown it."""
        (run,) = self.desks["bob"].json("round", "--runs")["runs"]
        return str(run["run"])

    def approve(self) -> str:
        """Let an approver of each agency approve the run that waits, and a worker do it; returns the run."""
        run = self.run()
        for name in ("ann", "kim"):
            self.desks[name].ok("approve", run, "--yes")
        self.work()
        return run

    def agree_on_links(self) -> None:
        """Let both analysts fetch, send claims, and write link IDs; kim's claims close the round."""
        waited = self.desks["bob"].type("links")
        assert waited.exit_code == 7, waited.output
        for name in ("kim", "bob"):
            self.desks[name].ok("links")

    def link(self) -> str:
        """Do a whole round; returns its run."""
        self.upload()
        run = self.approve()
        self.agree_on_links()
        return run

    def work(self) -> None:
        """Let the broker's worker do what waits."""
        self.near.work()

    def pass_time(self, **time: float) -> None:
        """Move every clock."""
        self.near.move(**time)

    def meddle(self, path: str, change: Change) -> None:
        """Have the courier change what the broker answers where a request's path ends or begins like this."""

        def changed(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            asked = request.url.path.removeprefix("/v1/")
            if not (asked.endswith(path) or asked.startswith(path)) or response.is_error:
                return response
            return answer_with(response, change(json.loads(response.read())))

        self.near.courier.after = changed

    def behave(self) -> None:
        """Have the courier change nothing any more."""
        self.near.courier.after = lambda _, response: response


@contextmanager
def agreement_rig(folder: Path, **more: tuple[str, tuple[Duty, ...]]) -> Iterator[AgreementRig]:
    """Give a broker with an opened project, and everyone at their desks, until the block ends.

    Args:
        more: further persons by name, with their party and duties.
    """
    with near_broker(folder) as near:
        rig = AgreementRig(near)
        rig.persons |= more
        rig.set_up()
        yield rig
