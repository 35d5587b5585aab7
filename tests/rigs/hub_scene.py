"""A hub and its spokes at a broker of real processes: everybody types, each in a folder of their own."""

from __future__ import annotations

import csv
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rigs.live import TIMEOUT_S, command, opened, service, started
from rigs.live import address as address_of
from rigs.rehearsal import read_rows

from app.agencies.persons import confirm_person
from app.cli.spokes_file import HUB_TEMPLATE

SHARED = 12
COUNSEL = ("--counsel-name", "Dana", "--counsel-title", "Counsel", "--keys-compared", "--yes")

_TEMPLATE = """\
profile = "children"
start = {start}
end = {end}

[purpose]
code = "school-stability"
statement = "Know each week which pupils of {{title}} are in foster care."

[[parties]]
name = "child-welfare"
kind = "agency"
title = "Department of Children and Families"
capacity = "holds the case records of children in foster care"
contact = "Duty officer, 555-0101"

[[parties]]
name = "{{name}}"
kind = "agency"
title = "{{title}}"
capacity = "holds the education records of its pupils"
contact = "{{contact}}"

[[parties]]
name = "data-center"
kind = "operator"
title = "State Data Center"
capacity = "authorised representative of both agencies"
contact = "Duty officer, 555-0102"

[[directions]]
giver = "child-welfare"
receiver = "data-center"
basis = "other"
citation = "Example Code 12.3"

[[directions]]
giver = "child-welfare"
receiver = "{{name}}"
basis = "other"
citation = "Example Code 12.4"

[[directions]]
giver = "{{name}}"
receiver = "child-welfare"
basis = "ferpa-child-welfare"

[[directions]]
giver = "{{name}}"
receiver = "data-center"
basis = "ferpa-audit-evaluation"

[population]
code = "school-age"
definition = "Children of school age."
as_of = "The file describes the day of the upload."
max_age_days = 7
max_gap_days = 3

[[recipients]]
party = "child-welfare"
space = "pupils-in-care"

[[recipients]]
party = "{{name}}"
space = "pupils-in-care"

[schedule]
frequency = "weekly"
round_days = 3

[approvals]
runs = "standing"
parties = ["{{name}}"]
asker_suffices = true

[[limits.files]]
party = "child-welfare"
least = 1
most = {hub_most}

[[limits.files]]
party = "{{name}}"
least = 1
most = "{{most}}"

[retention]
keep_encodings_days = 30
keep_links_days = 400
destroy_by = {destroy}

[breach]
hours = 24
instruction = "Suspend the linkage, keep the workspace as it is, call the contacts."
"""


@dataclass
class HubScene:
    """Who takes part, and where their folders are; with `only`, children are meant for one spoke each."""

    folder: Path
    children: int
    pupils: int
    spokes: list[str]
    only: bool = False
    services: list[subprocess.Popen[str]] = field(default_factory=list)
    url: str = ""
    sheet: str = ""
    code: int = 0

    def at(self, who: str) -> Path:
        return self.folder / who

    @property
    def ann(self) -> Path:
        return self.at("ann")

    def place(self, spoke: str) -> Path:
        """Return the hub's folder of a spoke."""
        return self.ann / "spokes" / project_of(spoke)

    def lay_out_files(self) -> None:
        """Write invented people: children at the hub, of whom three of five are pupils of some spoke."""
        n_pupils = self.pupils * len(self.spokes)
        overlap = "0.6" if n_pupils >= self.children else "0.2"
        command(
            self.folder, "blindlink", "synth", "people", "--children", str(self.children),
            "--students", str(max(n_pupils, self.children)), "--overlap", overlap, "--seed", "5",
        )  # fmt: skip
        people = self.folder / "people"
        pupils: dict[str, list[dict[str, str]]] = {name: [] for name in self.spokes}
        spoke_of: dict[str, str] = {}
        rows = read_rows(people / "k12.csv")
        truth = read_rows(people / "truth.csv")
        # They have moved: two spokes have them, and the hub's records are meant for both.
        shared = {one["state_student_id"] for one in truth[:SHARED]}
        spoke_of |= dict.fromkeys(shared, self.spokes[0])
        for row in rows:
            student = row["state_student_id"]
            if student not in spoke_of and len(spoke_of) >= n_pupils:
                # There are as many pupils as children at least, and the others are at no spoke.
                continue
            spoke = spoke_of.setdefault(student, self.spokes[len(spoke_of) % len(self.spokes)])
            pupils[spoke].append(row)
            if student in shared:
                pupils[self.spokes[1]].append(row)
        for spoke, found in pupils.items():
            write_rows(self.at(spoke) / "pupils.csv", list(rows[0]), found)
        district = {
            one["client_id"]: spoke_of[one["state_student_id"]]
            for one in truth
            if one["state_student_id"] in spoke_of
        }
        district |= {one["client_id"]: "both" for one in truth[:SHARED]}
        children = read_rows(people / "child_welfare.csv", "cp1252")
        for at, row in enumerate(children):
            # As if each district had some hundred of the children, though not all of them are there.
            place = at % max(len(self.spokes), self.children // 150)
            other = self.spokes[place] if place < len(self.spokes) else "elsewhere"
            row["last_district"] = district.get(row["client_id"], other)
        write_rows(self.ann / "children.csv", list(children[0]), children)

    def found(self) -> None:
        """Set up the broker, open a project with each spoke, and let it serve and work."""
        eve = self.at("eve")
        admin = ("blindlink-broker", "--state", "state")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        command(
            eve, *admin, "init", "--self-signed", "--port", port, "--public-url",
            f"https://localhost:{port}", "--operator", "data-center", "--title", "State Data Center",
        )  # fmt: skip
        # All of them come from one address here.
        rates = dict.fromkeys(
            ("BLINDLINK_SIGN_INS_PER_MINUTE", "BLINDLINK_WRITES_PER_MINUTE"), "100000"
        )
        self.services.append(service(eve, "serve", **rates))
        self.url = address_of(self.services[0])
        self.services.append(service(eve, "work"))
        (eve / "hub-parties.toml").write_text(HUB_TEMPLATE, "utf-8")
        lines = [f"{one},District {one[2:]},Kim,\n" for one in self.spokes]
        (eve / "districts.csv").write_text(f"name,title,person,second\n{''.join(lines)}", "utf-8")
        shown = command(eve, *admin, "open", "--from", "hub-parties.toml", "--json")
        assert shown.count(".invitation") == 3 + len(self.spokes)

    def invitation(self, party: str, label: str) -> Path:
        return self.at("eve") / "invitations" / f"{party}-{label}.invitation"

    def begin(self) -> None:
        """Everybody makes keys, the operator confirms them, the hub drafts and all sign, the spokes last."""
        heard: list[tuple[str, str]] = []

        def listen(shown: str) -> None:
            person = re.search(r"per-[0-9a-f]{32}", shown)
            groups = re.search(r"(?:\d{5}\s+){11}\d{5}", shown)
            assert person is not None
            assert groups is not None
            heard.append((person.group(), " ".join(groups.group().split())))

        for who, party in (("eve", "data-center"), ("sam", "child-welfare")):
            listen(
                command(
                    self.at(who),
                    "blindlink",
                    "hub",
                    "start",
                    self.invitation(party, who),
                    "--key-file",
                    "identity.key",
                )
            )
        listen(
            command(
                self.ann,
                "blindlink",
                "hub",
                "start",
                self.invitation("child-welfare", "ann"),
                "--key-file",
                "identity.key",
                "--file",
                "children.csv",
                "--preset",
                "rehearsal-child-welfare",
                "--encoding",
                "utf-8",
                "--population",
                "school-age",
                *(("--only", "last_district") if self.only else ()),
            )
        )
        for spoke in self.spokes:
            listen(
                command(
                    self.at(spoke),
                    "blindlink",
                    "start",
                    self.invitation(spoke, "kim"),
                    "--key-file",
                    "identity.key",
                )
            )
        with opened(self.at("eve")) as (broker, operator), broker.database.write() as session:
            for person, fingerprint in heard:
                confirm_person(
                    session, broker.log, person_id=person, fingerprint=fingerprint,
                    actor=operator, now=broker.clock(),
                )  # fmt: skip
        self.draft(self.spokes)
        self.sign("sam")
        self.take_over("eve")
        self.sign("eve")
        self.take_over("ann")
        for spoke in self.spokes:
            self.join(spoke)

    def draft(self, spokes: list[str]) -> None:
        """Sam adds spokes."""
        sam, today = self.at("sam"), datetime.now(UTC).date()
        template = _TEMPLATE.format(
            start=today - timedelta(1),
            end=today + timedelta(360),
            destroy=today + timedelta(720),
            hub_most=3 * self.pupils
            if self.only
            else max(1000, 2 * self.children, 5 * self.pupils),
        )
        (sam / "answers.toml").write_text(template, "utf-8")
        header = "name,title,contact,most,only\n"
        lines = [
            f"{s},District {s[2:]},555-{s[2:]},{4 * self.pupils},{s};both\n"
            if s in self.spokes[:2]
            else f"{s},District {s[2:]},555-{s[2:]},{4 * self.pupils},{s}\n"
            for s in spokes
        ]
        (sam / "districts.csv").write_text(header + "".join(lines), "utf-8")
        self.sheet = command(
            sam, "blindlink", "hub", "add", "districts.csv", "--template", "answers.toml"
        )

    @property
    def fingerprint(self) -> str:
        return "".join(self.sheet.split())

    def take_over(self, who: str) -> None:
        """Someone takes the spokes from Sam's newest sheet."""
        sheet = max(self.at("sam").glob("sheet-*.csv"))
        shutil.copyfile(sheet, self.at(who) / sheet.name)
        command(
            self.at(who), "blindlink", "hub", "add", sheet.name, "--fingerprint", self.fingerprint
        )

    def sign(self, who: str) -> None:
        today = datetime.now(UTC).date().isoformat()
        command(
            self.at(who), "blindlink", "hub", "sign", "--fingerprint", self.fingerprint,
            *COUNSEL, "--counsel-date", today,
        )  # fmt: skip

    def join(self, spoke: str, *, status: int = 0) -> None:
        listed = read_rows(self.ann / "spokes.csv")
        agreement = next(one["agreement"] for one in listed if one["name"] == spoke)
        today = datetime.now(UTC).date().isoformat()
        command(
            self.at(spoke), "blindlink", "hub", "join", "--fingerprint", agreement, *COUNSEL,
            "--counsel-date", today, "--file", "pupils.csv", "--preset", "rehearsal-k12",
            "--population", "school-age", status=status,
        )  # fmt: skip

    def nightly(self, spoke: str, *words: str, status: int = 0) -> None:
        """The spoke's own job."""
        command(self.at(spoke), "blindlink", "refresh", *words, status=status)

    def night(self, *words: str) -> tuple[int, str]:
        """The hub's job, as a process of its own; returns its exit code and what it said."""
        process = started(self.ann, "blindlink", "hub", "refresh", *words)
        _, said = process.communicate(timeout=TIMEOUT_S * 100)
        return process.returncode, said


def project_of(spoke: str) -> str:
    return f"child-welfare-{spoke}"


def write_rows(
    path: Path, header: list[str], rows: list[dict[str, str]], encoding: str = "utf-8"
) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


@contextmanager
def hub_scene(
    folder: Path, *, spokes: int, children: int, pupils: int, only: bool = False
) -> Iterator[HubScene]:
    """Give a hub whose spokes have joined, at a broker that serves and works until the block ends."""
    names = [f"d-{number:03d}" for number in range(1, spokes + 1)]
    scene = HubScene(folder, children, pupils, names, only)
    for who in ("eve", "sam", "ann", *names):
        scene.at(who).mkdir(mode=0o700)
    try:
        scene.lay_out_files()
        scene.found()
        scene.begin()
        yield scene
    finally:
        for process in scene.services[::-1]:
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)
