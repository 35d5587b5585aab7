"""docs/library.md, run as it stands there, by a person who has nothing but two files."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import blindlink
from encoding import errors
from encoding.synth import write_rehearsal

GUIDE = (Path(__file__).parents[2] / "docs/library.md").read_text("utf-8")


def test_the_guide_runs_from_its_start_to_its_end(tmp_path: Path) -> None:
    files = write_rehearsal(tmp_path / "people", seed=1, n_children=200, n_students=800)
    for file, name in (
        (files.child_welfare, "clients.csv"),
        (files.k12, "pupils.csv"),
        (files.truth, "truth.csv"),
    ):
        shutil.copyfile(file, tmp_path / name)
    names: dict[str, Any] = {}
    with chdir(tmp_path):
        for block in re.findall(r"^```python\n(.*?)\n```$", GUIDE, re.MULTILINE | re.DOTALL):
            exec(block, names)
    assert names["measured"].recall.value > 0.8
    assert (tmp_path / "page.html").is_file()


def test_the_guide_names_every_column_and_its_codes_are_ours(tmp_path: Path) -> None:
    row = {"ID": "1", "First": "Ana", "Last": "Ortiz", "DOB": "2012-03-04"}
    pairs = blindlink.link([row, row | {"ID": "2"}], [row | {"ID": "3"}]).to_arrow()
    assert all(f"`{name}`" in GUIDE for name in pairs.column_names)
    codes = {one.code for one in vars(errors).values() if hasattr(one, "code")}
    listed = GUIDE.partition("| code |")[2]
    assert {*re.findall(r"^\| `([a-z-]+)`", listed, re.MULTILINE)} <= codes
