"""Every error is one line, a hint and a documented exit code, and shows no values."""

from __future__ import annotations

import errno

import click
import pytest
from click.testing import CliRunner

from encoding.cli.failures import exit_status
from encoding.cli.main import COMMANDS, main
from encoding.cli.session import Session
from encoding.errors import AgencyError, NotReadyError
from schemas.errors import ProofError


def outcome(capsys: pytest.CaptureFixture[str], error: BaseException) -> tuple[object, str]:
    def fail() -> object:
        raise error

    with pytest.raises(SystemExit) as ended:
        exit_status("blindlink", fail)
    captured = capsys.readouterr()
    assert captured.out == ""
    return ended.value.code, captured.err


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NotReadyError("no", hint="do"), 1, "blindlink: error: no\nhint: do\n"),
        (ProofError("the proof is bad"), 1, "blindlink: error: the proof is bad\n"),
        (
            click.UsageError("Bad thing."),
            2,
            "blindlink: error: bad thing\nhint: blindlink --help\n",
        ),
        (click.ClickException("No."), 1, "blindlink: error: no\n"),
        (KeyboardInterrupt(), 1, "blindlink: error: interrupted; nothing is lost\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out.csv"),
            1,
            "blindlink: error: no space left on device (out.csv)\n",
        ),
        (
            AgencyError("a \x1b[2K\nb", hint="c \u202ed"),
            1,
            "blindlink: error: a \\x1b[2K\\nb\nhint: c \\u202ed\n",
        ),
        (
            click.UsageError("Missing option '--as'. Choose from:\n\ta,\n\tb"),
            2,
            "blindlink: error: missing option '--as'. Choose from: a, b\nhint: blindlink --help\n",
        ),
    ],
)
def test_expected_error_is_one_line_and_its_code(capsys, error, status, text) -> None:
    assert outcome(capsys, error) == (status, text)


def test_a_remark_or_warning_cannot_write_control_characters_either(capsys) -> None:
    session = Session()
    session.say("a \x1b[2K")
    session.warn("b\r")
    assert capsys.readouterr().err == "blindlink: a \\x1b[2K\nblindlink: warning: b\\r\n"


def test_unexpected_error_shows_its_place_and_no_value(capsys) -> None:
    status, text = outcome(capsys, ValueError("CANARY"))
    assert status == 1
    assert "CANARY" not in text
    assert "internal error: ValueError in fail, line" in text


def test_closed_pipe_is_silent(capsys) -> None:
    assert outcome(capsys, BrokenPipeError()) == (1, "")


def test_exit_codes_of_all_errors_are_documented() -> None:
    found, todo = set(), [AgencyError]
    while todo:
        kind = todo.pop()
        found.add(kind.exit_code)
        todo += kind.__subclasses__()
    assert found <= {1, 2, 3, 4, 5, 6, 7}


def test_codes_of_all_errors_are_unique() -> None:
    codes, todo = [], [AgencyError]
    while todo:
        kind = todo.pop()
        codes.append(kind.code)
        todo += kind.__subclasses__()
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_help_of_every_command_ends_with_an_example(name: str) -> None:
    text = CliRunner().invoke(main, [name, "--help"]).stdout
    assert "Example: blindlink" in text
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_every_listed_command_has_a_line_of_help(name: str) -> None:
    assert COMMANDS[name].endswith(".")


def test_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["teleport"])
    assert result.exit_code == 2
    assert result.stderr.startswith("blindlink: error: no such command")


def test_unknown_option_names_the_commands_own_help() -> None:
    result = CliRunner().invoke(main, ["encode", "--fast"], prog_name="blindlink")
    assert result.exit_code == 2
    assert "hint: blindlink encode --help" in result.stderr
