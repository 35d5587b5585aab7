"""Persons and a broker that is really served: enrolled, confirmed, signed in, with new keys, revoked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result
from oracles.served import served_at

from app.agencies import persons
from app.agencies.service import enrol_party
from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.main import create_app
from app.security.actor import Actor
from app.settings import Settings
from encoding.cli.main import main
from encoding.connection import trust_only
from encoding.identity import read_identity
from encoding.identity_lock import read_key_file

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

    def at_broker(self, *words: str, typed: str | None = None) -> Result:
        where = ("--broker", self.address, "--ca-file", str(self.ca_file))
        return self.type(*words, *where, typed=typed)

    def invite(self, *duties: Any) -> str:
        with self.broker.database.write() as session:
            return persons.invite_person(
                session, party=PARTY, duties=duties, label="", now=self.broker.clock()
            ).code

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
        with self.broker.database.write() as session:
            persons.revoke_person(
                session,
                self.broker.log,
                person_id=public.person,
                actor=self.operator,
                now=self.broker.clock(),
            )

    def new_person(self, *duties: str) -> None:
        key_file = str(self.folder / "identity.key")
        words = [word for duty in duties for word in ("--duty", duty)]
        made = self.type("identity", "new", PARTY, *words, "--key-file", key_file)
        assert made.exit_code == 0, made.stderr

    def unlock(self) -> tuple[str, str]:
        return "--key-file", str(self.folder / "identity.key")

    def token(self) -> Result:
        out = str(self.folder / "token.txt")
        return self.at_broker("identity", "token", "--out", out, *self.unlock())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(state_dir=tmp_path / "state", insecure_bearer_tokens=False)
    operator = found_broker(settings, origin="broker.test/blindlink", title="Operator")
    broker = open_broker(settings)
    now = datetime.now(UTC)
    with broker.database.write() as session:
        enrol_party(
            session, broker.log, name=PARTY, title=PARTY, role="agency", actor=operator, now=now
        )

    def make_app(address: str) -> Any:
        public = settings.model_copy(update={"public_url": address})
        return create_app(replace(broker, settings=public))

    folder = tmp_path / "desk"
    folder.mkdir()
    with served_at(make_app, tmp_path / "tls") as address:
        yield Office(broker, operator, address, tmp_path / "tls" / "broker.crt", folder)
    broker.close()


def test_a_person_enrols_is_confirmed_and_signs_in(office: Office) -> None:
    office.new_person("analyst")
    sent = office.at_broker("identity", "enrol", typed=office.invite("analyst") + "\n")
    assert sent.exit_code == 0, sent.stderr
    public = read_identity(office.folder / "identity.txt").public
    assert public.fingerprint().split()[0] in sent.stdout
    early = office.token()
    assert early.exit_code == 4
    assert "has to confirm your keys" in early.stderr
    office.confirm()
    assert office.token().exit_code == 0
    office.revoke()
    assert office.token().exit_code == 4


def test_a_slip_in_the_code_is_found_before_it_is_sent(office: Office) -> None:
    office.new_person("analyst")
    code = office.invite("analyst")
    slipped = ("0" if code[0] != "0" else "1") + code[1:]
    refused = office.at_broker("identity", "enrol", typed=slipped + "\n")
    assert refused.exit_code == 1
    assert "letter of the code is wrong" in refused.stderr
    assert code[5:] not in refused.stderr.splitlines()[-1]


def test_the_code_may_lie_in_a_file(office: Office) -> None:
    office.new_person("analyst")
    code_file = office.folder / "code.txt"
    code_file.write_text(office.invite("analyst").lower() + "\n")
    sent = office.at_broker("identity", "enrol", "--code-file", str(code_file))
    assert sent.exit_code == 0, sent.stderr
    again = office.at_broker("identity", "enrol", "--code-file", str(code_file))
    assert again.exit_code == 0, again.stderr
    missing = office.at_broker("identity", "enrol", "--code-file", "nowhere")
    assert missing.exit_code == 4


def enrolled(office: Office, *duties: Any) -> None:
    office.new_person(*duties)
    sent = office.at_broker("identity", "enrol", typed=office.invite(*duties) + "\n")
    assert sent.exit_code == 0, sent.stderr
    office.confirm()


def test_new_keys_take_the_place_of_the_old_ones(office: Office) -> None:
    enrolled(office, "analyst")
    before = read_identity(office.folder / "identity.txt").public
    done = office.at_broker("identity", "rotate", *office.unlock())
    assert done.exit_code == 0, done.stderr
    after = read_identity(office.folder / "identity.txt").public
    assert (after.person, after.duties) == (before.person, before.duties)
    assert after.fingerprint() != before.fingerprint()
    assert office.token().exit_code == 0
    key = read_key_file(office.folder / "identity.key")
    (kept,) = office.folder.glob("identity.txt.*")
    assert read_identity(kept).unlock(key).public == before


@pytest.mark.parametrize("dies_after", ["the keys are drawn", "the broker took them"])
def test_a_change_of_keys_that_was_killed_is_taken_up(
    office: Office, monkeypatch: pytest.MonkeyPatch, dies_after: str
) -> None:
    enrolled(office, "analyst")
    place = {
        "the keys are drawn": "encoding.client.BrokerClient.change_keys",
        "the broker took them": "encoding.key_rotation.finish_rotation",
    }

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place[dies_after], die)
        assert office.at_broker("identity", "rotate", *office.unlock()).exit_code == 1
    begun = (office.folder / "identity.txt.next").read_bytes()
    done = office.at_broker("identity", "rotate", *office.unlock())
    assert done.exit_code == 0, done.stderr
    assert (office.folder / "identity.txt").read_bytes() == begun
    assert office.token().exit_code == 0
    names = {path.name for path in office.folder.glob("identity.txt*")}
    assert len(names) == 2


def test_a_change_that_belongs_to_other_keys_is_not_sent(office: Office) -> None:
    enrolled(office, "analyst")
    (office.folder / "identity.txt.change").write_text("{}")
    refused = office.at_broker("identity", "rotate", *office.unlock())
    assert refused.exit_code == 1
    assert "was begun before" in refused.stderr


def test_a_revoked_person_cannot_replace_keys(office: Office) -> None:
    enrolled(office, "analyst")
    office.revoke()
    assert office.at_broker("identity", "rotate", *office.unlock()).exit_code == 4


def test_the_token_of_a_program_is_for_its_owner_only(office: Office) -> None:
    enrolled(office, "auditor")
    assert office.token().exit_code == 0
    path = office.folder / "token.txt"
    assert path.read_text().startswith("bl_")
    assert path.stat().st_mode & 0o077 == 0


def test_an_auditor_opens_the_pages_with_keys_alone(office: Office) -> None:
    enrolled(office, "auditor")
    printed = office.at_broker("identity", "page-link", *office.unlock())
    assert printed.exit_code == 0, printed.stderr
    # The broker is in this process, and its log lines are between.
    (link,) = [line for line in printed.stdout.splitlines() if line.startswith("https:")]
    page, _, code = link.partition("#")
    assert page == f"{office.address}/sign-in"
    tls = trust_only(office.ca_file)
    with httpx2.Client(base_url=office.address, verify=tls) as browser:
        assert browser.get("/log").status_code == 401
        assert browser.post("/session", json={"code": code}).status_code == 204
        assert browser.get("/log").status_code == 200
        assert browser.post("/session", json={"code": code}).status_code == 401


def test_another_address_of_the_same_broker_is_not_the_one_that_is_signed(office: Office) -> None:
    enrolled(office, "analyst")
    other = replace(office, address=office.address.replace("localhost", "127.0.0.1"))
    refused = other.token()
    assert refused.exit_code == 4
    assert "127.0.0.1" in refused.stderr


def test_an_address_that_is_none_is_a_mistake_of_usage(office: Office) -> None:
    enrolled(office, "analyst")
    refused = office.type(
        "identity", "token", "--out", "t", "--broker", "http://localhost", *office.unlock()
    )
    assert refused.exit_code == 2


def test_settings_with_an_identity_need_no_options(office: Office) -> None:
    enrolled(office, "analyst")
    (office.folder / "people.csv").write_text("ID,first\n1,Ann\n")
    made = office.type(
        "init", "--broker", office.address, "--ca-file", str(office.ca_file), "--party", PARTY,
        "--project", "foster-school", "--identity", "identity.txt", "--key-file", "identity.key",
        "--file", "people.csv", "--id-column", "ID", "--population", "pupils",
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    out = str(office.folder / "token.txt")
    assert office.type("identity", "token", "--out", out).exit_code == 0
    # No project yet: the person is known, and there is nothing to see.
    asked = office.type("status", "--json")
    assert asked.exit_code == 1
    assert "there is nothing here" in asked.stderr


def test_show_prints_what_others_trust(office: Office) -> None:
    office.new_person("analyst")
    shown = json.loads(office.type("identity", "show", "--json").stdout)
    assert shown["identity"]["party"] == PARTY
