"""A broker that was restored from an old backup: each agency notices by its own pin, even on a new machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.agreement import AgreementRig, agreement_rig

from app.backup.archive import restore_backup, write_backup
from app.matchlog.draft import SOFTWARE
from app.matchlog.proofs import newest_checkpoint


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[AgreementRig]:
    with agreement_rig(tmp_path) as made:
        yield made


@pytest.mark.parametrize("remembers", [True, False], ids=["the same machine", "a new machine"])
def test_agencies_notice_by_their_pins(rig: AgreementRig, tmp_path: Path, remembers: bool) -> None:
    rig.agree()
    write_backup(rig.broker, tmp_path / "old")
    rig.upload()
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    for desk in (bob, kim):
        desk.ok("log", "pin")
    write_backup(rig.broker, tmp_path / "new")
    last = rig.broker.settings.last_checkpoint_file
    remembered = last.read_bytes()
    if not remembers:
        last.unlink()
    restored = restore_backup(rig.broker, tmp_path / "old", replace=True, older=True)
    # A new machine cannot know: that is what the pins are for.
    assert restored.rolled_back == remembers
    for words in (("log", "pin"), ("status",), ("upload",), ("run",)):
        refused = bob.type(*words)
        assert refused.exit_code == 1, refused.output
        assert "it was rewritten or cut off" in refused.stderr
    evidence = [name for name in bob.files() if name.startswith("workspace/pins/evidence-")]
    assert len(evidence) == 1
    # With the newer backup all is well, and nobody has lost anything.
    last.write_bytes(remembered)
    assert not restore_backup(rig.broker, tmp_path / "new", replace=True).rolled_back
    for desk in (bob, kim):
        desk.ok("log", "pin")
    (run,) = bob.json("run")["runs"]
    assert run["state"] == "awaiting"


def test_a_broker_that_goes_on_from_an_old_backup_is_noticed_too(
    rig: AgreementRig, tmp_path: Path
) -> None:
    rig.agree()
    write_backup(rig.broker, tmp_path / "old")
    rig.upload()
    bob = rig.desks["bob"]
    bob.ok("log", "pin")
    size = bob.json("log", "pin")["size"]
    rig.broker.settings.last_checkpoint_file.unlink()
    restore_backup(rig.broker, tmp_path / "old", replace=True, older=True)
    # It signs on, until the second history is longer than the first.
    while log_size(rig) <= size:
        with rig.broker.database.write() as session:
            rig.broker.log.append_export(session, SOFTWARE)
    refused = bob.type("log", "pin")
    assert refused.exit_code == 1
    assert "it was rewritten or cut off" in refused.stderr


def log_size(rig: AgreementRig) -> int:
    with rig.broker.database.read() as session:
        return newest_checkpoint(session).size
