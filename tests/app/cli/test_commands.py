"""What an operator types: what it prints, what it leaves, how it fails."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, event, text

from app.broker import open_database
from app.cli.main import COMMANDS, fail, main
from app.http.listener import files_needed
from app.security.keystore import KeyStore
from app.security.log_key import read_log_key
from app.settings import read_settings
from schemas.signing.note import VerifierKey


def test_every_command_has_an_example() -> None:
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        for one in getattr(command, "commands", {"": command}).values():
            assert "example" in (one.help or "").lower(), f"{name} {one.name}"


def test_init_prints_the_logs_key_and_nothing_else_which_is_shown_again(command: Any) -> None:
    done = command("init", "--origin", "broker.example/blindlink")
    assert done.exit_code == 0
    assert VerifierKey.from_text(done.stdout.strip()).name == "broker.example/blindlink"
    # The logs key is shown as init printed it.
    assert command("log-key", "show").stdout == done.stdout


def test_logs_that_nobody_named_have_names_of_their_own(command: Any, tmp_path: Path) -> None:
    printed = [command("--state", str(tmp_path / one), "init").stdout for one in "ab"]
    first, second = (VerifierKey.from_text(key.strip()).name for key in printed)
    assert first != second
    assert first.startswith("localhost/")


def test_what_is_printed_of_an_error_cannot_steer_a_terminal(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        fail("Part \x1b[2K is wrong.", "look\r")
    assert capsys.readouterr().err == (
        "blindlink-broker: error: part \\x1b[2K is wrong\nhint: look\\r\n"
    )


def test_a_database_that_does_not_answer_is_said(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens on port 1.
    monkeypatch.setenv("BLINDLINK_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    done = broker("work", "--until-idle")
    assert done.exit_code == 1
    assert done.stderr == (
        "blindlink-broker: error: the broker's database does not answer\n"
        "hint: start it, or check database_url\n"
    )


def test_a_worker_waits_for_the_database(broker: Any, state: Path) -> None:
    address = {"BLINDLINK_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"}
    with subprocess.Popen(
        [Path(sys.executable).with_name("blindlink-broker"), "--state", state, "work"],
        stderr=subprocess.PIPE,
        env=os.environ | address,
    ) as worker:
        assert worker.stderr is not None
        assert json.loads(worker.stderr.readline())["event"] == "database_unavailable"
        assert worker.poll() is None
        worker.terminate()


def no_room_for_a_file(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_room_for_a_page(*_: object) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE filling (byte)")


def no_room_for_a_row(*_: object, **__: object) -> None:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda one, _: one.execute("PRAGMA max_page_count = 1"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE filling (byte)"))


@pytest.mark.parametrize(
    ("place", "full", "words"),
    [
        ("app.backup.snapshot.write_new", no_room_for_a_file, ("backup", "{}")),
        ("app.backup.snapshot._copy_sqlite", no_room_for_a_page, ("backup", "{}")),
        ("app.agencies.service.enrol_party", no_room_for_a_row, ("agency", "add", "k12")),
    ],
)
def test_a_full_disk_is_said(
    broker: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    full: Callable[..., None],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(place, full)
    done = broker(*(word.format(tmp_path / "backup") for word in words))
    assert done.exit_code == 1
    assert done.stderr.startswith("blindlink-broker: error: a disk is full\nhint: make room")


def test_what_this_account_may_not_read_is_said(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(KeyStore, "object_ids", refused)
    done = broker("key-ring", "list")
    assert done.exit_code == 1
    assert done.stderr == (
        "blindlink-broker: error: this account may not read or write a file or folder that it needs\n"
        "hint: type it as the account that runs the broker; docs/operator.md#if-something-is-wrong\n"
    )
    assert "WRONG  key store: this account may not read" in broker("doctor").stdout


def test_a_second_init_replaces_nothing(broker: Any, state: Path) -> None:
    key = (state / "log" / "log-key").read_bytes()
    done = broker("init", "--self-signed")
    assert done.exit_code == 1
    assert "already" in done.stderr
    assert (state / "log" / "log-key").read_bytes() == key


def test_an_init_that_was_interrupted_is_taken_up(command: Any, state: Path) -> None:
    from app.security.keyring import make_ring

    make_ring(state / "keys" / "kek-ring")
    ring = (state / "keys" / "kek-ring").read_bytes()
    assert command("init").exit_code == 0
    assert (state / "keys" / "kek-ring").read_bytes() == ring


@pytest.fixture
def log_key(command: Any, state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key that an init without a name left, since its database did not answer."""
    with monkeypatch.context() as patched:
        patched.setenv("BLINDLINK_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
        assert command("init").exit_code == 1
    return state / "log" / "log-key"


def test_an_init_that_was_interrupted_is_not_taken_up_under_another_name(
    command: Any, log_key: Path
) -> None:
    done = command("init", "--origin", "broker.example/blindlink")
    assert done.exit_code == 1
    assert read_log_key(log_key).name in done.stderr
    log_key.unlink()
    done = command("init", "--origin", "broker.example/blindlink")
    assert VerifierKey.from_text(done.stdout.strip()).name == "broker.example/blindlink"


def test_an_init_without_a_name_takes_up_the_one_that_was_drawn(
    command: Any, log_key: Path
) -> None:
    name = read_log_key(log_key).name
    assert VerifierKey.from_text(command("init").stdout.strip()).name == name


def test_no_second_log_is_begun_with_keys_that_were_put_back(broker: Any, state: Path) -> None:
    (state / "keystore" / f"upl-{'0' * 32}.key").write_bytes(b"wrapped")
    (state / "log" / "last-checkpoint").unlink()
    (state / "broker.db").unlink()
    done = broker("init")
    assert done.exit_code == 1
    assert "blindlink-broker restore" in done.stderr
    assert not (state / "log" / "last-checkpoint").exists()


def test_init_writes_settings_that_are_read_back_and_takes_no_others(
    command: Any, state: Path
) -> None:
    command("init", "--operator", "state-university", "--host", "0.0.0.0", "--port", "9000")
    settings = read_settings(state)
    assert (settings.operator, settings.host, settings.port) == (
        "state-university",
        "0.0.0.0",
        9000,
    )
    # Init refuses other settings than those written.
    (state / "log" / "log-key").unlink()
    done = command("init", "--port", "9000")
    assert done.exit_code == 1
    assert "broker.toml" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_what_init_makes_is_for_its_owner_only(broker: Any, state: Path) -> None:
    public = {"broker.crt", "broker.db", "broker.db-wal", "broker.db-shm"}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for path in state.rglob("*"):
        if path.is_file() and path.name not in public:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_command_without_a_broker_says_how_to_found_one(command: Any) -> None:
    done = command("agency", "list")
    assert done.exit_code == 1
    assert done.stderr == (
        "blindlink-broker: error: there is no broker in this state folder\n"
        "hint: found one with `blindlink-broker init`, or name its folder with --state\n"
    )


def test_parties_are_added_and_listed(broker: Any) -> None:
    broker("agency", "add", "child-welfare", "--title", "County Child Welfare")
    listed = json.loads(broker("agency", "list", "--json").stdout)
    assert [(row["name"], row["title"]) for row in listed] == [
        ("child-welfare", "County Child Welfare"),
        ("operator", "The broker's operator"),
    ]
    assert "child-welfare  County Child Welfare\n" in broker("agency", "list").stdout


def test_a_party_needs_a_plain_name(broker: Any) -> None:
    for name in ("", "A", "Child", "a b", "-a", "a--b", "x" * 41, "a\n"):
        done = broker("agency", "add", "--", name)
        assert done.exit_code == 1, name
        assert "lower-case letters" in done.stderr


def test_a_project_is_opened_once_for_parties_that_are_enrolled(broker: Any) -> None:
    broker("agency", "add", "k12")
    opened = broker("project", "open", "foster-k12", "--party", "k12")
    assert opened.exit_code == 0, opened.stderr
    assert "waits for an agreement" in opened.stderr
    assert "already" in broker("project", "open", "foster-k12", "--party", "k12").stderr
    assert "not enrolled" in broker("project", "open", "other", "--party", "stranger").stderr
    assert broker("project", "open", "Foster K12", "--party", "k12").exit_code == 2


def test_the_doctor_finds_a_fresh_broker_well_and_names_what_is_wrong(
    broker: Any, state: Path
) -> None:
    done = broker("doctor", "--json")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert all(finding["fit"] for finding in report.values())
    assert report["kernel"]["says"].startswith("matching by ")
    # The doctor names what is wrong.
    (state / "tls" / "broker.key").write_text("not a key")
    done = broker("doctor")
    assert done.exit_code == 1
    assert "WRONG  tls: " in done.stdout
    assert done.stdout.count("WRONG") == 1


def test_the_doctor_names_a_party_that_would_get_mail_and_is_not_enrolled(
    broker: Any, state: Path
) -> None:
    with (state / "broker.toml").open("a", encoding="utf-8") as file:
        file.write(
            'mail_server = "localhost"\nmail_from = "broker@x.test"\n'
            '[mail_to]\noperator = "ops@x.test"\nk-12 = "data@x.test"\n'
        )
    done = broker("doctor")
    assert done.exit_code == 1
    assert "WRONG  messages: mail_to names k-12, and no party is enrolled so" in done.stdout
    assert done.stdout.count("WRONG") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_the_doctor_finds_a_copy_of_a_key(broker: Any, state: Path) -> None:
    (state / "keystore" / f"upl-{'0' * 32} (copy).key").write_bytes(b"wrapped")
    done = broker("doctor")
    assert done.exit_code == 1
    assert "1 file of someone else, such as upl-00" in done.stdout


def test_the_doctor_says_when_too_few_files_may_be_open(broker: Any, state: Path) -> None:
    doctor = f"exec {sys.executable} -m app.cli --state {state} doctor"
    done = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -n 600; {doctor}"], capture_output=True, text=True, check=False
    )
    needed = files_needed(512)
    assert done.returncode == 1
    assert f"WRONG  files: serve may open 600 files only, and may need {needed}" in done.stdout
    assert done.stdout.count("WRONG") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_the_database_is_the_owners_alone_in_a_folder_that_was_there(
    command: Any, state: Path
) -> None:
    state.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        assert command("init", "--self-signed").exit_code == 0
        with closing(open_database(read_settings(state))) as database, database.read():
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in state.glob("*.db*")}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("broker.db", "broker.db-wal", "broker.db-shm"), 0o600)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        (".", 0o755, "the state folder may be read by others than its owner (chmod 700 "),
        ("broker.db", 0o644, "the database may be read by others than its owner (chmod 600 "),
    ],
)
def test_the_doctor_says_what_is_open_to_others(
    broker: Any, state: Path, name: str, mode: int, says: str
) -> None:
    (state / name).chmod(mode)
    done = broker("doctor")
    assert done.exit_code == 1
    assert f"WRONG  permissions: {says}" in done.stdout


def test_a_current_schema_needs_no_migration(broker: Any) -> None:
    done = broker("migrate")
    assert done.exit_code == 0
    assert "was current" in done.stderr


def test_another_schema_is_refused_until_migrated(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.migrations.steps._revisions", lambda: ["0007", "0009", "0010"])
    done = broker("agency", "list")
    assert done.exit_code == 1
    assert "another schema" in done.stderr
    assert "blindlink-broker migrate" in done.stderr


def test_a_database_is_backed_up_before_it_is_migrated(
    broker: Any, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the version that is to migrate it, as docs/operator.md says of an upgrade."""
    monkeypatch.setattr("app.migrations.steps._revisions", lambda: ["0007", "0009", "0010"])

    def lay(revision: str) -> None:
        with closing(sqlite3.connect(state / "broker.db")) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            connection.commit()

    done = broker("backup", str(tmp_path / "backup"))
    assert done.exit_code == 0, done.stderr
    assert broker("restore", str(tmp_path / "backup"), "--replace").exit_code == 0
    assert "blindlink-broker migrate" in broker("agency", "list").stderr
    lay("9999")
    assert "newer version" in broker("backup", str(tmp_path / "newer")).stderr
    assert not (tmp_path / "newer").exists()


def test_a_damaged_database_is_said_and_a_backup_takes_its_place(
    broker: Any, state: Path, tmp_path: Path
) -> None:
    broker("agency", "add", "county")
    broker("backup", str(tmp_path / "backup"))
    (state / "broker.db").write_bytes(b"overwritten" * 1000)
    for words in (("doctor",), ("restore", str(tmp_path / "backup"), "--replace")):
        done = broker(*words)
        assert done.exit_code == 1
        assert done.stderr == (
            "blindlink-broker: error: the broker's database is damaged\n"
            "hint: docs/operator.md#if-something-is-wrong\n"
        )
    for path in state.glob("broker.db*"):
        path.rename(tmp_path / path.name)
    assert broker("restore", str(tmp_path / "backup")).exit_code == 0
    assert "county" in broker("agency", "list").stdout


def test_an_empty_database_is_not_said_to_be_of_another_version(broker: Any, state: Path) -> None:
    (state / "broker.db").unlink()
    done = broker("agency", "list")
    assert done.exit_code == 1
    assert "the database is empty" in done.stderr
    assert "restore" in done.stderr
    found = broker("doctor")
    assert found.exit_code == 1
    assert "WRONG  schema: the database is empty" in found.stdout
    assert "WRONG  match log" in found.stdout


def test_restoring_an_older_backup_fails_loudly(broker: Any, tmp_path: Path) -> None:
    broker("backup", str(tmp_path / "backup"))
    broker("agency", "add", "county")
    words = ("restore", str(tmp_path / "backup"), "--replace")
    done = broker(*words)
    assert done.exit_code == 1
    assert "the backup lacks 1 entries" in done.stderr
    assert "--older" in done.stderr
    assert "county" in broker("agency", "list").stdout
    done = broker(*words, "--older")
    assert done.exit_code == 1
    assert "older than the last checkpoint" in done.stderr
    assert "county" not in broker("agency", "list").stdout


@pytest.mark.parametrize("content", [None, b"overwritten"], ids=["lost", "damaged"])
def test_a_broker_that_lost_its_last_checkpoint_goes_on_with_pins(
    broker: Any, state: Path, tmp_path: Path, content: bytes | None
) -> None:
    """As the table at the end of docs/operator.md says."""
    broker("agency", "add", "county")
    last, pin, backup = state / "log" / "last-checkpoint", tmp_path / "pin", tmp_path / "backup"
    pin.write_bytes(last.read_bytes())
    last.unlink()
    if content is not None:
        last.write_bytes(content)
    refused = broker("agency", "add", "k12")
    assert refused.exit_code == 1
    assert "docs/operator.md#if-something-is-wrong" in refused.stderr
    last.unlink(missing_ok=True)
    assert broker("backup", str(backup)).exit_code == 0
    words = ("restore", str(backup), "--replace", "--pin", str(pin))
    assert broker(*words).exit_code == 0
    assert broker("agency", "add", "k12").exit_code == 0


def test_help_is_short_to_type_and_wrong_usage_has_an_exit_code_of_its_own(broker: Any) -> None:
    for words in (("-h",), ("restore", "-h")):
        done = broker(*words)
        assert done.exit_code == 0, words
        assert "Usage: " in done.stdout
    # Wrong usage has an exit code of its own.
    for arguments in (["nonsense"], ["agency", "nonsense"], ["project", "open"]):
        assert CliRunner().invoke(main, arguments).exit_code == 2, arguments


def test_keys_are_backed_up_apart(broker: Any, tmp_path: Path, state: Path) -> None:
    assert broker("backup-keys", str(tmp_path / "safe")).exit_code == 0
    assert broker("backup-keys", str(state / "safe")).exit_code == 1


@pytest.mark.parametrize("lacking", ["database", "room"])
def test_old_copies_of_keys_go_also_where_no_new_one_is_made(
    broker: Any, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """Certificates of destruction state seven days, whatever keeps the broker from working meanwhile."""
    old = tmp_path / "safe" / "keys-2026-01-01T00-00-00Z"
    old.mkdir(parents=True)
    if lacking == "database":
        (state / "broker.db").write_bytes(b"overwritten" * 1000)
    else:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("app.backup.keys.write_new", full)
    done = broker("backup-keys", str(tmp_path / "safe"))
    assert done.exit_code == 1
    assert not old.exists()


def test_a_fault_that_nobody_expected_shows_its_place_not_its_message(
    broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("canary-4711")

    monkeypatch.setattr("app.agencies.service.list_parties", fail)
    done = broker("agency", "list")
    assert done.exit_code == 1
    assert "ValueError at " in done.stderr
    assert "canary" not in done.output


def test_a_setting_that_is_malformed_is_named(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDLINK_PORT", "hunter2")
    done = broker("agency", "list")
    assert done.exit_code == 1
    assert "environment variable BLINDLINK_PORT: port is not a whole number" in done.stderr
    assert "hunter2" not in done.output
