"""docs/first-linkage.md and docs/every-week.md, typed as they stand there, each person in their own folder."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.guide import Command, Handing, Section, read_guide
from rigs.searching import files_under, found_in
from services.faketime import MissingClockError, MovedClock
from services.requirement import missing

from encoding.destruction.local_copies import KEPT

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from rigs.terminal import Terminal
from rigs.town import Town

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = ["district", "school", "grade"]
ANALYSTS = ("Ann", "Bob")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    try:
        clock = MovedClock(folder / "clock")
    except MissingClockError:
        clock = None
    made = Town(folder, clock)
    lay_out_files(made)
    made.follow(first_linkage())
    yield made
    made.stop()


def lay_out_files(town: Town) -> None:
    """Give both analysts their files of invented people, too few for the privacy audit to judge."""
    maker = Terminal(town.folder)
    maker.type("blindlink synth people --children 200 --students 400 --overlap 0.6 --seed 5").end()
    people = town.folder / "people"
    shutil.copyfile(people / "child_welfare.csv", town.at("Ann").folder / "children.csv")
    shutil.copyfile(people / "k12.csv", town.at("Bob").folder / "pupils.csv")


def of_people(path: Path) -> bool:
    """Return whether a file of a folder holds encodings, link IDs, columns, or what opens them."""
    telling = {folder for _, folder, _ in KEPT}
    return (
        not telling.isdisjoint(path.parts)
        or path.name in {"links.csv", "with-k12.csv", "secret.txt", "round-report.html"}
        or path.suffix in {".backup", ".partial"}
    )


def rows(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def first_linkage() -> list[Section]:
    return read_guide(DOCS / "first-linkage.md")


def test_all_together_type_32_commands_and_hand_over_5_files_at_most() -> None:
    steps = [step for section in first_linkage() for step in section.steps()]
    typed = [person for person, part in steps if isinstance(part, Command)]
    handed = [part.receivers for _, part in steps if isinstance(part, Handing)]
    assert len(typed) <= 32
    assert sum(map(len, handed)) <= 5
    # Someone takes part, so that a page that is not read is noticed.
    assert {*ANALYSTS, "Eve", "Ida", "Kim", "Sam"} == set(typed)
    assert max(typed.count(analyst) for analyst in ANALYSTS) <= 3


def test_a_resignation_takes_8_commands_and_no_counsel() -> None:
    steps = [step for one in read_guide(DOCS / "every-week.md") for step in one.steps()]
    typed = [(person, part.line) for person, part in steps if isinstance(part, Command)]
    lines = [line for _, line in typed]
    first = next(at for at, line in enumerate(lines) if "person invite" in line)
    last = next(at for at, line in enumerate(lines) if line == "blindlink round --ready")
    assert last - first + 1 <= 8
    assert {person for person, _ in typed[first : last + 1]} == {"Ann", "Cleo", "Eve", "Sam"}
    assert not [line for line in lines[first:last] if line.startswith("blindlink agreement")]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_guide_leads_from_nothing_to_school_columns_beside_foster_care_rows(town: Town) -> None:
    ann, bob = town.at("Ann").folder, town.at("Bob").folder

    joined = rows(ann / "with-k12.csv")
    assert list(joined[0]) == ["client_id", *COLUMNS]
    truth = {
        row["client_id"]: row["state_student_id"] for row in rows(town.folder / "people/truth.csv")
    }
    # A pupil may have several enrolments.
    enrolled = {
        (row["state_student_id"], *(row[name] for name in COLUMNS))
        for row in rows(bob / "pupils.csv")
    }
    right = [
        row
        for row in joined
        if (truth.get(row["client_id"], ""), *(row[name] for name in COLUMNS)) in enrolled
    ]
    assert len(right) >= 0.97 * len(joined)
    assert len({row["client_id"] for row in joined}) >= 0.8 * len(truth)
    assert "child-welfare" in (town.at("Ida").folder / "register.html").read_text("utf-8")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nobody_has_seen_what_is_not_theirs(town: Town) -> None:
    """By everything that lies in the folders in the end."""
    ann, bob = town.at("Ann").folder, town.at("Bob").folder
    children = rows(ann / "children.csv", "cp1252")
    links = rows(ann / "links.csv")
    planted = {
        f"{name} of {who}": row[name].encode()
        for who, table, names in (
            ("a child", children, ("client_id", "ssn")),
            ("a pupil", rows(bob / "pupils.csv"), ("local_student_id", "guardian_name")),
        )
        for row in table[:50]
        for name in names
        if row[name]
    }
    of_children = {name: value for name, value in planted.items() if name.endswith("a child")}
    of_pupils = {name: value for name, value in planted.items() if name.endswith("a pupil")}
    link_ids = {f"link ID {at}": row["link_id"].encode() for at, row in enumerate(links[:50])}
    may_have = {"Ann": {**of_children, **link_ids}, "Bob": {**of_pupils, **link_ids}}
    for person, terminal in town.terminals.items():
        allowed = may_have.get(person, {})
        forbidden = {
            name: value
            for name, value in {**of_children, **of_pupils, **link_ids}.items()
            if name not in allowed
        }
        assert found_in(files_under(terminal.folder), forbidden) == [], person
    assert found_in(files_under(ann), of_children)
    assert found_in(files_under(bob), of_pupils)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_weeks_after_it_until_a_party_leaves(town: Town) -> None:
    if town.clock is None:
        missing("faketime is not installed")
    town.follow(read_guide(DOCS / "every-week.md"), weeks=1)
    refused = town.at("Bob").type("blindlink refresh").end(1)
    assert "k12 has left" in refused
    revoked = town.at("Ann").type("blindlink status").end(4)
    assert "refused" in revoked
    assert "--handed-over" in town.at("Ann").type("blindlink destroy --local").end(4)
    # Nothing of a person's is left in any folder, but the analysts' own files of people.
    for person, terminal in town.terminals.items():
        files = (path for path in terminal.folder.rglob("*") if path.is_file())
        left = [path.relative_to(terminal.folder) for path in files]
        assert sorted(map(str, filter(of_people, left))) == [], person
    ida = town.at("Ida").folder
    register = (ida / "last-register.html").read_text("utf-8")
    assert register.count("child-welfare") > 2
