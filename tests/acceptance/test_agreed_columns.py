"""`blindlink extract` is held against the columns that all parties have signed."""

from __future__ import annotations

from pathlib import Path

from rigs.agreement import agreement_rig
from rigs.agreement_moments import agree, share_columns

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


def test_a_column_that_nobody_has_signed_is_told_before_it_leaves(tmp_path: Path) -> None:
    """Also to a party that may hand over nothing."""
    theirs = ELEMENTS.replace('"welfare"', '"schools"')
    for elements, columns, unsigned in (
        (ELEMENTS, ("last", "first"), "first"),
        (theirs, ("last",), "last"),
    ):
        (tmp_path / unsigned).mkdir()
        with agreement_rig(tmp_path / unsigned) as rig:
            answers = rig.desks["ann"].folder / "answers.toml"
            answers.write_text(answers.read_text("utf-8") + elements, "utf-8")
            agree(rig)
            bob = rig.desks["bob"]
            rig.link()
            share_columns(bob.folder, *columns)
            words = ("extract", "-o", str(bob.folder / "out.csv"), "--force", "--columns")
            said = bob.ok(*words, ",".join(columns)).stderr
            told = "the agreement does not list {} among the columns that you may hand over"
            assert told.format(unsigned) in said
            assert ("list last" in said) is (unsigned == "last")
            if unsigned == "first":
                assert "the agreement does not list" not in bob.ok(*words, "last").stderr
