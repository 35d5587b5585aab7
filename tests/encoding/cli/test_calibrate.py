"""`blindlink calibrate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.synth import write_rehearsal

LAYOUT = ("--preset", "rehearsal-child-welfare", "--encoding", "cp1252")


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of 500 rehearsal children."""
    folder = tmp_path_factory.mktemp("children")
    return write_rehearsal(
        folder, seed=8, n_children=500, n_students=600, overlap=0.6, error_level="mid"
    ).child_welfare


def calibrate(*words: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", *words])


@pytest.mark.long
def test_it_recommends_a_policy_and_draws_the_sweep(
    children: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = calibrate(
        str(children), *LAYOUT, "--other-rows", "20000", "--html", "t.html", "--json"
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert 0.7 < float(found["policy"]["review"]) <= float(found["policy"]["auto"]) < 1
    assert found["own_records"] > 490
    assert "<polyline" in Path("t.html").read_text("utf-8")


def test_the_size_of_the_other_file_must_be_said(children: Path) -> None:
    result = calibrate(str(children), *LAYOUT)
    assert result.exit_code == 2


def test_a_handful_of_records_ends_with_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("few.csv").write_text("ID,first_name,last_name,birth_date\n1,Ana,Ortiz,01/02/2010\n")
    words = ("--id-column", "ID", "--date-format", "MM/DD/YYYY", "--other-rows", "10")
    result = calibrate("few.csv", *words)
    assert result.exit_code == 3
    assert "fewer than 200 records" in result.stderr
