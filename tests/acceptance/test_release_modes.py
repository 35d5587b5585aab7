"""`linked`, `count` and `none` of one run, by real commands: each party gets its own and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rigs.agreed import join_roster
from rigs.live import PROJECT, LiveAgency, LiveBroker, command, live_broker, opened, upload
from rigs.persons import enrolled_person, lay_down_keys
from rigs.rehearsal import PROFILE, Rehearsal, read_rows, rehearsing_agency, write_rehearsal

from schemas.linkage.run import IdSpace, Recipient, ReleaseMode

pytestmark = pytest.mark.long
COUNTING = "statistics-office"
FLOOR = 10


@dataclass
class Modes:
    """Welfare receives links, schools nothing, the statistics office a count."""

    broker: LiveBroker
    welfare: LiveAgency
    schools: LiveAgency
    office: LiveAgency
    people: Rehearsal


def set_up_receiver(broker: LiveBroker, folder: Path, party: str) -> LiveAgency:
    """Give a party without records its person's keys and settings."""
    folder.mkdir()
    with opened(broker.folder) as (its, operator):
        person = enrolled_person(its, operator, party, "analyst", "recipient")
        join_roster(its, PROJECT, person.public, broker.people[f"steward of {party}"])
    lay_down_keys(folder, person)
    office = LiveAgency(folder, party)
    office.type(
        "init", "--without-file", "--broker", broker.url, "--project", PROJECT, "--party", party,
        "--identity", "identity.txt", "--key-file", "identity.key", "--ca-file", broker.ca_file,
        "--log-key", broker.log_key,
    )  # fmt: skip
    return office


@pytest.fixture
def make_modes(tmp_path: Path) -> Iterator[Any]:
    opened = []

    def make(children: int) -> Modes:
        people = write_rehearsal(tmp_path, children=children, students=5 * children)
        modes: dict[str, ReleaseMode] = {"schools": "none", COUNTING: "count", "welfare": "linked"}
        serving = live_broker(
            tmp_path / "b",
            PROFILE,
            floor=FLOOR,
            frequency="weekly",
            recipients=tuple(
                Recipient(party=party, mode=mode, space=party) for party, mode in modes.items()
            ),
            spaces=tuple(IdSpace(name=party, lifetime="lasting") for party in modes),
        )
        broker = serving.__enter__()
        opened.append(serving)
        schools, welfare = (
            rehearsing_agency(broker, tmp_path / party, party, people.files[party])
            for party in ("schools", "welfare")
        )
        upload(schools, welfare)
        welfare.type("round", "--wait")
        office = set_up_receiver(broker, tmp_path / "o", COUNTING)
        return Modes(broker, welfare, schools, office, people)

    yield make
    for serving in opened:
        serving.__exit__(None, None, None)


def test_each_party_gets_what_the_agreement_gives_it(make_modes: Any) -> None:
    modes: Modes = make_modes(120)
    links = modes.welfare.json("links")["links"]
    assert 0.9 * len(modes.people.student_of) < links <= len(modes.people.student_of)
    assert len(read_rows(modes.welfare.folder / "links.csv")) == links

    total = modes.office.json("links")
    assert total["total"] == links
    assert list(modes.office.folder.glob("*.csv")) == []
    assert f"more than one file: {links}" in modes.office.type("links")
    assert modes.office.json("status")["stage"] == "done"

    modes.schools.type("links", status=1)
    assert modes.schools.json("status")["stage"] == "done"
    assert list(modes.schools.folder.glob("links*")) == []


def test_below_the_floor_nobody_is_told_a_count_but_of_their_own_records(make_modes: Any) -> None:
    modes: Modes = make_modes(12)
    links = modes.welfare.json("links")["links"]
    assert 0 < links < FLOOR
    assert modes.office.json("links")["total"] is None
    assert f"more than one file: fewer than {FLOOR}" in modes.office.type("links")
    modes.welfare.type("audit-pack", "-o", "welfare.pack")
    pack = (modes.welfare.folder, "blindlink-audit", "show", "welfare.pack", "--json")
    entries = [json.loads(line) for line in command(*pack).splitlines()]
    (finished,) = (entry["body"] for entry in entries if entry["kind"] == "run-finished")
    assert finished["auto_pairs"] is None
    prepared = [entry["body"] for entry in entries if entry["kind"] == "release-prepared"]
    assert {body["recipient"]: body["matches"] for body in prepared} == {
        "welfare": None,
        COUNTING: None,
    }
