"""`blindlink synth`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from click.testing import CliRunner
from samples.refusals import is_one

from encoding.cli.commands.synth import LEVEL_NAMES, SIZE_NAMES, synth
from encoding.errors import RehearsalError
from encoding.project.session import Session
from encoding.synth import ERROR_LEVELS, SIZES

SMALL = ["--children", "20", "--students", "100"]


def test_files_are_written_and_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(synth, [str(tmp_path / "here"), *SMALL, "--json"], obj=Session())
    assert result.exit_code == 0
    written = json.loads(result.stdout)
    assert set(written) == {"child_welfare", "k12", "truth", "look_alikes"}
    assert all(Path(path).is_file() for path in written.values())


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    words = [str(tmp_path / "none"), "--children", "5", "--students", "4"]
    assert is_one(CliRunner().invoke(synth, words, obj=Session()).exception, RehearsalError)
    assert not (tmp_path / "none").exists()
    assert (list(SIZE_NAMES), list(LEVEL_NAMES)) == (list(SIZES), list(ERROR_LEVELS))


def test_known_numbers_are_held_for_four_clients_in_five(tmp_path: Path) -> None:
    words = [str(tmp_path), "--children", "300", "--students", "2000", "--known-numbers"]
    assert CliRunner().invoke(synth, words, obj=Session()).exit_code == 0
    with (tmp_path / "child_welfare.csv").open(encoding="cp1252", newline="") as file:
        held = [bool(row["state_student_id"]) for row in csv.DictReader(file)]
    assert 0.7 < sum(held) / len(held) < 0.9
