"""The operator replaces the log's key between two commands of the agencies, which go on as if nothing were."""

from __future__ import annotations

from pathlib import Path

from rigs.agreement import agreement_rig

from app.cli.log_key import hand_over


def test_agencies_follow_the_log_to_its_new_key(tmp_path: Path) -> None:
    with agreement_rig(tmp_path) as rig:
        rig.agree()
        rig.upload()
        bob, kim = rig.desks["bob"], rig.desks["kim"]
        old = bob.json("pin")["log_key"]
        rig.approve()
        # What was prepared before is fetched after: its proof is signed by the old key.
        new = hand_over(rig.broker, rig.near.operator).text
        assert bob.type("links").exit_code == 7
        assert bob.json("pin")["log_key"] == new
        assert new != old
        # A broker that hides the hand-over could as well be someone else.
        rig.meddle("log/checkpoint", lambda shown: {**shown, "hand_overs": []})
        bob.ok("pin")
        refused = kim.type("pin")
        assert (refused.exit_code, "signed by a different key" in refused.stderr) == (1, True)
        rig.behave()
        assert f"a new key, for which the old one has signed: {new}" in kim.ok("pin").stderr
        assert "a new key" not in kim.ok("pin").stderr
        for desk in (kim, bob):
            desk.ok("links")
        rig.upload()
        assert kim.json("pin")["log_key"] == new
        # Receipts of both times.
        for name in ("bob", "kim"):
            rig.desks[name].ok("receipts")
