"""What an operator types to replace the key that signs the match log."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from rigs.persons import enrol_agencies

from app.agencies.service import operator_actor
from app.auditor.verify import verify_bundle
from app.broker import Broker, open_broker
from app.cli import log_key
from app.durable import held
from app.errors import LogKeyMismatchError
from app.matchlog.export import export_bundle
from app.security.log_key import prepare_next_key
from app.settings import read_settings
from schemas.signing.note import VerifierKey


def enrol(broker: Broker, party: str) -> None:
    with broker.database.read() as session:
        operator = operator_actor(session, broker.settings.operator, broker.clock)
    enrol_agencies(broker, operator, party)


def verified_keys(broker: Broker) -> tuple[str, ...]:
    """The keys of the whole log, once the auditor's verifier has found nothing wrong with it."""
    with broker.database.read() as session:
        raw = b"".join(export_bundle(session))
    return verify_bundle(io.BytesIO(raw)).log_keys


def shown(command: Any) -> str:
    return str(command("log-key", "show").stdout).strip()


def test_the_new_key_signs_while_a_broker_serves_that_began_with_the_old_one(
    broker: Any, state: Path
) -> None:
    serving = open_broker(read_settings(state))
    old = shown(broker)
    enrol(serving, "county")
    done = broker("log-key", "rotate")
    assert done.exit_code == 0, done.stderr
    assert "make a backup now" in done.stderr
    new = VerifierKey.from_text(done.stdout.strip())
    assert (new.name, new.text != old) == (serving.log.key.name, True)
    assert shown(broker) == new.text
    enrol(serving, "k12")
    assert serving.log.key == new
    assert verified_keys(serving) == (old, new.text)
    serving.close()
    assert broker("doctor").stdout.count(new.text) == 1


def test_the_old_key_is_gone_and_the_new_one_is_for_its_owner_only(
    broker: Any, state: Path
) -> None:
    file = state / "log" / "log-key"
    old, first = file.read_bytes(), shown(broker)
    for _ in range(3):
        assert broker("log-key", "rotate").exit_code == 0
        left = {"log-key", "log-key.lock", "last-checkpoint"}
        assert {path.name for path in file.parent.iterdir()} == left
        assert file.read_bytes() != old
        assert broker("log-key", "show", "--first").stdout.strip() == first
        if os.name != "nt":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.campaign("two-at-once")
def test_the_key_is_replaced_by_one_command_at_a_time(broker: Any, state: Path) -> None:
    file = state / "log" / "log-key"
    before = file.read_bytes()
    with held(file, "the log's key"):
        refused = broker("log-key", "rotate")
    assert refused.exit_code == 1
    assert "another command is changing the log's key" in refused.stderr
    assert file.read_bytes() == before
    assert broker("log-key", "rotate").exit_code == 0


class Killed(Exception):
    """The command ended here."""


def interrupt(broker: Any, state: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def killed(*_: Any) -> None:
        raise Killed

    if where == "before the log names it":
        prepare_next_key(state / "log" / "log-key")
        return
    with monkeypatch.context() as patched:
        patched.setattr(log_key, "move_next_key_into_place", killed)
        assert broker("log-key", "rotate").exit_code == 1


@pytest.mark.parametrize("where", ["before the log names it", "before the old one goes"])
def test_a_replacement_that_was_interrupted_is_finished(
    broker: Any, state: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    old = shown(broker)
    interrupt(broker, state, monkeypatch, where)
    assert "interrupted" in broker("log-key", "show").stderr
    # The broker can be restarted meanwhile, and goes on logging.
    assert broker("agency", "add", "county").exit_code == 0
    done = broker("log-key", "rotate")
    assert done.exit_code == 0, done.stderr
    assert broker("agency", "add", "k12").exit_code == 0
    assert not broker("log-key", "show").stderr
    opened = open_broker(read_settings(state))
    assert verified_keys(opened) == (old, done.stdout.strip())
    opened.close()


def test_a_broker_that_has_another_key_signs_nothing(broker: Any, state: Path) -> None:
    file = state / "log" / "log-key"
    old = file.read_bytes()
    assert broker("log-key", "rotate").exit_code == 0
    file.write_bytes(old)
    opened = open_broker(read_settings(state))
    with pytest.raises(LogKeyMismatchError):
        enrol(opened, "county")
    opened.close()
    assert "another key" in broker("doctor").stdout


def test_a_backup_of_the_keys_holds_the_key_that_waits(
    broker: Any, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(broker, state, monkeypatch, "before the old one goes")
    assert broker("backup-keys", str(tmp_path / "safe")).exit_code == 0
    (made,) = (tmp_path / "safe").iterdir()
    names = {path.name for path in made.iterdir() if path.is_file()}
    assert {"log-key", "log-key.next"} <= names
