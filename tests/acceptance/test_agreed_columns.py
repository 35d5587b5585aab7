"""`blindlink extract` is held against the columns that all parties have signed."""

from __future__ import annotations

from pathlib import Path

from rigs.agreement import agreement_rig
from rigs.desk import Desk

from encoding.workspace.config import read_config, render_config

ELEMENTS = """
[[elements]]
party = "welfare"
name = "Last"
use = "shared"

[[elements]]
party = "schools"
name = "First"
use = "shared"
"""


def share(desk: Desk, *columns: str) -> None:
    path = desk.folder / "blindlink.toml"
    sections = read_config(path).sections
    shared = sections.share.model_copy(update={"columns": columns})
    path.write_text(render_config(sections.model_copy(update={"share": shared})), "utf-8")


def test_a_column_that_nobody_has_signed_is_told_before_it_leaves(tmp_path: Path) -> None:
    with agreement_rig(tmp_path) as rig:
        answers = rig.desks["ann"].folder / "answers.toml"
        answers.write_text(answers.read_text("utf-8") + ELEMENTS, "utf-8")
        fingerprint = rig.agree()
        bob = rig.desks["bob"]
        bob.ok("agreement", "accept", *fingerprint.split())
        rig.link()
        share(bob, "last", "first")
        words = ("extract", "-o", str(bob.folder / "out.csv"), "--force", "--columns")
        said = bob.ok(*words, "last,first").stderr
        assert "the agreement does not list first among the columns that you may hand over" in said
        assert "list last" not in said
        assert "the agreement does not list" not in bob.ok(*words, "last").stderr


def test_a_party_that_may_hand_over_nothing_is_told_so(tmp_path: Path) -> None:
    with agreement_rig(tmp_path) as rig:
        answers = rig.desks["ann"].folder / "answers.toml"
        theirs = ELEMENTS.replace('"welfare"', '"schools"')
        answers.write_text(answers.read_text("utf-8") + theirs, "utf-8")
        fingerprint = rig.agree()
        bob = rig.desks["bob"]
        bob.ok("agreement", "accept", *fingerprint.split())
        rig.link()
        share(bob, "last")
        said = bob.ok("extract", "-o", str(bob.folder / "out.csv"), "--columns", "last").stderr
        assert "the agreement does not list last among the columns that you may hand over" in said
