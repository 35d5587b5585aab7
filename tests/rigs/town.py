"""The people of the guides, each at a terminal in a folder of their own, and what they say to each other."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rigs.guide import Command, Handing, Later, Part, Repeat, Section, WrittenFile
from rigs.terminal import Terminal, Typed
from services.faketime import MovedClock

PASSPHRASE = "seven odd words for a test"
SERVICES = ("serve", "work")
DAY_S = 86_400.0


class Town:
    """Everybody who takes part, each at a terminal, and what they have read to each other."""

    def __init__(self, folder: Path, clock: MovedClock | None = None) -> None:
        self.folder = folder
        self.clock = clock
        self.started = datetime.now(UTC).date()
        self.said: dict[str, str] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.terminals: dict[str, Terminal] = {}
        self.services: list[Typed] = []
        self.waiting: dict[str, Typed] = {}
        self.confirmed: set[str] = set()
        self.operator = ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])

    def at(self, person: str) -> Terminal:
        if person not in self.terminals:
            place = self.folder / person.lower()
            place.mkdir(mode=0o700)
            environment = {} if self.clock is None else self.clock.environment
            self.terminals[person] = Terminal(place, self.answers(person), environment)
        return self.terminals[person]

    def answers(self, person: str) -> dict[str, str]:
        read = {
            # A label is the person's own name here.
            f"{name} of .*twelve groups": fingerprint
            for name, (_, fingerprint) in self.keys.items()
        }
        return {
            **read,
            "Passphrase|Repeat": PASSPHRASE,
            "Code from the operator": self.said.get(f"code of {person}", ""),
            "Fingerprint on": self.said.get("AGREEMENT", ""),
            "Have you compared": "y",
            "Counsel's name": f"Counsel of {person}",
            "Counsel's title": "General counsel",
            "Day on which counsel": "",
            r"\[y/N\]": "y",
            # What is offered is taken.
            r"\[.+\]: $": "",
        }

    def follow(self, sections: list[Section], *, weeks: int = 0) -> None:
        """Do what a guide says; what it repeats every week, for so many weeks."""
        for section in sections:
            for person, part in section.steps():
                if isinstance(part, Repeat):
                    for _ in range(weeks):
                        self.follow(sections[part.first : part.last + 1])
                else:
                    self.do(person, part)

    def do(self, person: str, part: Part) -> None:
        match part:
            case Later(days):
                self.pass_days(days)
            case WrittenFile(name, content):
                text = self.named(self.today(content))
                (self.at(person).folder / name).write_text(text, "utf-8")
            case Handing(file, receivers):
                for receiver in receivers:
                    source = self.at(person).folder / file
                    target = self.at(receiver).folder / source.name
                    if source != target:
                        shutil.copyfile(source, target)
            case Command(line, status):
                self.type(person, self.today(line), status)

    def today(self, text: str) -> str:
        """Move the page's days to ours, and its port to one that is free."""
        now = self.started
        for day, ours in (
            ("2026-08-20", now - timedelta(30)),
            ("2026-09-01", now - timedelta(1)),
            ("2027-08-31", now + timedelta(360)),
            ("2028-08-31", now + timedelta(720)),
            ("2029-08-31", now + timedelta(1080)),
        ):
            text = text.replace(day, ours.isoformat())
        return text.replace("8443", self.port)

    def pass_days(self, days: int) -> None:
        """Move all clocks, and let the broker look for what is to be destroyed, as it does all day."""
        assert self.clock is not None
        early = min(2.5, days / 2)
        self.clock.move(early * DAY_S)
        self.at(self.operator).type("blindlink-broker work --until-idle").end()
        self.clock.move((days - early) * DAY_S)

    def type(self, person: str, line: str, status: int = 0) -> None:
        line = self.named(line)
        for what, said in self.said.items():
            line = line.replace(what, said)
        words = shlex.split(line)
        here = self.at(person)
        # Nobody reaches into the folder of another.
        assert not [word for word in words if ".." in word or word.startswith("/")], line
        if "PERSON" in words:
            for someone in self.keys.keys() - self.confirmed:
                self.finish(person, line.replace("PERSON", self.keys[someone][0]))
                self.confirmed.add(someone)
            return
        if words == ["blindlink-broker", "person", "confirm"]:
            self.confirmed.update(self.keys)
        if words[:1] == ["blindlink-broker"] and words[-1] in SERVICES:
            self.operator = person
            self.services.append(here.type(line))
            if words[-1] == "serve":
                self.services[-1].read_until(r"\nhttps://\S+\n")
            return
        if "--wait-hours" in words and not self.waiting:
            # Anyone who is first waits for the others.
            here.answers |= self.answers(person)
            self.waiting[person] = here.type(line)
            self.waiting[person].read_until("waiting for up to")
            return
        self.finish(person, line, status)

    def named(self, text: str) -> str:
        """Put IDs and fingerprints in place of what stands for them: SAM-ID, SAM-FINGERPRINT."""
        for name, (identity, fingerprint) in self.keys.items():
            text = text.replace(f"{name.upper()}-ID", identity)
            text = text.replace(f"{name.upper()}-FINGERPRINT", fingerprint)
        return text

    def finish(self, person: str, line: str, status: int = 0) -> None:
        here = self.at(person)
        here.answers |= self.answers(person)
        shown = here.type(line).end(status)
        self.listen(person, shlex.split(line), shown)
        # Now they have what they waited for.
        while self.waiting and "--wait-hours" in line:
            self.waiting.popitem()[1].end()

    def stop(self) -> None:
        """End all that still goes on."""
        for process in [*self.waiting.values(), *self.services[::-1]]:
            process.stop()

    def listen(self, person: str, words: list[str], shown: str) -> None:
        """Remember what a person reads from the screen and says to others."""
        if "invite" in words and "--out" not in words:
            receiver = words[words.index("--label") + 1]
            code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){7}", shown)
            assert code is not None, shown
            self.said[f"code of {receiver}"] = code.group()
        elif words[:2] == ["blindlink", "start"] or words[:3] in (
            ["blindlink", "people", "enrol"],
            ["blindlink", "hub", "start"],
        ):
            identity = re.search(r"per-[0-9a-f]{32}", shown)
            groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
            assert identity is not None, shown
            assert groups is not None, shown
            self.keys[person] = (identity.group(), " ".join(groups.group().split()))
        elif words[1:3] in (["agreement", "send"], ["hub", "extend"]) or "--template" in words:
            digest = re.search(r"(?:[0-9a-f]{4,8}\s+){7,15}[0-9a-f]{4,8}", shown)
            assert digest, shown
            self.said["AGREEMENT"] = "".join(digest.group().split())
        elif words[:3] == ["blindlink", "pin"]:
            (line,) = re.findall(r"^pin +(\S+ \d+ \S+ \S+)\s*$", shown, re.MULTILINE)
            self.said[f"{person.upper()}-PIN"] = line
