"""docs/first-linkage.md, typed as it stands there: each person in a folder of their own, at a terminal."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from oracles.guide import Command, Handing, Part, Section, WrittenFile, read_guide
from oracles.searching import files_under, found_in

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from oracles.terminal import Terminal, Typed

DOCS = Path(__file__).parents[2] / "docs"
PASSPHRASE = "seven odd words for a test"
SERVICES = ("serve", "work")
COLUMNS = ["district", "school", "grade"]
ANALYSTS = ("Ann", "Bob")


class Town:
    """Everybody who takes part, each at a terminal, and what they have read to each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: dict[str, str] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.terminals: dict[str, Terminal] = {}
        self.services: list[Typed] = []
        self.waiting: dict[str, Typed] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])

    def at(self, person: str) -> Terminal:
        if person not in self.terminals:
            place = self.folder / person.lower()
            place.mkdir(mode=0o700)
            self.terminals[person] = Terminal(place, self.answers(person))
        return self.terminals[person]

    def answers(self, person: str) -> dict[str, str]:
        return {
            "Passphrase|Repeat": PASSPHRASE,
            "Code from the operator": self.said.get(f"code of {person}", ""),
            "characters of the fingerprint": self.said.get("AGREEMENT", "")[:8],
            "Have you compared": "y",
            "Counsel's name": f"Counsel of {person}",
            "Counsel's title": "General counsel",
            "Day on which counsel": "",
            "twelve groups": self.said.get("FINGERPRINT", ""),
            r"\[y/N\]": "y",
            # What is offered is taken.
            r"\[.+\]: $": "",
        }

    def do(self, person: str, part: Part) -> None:
        match part:
            case WrittenFile(name, content):
                (self.at(person).folder / name).write_text(self.today(content), "utf-8")
            case Handing(file, receivers):
                for receiver in receivers:
                    source = self.at(person).folder / file
                    target = self.at(receiver).folder / source.name
                    if source != target:
                        shutil.copyfile(source, target)
            case Command(line):
                self.type(person, self.today(line))

    def today(self, text: str) -> str:
        """Move the page's days to ours, and its port to one that is free."""
        now = datetime.now(UTC).date()
        for day, ours in (
            ("2026-08-20", now - timedelta(30)),
            ("2026-09-01", now - timedelta(1)),
            ("2027-08-31", now + timedelta(360)),
            ("2028-08-31", now + timedelta(720)),
        ):
            text = text.replace(day, ours.isoformat())
        return text.replace("8443", self.port)

    def type(self, person: str, line: str) -> None:
        words = shlex.split(line)
        here = self.at(person)
        # Nobody reaches into the folder of another.
        assert not [word for word in words if ".." in word or word.startswith("/")], line
        if words[0] == "export":
            here.environment |= dict(word.split("=", 1) for word in words[1:])
            return
        if "PERSON" in words:
            for someone, (identity, fingerprint) in self.keys.items():
                self.said["FINGERPRINT"] = fingerprint
                assert someone in self.terminals
                self.finish(person, line.replace("PERSON", identity))
            return
        if words[:1] == ["blindlink-broker"] and words[-1] in SERVICES:
            self.services.append(here.type(line))
            if words[-1] == "serve":
                self.services[-1].read_until(r"\nhttps://\S+\n")
            return
        if "--wait-hours" in words and not self.waiting:
            # Whoever is first waits for the others.
            self.waiting[person] = here.type(line)
            self.waiting[person].read_until("waiting for up to")
            return
        self.finish(person, line.replace("AGREEMENT", self.said.get("AGREEMENT", "")))

    def finish(self, person: str, line: str) -> None:
        if person in self.waiting and "refresh" not in line:
            self.waiting.pop(person).end()
        here = self.at(person)
        here.answers |= self.answers(person)
        shown = here.type(line).end()
        self.listen(person, shlex.split(line), shown)

    def listen(self, person: str, words: list[str], shown: str) -> None:
        """Remember what a person reads from the screen and says to others."""
        if "invite" in words:
            receiver = words[words.index("--label") + 1]
            code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){7}", shown)
            assert code is not None, shown
            self.said[f"code of {receiver}"] = code.group()
        elif words[:3] == ["blindlink", "identity", "enrol"]:
            identity = re.search(r"per-[0-9a-f]{32}", shown)
            groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
            assert identity is not None, shown
            assert groups is not None, shown
            self.keys[person] = (identity.group(), " ".join(groups.group().split()))
        elif words[:3] == ["blindlink", "agreement", "send"]:
            digest = re.search(r"(?:[0-9a-f]{4,8}\s+){7,15}[0-9a-f]{4,8}", shown)
            assert digest, shown
            self.said["AGREEMENT"] = "".join(digest.group().split())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    for service in [*made.waiting.values(), *made.services[::-1]]:
        service.stop()


def lay_out_files(town: Town) -> None:
    """Give both analysts the files that they have, of invented people."""
    maker = Terminal(town.folder)
    maker.type("blindlink synth people --children 200 --students 1500 --overlap 0.6 --seed 5").end()
    people = town.folder / "people"
    shutil.copyfile(people / "child_welfare.csv", town.at("Ann").folder / "children.csv")
    shutil.copyfile(people / "k12.csv", town.at("Bob").folder / "pupils.csv")


def rows(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def first_linkage() -> list[Section]:
    return read_guide(DOCS / "first-linkage.md")


def test_an_analyst_types_eight_commands_at_most() -> None:
    typed = dict.fromkeys(ANALYSTS, 0)
    for section in first_linkage():
        if section.person in typed:
            typed[section.person] += sum(isinstance(part, Command) for part in section.parts)
    assert max(typed.values()) <= 8
    assert min(typed.values()) >= 5


@pytest.mark.timeout(600)
def test_the_guide_leads_from_nothing_to_school_columns_beside_foster_care_rows(
    town: Town,
) -> None:
    lay_out_files(town)
    for section in first_linkage():
        for part in section.parts:
            town.do(section.person, part)
    ann, bob = town.at("Ann").folder, town.at("Bob").folder

    joined = rows(ann / "children-with-school.csv")
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

    # Who has seen what: by everything that lies in the folders in the end.
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
