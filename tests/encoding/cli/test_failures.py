"""Every error is one line, a hint and a documented exit code, and shows no values."""

from __future__ import annotations

import errno
import json
from itertools import product
from typing import Any

import click
import pytest
from click.testing import CliRunner

from encoding import errors
from encoding.cli.main import COMMANDS, main
from encoding.cli.terminal.failures import exit_status
from encoding.errors import AgencyError, NotReadyError
from encoding.ledger import errors as ledger_errors
from encoding.project.session import Session
from schemas.documents.errors import OtherVersionError, ProofError
from schemas.shared.command_line import one_line
from schemas.shared.error_rows import Refusal


def outcome(capsys: pytest.CaptureFixture[str], error: BaseException) -> tuple[object, str]:
    def fail() -> object:
        raise error

    with pytest.raises(SystemExit) as ended:
        exit_status("blindlink", fail)
    captured = capsys.readouterr()
    assert captured.out == ""
    return ended.value.code, captured.err


def asked(stop: BaseException) -> click.Abort:
    """Return what click raises where that stops a question."""
    abort = click.Abort()
    abort.__context__ = stop
    return abort


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
        (KeyboardInterrupt(), 130, "blindlink: error: interrupted; nothing is lost\n"),
        (asked(KeyboardInterrupt()), 130, "blindlink: error: interrupted; nothing is lost\n"),
        (
            asked(EOFError()),
            1,
            "blindlink: error: the input ended before a question was answered\n"
            "hint: type the command at a terminal\n",
        ),
        (click.Abort(), 1, "blindlink: error: stopped; nothing was done\n"),
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


def test_what_another_version_made_is_named_whatever_its_reader_took_it_for_but_hides_no_alarm(
    capsys,
) -> None:
    def damaged(exit_code: int) -> AgencyError:
        error = AgencyError("the file is damaged", hint="restore a backup")
        error.exit_code = exit_code
        error.__context__ = OtherVersionError("ledger", "blindlink/ledger/9", "blindlink/ledger/1")
        return error

    status, text = outcome(capsys, damaged(3))
    assert (status, "damaged" in text, "backup" in text) == (3, False, False)
    assert (
        "blindlink/ledger/9 is of a newer version of this program, which reads blindlink/ledger/1\n"
        in text
    )
    assert outcome(capsys, damaged(errors.ALARM))[1].startswith(
        "blindlink: error: the file is damaged\n"
    )


def test_a_remark_or_warning_cannot_write_control_characters_either(capsys) -> None:
    session = Session()
    session.say("a \x1b[2K")
    session.warn("b\r")
    assert capsys.readouterr().err == "blindlink: a \\x1b[2K\nblindlink: warning: b\\r\n"


def test_unexpected_error_shows_its_place_and_no_value_and_a_closed_pipe_is_silent(capsys) -> None:
    status, text = outcome(capsys, ValueError("CANARY"))
    assert status == 1
    assert "CANARY" not in text
    assert "internal error: ValueError in fail, line" in text
    assert outcome(capsys, BrokenPipeError()) == (1, "")


def all_errors() -> list[type[AgencyError] | Refusal[Any]]:
    """Return the classes of errors and the rows of their tables."""
    rows = [*vars(errors).values(), *vars(ledger_errors).values()]
    found: list[type[AgencyError] | Refusal[Any]] = [AgencyError]
    for kind in found:
        found += kind.__subclasses__() if isinstance(kind, type) else ()
    return [*found, *(row for row in rows if isinstance(row, Refusal))]


def test_codes_of_all_errors_are_unique_and_their_exit_codes_documented() -> None:
    assert {one.exit_code for one in all_errors()} <= {1, 2, 3, 4, 5, 6, 7, 8, 9}
    codes = [one.code for one in all_errors()]
    assert len(codes) > 90
    assert len(codes) == len(set(codes))


def test_help_of_every_command_ends_with_an_example() -> None:
    for name in main.list_commands(click.Context(main)):
        text = CliRunner().invoke(main, [name, "--help"]).stdout
        assert "Example: blindlink" in text, name
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.name == name
        assert COMMANDS[name].endswith("."), name


def test_an_unknown_command_or_option_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["teleport"])
    assert result.exit_code == 2
    assert result.stderr.startswith("blindlink: error: no such command")
    result = CliRunner().invoke(main, ["encode", "--fast"], prog_name="blindlink")
    assert result.exit_code == 2
    assert "hint: blindlink encode --help" in result.stderr


def test_what_all_parties_read_is_one_short_line() -> None:
    commands = (
        ("agreement", "halt", "--yes", "--reason"),
        ("agreement", "halt", "--lift", "--yes", "--reason"),
        ("agreement", "leave", "--yes", "--reason"),
        ("hold", "--yes", "--set"),
        ("hold", "--yes", "--lift"),
    )
    for words, text in product(commands, ("", "x" * 201, "one line\nand another")):
        result = CliRunner().invoke(main, [*words, text], prog_name="blindlink")
        assert result.exit_code == 2, words
        assert "one line of 1 to 200 printable characters" in result.stderr, words
        called = " ".join(word for word in words if not word.startswith("-"))
        assert f"hint: blindlink {called} --help" in result.stderr, words
    # So is why a copy is kept.
    words = ("destroy", "--local", "--yes", "--keep", f"secret={'x' * 201}")
    result = CliRunner().invoke(main, [*words])
    assert (result.exit_code, "of 1 to 200" in result.stderr) == (2, True)


def test_a_line_is_taken_without_spaces_round_it_and_its_accents_composed() -> None:
    assert one_line(" Zoe\u0308 asks. ") == "Zo\u00eb asks."


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        # One that is made from a row of the table, and one of a class.
        ("check --config none.toml --json", "config", 2),
        ("schema --check none --json", "linkage-schema", 1),
    ],
)
def test_with_json_an_error_has_its_code(words: str, code: str, status: int) -> None:
    done = CliRunner().invoke(main, words.split())
    error = json.loads(done.stdout)["error"]
    assert (error["code"], done.exit_code) == (code, status)
    assert done.stderr.startswith(f"blindlink: error: {error['message']}")
