"""A broker that is really served, its operator, and a person's folder in which commands are typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rigs.enrolled import revoke
from rigs.persons import enrol_agencies
from rigs.served import served_at
from services.migrated import lay_tables

from app.agencies import persons
from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.cli.main import main as broker_main
from app.main import create_app
from app.security.actor import Actor
from app.settings import CONFIG_NAME, Settings
from encoding.cli.main import main
from encoding.people.identity import read_identity

PARTY = "child-welfare"


@dataclass
class Office:
    """A broker at an address, its operator, and a person's folder in which commands are typed."""

    broker: Broker
    operator: Actor
    address: str
    ca_file: Path
    folder: Path

    def type(self, *words: str, typed: str | None = None) -> Result:
        config = str(self.folder / "blindlink.toml")
        return CliRunner().invoke(main, ["--config", config, *words], input=typed)

    def type_as_operator(self, *words: str, typed: str | None = None) -> Result:
        state = str(self.broker.settings.state_dir)
        return CliRunner().invoke(broker_main, ["--state", state, *words], input=typed)

    def at_broker(self, *words: str, typed: str | None = None) -> Result:
        where = ("--broker", self.address, "--ca-file", str(self.ca_file))
        return self.type(*words, *where, typed=typed)

    def invite(self, *duties: Any) -> str:
        with self.broker.database.write() as session:
            return persons.invite_person(
                session, party=PARTY, duties=duties, label="", now=self.broker.clock()
            ).code

    def invitation(self, *duties: str, project: str = "foster-k12") -> Path:
        """Return a new invitation file, as the operator writes it."""
        out = self.folder / "ann.invitation"
        words = [word for duty in duties for word in ("--duty", duty)]
        listed = self.type_as_operator("project", "list").stdout
        if project not in listed:
            self.type_as_operator("project", "open", project, "--party", PARTY)
        done = self.type_as_operator(
            "person", "invite", PARTY, *words, "--label", "Ann", "--project", project,
            "--out", str(out),
        )  # fmt: skip
        assert done.exit_code == 0, done.stderr
        return out

    def confirm(self) -> None:
        public = read_identity(self.folder / "identity.txt").public
        with self.broker.database.write() as session:
            persons.confirm_person(
                session,
                self.broker.log,
                person_id=public.person,
                fingerprint=public.fingerprint(),
                actor=self.operator,
                now=self.broker.clock(),
            )

    def revoke(self) -> None:
        public = read_identity(self.folder / "identity.txt").public
        revoke(self, public.person)

    def new_person(self, *duties: str) -> None:
        key_file = str(self.folder / "identity.key")
        words = [word for duty in duties for word in ("--duty", duty)]
        made = self.type("people", "new", PARTY, *words, "--key-file", key_file)
        assert made.exit_code == 0, made.stderr

    def unlock(self) -> tuple[str, str]:
        return "--key-file", str(self.folder / "identity.key")

    def token(self) -> Result:
        out = str(self.folder / "token.txt")
        return self.at_broker("people", "sign-in", "--token", out, *self.unlock())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(state_dir=tmp_path / "state")
    lay_tables(settings)
    operator = found_broker(settings, origin="broker.test/blindlink", title="Operator")
    broker = open_broker(settings)
    enrol_agencies(broker, operator, PARTY)

    def make_app(address: str) -> Any:
        public = settings.model_copy(update={"public_url": address})
        return create_app(replace(broker, settings=public))

    folder = tmp_path / "desk"
    folder.mkdir()
    tls = tmp_path / "tls"
    with served_at(make_app, tls) as address:
        # So that the operator's commands know where they are served.
        (settings.state_dir / CONFIG_NAME).write_text(
            f'public_url = "{address}"\n'
            f'tls_cert_file = "{(tls / "broker.crt").as_posix()}"\n'
            f'tls_key_file = "{(tls / "broker.key").as_posix()}"\n'
        )
        yield Office(broker, operator, address, tmp_path / "tls" / "broker.crt", folder)
    broker.close()


def enrolled(office: Office, *duties: Any) -> None:
    office.new_person(*duties)
    sent = office.at_broker("people", "enrol", typed=office.invite(*duties) + "\n")
    assert sent.exit_code == 0, sent.stderr
    office.confirm()
