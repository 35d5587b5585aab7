"""A database older than what was signed: nothing is taken or destroyed, and anyone who looks is told why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rigs.broker_processes import ServedBroker
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people

from app.backup.archive import restore_backup, write_backup
from app.cli.main import main
from app.clock import utc_now
from app.errors import LogRolledBackError
from app.worker.sweeper import Sweeper
from schemas.matchlog.checkpoint import serialise_checkpoints


def type_(linkage: Linkage, *words: str) -> Result:
    settings = linkage.broker.settings
    env = {
        "BLINDLINK_DATABASE_URL": settings.database_url,
        # The tests' PostgreSQL does not sync.
        "BLINDLINK_INSECURE_VOLATILE_DATABASE": str(settings.insecure_volatile_database),
    }
    return CliRunner(env=env).invoke(main, ["--state", str(settings.state_dir), *words])


@contextmanager
def rolled_back(linkage: Linkage, folder: Path) -> Iterator[str]:
    """Commit an upload after a backup in which it is still open, and restore that backup for the block."""
    made = linkage.container(random_people(linkage.rng, 30), CHILD_WELFARE)
    upload = linkage.send(made, CHILD_WELFARE)
    write_backup(linkage.broker, folder / "old")
    receipt = linkage.commit(upload, linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    assert receipt.status_code == 200
    write_backup(linkage.broker, folder / "new")
    assert restore_backup(linkage.broker, folder / "old", replace=True, older=True).rolled_back
    yield upload
    assert not restore_backup(linkage.broker, folder / "new", replace=True).rolled_back


def test_all_that_would_change_something_is_refused_and_no_key_of_a_newer_database_destroyed(
    linkage: Linkage, tmp_path: Path
) -> None:
    linkage.as_party(SCHOOL)
    made = linkage.container(random_people(linkage.rng, 30), CHILD_WELFARE)
    with rolled_back(linkage, tmp_path) as upload:
        for answer in (
            linkage.open(made, SCHOOL),
            linkage.put(upload, 0, made.parts[0], CHILD_WELFARE),
            linkage.ask(),
            linkage.get(f"/v1/log/bundle?project={PROJECT}"),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"].endswith(":log-rolled-back")
        assert linkage.get(f"/v1/projects/{PROJECT}").status_code == 200
        assert linkage.client.get("/readyz").status_code == 503
        # Who is to look must be able to sign in.
        link = linkage.client.post("/v1/session-links", headers=linkage.as_party(CHILD_WELFARE))
        assert link.status_code == 201
        seen = type_(linkage, "doctor")
        assert seen.exit_code == 1
        line = next(one for one in seen.stdout.splitlines() if "match log:" in one)
        assert line.startswith("WRONG")
        assert "older than the last checkpoint that was signed" in line
        refused = type_(linkage, "work", "--until-idle")
        assert refused.exit_code == 1
        assert "older than the last checkpoint that was signed" in refused.stderr
        assert "restore a newer backup" in refused.stderr
        linkage.founded.clock.move(days=2)
        with pytest.raises(LogRolledBackError):
            Sweeper(linkage.broker).sweep()
    linkage.broker.keystore.open(upload)
    assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "committed"


def outdated_backup(linkage: Linkage, folder: Path) -> bytes:
    """Write a backup, let the log grow, and return the checkpoint that an agency pins then."""
    linkage.is_log_spoilt = True
    write_backup(linkage.broker, folder)
    linkage.founded.enrol("newcomer")
    return str(linkage.get("/v1/log/checkpoint").json()["checkpoint"]).encode()


def test_a_new_machine_learns_from_an_agencys_pin_what_is_missing_and_takes_none_of_another_log(
    linkage: Linkage, tmp_path: Path
) -> None:
    note, pin = outdated_backup(linkage, tmp_path / "old"), tmp_path / "county.pin"
    words = ("restore", str(tmp_path / "old"), "--replace")
    origin = linkage.broker.log.key.name.encode()
    pin.write_bytes(serialise_checkpoints([note.replace(origin, b"other.example/log")]))
    before = linkage.log_entries()
    done = type_(linkage, *words, "--older", "--pin", str(pin))
    assert (done.exit_code, "of the log other.example/log" in done.stderr) == (1, True)
    assert linkage.log_entries() == before
    pin.write_bytes(serialise_checkpoints([note]))
    linkage.broker.settings.last_checkpoint_file.unlink()
    done = type_(linkage, *words, "--pin", str(pin))
    assert done.exit_code == 1
    assert "older than the last checkpoint" in done.stderr
    # Without the pin this machine cannot know.
    linkage.broker.settings.last_checkpoint_file.unlink()
    assert type_(linkage, *words).exit_code == 0
    pin.write_bytes(b"nothing\n")
    assert type_(linkage, *words, "--pin", str(pin)).exit_code == 1


def test_a_broker_that_is_served_says_so_and_only_reads(linkage: Linkage, tmp_path: Path) -> None:
    clock = linkage.founded.clock
    # A process has the real clock.
    start, clock.now = clock.now, utc_now()
    token = linkage.as_party(CHILD_WELFARE)
    clock.now = start
    with rolled_back(linkage, tmp_path):
        linkage.broker.database.close()
        served = ServedBroker(linkage.broker.settings)
        try:
            assert any("older than the last checkpoint that was signed" in x for x in served.lines)
            assert any("restore a newer backup" in line for line in served.lines)
            assert served.client.get("/healthz").status_code == 200
            assert served.client.get("/readyz").status_code == 503
            path = f"/v1/projects/{PROJECT}"
            assert served.client.get(path, headers=token).status_code == 200
            # Their person signs by the process's clock, too.
            clock.now = utc_now()
            refused = served.client.post(f"{path}/runs", json={}, headers=token)
            clock.now = start
            assert refused.status_code == 503, refused.text
        finally:
            served.close()
