"""The blind flow of docs/releases.md, typed as it stands there: two agencies, a recipient, an operator."""

from __future__ import annotations

import csv
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rigs.agreement_moments import share_columns
from rigs.live import PROJECT, LiveAgency, LiveBroker, command, live_broker
from rigs.rehearsal import ID_COLUMN, PROFILE, Rehearsal, rehearsing_agency, write_rehearsal
from rigs.searching import files_under, found_in

from encoding.people.identity import read_identity
from schemas.linkage.run import IdSpace, Recipient

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESEARCH, AUDITOR = "research-office", "state-auditor"
COLUMN = {"schools": "grade", "welfare": "county"}
ELEMENTS = [{"party": party, "name": name, "use": "shared"} for party, name in COLUMN.items()]
N_CHILDREN, N_STUDENTS = 150, 600


def blocks() -> Iterator[tuple[str, list[list[str]]]]:
    """Yield who types, and the words of each command, for every block of the page."""
    text = (DOCS / "releases.md").read_text(encoding="utf-8")
    for who, body in re.findall(r"<!-- (.+?) -->\n```sh\n(.*?)```", text, re.DOTALL):
        lines = body.replace("\\\n", " ").splitlines()
        yield who, [shlex.split(line) for line in lines]


class Stage:
    """Everybody's folder, and what one person tells another by telephone or post."""

    def __init__(self, folder: Path, broker: LiveBroker, people: Rehearsal) -> None:
        self.broker, self.people = broker, people
        self.research = folder / RESEARCH
        self.research.mkdir()
        (self.research / "broker.crt").write_bytes(broker.ca_file.read_bytes())
        self.agencies: dict[str, LiveAgency] = {}
        self.told = {"$BROKER": broker.url}

    def play(self, who: str, words: list[str]) -> None:
        words = [self.told.get(word, word) for word in words]
        if who == "operator":
            assert words[0] == "blindlink-broker"
            said = self.broker.admin(*words[1:])
            if "invite" in words:
                (self.research / "code.txt").write_text(said)
            if "confirm" in words:
                # What the page says of signing: the person is listed, and every party signs.
                own = read_identity(self.research / "identity.txt").public
                agreement = self.broker.agree(own, elements=ELEMENTS)
                self.told["$AGREEMENT"] = agreement.digest()
        elif who == RESEARCH:
            command(self.research, *words)
            if "enrol" in words:
                shown = json.loads(command(self.research, "blindlink", "people", "me", "--json"))
                self.told["$PERSON"] = shown["identity"]["person"]
                self.told["$FINGERPRINT"] = shown["fingerprint"]
        else:
            for party in ("schools", "welfare"):
                own = [COLUMN[party] if word == COLUMN["schools"] else word for word in words]
                self.agencies[party].type(*own[1:])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    people = write_rehearsal(tmp_path, children=N_CHILDREN, students=N_STUDENTS)
    terms: dict[str, Any] = {
        "recipients": (Recipient(party=RESEARCH, mode="blind", space=RESEARCH),),
        "spaces": (IdSpace(name=RESEARCH, lifetime="lasting"),),
        "auditors": (AUDITOR,),
        "frequency": "weekly",
    }
    with live_broker(tmp_path / "b", PROFILE, is_agreed=False, **terms) as broker:
        made = Stage(tmp_path, broker, people)
        for party in COLUMN:
            agency = rehearsing_agency(broker, tmp_path / party, party, people.files[party])
            share_columns(agency.folder, COLUMN[party])
            made.agencies[party] = agency
        yield made


@pytest.mark.long
def test_the_page_can_be_typed_and_the_recipient_alone_learns_who_was_linked(
    stage: Stage, tmp_path: Path
) -> None:
    for who, commands in blocks():
        if who == "counting":
            continue
        for words in commands:
            stage.play(who, words)
    opened = {party: rows(stage.research / f"from-{party}.csv") for party in COLUMN}
    for party, found in opened.items():
        # Of a record with several rows the first one counts.
        own = {
            row[ID_COLUMN[party]]: row[COLUMN[party]] for row in reversed(stage.people.rows(party))
        }
        # A cell that a spreadsheet would take for a formula, or for nothing, stands behind an apostrophe.
        assert sorted(row[COLUMN[party]].lstrip("'") for row in found) == sorted(own.values())
        assert {frozenset(row) for row in found} == {frozenset(("link_id", COLUMN[party]))}
        assert len({row["link_id"] for row in found}) == len(own)
    joined = rows(stage.research / "joined.csv")
    both = {row["link_id"] for row in opened["schools"]} & {
        row["link_id"] for row in opened["welfare"]
    }
    assert {row["link_id"] for row in joined} == both
    n_true = len(stage.people.student_of)
    assert 0.85 * n_true < len(both) <= n_true
    for party, agency in stage.agencies.items():
        status = agency.json("status")
        assert status["stage"] == "done", party
    check_disclosures(stage)
    check_sample(stage, tmp_path / "auditor")


def check_disclosures(stage: Stage) -> None:
    """Of a linked child and of any other an agency can say the same, and the broker learns of neither."""
    agency = stage.agencies["schools"]
    students = [row["state_student_id"] for row in stage.people.rows("schools")]
    children = {*stage.people.student_of.values()}
    linked = next(record for record in students if record in children)
    other = next(record for record in students if record not in children)
    asked = []
    for record in (linked, other):
        before = len(requests(stage))
        found = agency.json("disclosures", "--record", record)["disclosures"]
        assert [(line["what"], line["certainty"]) for line in found] == [
            ("encodings", "yes"),
            ("sealed-link-ids", "in-file"),
            ("columns", "yes"),
        ]
        assert {line["receiver"] for line in found[1:]} == {RESEARCH}
        asked.append((found, requests(stage)[before:]))
    assert asked[0] == asked[1]
    told = {"linked": linked.encode(), "other": other.encode()}
    assert not found_in(files_under(stage.broker.folder), told)


def requests(stage: Stage) -> list[tuple[str, str, int]]:
    """Return what the broker has been asked, by its own log, but for cosignatures of a log that has grown."""
    lines = (stage.broker.folder / "serve.log").read_text("utf-8").splitlines()
    events = (json.loads(line) for line in lines if line.startswith("{"))
    return [
        (event["method"], event["route"], event["status"])
        for event in events
        if event["event"] == "request_completed" and "cosignatures" not in event["route"]
    ]


def check_sample(stage: Stage, auditor: Path) -> None:
    """The recipient opens the decisions that an auditor draws; an agency has nothing that does."""
    broker = stage.broker
    auditor.mkdir()
    command(
        stage.research, "blindlink", "init", "--without-file", "--broker", broker.url, "--project",
        PROJECT, "--party", RESEARCH, "--identity", "identity.txt", "--key-file", "identity.key",
        "--ca-file", "broker.crt", "--log-key", broker.log_key, "--force",
    )  # fmt: skip
    (run,) = stage.agencies["schools"].json("status")["runs"]
    at_broker = ("--token-file", broker.token_file(AUDITOR), "--ca-file", broker.ca_file)
    audit = (auditor, "blindlink-audit")
    command(*audit, "matches", broker.url, *at_broker, "--run", run, "--save", "run.record")
    command(*audit, "verify", broker.url, *at_broker, "--project", PROJECT, "-o", "log.tar")
    drawing = ("sample", "6", "run.record", "--seed", "autumn")
    command(*audit, *drawing, "--log", "log.tar", "-o", "sample.json")
    sample, pack = auditor / "sample.json", auditor / "research.pack"
    command(stage.research, "blindlink", "audit-pack", "--sample", sample, "-o", pack)
    found = json.loads(command(*audit, *drawing, "--pack", pack, "--json"))
    assert len(found["links"]) == 6
    assert all(set(link["handles"]) == {"schools", "welfare"} for link in found["links"])
    stage.agencies["schools"].type("audit-pack", "--sample", sample, "-o", "no.pack", status=1)
