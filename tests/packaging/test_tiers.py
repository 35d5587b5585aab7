"""What a test needs is read from its code, and a test that starts something without telling fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rigs.live import command
from rigs.near_broker import near_broker
from tiers import NEEDS, PAGE, WORDS, NeedNotSaidError, dearest, reached_from


def runs_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def calls_another() -> None:
    [runs_a_program() for _ in range(2)]


class Rig:
    def go(self) -> None:
        runs_a_program()


def has_a_rig() -> None:
    Rig()


def test_what_a_function_calls_counts_as_its_own() -> None:
    assert reached_from(near_broker) == {"broker"}
    assert "process" in reached_from(command)
    assert {reached_from(one) for one in (runs_a_program, calls_another, has_a_rig)} == {
        frozenset({"process"})
    }
    assert reached_from(Path.read_text) == reached_from(len) == frozenset()


def test_a_test_that_starts_what_its_code_does_not_say_fails(
    request: pytest.FixtureRequest,
) -> None:
    program = request.getfixturevalue("tmp_path") / "program.py"
    program.write_text("")
    assert dearest(request.node) == "nothing"
    with pytest.raises(NeedNotSaidError, match="process"):
        getattr(subprocess, "Popen")([sys.executable, program])  # noqa: B009


def test_the_page_has_a_row_for_each_need() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert [need for need in NEEDS if any(WORDS[need] in row for row in rows)] == [*NEEDS]
