"""`blindlink calibrate`, and the commands of docs/calibrate.md."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.synth import RehearsalFiles, write_rehearsal

DOCS = Path(__file__).parents[4] / "docs"
LAYOUT = ("--preset", "rehearsal-child-welfare", "--encoding", "cp1252")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> RehearsalFiles:
    """The files of a rehearsal with 500 children."""
    folder = tmp_path_factory.mktemp("children")
    return write_rehearsal(
        folder, seed=8, n_children=500, n_students=600, overlap=0.6, error_level="mid"
    )


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def calibrate(*words: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", *words])


def test_it_recommends_passes_and_shows_every_set(files: RehearsalFiles) -> None:
    words = (str(files.child_welfare), *LAYOUT, "--partner-records", "2000")
    result = calibrate(*words, "--html", "passes.html", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["own_records"] > 490
    assert found["recommended"]["profile"].startswith("children")
    for one in found["sets"]:
        for each in one["caps"]:
            assert 0.9 < each["recall"] <= each["ceiling"] < 1
    # Nobody needs an agreement to see what an attacker would find.
    assert {"structure", "shown", "named", "followed_smaller"} <= set(found["privacy_audit"])
    assert "the goal is at most" in found["privacy_audit"]["named"]
    page = Path("passes.html").read_text("utf-8")
    assert found["recommended"]["sentence"][1:] in page
    again = calibrate(*words, "--html", "passes.html", "--json")
    assert (again.stdout, Path("passes.html").read_text("utf-8")) == (result.stdout, page)
    assert _nothing_of_a_record(files.child_welfare, result.stdout + page)


def _nothing_of_a_record(file: Path, text: str) -> bool:
    rows = [line.split(",") for line in file.read_text("cp1252").splitlines()[1:]]
    cells = {cell for row in rows for cell in row if len(cell) > 5}
    shown = set(re.findall(r"[\w/'-]{6,}", text))
    return not {cell for cell in cells if cell in shown}


def test_what_cannot_be_done_is_said(files: RehearsalFiles) -> None:
    for words, status, sentence in (
        ("", 2, "--partner-records"),
        ("--partner-records 0", 2, "0 is not in the range"),
        (f"--partner-records {10**15}", 2, "is not in the range"),
        ("--partner-records 9 --errors some", 2, "'some' is not one of"),
        ("--partner-records 9 --errors estimated", 3, "too few to estimate mistakes"),
    ):
        result = calibrate(str(files.child_welfare), *LAYOUT, *words.split())
        assert (result.exit_code, sentence in result.stderr) == (status, True), words
    Path("few.csv").write_text("ID,first_name,last_name,birth_date\n1,Ana,Ortiz,01/02/2010\n")
    words = "--id-column ID --date-format MM/DD/YYYY --partner-records 10"
    result = calibrate("few.csv", *words.split())
    assert (result.exit_code, "fewer than 200 records" in result.stderr) == (3, True)


def test_a_file_without_zip_codes_is_tried_without(files: RehearsalFiles) -> None:
    header, *rows = files.child_welfare.read_text("cp1252").splitlines()
    text = "\n".join([header.replace("placement_zip", "elsewhere"), *rows])
    Path("plain.csv").write_text(text, "cp1252")
    result = calibrate("plain.csv", *LAYOUT, "--partner-records", "2000", "--json")
    assert result.exit_code == 0, result.stderr
    assert [one["zip"] for one in json.loads(result.stdout)["sets"]] == [False]


@pytest.mark.long
def test_the_commands_of_the_page_work() -> None:
    text = (DOCS / "calibrate.md").read_text("utf-8")
    lines = re.findall(r"^    blindlink (.*)$", text, re.MULTILINE)
    assert len(lines) >= 3
    for line in lines:
        result = CliRunner().invoke(main, shlex.split(line))
        assert result.exit_code == 0, (line, result.stderr)
