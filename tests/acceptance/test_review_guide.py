"""docs/review.md, typed as it stands there: real processes, a screen at a terminal, a broker that serves."""

from __future__ import annotations

import csv
import os
import re
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from rigs.asking import CLAUSE, FILES, HEAD, STRICT
from rigs.live import LiveAgency, LiveBroker, compare, live_broker, set_up_agency, upload
from rigs.near_broker import small_profile
from rigs.rehearsal import links_of

from encoding.people.identity import read_identity

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from rigs.terminal import Terminal, Typed

GUIDE = (Path(__file__).parents[2] / "docs/review.md").read_text("utf-8")
BLOCK = re.compile(r"^<!-- (\w+) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PASSPHRASE = "seven odd words for a test"
SCREEN = "blindlink review --identity rae.txt"
# By the recipe's names, so that the settings need not say which column stands for what.
NAMED = "ID,first_name,last_name,birth_date,sex\n"


class Office:
    """Rae and Ann at one desk, Bob at another, and the operator."""

    def __init__(self, folder: Path, broker: LiveBroker) -> None:
        self.broker = broker
        self.ann = set_up(broker, folder, "welfare")
        self.bob = set_up(broker, folder, "schools")
        self.code = ""
        self.fingerprint = ""

    def type(self, person: str, line: str) -> Typed:
        """Type a line; anyone who calls this ends it."""
        folder = (self.bob if person == "Bob" else self.ann).folder
        answers = {
            "Passphrase|Repeat": PASSPHRASE,
            "Code from the operator": self.code,
            r"\[.*\]: $": "",
        }
        terminal = Terminal(folder, answers, {"TERM": "xterm-256color"})
        return terminal.type(line.replace("FINGERPRINT", self.fingerprint))

    def follow(self, section: str) -> Iterator[tuple[str, str]]:
        """Type the commands of a section, and yield who typed which before the next one is typed."""
        for person, block in BLOCK.findall(part(section)):
            for line in block.splitlines():
                if line != SCREEN:
                    self.type(person, line).end()
                yield person, line

    def rae(self) -> None:
        """Make Rae known, and have all sign the agreement that lists her."""
        invited = self.broker.admin("person", "invite", "welfare", "--duty", "reviewer")
        self.code = invited.split()[-1]
        for _, line in self.follow("Before the first review"):
            if " enrol " in line:
                public = read_identity(self.ann.folder / "rae.txt").public
                self.fingerprint = public.fingerprint()
                words = ("person", "confirm", public.person, "--fingerprint", self.fingerprint)
                self.broker.admin(*words)
                self.broker.agree(public)
                self.type("Ann", "blindlink workspace protect").end()
                compare(self.ann, self.bob)
                for step in ("share", "accept", "accept"):
                    self.ann.type("secret", step)
                    self.bob.type("secret", step)


def set_up(broker: LiveBroker, folder: Path, party: str) -> LiveAgency:
    file = folder / f"{party}.csv"
    file.write_text(FILES[party].replace(HEAD, NAMED), "utf-8")
    return set_up_agency(
        broker, folder / party, party, file, "--id-column", "ID", "--date-format", "YYYY-MM-DD"
    )


def part(section: str) -> str:
    return GUIDE.split(f"## {section}\n")[1].split("\n## ")[0]


def press(typed: Typed, keys: str) -> None:
    os.write(typed.screen, keys.encode())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with live_broker(
        tmp_path / "b", small_profile(), is_agreed=False, review=CLAUSE, policy=STRICT
    ) as broker:
        yield Office(tmp_path, broker)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(find_spec("textual") is None, reason="textual is not installed")
def test_the_guide_leads_from_a_pair_that_is_held_back_to_its_link(office: Office) -> None:
    office.rae()
    upload(office.ann, office.bob)
    office.ann.type("round", "--wait")
    assert [*office.follow("Every round: Bob has nothing to do")][-1] == ("Bob", "blindlink status")
    for _, line in office.follow("Decide"):
        if line == SCREEN:
            accepted = accept_one(office)
    for _, line in office.follow("In a spreadsheet"):
        if "--export" in line:
            leave_the_other_open(office.ann.folder / "decisions.csv", accepted)
    listed = office.type("Rae", f"{SCREEN} --list").end()
    assert "accept, same-person" in listed
    assert "unsure, too-little-to-tell" in listed
    assert [*office.follow("Send it")][-1] == ("Rae", f"{SCREEN} --finish")

    nights = {
        person: office.type(person, block.strip())
        for person, block in BLOCK.findall(part("What comes of it"))
    }
    assert [*nights] == ["Bob", "Ann"]
    for night in nights.values():
        print(night.end())
    own, other = links_of(office.ann), links_of(office.bob)
    assert own.keys() == {"rec_w1", "rec_w2", accepted}
    assert own[accepted] == other[accepted.replace("w", "s")]


def accept_one(office: Office) -> str:
    """Open a card and accept the pair; the window is shut at once, and the next time goes on there."""
    first = office.type("Rae", SCREEN)
    first.read_until("Review with schools")
    press(first, "oo")
    first.read_until("what differs is shown")
    accepted = first.read_until(r"rec_w[34]")
    press(first, "a")
    first.read_until("same person")
    press(first, "1")
    first.read_until("1 decided")
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    again = office.type("Rae", SCREEN)
    again.read_until("pair 2 of 2")
    press(again, "q")
    assert "not sent yet; to send: blindlink review --send" in again.end()
    return accepted


def leave_the_other_open(path: Path, accepted: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert sorted(row[-2:] for row in rows[1:]) == [["", ""], ["accept", "same-person"]]
    for row in rows[1:]:
        if row[1] != accepted:
            row[-2:] = "unsure", "too-little-to-tell"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def test_every_command_of_the_page_is_typed() -> None:
    followed = [
        "Before the first review",
        "Every round: Bob has nothing to do",
        "Decide",
        "In a spreadsheet",
        "Send it",
        "What comes of it",
    ]
    assert sum(part(section).count("```sh") for section in followed) == GUIDE.count("```sh")
    assert len(BLOCK.findall(GUIDE)) == GUIDE.count("```sh")
