"""Persons of two agencies and of the operator at a real broker, who agree, approve and link by typed commands.

The broker's application runs in the test's own process; what passes between, a courier may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
from oracles.desk import NOW, Desk
from oracles.persons import enrol_keys, lay_down_keys
from oracles.share_rig import ADDRESS, ROWS, Courier, answer_with, collected_logs, small_profile
from services.migrated import lay_tables
from starlette.testclient import TestClient

from app.agencies.service import enrol_party
from app.agreements.negotiating import open_project
from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.main import create_app
from app.security.actor import Actor
from app.settings import Settings
from app.worker.loop import Worker
from encoding.identity import Identity, new_identity
from encoding.secret import new_secret
from schemas.identity import Duty

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
min_records = 1
floor = 1
budget = { runs = 6, days = 30 }

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
    """The broker, the courier, and a desk for each person, by name."""

    broker: Broker
    operator: Actor
    courier: Courier
    folder: Path
    clock: list[datetime]
    persons: dict[str, tuple[str, tuple[Duty, ...]]] = field(default_factory=lambda: dict(PERSONS))
    people: dict[str, Identity] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)

    def set_up(self) -> None:
        """Enrol everyone, open the project, and lay the answers for an agreement on ann's desk."""
        secret = new_secret()
        with self.broker.database.write() as session:
            for party in self.parties():
                enrol_party(
                    session,
                    self.broker.log,
                    name=party,
                    title=party,
                    role="agency",
                    actor=self.operator,
                    now=NOW,
                )
        for name, (party, duties) in self.persons.items():
            identity = new_identity(party, duties, NOW)
            enrol_keys(self.broker, self.operator, identity, NOW)
            desk = Desk(self.folder / name, self.courier, party)  # type: ignore[arg-type]
            desk.folder.mkdir()
            if party in ROWS:
                rows = desk.folder / "people.csv"
                rows.write_text(ROWS[party], "utf-8")
                desk.set_up(
                    rows,
                    secret,
                    broker={"url": ADDRESS, "token_file": None},
                    identity={"file": "identity.txt", "key_file": "identity.key"},
                    project={"name": PROJECT, "insecure_unsigned_terms": False},
                )
            lay_down_keys(desk.folder, identity)
            self.people[name], self.desks[name] = identity, desk
        with self.broker.database.write() as session:
            open_project(
                session,
                self.broker.log,
                project=PROJECT,
                parties=self.parties(),
                actor=self.operator,
                now=NOW,
            )
        ann = self.desks["ann"].folder
        for name, desk in self.desks.items():
            shown = desk.ok(
                "identity", "show", "--json", "--file", str(desk.folder / "identity.txt")
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
        return fingerprint

    def upload(self) -> None:
        """Let both analysts encode and upload."""
        for name in ("bob", "kim"):
            self.desks[name].ok("encode")
            self.desks[name].ok("upload")

    def work(self) -> None:
        """Let the broker's worker do what waits."""
        Worker(self.broker).work(until_idle=True)

    def pass_time(self, **time: float) -> None:
        """Move every clock."""
        self.clock[0] += timedelta(**time)
        for desk in self.desks.values():
            desk.now = self.clock[0]

    def meddle(self, path: str, change: Change) -> None:
        """Have the courier change what the broker answers where a request's path ends or begins like this."""

        def changed(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            asked = request.url.path.removeprefix("/v1/")
            if not (asked.endswith(path) or asked.startswith(path)) or response.is_error:
                return response
            return answer_with(response, change(json.loads(response.read())))

        self.courier.meddle = changed

    def behave(self) -> None:
        """Have the courier change nothing any more."""
        self.courier.meddle = lambda _, response: response


@contextmanager
def agreement_rig(folder: Path, **more: tuple[str, tuple[Duty, ...]]) -> Iterator[AgreementRig]:
    """Give a broker with an opened project, and everyone at their desks, until the block ends.

    Args:
        more: further persons by name, with their party and duties.
    """
    settings = Settings(
        state_dir=folder / "state",
        public_url=ADDRESS,
        insecure_bearer_tokens=False,
        reads_per_minute=10**6,
        writes_per_minute=10**6,
        parts_per_minute=10**6,
        sign_ins_per_minute=10**6,
        disk_reserve_percent=0,
    )
    clock = [NOW]
    with collected_logs():
        lay_tables(settings)
        operator = found_broker(
            settings, origin="broker.test/log", title="Operator", clock=lambda: clock[0]
        )
        broker = open_broker(settings, clock=lambda: clock[0])
        with TestClient(
            create_app(broker), base_url=ADDRESS, raise_server_exceptions=False
        ) as client:
            rig = AgreementRig(broker, operator, Courier(client._transport), folder, clock)
            rig.persons |= more
            rig.set_up()
            yield rig
        broker.close()
