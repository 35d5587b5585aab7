"""`blindlink init` and `blindlink secret`: from nothing to settings and a secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from breaks.false_log import Log
from click.testing import CliRunner, Result
from samples.refusals import raises

from encoding.cli.main import main
from encoding.errors import ConfigError
from encoding.secret.secret import read_secret
from encoding.workspace.config import read_config, render_config

GIVEN = {
    "--broker": "https://broker.test",
    "--project": "foster-pupils",
    "--party": "schools",
    "--file": "pupils.csv",
    "--id-column": "SSID",
    "--population": "in-care",
}


def init(folder: Path, *more: str, without: str = "", **changes: str) -> Result:
    options = [word for pair in GIVEN.items() if pair[0] != without for word in pair]
    config = str(folder / "blindlink.toml")
    return CliRunner().invoke(main, ["--config", config, "init", *options, *more])


def test_options_alone_write_the_settings(tmp_path: Path) -> None:
    result = init(tmp_path, "--share", "school,grade", "--as-of", "2026-01-31")
    assert result.exit_code == 0, result.stderr
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert sections.input.id_column == "SSID"
    assert sections.input.as_of == "2026-01-31"
    assert sections.share.columns == ("school", "grade")
    assert sections.identity.file == "identity.txt"
    assert sections.broker.ca_file is None


def test_settings_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "blindlink.toml").write_text("mine")
    assert init(tmp_path).exit_code == 1
    assert (tmp_path / "blindlink.toml").read_text() == "mine"
    assert init(tmp_path, "--force").exit_code == 0


@pytest.mark.parametrize("missing", list(GIVEN))
def test_missing_option_is_named(tmp_path: Path, missing: str) -> None:
    result = init(tmp_path, without=missing)
    assert result.exit_code == 2
    assert f"missing option {missing}" in result.stderr
    assert os.listdir(tmp_path) == []


def test_columns_are_read_off_the_file(tmp_path: Path) -> None:
    header = "SSID,Student Legal First Name,student_legal_last_name,Student Birth Date,Lunch"
    (tmp_path / "pupils.csv").write_text(header + "\n1,2,3,4,5\n")
    assert init(tmp_path).exit_code == 0
    assert read_config(tmp_path / "blindlink.toml").sections.columns == {
        "first_name": "Student Legal First Name",
        "last_name": "student_legal_last_name",
        "birth_date": "Student Birth Date",
        "student_id": "SSID",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"SSID;First\n1;2\n", 'delimiter = ";"'),
        (b"SSID\tFirst\n1\t2\n", 'delimiter = "\\t"'),
        ("SSID,First\n1,2\n".encode("utf-16"), 'encoding = "utf-16"'),
        (b"SID,First\n1,2\n", "has no column SSID"),
        (b"SSID,First\n1,2\n", "has no column Given, which the settings name"),
    ],
)
def test_a_file_that_does_not_fit_is_told_and_the_settings_are_written(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "pupils.csv").write_bytes(content)
    result = init(tmp_path, "--column", "first_name=Given")
    assert result.exit_code == 0, result.stderr
    assert "blindlink: warning: " in result.stderr
    assert said in result.stderr
    assert (tmp_path / "blindlink.toml").exists()


def test_a_file_that_fits_brings_no_warning(tmp_path: Path) -> None:
    (tmp_path / "pupils.csv").write_text("SSID,First\n1,2\n")
    assert "warning" not in init(tmp_path, "--column", "first_name=First").stderr


def test_preset_gives_columns_and_date_format(tmp_path: Path) -> None:
    assert init(tmp_path, "--preset", "calpads").exit_code == 0
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert sections.columns["birth_date"] == "Student Birth Date"
    assert sections.input.date_format == "YYYYMMDD"


def test_mapping_takes_precedence_over_what_was_found(tmp_path: Path) -> None:
    assert init(tmp_path, "--preset", "calpads", "--column", "sex=Sex2").exit_code == 0
    assert read_config(tmp_path / "blindlink.toml").sections.columns["sex"] == "Sex2"


def test_unknown_preset_is_refused(tmp_path: Path) -> None:
    assert init(tmp_path, "--preset", "nonsense").exit_code != 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("as_file", [True, False])
def test_log_key_is_given_as_text_or_file(tmp_path: Path, as_file: bool) -> None:
    key = Log().key
    (tmp_path / "log.vkey").write_text(key + "\n")
    given = str(tmp_path / "log.vkey") if as_file else key
    assert init(tmp_path, "--log-key", given).exit_code == 0
    assert read_config(tmp_path / "blindlink.toml").sections.broker.log_key == key


def test_malformed_log_key_is_refused(tmp_path: Path) -> None:
    assert init(tmp_path, "--log-key", "x").exit_code == 2
    # As PowerShell writes what a command prints.
    (tmp_path / "log.vkey").write_text(Log().key, encoding="utf-16")
    refused = init(tmp_path, "--log-key", str(tmp_path / "log.vkey"))
    assert (refused.exit_code, "the one line that the operator gave you" in refused.stderr) == (
        2,
        True,
    )


def test_impossible_answer_is_refused(tmp_path: Path) -> None:
    result = init(tmp_path, "--as-of", "yesterday")
    assert result.exit_code == 2
    assert "as_of" in result.stderr


def test_questions_are_asked_at_a_terminal(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("encoding.cli.parts.prompts.is_interactive", lambda: True)
    answers = [
        "https://broker.test", "foster-pupils", "schools", "", "", "", "pupils.csv", "SSID",
        "YYYY-MM-DD", "", "in-care",
    ]  # fmt: skip
    result = CliRunner().invoke(
        main,
        ["--config", str(tmp_path / "blindlink.toml"), "init"],
        input="".join(f"{answer}\n" for answer in answers),
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert sections.project.party == "schools"
    assert sections.input.date_format == "YYYY-MM-DD"
    assert sections.broker.log_key is None


@pytest.mark.parametrize(
    ("named", "stands"), [("~/pupils.csv", "home/pupils.csv"), ("~pupils.csv", "~pupils.csv")]
)
def test_a_file_is_read_where_the_settings_mean_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, stands: str
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / stands).write_text("SSID,First,Last,DOB\n1,Ana,Ortiz,4/9/2011\n")
    result = init(tmp_path, "--file", named, without="--file")
    assert result.exit_code == 0, result.stderr
    assert "there is no file" not in result.stderr
    config = read_config(tmp_path / "blindlink.toml")
    assert config.resolve(config.source.file) == tmp_path / stands
    assert config.sections.columns["last_name"] == "Last"


def test_the_keys_are_named_as_they_were_given(tmp_path: Path) -> None:
    result = init(tmp_path, "--identity", "identity.txt", "--key-file", "identity.key")
    assert result.exit_code == 0, result.stderr
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert (sections.identity.file, sections.identity.key_file) == ("identity.txt", "identity.key")
    assert "let a second person keep it: blindlink workspace protect" in result.stderr
    assert "refresh --agreement" in result.stderr


def secret(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "blindlink.toml"), "secret", *words])


def test_new_secret_prints_its_key_id_alone(tmp_path: Path) -> None:
    init(tmp_path)
    result = secret(tmp_path, "new")
    made = read_secret(tmp_path / "secret.txt")
    assert result.stdout.replace(" ", "").strip() == made.key_id
    assert secret(tmp_path, "key-id").stdout == result.stdout
    hidden = (tmp_path / "secret.txt").read_text().splitlines()[1]
    assert hidden not in result.output


def test_secret_is_never_overwritten(tmp_path: Path) -> None:
    init(tmp_path)
    secret(tmp_path, "new")
    before = (tmp_path / "secret.txt").read_bytes()
    assert secret(tmp_path, "new").exit_code == 1
    assert (tmp_path / "secret.txt").read_bytes() == before


def test_secret_needs_no_settings_if_the_file_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "s.txt")
    made = secret(tmp_path, "new", path)
    assert secret(tmp_path, "key-id", path).stdout == made.stdout


def test_no_option_takes_a_secret_or_a_token() -> None:
    import click

    todo: list[click.Command] = [main]
    while todo:
        command = todo.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            todo += filter(
                None, (command.get_command(context, n) for n in command.list_commands(context))
            )
        for parameter in command.params:
            assert parameter.name not in {"secret", "token", "password", "key"}


RECEIVES: Final = ("--broker", "https://broker.test", "--project", "foster", "--party", "research")


def receive(folder: Path, *more: str) -> Result:
    config = str(folder / "blindlink.toml")
    words = ["--config", config, "init", *RECEIVES, "--identity", "identity.txt", *more]
    return CliRunner().invoke(main, words)


def test_who_only_receives_needs_no_file_of_people(tmp_path: Path) -> None:
    result = receive(tmp_path, "--without-file")
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "blindlink.toml").read_text("utf-8")
    assert "[input]" not in text
    config = read_config(tmp_path / "blindlink.toml")
    assert config.sections.input is None
    assert render_config(config.sections) == text
    with raises(ConfigError, match="the settings name no file of people"):
        config.source  # noqa: B018


@pytest.mark.parametrize(
    "more", [("--file", "x.csv"), ("--preset", "edfi"), ("--sheet", "A"), ("--column", "dob=DOB")]
)
def test_there_is_nothing_to_say_about_no_file(tmp_path: Path, more: tuple[str, ...]) -> None:
    assert receive(tmp_path, "--without-file", *more).exit_code == 2
    assert not (tmp_path / "blindlink.toml").exists()
