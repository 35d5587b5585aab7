"""`blindlink encode --explain`: one record, on a terminal, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from samples.refusals import raises

from encoding.cli.main import main
from encoding.cli.terminal import explanation
from encoding.errors import UnknownRecordError
from encoding.profiles.catalog import shipped_profile
from encoding.project.session import Session
from encoding.project.uploading.subject import Subject
from encoding.records.agency_file import AgencyFile

ROWS = """ID,first_name,last_name,birth_date,sex,zip
a,Ruth,Smith,2011-04-09,F,69541
b,Ana,Ortiz,2012-05-06,F,
a,Ruth,Jones,2011-04-09,F,69541
,Nobody,Atall,2011-04-09,F,69541
c,Bad,Date,2011-13-09,F,69541
"""


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    path = tmp_path / "people.csv"
    path.write_text(ROWS)
    return Subject(shipped_profile("children"), AgencyFile(path, "ID"), {}, "YYYY-MM-DD")


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "is_terminal", lambda: True)


@pytest.mark.usefixtures("_terminal")
def test_all_rows_of_a_record_are_explained(
    subject: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked, by_id in (("1", False), ("3", False), ("a", True)):
        explanation.show_explanation(Session(), subject, asked, by_id=by_id)
        shown = capsys.readouterr().out
        assert shown.startswith("row 1\nrow 3\n"), asked
        assert "  any-sound: 2011-04-09 + R300 + F" in shown, asked
        assert "surname_1 JONES" in shown, asked
        assert "ORTIZ" not in shown, asked
    # One that cannot be encoded says why.
    explanation.show_explanation(Session(), subject, "c", by_id=True)
    assert "row 5, column birth_date" in capsys.readouterr().out
    for asked, by_id in (("0", False), ("6", False), ("4", False), ("x", True), ("", True)):
        with raises(UnknownRecordError):
            explanation.show_explanation(Session(), subject, asked, by_id=by_id)
    with pytest.raises(click.UsageError, match="--id"):
        explanation.show_explanation(Session(), subject, "a", by_id=False)


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize("other", ["b", "a", ""])
def test_a_known_number_that_another_record_holds_is_shown_as_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "ID,first_name,last_name,birth_date,student_id\n"
        "a,Ruth,Smith,2011-04-09,72345678\n"
        f"{other},Ana,Ortiz,2012-05-06,0072-345678\n"
    )
    profile = shipped_profile("children", number="student-id")
    numbered = Subject(profile, AgencyFile(path, "ID"), {}, "YYYY-MM-DD")
    explanation.show_explanation(Session(), numbered, "a", by_id=True)
    shown = capsys.readouterr().out
    assert ("72345678" in shown) == (other != "b")
    assert ("another record of the file holds its known number" in shown) == (other == "b")


@pytest.mark.usefixtures("_terminal")
def test_rows_have_the_numbers_of_the_file_where_only_some_take_part(
    subject: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    of_ortiz = replace(subject.file, only=("last_name", frozenset({"Ortiz", "Date"})))
    chosen = replace(subject, file=of_ortiz)
    for asked, by_id in (("2", False), ("b", True)):
        explanation.show_explanation(Session(), chosen, asked, by_id=by_id)
        assert capsys.readouterr().out.startswith("row 2\n"), asked
    # The one that refused rows are listed by.
    explanation.show_explanation(Session(), chosen, "5", by_id=False)
    assert "row 5, column birth_date" in capsys.readouterr().out
    with raises(UnknownRecordError):
        explanation.show_explanation(Session(), chosen, "1", by_id=False)


def test_nothing_is_shown_where_the_output_is_no_terminal(
    subject: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(click.UsageError, match="terminal only"):
        explanation.show_explanation(Session(), subject, "1", by_id=False)
    assert capsys.readouterr().out == ""
    layout = ["--id-column", "ID", "--date-format", "YYYY-MM-DD"]
    words = ["encode", str(subject.file.path), "--explain", "a", "--id", *layout]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "terminal only" in result.stderr
