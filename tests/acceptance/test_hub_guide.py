"""docs/hub.md, typed as it stands there, each person in their own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.guide import Command, read_guide
from rigs.hub_scene import write_rows
from rigs.rehearsal import read_rows

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from rigs.terminal import Terminal
from rigs.town import Town

GUIDE = Path(__file__).parents[2] / "docs" / "hub.md"
DISTRICTS = {"Kim": "d-17", "Lee": "d-18"}


class HubTown(Town):
    """A town whose districts have papers of their own."""

    def answers(self, person: str) -> dict[str, str]:
        found = super().answers(person)
        sheet = self.folder / "sam" / "sheet-1.csv"
        if person in DISTRICTS and sheet.exists():
            paper = {one["name"]: one["agreement"] for one in read_rows(sheet)}
            found["Fingerprint on"] = paper[DISTRICTS[person]]
        return found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = HubTown(tmp_path)
    lay_out_files(made)
    yield made
    made.stop()


def lay_out_files(town: Town) -> None:
    """Give the hub and both districts their files of invented people."""
    maker = Terminal(town.folder)
    maker.type("blindlink synth people --children 150 --students 200 --overlap 0.6 --seed 5").end()
    people = town.folder / "people"
    pupils = read_rows(people / "k12.csv")
    of: dict[str, str] = {}
    for row in pupils:
        of.setdefault(row["state_student_id"], list(DISTRICTS)[len(of) % 2])
    for person in DISTRICTS:
        rows = [row for row in pupils if of[row["state_student_id"]] == person]
        write_rows(town.at(person).folder / "pupils.csv", list(pupils[0]), rows)
    pupil_of = {r["client_id"]: r["state_student_id"] for r in read_rows(people / "truth.csv")}
    children = read_rows(people / "child_welfare.csv", "cp1252")
    for at, row in enumerate(children):
        person = of.get(pupil_of.get(row["client_id"], ""), list(DISTRICTS)[at % 2])
        row["last_district"] = f"0{DISTRICTS[person][2:]}"
    place = town.at("Ann").folder / "children.csv"
    write_rows(place, list(children[0]), children, "cp1252")


def test_nobody_types_more_for_400_districts_than_for_two() -> None:
    steps = [step for section in read_guide(GUIDE) for step in section.steps()]
    typed = [person for person, part in steps if isinstance(part, Command)]
    assert {person: typed.count(person) for person in DISTRICTS} == {"Kim": 5, "Lee": 5}
    assert typed.count("Sam") == 5
    # Three of Ann's are one night, and one is that of another year.
    assert typed.count("Ann") <= 7


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_guide_leads_from_nothing_to_link_ids_with_two_districts(town: Town) -> None:
    town.follow(read_guide(GUIDE))
    ann = town.at("Ann").folder
    for person, district in DISTRICTS.items():
        hub = read_rows(ann / "spokes" / f"child-welfare-{district}" / "links.csv")
        pupils = read_rows(town.at(person).folder / "links.csv")
        assert {one["link_id"] for one in hub} == {one["link_id"] for one in pupils}
        assert len(hub) >= 25
        kept = (ann / "spokes" / f"child-welfare-{district}").rglob("agreements/*")
        assert any('"number":2' in path.read_text("utf-8") for path in kept)
    assert "2 of 2 spokes had nothing due." in (ann / "hub-report.html").read_text("utf-8")
