"""The list of spokes and the template: read strictly, written as they are read, one fingerprint a sheet.
The report of a hub: in the order in which someone should look, and without a number that tells of few.
`hub.toml`, and the settings of a spoke that follow from it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vectors.round_report import round_report_vectors

from encoding.errors import AgencyError
from encoding.extras.hub.page import hub_page
from encoding.extras.hub.report import (
    HubReport,
    Outcome,
    SpokeSeen,
    State,
    hub_report,
    keep_outcome,
    kept_outcome,
)
from encoding.extras.hub.settings import Hub, read_hub, render_hub
from encoding.extras.hub.sheet import extension_page, sheet_page
from encoding.extras.hub.spokes import (
    Spoke,
    answers_for,
    named_columns,
    read_spokes,
    sheet_digest,
    write_spokes,
)
from encoding.records.agency_file import agency_file
from encoding.workspace.config import read_config
from schemas.reports.round_report import RoundReport

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


NOW = "2026-10-25T23:00:00Z"
ROUND = RoundReport.from_canonical(round_report_vectors()["good"][0]["text"].encode())


def spoke(number: int) -> Spoke:
    return Spoke(f"d-{number}", f"District {number}", f"hub-d-{number}", {})


def outcome(number: int, state: State, message: str = "done", exit_code: int = 0) -> Outcome:
    return Outcome(
        project=f"hub-d-{number}", party=f"d-{number}", at=NOW, state=state, code="done",
        exit_code=exit_code, message=message, hint=None, warnings=(), seconds=1, round=3, linked_at=NOW,
        links=1, new=None, ended=None, changed=None,
    )  # fmt: skip


def linked(number: int, records: int, links: int, state: State = "linked") -> SpokeSeen:
    now = ROUND.now.model_copy(update={"records": records, "linked": links})
    report = ROUND.model_copy(update={"now": now, "floor": 10})
    return SpokeSeen(spoke(number), outcome(number, state), report)


def made(*found: SpokeSeen) -> HubReport:
    report = hub_report("hub", found, NOW)
    # As it is read again.
    return HubReport.from_canonical(report.to_canonical())


def test_those_come_first_that_need_somebody() -> None:
    report = made(
        linked(1, 900, 100),
        SpokeSeen(spoke(2), None, None),
        SpokeSeen(spoke(3), outcome(3, "late", "waits for d-3"), None),
        linked(4, 900, 100, "failed"),
    )
    assert [one.party for one in report.spokes] == ["d-4", "d-3", "d-1", "d-2"]
    assert report.states == {"failed": 1, "late": 1, "linked": 1, "new": 1}
    page = hub_page(report)
    assert "1 of 4 spokes need attention at the hub." in page
    assert "waits for d-3" in page
    assert "<script" not in page


def test_few_links_are_not_shown_and_do_not_follow_from_the_sum() -> None:
    report = made(linked(1, 900, 100), linked(2, 900, 200), linked(3, 900, 4))
    shown = {one.party: one.linked for one in report.spokes}
    assert report.linked == 304
    assert shown["d-3"] is None
    # Else it would be the sum less the others.
    assert list(shown.values()).count(None) == 2
    assert "not shown" in hub_page(report)
    alone = made(linked(1, 900, 4))
    assert (alone.linked, alone.spokes[0].linked) == (None, None)


COUNTING: dict[str, tuple[State, int, str]] = {
    "linked": ("linked", 0, "round 3: 4 records have a link ID"),
    "columns": ("idle", 0, "nothing is due; 4 of your rows have columns of d-1, in d-1.csv"),
    "a file": (
        "failed",
        3,
        "the file has 4 records that can be encoded, and the agreement takes 20",
    ),
    "held": ("failed", 8, "4 of 90 links in force end in round 4 (4.4%)"),
    "an alarm": ("failed", 9, "2 of 4 matches join records that do not share a row"),
}


def test_why_does_not_tell_the_numbers_that_are_left_out() -> None:
    for name, (state, exit_code, message) in COUNTING.items():
        few = replace(linked(1, 900, 4), outcome=outcome(1, state, message, exit_code))
        report = made(few, linked(2, 900, 200))
        line = next(one for one in report.spokes if one.party == "d-1")
        assert line.linked is None, name
        assert line.why, name
        assert re.findall("[0-9]+", line.why) == (["3"] if state == "linked" else []), name
        assert message not in hub_page(report), name
    # It is what the spoke said where that counts nobody.
    failed = SpokeSeen(spoke(1), outcome(1, "failed", "the trusted persons are damaged", 1), None)
    assert made(failed).spokes[0].why == "the trusted persons are damaged"


def test_an_outcome_is_kept_and_one_that_is_damaged_is_none(tmp_path: Path) -> None:
    keep_outcome(tmp_path, outcome(1, "late"))
    assert kept_outcome(tmp_path) == outcome(1, "late")
    next(tmp_path.iterdir()).write_bytes(b"{")
    assert kept_outcome(tmp_path) is None


HUB = """\
[broker]
url = "https://broker.example.org"
ca_file = "broker.crt"

[identity]
file = "identity.txt"
key_file = "identity.key"

[hub]
party = "welfare"
only = "last_district"

[input]
file = "children.csv"
id_column = "id"
population = "school-age"

[columns]
first_name = "given"
"""
SPOKE = Spoke("d-17", "District 17", "welfare-d-17", {"only": "17; 017"})


def hub_in(folder: Path, text: str = HUB) -> Hub:
    (folder / "hub.toml").write_text(text, "utf-8")
    return read_hub(folder / "hub.toml")


def test_settings_are_read_as_they_are_written(tmp_path: Path) -> None:
    hub = hub_in(tmp_path)
    assert hub_in(tmp_path, render_hub(hub.sections)).sections == hub.sections


def test_a_spoke_has_settings_of_its_own_that_follow_the_hubs(tmp_path: Path) -> None:
    path = hub_in(tmp_path).lay_out(SPOKE)
    config = read_config(path)
    assert (config.sections.project.name, config.sections.project.party) == (
        "welfare-d-17",
        "welfare",
    )
    file = agency_file(config)
    assert file.path.resolve() == (tmp_path / "children.csv").resolve()
    assert file.only == ("last_district", frozenset({"17", "017"}))
    assert (
        config.resolve(config.sections.identity.file).resolve()
        == tmp_path.resolve() / "identity.txt"
    )
    assert (
        config.resolve(config.sections.output.workspace).parent.resolve() == path.parent.resolve()
    )

    other = replace(SPOKE, project="welfare-d-18", name="d-18")
    assert agency_file(read_config(hub_in(tmp_path).lay_out(other))).reading == file.reading

    hub_in(tmp_path, HUB.replace("children.csv", "kids.csv")).lay_out(SPOKE)
    assert read_config(path).source.file.endswith("kids.csv")


def test_a_spoke_without_its_records_is_refused(tmp_path: Path) -> None:
    hub = hub_in(tmp_path)
    with pytest.raises(AgencyError, match="does not say which records are for welfare-d-17"):
        hub.lay_out(replace(SPOKE, cells={}))


def test_what_is_wrong_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        AgencyError,
        match=r"line \d+, the section \[hub\] has no key party_name; did you mean party",
    ):
        hub_in(tmp_path, HUB.replace("party =", "party_name ="))
    (tmp_path / "hub.toml").unlink()
    with pytest.raises(AgencyError, match="there is no settings file"):
        read_hub(tmp_path / "hub.toml")


def test_a_file_in_ones_home_is_that_of_the_spokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    hub = hub_in(tmp_path, HUB.replace('"children.csv"', '"~/children.csv"'))
    file = agency_file(read_config(hub.lay_out(SPOKE)))
    assert file.path.resolve() == (tmp_path / "home" / "children.csv").resolve()
