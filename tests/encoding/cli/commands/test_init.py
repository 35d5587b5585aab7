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


def test_options_alone_write_the_settings_and_overwrite_none(tmp_path: Path) -> None:
    result = init(tmp_path, "--share", "school,grade", "--as-of", "2026-01-31")
    assert result.exit_code == 0, result.stderr
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert sections.input.id_column == "SSID"
    assert sections.input.as_of == "2026-01-31"
    assert sections.share.columns == ("school", "grade")
    assert sections.identity.file == "identity.txt"
    assert sections.broker.ca_file is None
    (tmp_path / "blindlink.toml").write_text("mine")
    assert init(tmp_path).exit_code == 1
    assert (tmp_path / "blindlink.toml").read_text() == "mine"
    assert init(tmp_path, "--force").exit_code == 0


def test_missing_option_is_named_and_what_is_impossible_refused(tmp_path: Path) -> None:
    for missing in GIVEN:
        result = init(tmp_path, without=missing)
        assert result.exit_code == 2, missing
        assert f"missing option {missing}" in result.stderr
    result = init(tmp_path, "--as-of", "yesterday")
    assert (result.exit_code, "as_of" in result.stderr) == (2, True)
    assert init(tmp_path, "--preset", "nonsense").exit_code != 0
    assert os.listdir(tmp_path) == []


def test_columns_are_read_off_the_file_or_a_preset_unless_they_are_named(tmp_path: Path) -> None:
    header = "SSID,Student Legal First Name,student_legal_last_name,Student Birth Date,Lunch"
    (tmp_path / "pupils.csv").write_text(header + "\n1,2,3,4,5\n")
    assert init(tmp_path).exit_code == 0
    assert read_config(tmp_path / "blindlink.toml").sections.columns == {
        "first_name": "Student Legal First Name",
        "last_name": "student_legal_last_name",
        "birth_date": "Student Birth Date",
        "student_id": "SSID",
    }
    words = ("--preset", "calpads", "--column", "sex=Sex2", "--force")
    assert init(tmp_path, *words).exit_code == 0
    sections = read_config(tmp_path / "blindlink.toml").sections
    assert sections.columns["birth_date"] == "Student Birth Date"
    assert sections.columns["sex"] == "Sex2"
    assert sections.input.date_format == "YYYYMMDD"


def test_a_file_that_does_not_fit_is_told_and_the_settings_are_written(tmp_path: Path) -> None:
    words, file = ("--column", "first_name=Given", "--force"), tmp_path / "pupils.csv"
    for content, said in (
        (None, "there is no file"),
        (b"SSID;First\n1;2\n", 'delimiter = ";"'),
        (b"SSID\tFirst\n1\t2\n", 'delimiter = "\\t"'),
        ("SSID,First\n1,2\n".encode("utf-16"), 'encoding = "utf-16"'),
        (b"SID,First\n1,2\n", "has no column SSID"),
        (b"SSID,First\n1,2\n", "has no column Given, which the settings name"),
    ):
        if content is not None:
            file.write_bytes(content)
        result = init(tmp_path, *words)
        assert result.exit_code == 0, result.stderr
        assert "blindlink: warning: " in result.stderr, content
        assert said in result.stderr, content
        (tmp_path / "blindlink.toml").unlink()
    assert "warning" not in init(tmp_path, "--column", "first_name=First").stderr


def test_log_key_is_given_as_text_or_file(tmp_path: Path) -> None:
    key, file = Log().key, tmp_path / "log.vkey"
    file.write_text(key + "\n")
    for given in (key, str(file)):
        assert init(tmp_path, "--log-key", given, "--force").exit_code == 0
        assert read_config(tmp_path / "blindlink.toml").sections.broker.log_key == key
    assert init(tmp_path, "--log-key", "x", "--force").exit_code == 2
    # As PowerShell writes what a command prints.
    file.write_text(key, encoding="utf-16")
    refused = init(tmp_path, "--log-key", str(file), "--force")
    said = "the one line that the operator gave you"
    assert (refused.exit_code, said in refused.stderr) == (2, True)


def test_questions_are_asked_at_a_terminal(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("encoding.cli.terminal.prompts.is_interactive", lambda: True)
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


def test_new_secret_prints_its_key_id_alone_and_overwrites_none(tmp_path: Path) -> None:
    init(tmp_path)
    result = secret(tmp_path, "new")
    made = read_secret(tmp_path / "secret.txt")
    assert result.stdout.replace(" ", "").strip() == made.key_id
    assert secret(tmp_path, "status").stdout == result.stdout
    before = (tmp_path / "secret.txt").read_bytes()
    assert before.decode().splitlines()[1] not in result.output
    assert secret(tmp_path, "new").exit_code == 1
    assert (tmp_path / "secret.txt").read_bytes() == before
    # It needs no settings if the file is named.
    (tmp_path / "blindlink.toml").unlink()
    path = str(tmp_path / "s.txt")
    named = secret(tmp_path, "new", path)
    assert secret(tmp_path, "status", path).stdout == named.stdout != result.stdout


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


def test_who_only_receives_needs_no_file_of_people_and_says_nothing_about_one(
    tmp_path: Path,
) -> None:
    for more in ("--file x.csv", "--preset edfi", "--sheet A", "--column dob=DOB"):
        assert receive(tmp_path, "--without-file", *more.split()).exit_code == 2, more
        assert not (tmp_path / "blindlink.toml").exists(), more
    result = receive(tmp_path, "--without-file")
    assert result.exit_code == 0, result.stderr
    text = (tmp_path / "blindlink.toml").read_text("utf-8")
    assert "[input]" not in text
    config = read_config(tmp_path / "blindlink.toml")
    assert config.sections.input is None
    assert render_config(config.sections) == text
    with raises(ConfigError, match="the settings name no file of people"):
        config.source  # noqa: B018
