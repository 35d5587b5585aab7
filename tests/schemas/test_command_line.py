"""What the three command lines share: help by sections, what was meant, completion, colour, progress."""

from __future__ import annotations

import io
import sys
import threading

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from schemas.shared import progress_bar, terminal
from schemas.shared.amounts import duration
from schemas.shared.command_line import LazyGroup, complain
from schemas.shared.progress_bar import ProgressBar, Step, progress_line

SECTIONS = {"Begin": {"init": "Begin."}, "Every week": {"upload": "Send.", "status": "Show."}}


@pytest.fixture
def group() -> LazyGroup:
    """A program none of whose commands can be loaded."""
    return LazyGroup("program", sections=SECTIONS, package="nowhere")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True

    def read_away(self) -> str:
        shown = self.getvalue()
        self.seek(0)
        self.truncate()
        return shown


def terminal_at(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Return a terminal in the place of the error output: in the test, since pytest changes it before."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return screen


def test_help_shows_commands_by_section_without_loading_any(group: LazyGroup) -> None:
    shown = CliRunner().invoke(group, ["--help"]).stdout
    assert "Begin:\n  init    Begin.\n\nEvery week:\n  upload  Send.\n  status  Show.\n" in shown


@pytest.mark.parametrize(("typed", "meant"), [("uplaod", "upload"), ("stats", "status")])
def test_a_command_that_there_is_not_names_the_one_that_was_meant(
    group: LazyGroup, typed: str, meant: str
) -> None:
    result = CliRunner().invoke(group, [typed], prog_name="program")
    assert result.exit_code == 2
    assert result.stderr == (
        f"program: error: no such command '{typed}'. Did you mean '{meant}'?\nhint: program --help\n"
    )


def test_a_program_alone_shows_its_help_as_it_is_laid_out(group: LazyGroup) -> None:
    result = CliRunner().invoke(group, [], prog_name="program")
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: program [OPTIONS] COMMAND [ARGS]...\n")


def test_a_shell_completes_commands_without_loading_any(group: LazyGroup) -> None:
    asked = ShellComplete(group, {}, "program", "_PROGRAM_COMPLETE")
    assert [one.value for one in asked.get_completions([], "")] == ["init", "upload", "status"]
    assert [one.value for one in asked.get_completions([], "up")] == ["upload"]
    assert [one.value for one in asked.get_completions([], "--h")] == ["--help"]


def test_errors_are_coloured_on_a_terminal_that_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_at(monkeypatch)
    complain("program", "no", "do")
    # Red and bold, and the end of it; so is the hint.
    assert screen.read_away().count("\x1b[") == 6
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            complain("program", "no", "do")
        assert screen.read_away() == "program: error: no\nhint: do\n"


def test_progress_is_written_over_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_at(monkeypatch)
    monkeypatch.setattr(progress_bar, "QUICK_S", 1e-9)
    monkeypatch.setattr(progress_bar, "REDRAWN_S", 1e-3)
    with ProgressBar() as bar:
        bar("encoding", 0.25, 1, "rows")
        # One report, and the bar goes on.
        while screen.getvalue().count("encoding") < 3:
            pass
    shown = screen.read_away()
    *_, last, blank, end = shown.split("\r")
    assert last.startswith("encoding [")
    assert (blank.strip(), end) == ("", "")
    assert "\n" not in shown


@pytest.mark.parametrize("why", ["quiet", "no terminal", "a terminal that cannot go back"])
def test_progress_is_silent_where_nobody_can_see_it(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    screen = terminal_at(monkeypatch)
    if why == "no terminal":
        monkeypatch.setattr(screen, "isatty", lambda: False)
    if why == "a terminal that cannot go back":
        monkeypatch.setenv("TERM", "dumb")
    before = threading.active_count()
    with ProgressBar(is_shown=why != "quiet") as bar:
        bar("encoding", 0.5, 1, "rows")
        assert threading.active_count() == before
    assert screen.read_away() == ""


def test_a_line_of_progress_says_share_time_left_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    said = " 25%, 6 s left, 2,000 rows, 1,000 a second"
    step = Step("encoding", 0.0, 0.25, 2000, "rows")
    assert progress_line(step, 2.0) == f"encoding [#####---------------] {said}"
    # Nothing is promised of a step that has only begun.
    begun = Step("attacking rows", 0.5, 0.5, 2, "attacks")
    assert progress_line(begun, 3.0).endswith("]  50%, 3 s so far")
    monkeypatch.setattr(progress_bar, "width", lambda: 60)
    assert progress_line(step, 2.0) == f"encoding {said}"
    assert [duration(one) for one in (59.2, 61, 7260)] == ["59 s", "1 min 1 s", "2 h 1 min"]


def test_a_line_is_cut_at_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal_at(monkeypatch)
    monkeypatch.setattr(terminal, "width", lambda: 20)
    terminal.draw("x" * 50)
    assert screen.read_away() == "\r" + "x" * 19
    terminal.clear()


def test_a_wrong_option_names_the_one_that_was_meant() -> None:
    @click.group(cls=LazyGroup, sections={}, package="nowhere")
    @click.option("--quiet", is_flag=True)
    def program(quiet: bool) -> None:
        """Do nothing."""

    result = CliRunner().invoke(program, ["--quite", "init"], prog_name="program")
    assert "no such option '--quite'. Did you mean '--quiet'?" in result.stderr
