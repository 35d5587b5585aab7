"""The list of spokes and the template: read strictly, written as they are read, one fingerprint a sheet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from encoding.errors import AgencyError
from encoding.extras.hub.sheet import extension_page, sheet_page
from encoding.extras.hub.spokes import (
    Spoke,
    answers_for,
    named_columns,
    read_spokes,
    sheet_digest,
    write_spokes,
)

LIST = "name,title,contact,most\nd-17,District 17,555-0117,2000\nd-18,District 18,555-0118,300\n"
TEMPLATE: dict[str, Any] = {
    "project": "ignored",
    "purpose": {"statement": "Pupils of {title}."},
    "parties": [{"name": "{name}", "contact": "{contact}"}],
    "limits": {"files": [{"party": "{name}", "least": 1, "most": "{most}"}]},
}


def listed(folder: Path, text: str = LIST) -> Path:
    path = folder / "districts.csv"
    path.write_text(text, "utf-8-sig")
    return path


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    spokes = read_spokes(listed(tmp_path), "welfare")
    assert [one.project for one in spokes] == ["welfare-d-17", "welfare-d-18"]
    signed = [replace(one, sheet=2, agreement="ab" * 32) for one in spokes]
    write_spokes(tmp_path / "spokes.csv", signed)
    assert read_spokes(tmp_path / "spokes.csv", "welfare") == tuple(signed)


def test_the_fingerprint_of_a_sheet_hangs_on_all_that_the_list_says_and_on_no_order(
    tmp_path: Path,
) -> None:
    text = LIST.replace("most", "only").replace("2000", "017")
    one, other = (replace(s, agreement="ab" * 32) for s in read_spokes(listed(tmp_path, text), "w"))
    digest = sheet_digest([one, other])
    assert digest == sheet_digest([other, one])
    assert digest != sheet_digest([one])
    for changed in (
        replace(one, agreement="ac" * 32),
        replace(one, cells={**one.cells, "only": "017;018"}),
        replace(one, cells={"contact": one.cells["contact"]}),
        replace(one, title="District 19"),
    ):
        assert sheet_digest([changed, other]) != digest


def test_a_sheet_that_was_written_has_the_same_fingerprint(tmp_path: Path) -> None:
    """Also where not all spokes have the same columns."""
    one, other = (replace(s, agreement="ab" * 32) for s in read_spokes(listed(tmp_path), "welfare"))
    spokes = [one, replace(other, cells={"only": "018"})]
    write_spokes(tmp_path / "sheet.csv", spokes)
    assert sheet_digest(read_spokes(tmp_path / "sheet.csv", "welfare")) == sheet_digest(spokes)


@pytest.mark.parametrize("kind", ["first", "extension"])
def test_a_sheet_shows_whose_records_are_for_whom(kind: str) -> None:
    def page(cells: dict[str, str]) -> str:
        spokes = [Spoke("d-17", "District 17", "hub-d-17", cells, 1, "ab" * 32)]
        if kind == "first":
            return sheet_page(1, "hub", spokes, [])
        return extension_page(2, "hub", spokes, {})

    shown = page({"only": "017;018"})
    assert "017;018" in shown
    assert "The column only says" in shown
    assert "The column only says" not in page({})


WRONG = {
    "no title": ("title", "address", "has no column title"),
    "a column": ("contact", "Contact Person", "a template cannot name"),
    "twice": ("d-18", "d-17", "line 3: the list has this spoke twice"),
    "the hub": ("d-18", "welfare", "line 3: the list has this spoke twice"),
    "a name": ("d-18", "District 18", "line 3: the name of a party or project has"),
    "a cell": ("555-0118,300", "555-0118", "line 3: it has more or fewer cells"),
    "an escape": ("555-0118", "\x1b[2J", "line 3: a cell is empty, too long, or has"),
    "no title cell": ("District 17", "", "line 2: a cell is empty"),
    "nobody": (LIST.partition("\n")[2], "", "must have 1 to 5,000 spokes"),
}


def test_a_wrong_list_is_refused_by_its_line(tmp_path: Path) -> None:
    for former, wrong, sentence in WRONG.values():
        with pytest.raises(AgencyError, match=sentence):
            read_spokes(listed(tmp_path, LIST.replace(former, wrong)), "welfare")


def test_a_template_takes_from_the_list_what_it_names(tmp_path: Path) -> None:
    spoke = read_spokes(listed(tmp_path), "welfare")[0]
    assert answers_for(TEMPLATE, spoke.answers()) == {
        "project": "welfare-d-17",
        "purpose": {"statement": "Pupils of District 17."},
        "parties": [{"name": "d-17", "contact": "555-0117"}],
        "limits": {"files": [{"party": "d-17", "least": 1, "most": 2000}]},
    }
    assert named_columns(TEMPLATE) == {"title", "name", "contact", "most"}


def test_what_the_list_does_not_say_is_asked_for(tmp_path: Path) -> None:
    spoke = read_spokes(listed(tmp_path, LIST.replace("555-0117", "")), "welfare")[0]
    with pytest.raises(AgencyError, match=r"asks for contact in parties\.contact, .* welfare-d-17"):
        answers_for(TEMPLATE, spoke.answers())
