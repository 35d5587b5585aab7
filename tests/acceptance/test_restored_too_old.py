"""A broker that was restored from an old backup: each agency notices by its own pin, even on a new machine."""

from __future__ import annotations

from pathlib import Path

from rigs.agreement import AgreementRig
from rigs.agreement_moments import refused

from app.backup.archive import restore_backup, write_backup
from app.matchlog.draft import SOFTWARE
from app.matchlog.proofs import newest_checkpoint


def test_agencies_notice_by_their_pins_on_the_same_and_a_new_machine_and_when_it_goes_on(
    agreed: AgreementRig, tmp_path: Path
) -> None:
    rig = agreed
    old, new = tmp_path / "old", tmp_path / "new"
    write_backup(rig.broker, old)
    rig.upload()
    bob, kim = rig.desks["bob"], rig.desks["kim"]
    size = max(desk.json("pin")["size"] for desk in (kim, bob))
    write_backup(rig.broker, new)
    last = rig.broker.settings.last_checkpoint_file
    remembered = last.read_bytes()
    for remembers in (True, False):
        if not remembers:
            last.unlink()
        restored = restore_backup(rig.broker, old, replace=True, older=True)
        # A new machine cannot know: that is what the pins are for.
        assert restored.rolled_back == remembers
        for words in (("pin",), ("status",), ("upload",), ("round", "--wait")):
            assert "it was rewritten or cut off" in refused(bob.type(*words))
        evidence = [name for name in bob.files() if name.startswith("workspace/pins/evidence-")]
        assert len(evidence) == 1
        if not remembers:
            # It signs on, until the second history is longer than the first.
            while log_size(rig) <= size:
                with rig.broker.database.write() as session:
                    rig.broker.log.append_export(session, SOFTWARE)
            assert "it was rewritten or cut off" in refused(bob.type("pin"))
        last.write_bytes(remembered)
        # With the newer backup all is well, and nobody has lost anything.
        assert not restore_backup(rig.broker, new, replace=True).rolled_back
        for desk in (bob, kim):
            desk.ok("pin")
        (run,) = bob.json("round", "--runs")["runs"]
        assert run["state"] == "awaiting"


def log_size(rig: AgreementRig) -> int:
    with rig.broker.database.read() as session:
        return newest_checkpoint(session).size
