"""`linked`, `count` and `none` of one run, by real commands: each party gets its own and nothing else."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oracles import febrl
from oracles.live import (
    PROJECT,
    LiveAgency,
    LiveBroker,
    command,
    live_broker,
    set_up_agency,
)

from encoding.config import read_config, render_config
from encoding.secret import Secret, write_secret

pytestmark = pytest.mark.long
COUNTING = "statistics-office"
POLICY = ("--auto", "0.67", "--review", "0.60", "--margin", "0.01", "--solver", "one-to-one")
N_ROWS = 120
FLOOR = 10


@dataclass
class Modes:
    """Welfare receives links, schools nothing, the statistics office a count."""

    broker: LiveBroker
    welfare: LiveAgency
    schools: LiveAgency
    office: LiveAgency


def set_up_receiver(broker: LiveBroker, folder: Path, party: str) -> LiveAgency:
    """Give a party without records its person's keys and settings."""
    folder.mkdir()
    broker.give_keys(folder, party, "analyst", "recipient")
    office = LiveAgency(folder, party)
    office.type(
        "init", "--without-file", "--broker", broker.url, "--project", PROJECT, "--party", party,
        "--identity", "identity.txt", "--key-file", "identity.key", "--ca-file", broker.ca_file,
        "--log-key", broker.log_key, "--insecure-unsigned-terms",
    )  # fmt: skip
    return office


@pytest.fixture
def make_modes(tmp_path: Path) -> Iterator[Any]:
    opened = []

    def make(n_rows: int) -> Modes:
        files = febrl.write_short_halves(tmp_path, n_rows)
        terms = [*POLICY, "--floor", str(FLOOR)]
        for party, mode in (("welfare", "linked"), ("schools", "none"), (COUNTING, "count")):
            terms += ["--recipient", f"{party}={mode}"]
        serving = live_broker(tmp_path / "b", febrl.profile(), *terms, others=(COUNTING,))
        broker = serving.__enter__()
        opened.append(serving)
        agencies = []
        for party, file in zip(("schools", "welfare"), files, strict=True):
            agency = set_up_agency(broker, tmp_path / party, party, file, "--id-column", "rec_id")
            write_secret(agency.folder / "secret.txt", Secret(bytes(range(32))))
            agency.type("encode")
            agency.type("upload")
            agencies.append(agency)
        schools, welfare = agencies
        welfare.type("run", "--wait")
        return Modes(broker, welfare, schools, set_up_receiver(broker, tmp_path / "o", COUNTING))

    yield make
    for serving in opened:
        serving.__exit__(None, None, None)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_party_gets_what_the_agreement_gives_it(make_modes: Any) -> None:
    modes: Modes = make_modes(N_ROWS)
    links = modes.welfare.json("links")["links"]
    assert 0.5 * N_ROWS < links < 0.7 * N_ROWS
    assert len(rows_of(modes.welfare.folder / "links.csv")) == links

    total = modes.office.json("links")
    assert total["total"] == links
    assert list(modes.office.folder.glob("*.csv")) == []
    assert f"more than one file: {links}" in modes.office.type("links")
    assert modes.office.json("status")["stage"] == "done"

    modes.schools.type("links", status=1)
    assert modes.schools.json("status")["stage"] == "done"
    assert list(modes.schools.folder.glob("links*")) == []


def test_below_the_floor_nobody_is_told_a_count_but_of_their_own_records(make_modes: Any) -> None:
    modes: Modes = make_modes(FLOOR)
    links = modes.welfare.json("links")["links"]
    assert 0 < links < FLOOR
    assert modes.office.json("links")["total"] is None
    assert f"more than one file: fewer than {FLOOR}" in modes.office.type("links")
    modes.welfare.type("audit-pack", "-o", "welfare.pack")
    pack = (modes.welfare.folder, "blindlink-audit", "show", "welfare.pack", "--json")
    entries = [json.loads(line) for line in command(*pack).splitlines()]
    (finished,) = (entry["body"] for entry in entries if entry["kind"] == "run-finished")
    assert (finished["auto_pairs"], finished["groups"]) == (None, None)
    prepared = [entry["body"] for entry in entries if entry["kind"] == "release-prepared"]
    assert {body["recipient"]: body["links"] for body in prepared} == {
        "welfare": None,
        COUNTING: None,
    }


def test_rows_are_exchanged_by_link_id_in_agreed_columns_alone(make_modes: Any) -> None:
    modes: Modes = make_modes(N_ROWS)
    welfare = modes.welfare
    welfare.type("links")
    welfare.type("extract", "--columns", "suburb", "-o", "x.csv", status=2)
    path = welfare.folder / "blindlink.toml"
    sections = read_config(path).sections
    shared = sections.share.model_copy(update={"columns": ("suburb", "state")})
    path.write_text(render_config(sections.model_copy(update={"share": shared})), "utf-8")
    welfare.type("extract", "--columns", "suburb", "-o", "x.csv")
    extracted = rows_of(welfare.folder / "x.csv")
    assert {frozenset(row) for row in extracted} == {frozenset(("link_id", "suburb"))}
    # Whoever receives lists what it may have: another column is refused, and its own ones are dropped.
    welfare.type("join", "x.csv", "--columns", "state", "-o", "j.csv", status=2)
    assert not (welfare.folder / "j.csv").exists()
    welfare.type("join", "x.csv", "--columns", "suburb", "-o", "j.csv")
    joined = rows_of(welfare.folder / "j.csv")
    assert {frozenset(row) for row in joined} == {frozenset(("rec_id", "suburb"))}
    assert len(joined) == len(extracted)
