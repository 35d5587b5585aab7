"""`blindlink-broker person`: from an invitation to a confirmed person, as the operator types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.agencies.persons import enrol_person
from app.broker import open_broker
from app.cli.main import main
from app.settings import read_settings
from encoding.people.identity import Identity, new_identity
from schemas.sign_in import EnrolmentRequest
from schemas.written_code import read_code


@pytest.fixture
def with_party(broker: Any) -> Any:
    assert broker("agency", "add", "child-welfare").exit_code == 0
    return broker


@contextmanager
def enrolled(state: Path, code: str) -> Iterator[Identity]:
    now = datetime.now(UTC)
    identity = new_identity("child-welfare", ("analyst", "steward"), now)
    broker = open_broker(read_settings(state))
    with broker.database.write() as session:
        wanted = EnrolmentRequest(code=code, identity=identity.signed)
        enrol_person(session, wanted, now)
    broker.close()
    yield identity


def invited(command: Any) -> str:
    done = command(
        "person", "invite", "child-welfare", "--duty", "steward", "--duty", "analyst",
        "--label", "Ann",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "analyst, steward" in done.stderr
    return str(done.stdout.strip())


def states(command: Any, *party: str) -> list[str]:
    return [row["state"] for row in json.loads(command("person", "list", *party, "--json").stdout)]


def test_an_invitation_is_a_code_on_standard_output(with_party: Any) -> None:
    assert len(read_code(invited(with_party))) == 18
    assert states(with_party) == ["invited"]
    assert states(with_party, "operator") == []


def test_a_person_is_confirmed_by_the_fingerprint_that_was_heard(
    with_party: Any, state: Path
) -> None:
    with enrolled(state, invited(with_party)) as identity:
        assert states(with_party) == ["awaiting"]
        heard = identity.public.fingerprint().replace(" ", "  ")
        person = identity.public.person
        done = with_party("person", "confirm", person, "--fingerprint", heard)
        assert done.exit_code == 0, done.stderr
        assert states(with_party) == ["active"]
        shown = with_party("person", "list").stdout
        assert person in shown
        assert "Ann" in shown


def test_the_fingerprint_is_asked_for_and_not_shown_beforehand(
    with_party: Any, state: Path
) -> None:
    with enrolled(state, invited(with_party)) as identity:
        arguments = ["--state", str(state), "person", "confirm", identity.public.person]
        fingerprint = identity.public.fingerprint()
        wrong = CliRunner().invoke(main, arguments, input="12345 " * 12 + "\n")
        assert wrong.exit_code == 1
        assert "fingerprint is not that" in wrong.stderr
        assert fingerprint not in wrong.stderr + wrong.stdout
        assert CliRunner().invoke(main, arguments, input=f"{fingerprint}\n").exit_code == 0


def test_nobody_is_confirmed_where_nobody_can_answer(with_party: Any, state: Path) -> None:
    with enrolled(state, invited(with_party)) as identity:
        assert with_party("person", "confirm", identity.public.person).exit_code != 0
        assert states(with_party) == ["awaiting"]


def test_a_person_is_revoked(with_party: Any, state: Path) -> None:
    with enrolled(state, invited(with_party)) as identity:
        assert with_party("person", "revoke", identity.public.person).exit_code == 0
        assert states(with_party) == ["revoked"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("invite", "nobody", "--duty", "analyst"), "no party of this name"),
        (("invite", "child-welfare", "--duty", "auditor", "--duty", "analyst"), "no other but"),
        (("revoke", "per-" + "0" * 32), "nobody of this id"),
        (("confirm", "per-" + "0" * 32, "--fingerprint", "1"), "nobody of this id"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    with_party: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    done = with_party("person", *arguments)
    assert done.exit_code == 1
    assert sentence in done.stderr


def test_init_keeps_the_public_address(command: Any, state: Path) -> None:
    assert command("init", "--public-url", "https://broker.example.org").exit_code == 0
    assert read_settings(state).address == "https://broker.example.org"


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example/", "https://u@a.example"])
def test_an_address_that_is_none_is_refused(command: Any, url: str) -> None:
    done = command("init", "--public-url", url)
    assert done.exit_code == 1
    assert "public_url" in done.stderr
    assert url not in done.stderr
