"""docs/trial.md, typed as it stands there, by someone who has nothing but two files."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from encoding.synth import write_rehearsal
from encoding.trial.outcome import TRIAL_SENTENCES

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from rigs.terminal import Terminal

GUIDE = (Path(__file__).parents[2] / "docs/trial.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)\n```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = write_rehearsal(tmp_path / "people", seed=3, n_children=200, n_students=800)
    for file, name in (
        (files.child_welfare, "clients.csv"),
        (files.k12, "pupils.csv"),
        (files.truth, "known-pairs.csv"),
    ):
        shutil.copyfile(file, tmp_path / name)
    return tmp_path


def test_the_guide_is_typed_from_its_start_to_its_end(folder: Path) -> None:
    terminal = Terminal(folder, {"Is this right": "n"})
    first, corrected, measured = COMMANDS
    shown = terminal.type(first).end(1)
    assert f"then: {corrected}" in shown
    assert sorted(os.listdir(folder / "trial")) == ["layout-a.toml", "layout-b.toml"]
    terminal.answers = {}
    shown = terminal.type(corrected).end()
    assert "pairs are linked" in shown
    shown = terminal.type(measured).end()
    assert re.search(
        r"against the truth: precision (9[5-9]|100)\.\d\d%, recall (100|[89]\d)\.\d\d%", shown
    )
    assert (folder / "measured/trial.html").is_file()


def test_the_guide_names_what_is_written_and_every_reason(folder: Path) -> None:
    terminal = Terminal(folder, {"Is this right": ""})
    terminal.type(COMMANDS[0]).end()
    for name in os.listdir(folder / "trial"):
        assert f"`{name}`" in GUIDE
    # Those of a round with a broker do not occur in a trial.
    of_rounds = {
        "withdrawn", "not-yet-encoded", "not-encoded", "unlinked", "ruled-out", "two-records", "waits",
    }  # fmt: skip
    assert {reason for reason in TRIAL_SENTENCES if f"`{reason}`" in GUIDE} == (
        TRIAL_SENTENCES.keys() - of_rounds
    )
