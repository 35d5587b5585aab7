"""docs/workspace.md, typed as it stands there: real processes, terminals, passphrases, a broker that serves."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.agreed import join_roster
from rigs.live import PROJECT, LiveAgency, LiveBroker, live_broker, opened
from rigs.rehearsal import PROFILE, rehearsing_agency, write_rehearsal
from rigs.searching import files_under, found_in

from encoding.people.identity import read_identity
from schemas.signing.identity import PublicIdentity

pytest.importorskip("pty", reason="a terminal is a POSIX thing")
from rigs.terminal import Terminal

GUIDE = (Path(__file__).parents[2] / "docs/workspace.md").read_text("utf-8")
BLOCK = re.compile(r"^<!-- (\w+).*? -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HANDING = re.compile(r"^Hand `([^`]+)` to (\w+)\.$", re.MULTILINE)
PASSPHRASES = {
    "Ann": "seven odd words for a test",
    "Bea": "quite other words",
    "Cem": "others once again",
}
# So few that their encodings are not attacked before each upload, which takes its time.
N_CHILDREN, N_STUDENTS = 120, 450


def sections() -> dict[str, str]:
    """Return the text of each section by its title."""
    titles = re.split(r"^## (.*)$", GUIDE, flags=re.MULTILINE)
    return dict(zip(titles[1::2], titles[2::2], strict=True))


class Agency:
    """Ann, Bea, Cem, and Eve at the broker; what one reads to another, and what is on paper."""

    def __init__(self, folder: Path, broker: LiveBroker, file: Path) -> None:
        self.folder, self.broker, self.file = folder, broker, file
        self.terminals: dict[str, Terminal] = {}
        self.said: dict[str, str] = {}
        self.paper: dict[str, str] = {}
        self.passphrases = dict(PASSPHRASES)
        self.is_agreed = False
        self.newest: PublicIdentity

    def at(self, person: str) -> Terminal:
        if person not in self.terminals:
            self.sit_down(person, f"{person.lower()}-1")
        return self.terminals[person]

    def sit_down(self, person: str, computer: str) -> Terminal:
        """Have a person sit before a computer that has the broker's certificate and the agency's file."""
        place = self.folder / computer
        place.mkdir(mode=0o700)
        shutil.copyfile(self.broker.ca_file, place / "broker.crt")
        shutil.copyfile(self.file, place / "people.csv")
        self.terminals[person] = Terminal(place)
        return self.terminals[person]

    def type(self, person: str, line: str) -> str:
        for placeholder, text in self.said.items():
            line = re.sub(rf"\b{placeholder}\b", text, line)
        if person == "Eve":
            return self.operate(line.split()[1:])
        here = self.at(person)
        here.answers |= {
            "Passphrase|Repeat": self.passphrases[person],
            "Code from the operator": self.said.get("CODE", ""),
            "Recovery code": self.paper.get("code", ""),
            r"\]: $": "",
        }
        shown = here.type(line).end()
        self.listen(person, line.split(), shown)
        return shown

    def operate(self, words: list[str]) -> str:
        if "--fingerprint" in words:
            at = words.index("--fingerprint") + 1
            words[at:] = [" ".join(words[at:])]
        said = self.broker.admin(*words)
        if "invite" in words:
            self.said["CODE"] = said.split()[-1]
        if "confirm" in words and self.is_agreed:
            # As the page says, a steward does it then.
            with opened(self.broker.folder) as (broker, _):
                join_roster(broker, PROJECT, self.newest, self.broker.people["steward of welfare"])
        return said

    def listen(self, person: str, words: list[str], shown: str) -> None:
        code = re.search(r"^recovery code +(\S+)$", shown, re.MULTILINE)
        if code:
            made_by = re.search(r"^your fingerprint ([\d ]+)$", shown, re.MULTILINE)
            assert made_by
            self.paper = {"code": code[1]}
            self.said["PAPER"] = f"'{made_by[1].strip()}'"
        if words[1:3] == ["people", "new"]:
            public = read_identity(self.at(person).folder / "identity.txt").public
            self.said |= {"PERSON": public.person, "FINGERPRINT": public.fingerprint()}
            self.newest = public

    def enrol(self, person: str) -> None:
        """Let the operator and a person do what makes new keys known, as at the beginning."""
        self.type("Eve", "blindlink-broker person invite welfare --duty analyst --duty recipient")
        url = self.broker.url
        self.type(person, f"blindlink people enrol --broker {url} --ca-file broker.crt")
        self.type("Eve", "blindlink-broker person confirm PERSON --fingerprint FINGERPRINT")

    def follow(self, section: str) -> None:
        """Do what a section says: type its commands, hand over its files."""
        text = sections()[section]
        parts = [*BLOCK.finditer(text), *HANDING.finditer(text)]
        for part in sorted(parts, key=lambda found: found.start()):
            if part.re is HANDING:
                source = self.at("Ann" if part[2] == "Bea" else "Bea").folder / part[1]
                shutil.copyfile(source, self.at(part[2]).folder / part[1])
                continue
            for line in part[2].splitlines():
                self.type(part[1], line)

    def links(self, person: str) -> str:
        return (self.at(person).folder / "links.csv").read_text("utf-8")

    def disclosures(self, person: str) -> list[object]:
        record = self.said["RECORD"]
        shown = self.type(person, f"blindlink disclosures --record {record} --json --quiet")
        found: list[object] = json.loads(shown[shown.index("{") :])["disclosures"]
        return found


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    people = write_rehearsal(tmp_path, children=N_CHILDREN, students=N_STUDENTS)
    with live_broker(tmp_path / "b", PROFILE, is_agreed=False) as broker:
        schools = rehearsing_agency(
            broker, tmp_path / "schools", "schools", people.files["schools"]
        )
        (schools.folder / "secret.txt").unlink()
        made = Agency(tmp_path, broker, people.files["welfare"])
        set_up_ann(made)
        link(made, schools)
        yield made


def set_up_ann(agency: Agency) -> None:
    agency.type("Ann", "blindlink people new welfare --duty analyst --duty recipient")
    agency.enrol("Ann")
    agency.type(
        "Ann",
        f"blindlink init --broker {agency.broker.url} --project {PROJECT} --party welfare"
        f" --identity identity.txt --ca-file broker.crt --log-key {agency.broker.log_key}"
        " --file people.csv --population everyone --preset rehearsal-child-welfare --encoding cp1252",
    )
    agency.broker.agree(agency.newest)
    agency.is_agreed = True


def link(agency: Agency, schools: LiveAgency) -> None:
    """Agree on a secret through the broker, and link once."""
    shown = json.loads(schools.type("people", "me", "--json"))
    agency.type("Ann", f"blindlink people trust schools {shown['fingerprint']}")
    schools.type("people", "trust", "welfare", *agency.said["FINGERPRINT"].split())
    for step in ("share", "accept", "accept"):
        agency.type("Ann", f"blindlink secret {step}")
        schools.type("secret", step)
    for step in ("round --ready", "encode", "upload"):
        schools.type(*step.split())
        agency.type("Ann", f"blindlink {step}")
    agency.type("Ann", "blindlink round --wait")
    # Each needs the other's claims: who comes first comes twice.
    agency.at("Ann").type("blindlink links").end(7)
    schools.type("links")
    agency.type("Ann", "blindlink links")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_links_and_disclosures_open_whatever_was_lost(agency: Agency) -> None:
    before = agency.links("Ann")
    assert 0.5 * N_CHILDREN < len(before.splitlines()) < 0.7 * N_CHILDREN
    agency.said["RECORD"] = before.splitlines()[1].partition(",")[0]
    disclosed = agency.disclosures("Ann")
    print(json.dumps(disclosed, indent=1))
    what = [line["what"] for line in disclosed]  # type: ignore[index]
    assert (what[0], {*what[1:]}) == ("encodings", {"link-ids"})

    agency.follow("Seal it")
    first_paper = agency.paper["code"]
    agency.follow("Let a second person keep it")
    agency.said["BEA"] = agency.said["PERSON"]
    agency.enrol("Bea")
    agency.follow("Back it up")

    # Ann's folder is gone, but for the backup and the copy of her keys, which lay elsewhere.
    old = agency.at("Ann").folder
    new = agency.sit_down("Ann", "ann-2").folder
    for name in ("welfare.backup", "identity.txt"):
        shutil.move(old / name, new / name)
    shutil.rmtree(old)
    agency.follow("The computer is gone")
    assert agency.links("Ann") == before
    assert agency.disclosures("Ann")[: len(disclosed)] == disclosed
    assert "schools: has confirmed the secret" in agency.type("Ann", "blindlink secret status")

    agency.said["OLD_PERSON"] = read_identity(new / "identity.txt").public.person
    agency.passphrases["Ann"] = "a passphrase of after the holidays"
    (new / "links.csv").unlink()
    agency.follow("The passphrase is forgotten, or someone else may know it")
    agency.said["ANN"] = f"'{agency.said['FINGERPRINT']}'"
    assert agency.paper["code"] != first_paper
    assert agency.links("Ann") == before

    agency.type("Cem", "blindlink people new welfare --duty analyst --duty recipient")
    agency.enrol("Cem")
    shutil.copyfile(new / "welfare.backup", agency.at("Cem").folder / "welfare.backup")
    papers = [agency.paper["code"]]
    agency.follow("Only the paper and the backup are left")
    papers.append(agency.paper["code"])
    assert agency.links("Cem") == before
    assert agency.disclosures("Cem")[: len(disclosed)] == disclosed

    agency.follow("You leave")
    papers.append(agency.paper["code"])
    assert agency.links("Bea") == before
    assert agency.disclosures("Bea")[: len(disclosed)] == disclosed
    assert len({first_paper, *papers}) == 4
    codes = {f"code {i}": code.encode() for i, code in enumerate([first_paper, *papers])}
    for person in ("Ann", "Bea", "Cem"):
        assert not found_in(files_under(agency.at(person).folder), codes)


def test_every_command_of_the_page_is_typed() -> None:
    followed = {
        "Seal it",
        "Let a second person keep it",
        "Back it up",
        "The computer is gone",
        "The passphrase is forgotten, or someone else may know it",
        "Only the paper and the backup are left",
        "You leave",
    }
    assert {title for title, text in sections().items() if "```" in text} == followed
