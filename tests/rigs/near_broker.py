"""A broker that is really there, in the test's own process, with agencies whose persons type at desks.

What the agencies ask and get passes a courier, who may answer in the broker's place, or meddle.
"""

from __future__ import annotations

import io
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import structlog
from breaks.false_log import Log
from rigs.agreed import OPERATOR, bind, join_roster
from rigs.desk import NOW, Desk
from rigs.enrolled import log_entries, revoke
from rigs.persons import enrol_agencies, enrolled_person, lay_down_keys
from samples.agreed import agreement_of, usual_clauses
from services.in_line import InLineTransport
from services.migrated import lay_tables

from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.logs import configure_logs
from app.main import create_app
from app.security.actor import Actor
from app.security.log_key import read_log_key
from app.settings import Settings
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper
from encoding.people.identity import Identity
from encoding.profiles.catalog import shipped_profile
from encoding.secret.secret import Secret
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.clauses import FileSize
from schemas.documents.document import Document
from schemas.documents.problem import MEDIA_TYPE, TYPE_PREFIX, Problem
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import IdSpace, LinkRate, MatchingPolicy, Recipient
from schemas.signing.identity import Duty

PROJECT = "foster-pupils"
PARTIES = ("schools", "welfare")
ADDRESS = "https://broker.test"
EVERY_DUTY: tuple[Duty, ...] = ("analyst", "approver", "recipient", "steward")
POLICY = MatchingPolicy(
    auto="0.9",
    review="0.05",
    lead=10,
    # In a file of four the least number of twins that can be stated is far too many.
    twin_guard=False,
    prior_matches="0.5",
    link_rate=LinkRate(least="0", most="1"),
)
ROWS = {
    "welfare": "ID,first,last,born\n7,Ana,Ortiz,2011-04-09\n8,Bo,Nguyen,2012-05-01\n9,Dee,Lee,2015-01-15\n",
    "schools": "ID,first,last,born\np1,Ana,Ortiz,2011-04-09\np2,Zoe,Zinn,2010-10-10\np4,Dee,Lee,2015-01-15\n",
}
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "columns": {"first_name": "first", "last_name": "last", "birth_date": "born"},
    "identity": {"file": "identity.txt", "key_file": "identity.key"},
}
# Of four records three are linked, which this does not allow.
HIGH_RATE: Final = POLICY.model_copy(update={"link_rate": LinkRate(least="0.9", most="1")})

Before = Callable[[httpx2.Request], httpx2.Response | None]
After = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]


def small_profile(**changes: Any) -> EncodingProfile:
    """Return the shipped profile of children without ZIP codes; the files of these tests have no sex either."""
    plain = {"either": None} | changes
    return shipped_profile("children", zip_code=False).model_copy(update=plain)


def small_terms(profile: EncodingProfile, **changes: Any) -> ProjectTerms:
    """Return terms of two agencies that share one link-ID set; the schools' file is the larger one."""
    given: dict[str, Any] = {
        "project": PROJECT,
        "purpose": "education-stability",
        "providers": PARTIES,
        "recipients": tuple(
            Recipient(party=party, mode="linked", space="shared") for party in PARTIES
        ),
        "spaces": (IdSpace(name="shared", lifetime="lasting"),),
        "profile": profile.digest(),
        "policy": POLICY,
        "population": "in-care",
        "floor": 1,
        "start": "2026-01-01",
        "end": "2027-12-31",
        "frequency": "weekly",
        "round_days": 3,
    } | changes
    given.setdefault(
        "files",
        tuple(
            FileSize(party=party, least=1, most=2000 if party == "schools" else 1000)
            for party in given["providers"]
        ),
    )
    return ProjectTerms(**usual_clauses(given["providers"][0]) | given)


class Courier(httpx2.BaseTransport):
    """Carries requests to the application.

    `before` sees every request and may answer it itself; `after` sees request and answer, and may change or
    lose it. `seen` keeps all that passed, `requests` methods and paths.
    """

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self.inner = inner
        self.before: Before = lambda _: None
        self.after: After = lambda _, response: response
        self.seen: list[bytes] = []
        self.requests: list[tuple[str, str]] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append((request.method, request.url.path))
        self.seen += [str(request.url).encode(), request.read()]
        response = self.before(request)
        if response is None:
            response = self.inner.handle_request(request)
            response.read()
            response = self.after(request, response)
        self.seen.append(response.read())
        # A client reads the answer as it came from the wire, once.
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx2.ByteStream(response.content),
        )

    def close(self) -> None:
        """Stay open: each command closes its client."""


@dataclass
class NearBroker:
    """The broker and, by party, desks and who sits there; `logs` is what the broker wrote for its operator."""

    broker: Broker
    operator: Actor
    courier: Courier
    folder: Path
    logs: io.StringIO
    now: datetime = NOW
    desks: dict[str, Desk] = field(default_factory=dict)
    people: dict[str, Identity] = field(default_factory=dict)

    def open(self) -> None:
        """Open the broker anew, once it is closed, and serve it."""
        self.broker = open_broker(self.broker.settings, clock=self.broker.machine_clock)
        self.courier.inner.app = create_app(self.broker)  # type: ignore[attr-defined]

    def move(self, **time: float) -> None:
        """Move everybody's clock."""
        self.now += timedelta(**time)
        for desk in self.desks.values():
            desk.now = self.now

    def work(self) -> None:
        """Let a worker do all that waits."""
        Worker(self.broker).work(until_idle=True)

    def sweep(self) -> None:
        """Do what is due by the clock, as a worker does between jobs."""
        Sweeper(self.broker).sweep()

    def rewrite_log(self) -> None:
        """From now on show another match log than before, under the same key."""
        false = Log(signer=read_log_key(self.broker.settings.log_key_file))
        false.entries = [f"another past {number}".encode() for number in range(500)]

        def lie(request: httpx2.Request) -> httpx2.Response | None:
            if request.url.path != "/v1/log/checkpoint":
                return None
            return document(false.show(int(request.url.params["old"])))

        self.courier.before = lie

    def log_entries(self) -> list[dict[str, Any]]:
        """Return all entries of the match log, in order."""
        return log_entries(self)

    def log_kinds(self) -> list[str]:
        """Return the kinds of all entries of the match log, in order."""
        return [entry["kind"] for entry in self.log_entries()]

    def enrol(self, party: str) -> None:
        """Enrol a party."""
        enrol_agencies(self.broker, self.operator, party, now=self.now)

    def seated(self, party: str) -> Identity:
        """Return the person who acts for an enrolled party, new on first use."""
        if party not in self.people:
            self.people[party] = self.person(party)
        return self.people[party]

    def person(self, party: str, *duties: Duty) -> Identity:
        """Return a new person of an enrolled party, confirmed."""
        return enrolled_person(self.broker, self.operator, party, *duties or EVERY_DUTY)

    def joining(self, party: str, *duties: Duty) -> Identity:
        """Return a new person whom the party's steward has put on its list of authorized users."""
        person = self.person(party, *duties)
        join_roster(self.broker, PROJECT, person.public, self.people[party])
        return person

    def revoke(self, party: str) -> None:
        """Revoke the person at a party's desk."""
        revoke(self, self.people[party].public.person)

    def desk(
        self,
        party: str,
        folder: Path,
        file: Path,
        secret: Secret | None = None,
        **settings: dict[str, Any],
    ) -> Desk:
        """Set up a desk at which the person of an enrolled party signs in by a key file."""
        desk = Desk(folder, self, party, now=self.now)
        desk.set_up(file, secret, **(SETTINGS | settings))
        lay_down_keys(folder, self.seated(party))
        self.desks[party] = desk
        return desk

    def seat_like(self, other: NearBroker) -> None:
        """Copy the desks of another broker, each into a folder named for its party."""
        self.now = other.now
        self.people |= other.people
        for party, desk in other.desks.items():
            folder = self.folder.parent / party
            shutil.copytree(desk.folder, folder)
            self.desks[party] = Desk(folder, self, party, now=self.now, own=desk.own)

    def add(self, party: str, file: str | None = None) -> Desk:
        """Enrol a party with one person, who has a desk and a file of people."""
        self.enrol(party)
        folder = self.folder / party
        folder.mkdir()
        rows = folder / "people.csv"
        rows.write_text(file or ROWS[party], "utf-8")
        return self.desk(party, folder, rows)

    def compare(self) -> None:
        """Have every two of the agencies compare their fingerprints; the keys come from the broker."""
        for desk in self.desks.values():
            for party, person in self.people.items():
                if party != desk.party:
                    fingerprint = person.public.fingerprint().split()
                    desk.ok("people", "trust", party, *fingerprint)

    def agree(self, *begin: str) -> None:
        """Agree on a secret, from shares to confirmations that all have seen."""
        for words in (("share", *begin), ("accept",), ("accept",)):
            for desk in self.desks.values():
                desk.ok("secret", *words)

    def secret_status(self, party: str) -> Mapping[str, Any]:
        """Return what an agency knows of its secret."""
        found: Mapping[str, Any] = self.desks[party].json("secret", "status")
        return found

    def add_project(
        self,
        profile: EncodingProfile | None = None,
        *,
        clauses: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Agreement:
        """Let parties that are there sign the agreement of a project; `clauses` are what no terms say."""
        profile = profile or small_profile()
        terms = small_terms(profile, **changes)
        named = {*terms.providers, *(one.party for one in terms.recipients)}
        people = [self.seated(party) for party in sorted(named)]
        people.append(self.person(OPERATOR, "operator", "steward"))
        said = {"log": self.broker.log.key.name, **(clauses or {})}
        if profile.number_kind is not None:
            kind = str(profile.number_kind)
            listed = {"party": terms.providers[0], "name": kind.replace("-", "_"), "use": "encoded"}
            number = {"kind": kind, "basis": "court-order", "citation": "In re Example, 2026"}
            said |= {"known_number": number, "elements": [listed]}
        agreement = agreement_of(terms, [one.public for one in people], **said)
        bind(self.broker, self.operator, agreement, profile, people)
        return agreement


@contextmanager
def collected_logs() -> Iterator[io.StringIO]:
    """Give what is logged until the block ends, the standard output being that of commands."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logs(stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        root.handlers, root.level = handlers, level


@contextmanager
def near_broker(
    folder: Path, *, like: NearBroker | None = None, **settings: Any
) -> Iterator[NearBroker]:
    """Found a broker without parties, or copy one that has ended with all desks; serve it until the block ends.

    A copied desk is in a folder named for its party; its settings name the file of people of the one before.
    """
    given: dict[str, Any] = {
        "state_dir": folder / "state",
        "public_url": ADDRESS,
        "reads_per_minute": 10**6,
        "writes_per_minute": 10**6,
        "parts_per_minute": 10**6,
        "sign_ins_per_minute": 10**6,
        "disk_reserve_percent": 0,
    }
    chosen = Settings(**given | settings)
    made: list[NearBroker] = []

    def clock() -> datetime:
        return made[0].now if made else NOW

    with collected_logs() as logs:
        if like is None:
            lay_tables(chosen)
            operator = found_broker(chosen, origin="broker.test/log", title="Operator", clock=clock)
        else:
            shutil.copytree(like.folder / "state", folder / "state")
            operator = replace(like.operator, clock=clock)
        broker = open_broker(chosen, clock=clock)
        courier = Courier(InLineTransport(create_app(broker)))
        near = NearBroker(broker, operator, courier, folder, logs)
        made.append(near)
        if like is not None:
            near.seat_like(like)
        yield near
        near.broker.close()


@contextmanager
def two_agencies(folder: Path) -> Iterator[NearBroker]:
    """Give a broker with two agencies at their desks and a project, but no secret yet, until the block ends."""
    with near_broker(folder) as near:
        for party in PARTIES:
            near.add(party)
        near.add_project()
        yield near


def document(answer: Document, status: int = 200) -> httpx2.Response:
    """Return an answer of the broker's."""
    return httpx2.Response(status, content=answer.to_canonical())


def problem(status: int, code: str, **fields: Any) -> httpx2.Response:
    """Return a refusal of the broker's."""
    body = Problem(
        type=f"{TYPE_PREFIX}{code}",
        title="Refused",
        status=status,
        request=f"req-{secrets.token_hex(16)}",
        **fields,
    )
    return httpx2.Response(
        status, content=body.to_canonical(), headers={"Content-Type": MEDIA_TYPE}
    )


def answer_with(response: httpx2.Response, changed: Any) -> httpx2.Response:
    """Return the answer with another body."""
    return httpx2.Response(response.status_code, json=changed)
