"""Two agencies with persons of their own at a broker that is really there, and a courier who may meddle.

The broker's application runs in the test's own process; what the agencies ask and get passes the courier.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import structlog
from oracles.desk import NOW, Desk
from oracles.linkage_rig import terms_of
from oracles.share_desks import give_keys
from services.migrated import lay_tables
from starlette.testclient import TestClient

from app.agencies.persons import confirm_person, invite_person
from app.agencies.service import enrol_party
from app.agreements.service import create_project
from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.logs import configure_logs
from app.main import create_app
from app.security.actor import Actor
from app.settings import Settings
from encoding.identity import Identity
from encoding.secret import new_secret
from schemas.profile import EncodingProfile, Hardening
from schemas.run import IdSpace, Recipient

PROJECT = "foster-pupils"
PARTIES = ("schools", "welfare")
ADDRESS = "https://broker.test"
Meddle = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]

ROWS = {
    "welfare": "ID,first,last,born\n7,Ana,Ortiz,2011-04-09\n8,Bo,Nguyen,2012-05-01\n9,Dee,Lee,2015-01-15\n",
    "schools": "ID,first,last,born\np1,Ana,Ortiz,2011-04-09\np2,Zoe,Zinn,2010-10-10\np4,Dee,Lee,2015-01-15\n",
}


class Courier(httpx2.BaseTransport):
    """Carries requests to the application; `meddle` may change what comes back, `seen` keeps all of it."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self.inner = inner
        self.meddle: Meddle = lambda _, response: response
        self.seen: list[bytes] = []

    def transport(self) -> Courier:
        return self

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen += [str(request.url).encode(), request.read()]
        response = self.meddle(request, self.inner.handle_request(request))
        self.seen.append(response.read())
        # A client reads the answer as it came from the wire, once.
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx2.ByteStream(response.content),
        )

    def close(self) -> None:
        """Stay open: each command closes its client."""


def answer_with(response: httpx2.Response, document: Any) -> httpx2.Response:
    """Return the answer with another body."""
    return httpx2.Response(response.status_code, json=document)


@dataclass
class ShareRig:
    """The broker and the desks, by party; `logs` is what the broker has written for its operator."""

    broker: Broker
    operator: Actor
    courier: Courier
    folder: Path
    logs: io.StringIO
    desks: dict[str, Desk] = field(default_factory=dict)
    people: dict[str, Identity] = field(default_factory=dict)

    def add(self, party: str, file: str | None = None) -> Desk:
        """Enrol a party with one person, whose desk is set up to sign in by a key file."""
        desk = Desk(self.folder / party, self.courier, party)  # type: ignore[arg-type]
        desk.folder.mkdir()
        rows = desk.folder / "people.csv"
        rows.write_text(file or ROWS[party], "utf-8")
        desk.set_up(
            rows,
            new_secret(),
            broker={"url": ADDRESS, "token_file": None},
            identity={"file": "identity.txt", "key_file": "identity.key"},
        )
        (desk.folder / "secret.txt").unlink()
        with self.broker.database.write() as session:
            enrol_party(
                session,
                self.broker.log,
                name=party,
                title=party,
                role="agency",
                actor=self.operator,
                now=NOW,
            )
        self.desks[party] = desk
        self.people[party] = give_keys(desk)
        self.enrol(desk)
        return desk

    def enrol(self, desk: Desk) -> None:
        """Invite, enrol and confirm whoever has the identity file on the desk."""
        person = self.people[desk.party].public
        with self.broker.database.write() as session:
            code = invite_person(
                session, party=desk.party, duties=person.duties, label="", now=NOW
            ).code
        (desk.folder / "code").write_text(code + "\n")
        (desk.folder / "code").chmod(0o600)
        desk.ok("identity", "enrol", "--code-file", str(desk.folder / "code"))
        with self.broker.database.write() as session:
            confirm_person(
                session,
                self.broker.log,
                person_id=person.person,
                fingerprint=person.fingerprint(),
                actor=self.operator,
                now=NOW,
            )

    def add_project(self, **changes: Any) -> None:
        profile = small_profile()
        given = {
            "project": PROJECT,
            "providers": PARTIES,
            "recipients": tuple(
                Recipient(party=party, mode="linked", space="shared") for party in PARTIES
            ),
            "spaces": (IdSpace(name="shared", lifetime="project"),),
            "auditors": (),
            "population": "in-care",
            "floor": 1,
        }
        with self.broker.database.write() as session:
            create_project(
                session,
                self.broker.log,
                terms=terms_of(profile, **given | changes),
                profile=profile,
                actor=self.operator,
                now=NOW,
            )

    def compare(self) -> None:
        """Have every two of the agencies compare their fingerprints; the keys come from the broker."""
        for desk in self.desks.values():
            for party, person in self.people.items():
                if party != desk.party:
                    fingerprint = person.public.fingerprint().split()
                    desk.ok("identity", "trust", party, *fingerprint)

    def agree(self, step: str = "share") -> None:
        """Go all the way, from shares to confirmations that all have seen."""
        for words in ((step,), ("accept",), ("accept",)):
            for desk in self.desks.values():
                desk.ok("secret", *words)

    def status(self, party: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.desks[party].json("secret", "status")
        return found


def small_profile() -> EncodingProfile:
    """Return a profile over the columns of the desks' files, quick to encode by."""

    def feature(identifier: str, n: int, **format_: Any) -> dict[str, Any]:
        comparison = {"type": "ngram", "n": n}
        hashing = {
            "comparison": comparison,
            "strategy": {"bitsPerToken": 10},
            "hash": {"type": "blakeHash"},
        }
        return {"identifier": identifier, "format": format_, "hashing": hashing}

    text = {"type": "string", "encoding": "utf-8"}
    kdf = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    schema = {
        "version": 3,
        "clkConfig": {"l": 256, "kdf": kdf},
        "features": [
            feature("first", 2, **text),
            feature("last", 2, **text),
            feature("born", 1, type="date", format="%Y-%m-%d"),
        ],
    }
    return EncodingProfile(
        name="small",
        recipe=None,
        linkage_schema=json.dumps(schema),
        hardening=Hardening(kind="none"),
        nominal_fill="0.4",
    )


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
def share_rig(folder: Path) -> Iterator[ShareRig]:
    """Give a broker with the project of two agencies, until the block ends."""
    settings = Settings(
        state_dir=folder / "state",
        public_url=ADDRESS,
        insecure_bearer_tokens=False,
        reads_per_minute=10**6,
        writes_per_minute=10**6,
        sign_ins_per_minute=10**6,
        disk_reserve_percent=0,
    )
    with collected_logs() as logs:
        lay_tables(settings)
        operator = found_broker(settings, origin="broker.test/log", title="Operator", clock=_now)
        broker = open_broker(settings, clock=_now)
        app = create_app(broker)
        with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
            rig = ShareRig(broker, operator, Courier(client._transport), folder, logs)
            for party in PARTIES:
                rig.add(party)
            rig.add_project()
            yield rig
        broker.close()


def _now() -> datetime:
    return NOW
