"""Pages that commands write."""

from __future__ import annotations

from pathlib import Path

from samples.refusals import raises

from encoding.cli.parts.pages import write_page
from encoding.errors import OutputExistsError
from schemas.shared.page import render_page


def test_a_report_replaces_a_report_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, render_page("one", "", [], ""))
    write_page(path, render_page("two", "", [], ""))
    assert "<title>two</title>" in path.read_text()
    path.write_text("mine")
    with raises(OutputExistsError):
        write_page(path, render_page("three", "", [], ""))
    assert path.read_text() == "mine"
