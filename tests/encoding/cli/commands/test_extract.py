"""What is handed over by hand holds no more than a delivery would: `extract` goes by what is in force."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from rigs.agreed import OPERATOR, amend, bind
from rigs.desk import Desk
from rigs.exchange import exchanging
from rigs.near_broker import PARTIES, NearBroker, near_broker, small_profile, small_terms
from rigs.weeks import links
from samples.agreed import agreement_of

from encoding.workspace.config import read_config, render_config


@pytest.fixture
def near(exchanged: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with exchanging(tmp_path / "broker", like=exchanged) as made:
        share(made.desks["welfare"], "Placement")
        share(made.desks["schools"], "Grade")
        yield made


@pytest.fixture
def desks(near: NearBroker) -> dict[str, Desk]:
    return near.desks


def share(desk: Desk, *columns: str) -> None:
    path = desk.folder / "blindlink.toml"
    sections = read_config(path).sections
    shared = sections.share.model_copy(update={"columns": columns})
    path.write_text(render_config(sections.model_copy(update={"share": shared})), "utf-8")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def placements(desk: Desk, *words: str) -> set[str]:
    """Return what `extract` writes, once without and once with what is sealed to the schools."""
    out = desk.folder / "out.csv"
    desk.ok("extract", "-o", str(out), "--force", *words)
    sealed = desk.json("extract", "-o", f"{out}.sealed", "--force", "--to", "schools", *words)
    found = rows(out)
    assert sealed["rows"] == len(found)
    return {row["Placement"] for row in found}


def refused(desk: Desk, words: str, *more: str, status: int = 1) -> None:
    """Check that `extract` refuses with these words, and writes nothing."""
    out = desk.folder / "refused.csv"
    result = desk.type("extract", "-o", str(out), *more)
    assert (result.exit_code, words in result.stderr) == (status, True), result.output
    assert not out.exists()


def test_no_link_id_but_those_in_force_and_no_withdrawn_or_unlinked_record_is_handed_over(
    welfare: Desk,
) -> None:
    own, edited = links(welfare), welfare.folder / "edited.csv"
    text = (welfare.folder / "links.csv").read_text("utf-8")
    edited.write_text(text.replace(own["7"], own["9"]), "utf-8")
    assert placements(welfare, "--links", str(edited)) == {"foster home"}
    # Whoever has left out a record by hand hands over no more than that.
    edited.write_text(text.replace(f"9,{own['9']}\n", ""), "utf-8")
    assert placements(welfare, "--links", str(edited)) == {"kin"}
    before = welfare.folder / "before.csv"
    shutil.copy(welfare.folder / "links.csv", before)
    welfare.ok("withdraw-record", "--record", "9", "--yes")
    assert placements(welfare) == {"kin"}
    assert placements(welfare, "--links", str(before)) == {"kin"}
    said = welfare.ok("extract", "-o", str(welfare.folder / "out.csv"), "--force").stderr
    assert "1 record of links.csv left out: withdrawn" in said
    welfare.ok("unlink", "7", "--reason", "The parents dispute it.")
    assert "7" in links(welfare)
    assert placements(welfare) == set()


def test_after_its_last_day_or_while_a_partner_halts_it_the_agreement_lets_nothing_go(
    welfare: Desk, near: NearBroker
) -> None:
    refused(welfare, "the agreement lets no columns of welfare go to nobody", "--to", "nobody")
    share(welfare, "Placement", "born")
    words = "the agreement does not let the column born go to schools"
    refused(welfare, words, "--to", "schools", status=2)
    share(welfare, "Placement")

    def lose(_: httpx2.Request) -> None:
        raise httpx2.ConnectError("no network")

    near.courier.before = lose
    assert placements(welfare) == {"kin", "foster home"}
    now, welfare.now = welfare.now, welfare.now + timedelta(days=2000)
    refused(welfare, "agreement 1 ended on 2027-12-31")
    welfare.now = now
    near.courier.before = lambda _: None
    why = ("--reason", "A suspected breach.", "--yes")
    near.desks["schools"].ok("agreement", "suspend", *why)
    refused(welfare, "schools has suspended the linkage")
    near.move(minutes=1)
    near.desks["schools"].ok("agreement", "resume", *why)
    near.move(days=2000)
    for more in ((), ("--to", "schools")):
        refused(welfare, "agreement 1 ended on 2027-12-31", *more)


def test_a_column_that_is_shared_only_later_is_not_handed_over_today(tmp_path: Path) -> None:
    counted = {"party": "welfare", "name": "born", "use": "counted"}
    with near_broker(tmp_path / "broker") as near:
        desks = {party: near.add(party) for party in PARTIES}
        people = [near.seated(party) for party in PARTIES]
        people.append(near.person(OPERATOR, "operator", "steward"))
        profile = small_profile()
        agreement = agreement_of(
            small_terms(profile),
            [one.public for one in people],
            log=near.broker.log.key.name,
            elements=[counted],
        )
        bind(near.broker, near.operator, agreement, profile, people)
        near.compare()
        elements = [counted, counted | {"use": "shared"}]
        for desk in desks.values():
            share(desk, "born")
            desk.ok("status")
        later = {"elements": elements, "start": "2026-12-20"}
        following = amend(near.broker, agreement, profile, people, **later)
        words = "the agreement lets people be counted by born, and lets nobody hand it over"
        for desk in desks.values():
            desk.ok("agreement", "accept", following.digest())
        for more in ((), ("--to", "schools")):
            refused(desks["welfare"], words, *more, status=2)
        join = ("join", "received.csv", "--columns", "born", "-o", "joined.csv")
        taken = desks["schools"].type(*join)
        assert (taken.exit_code, words in taken.stderr) == (2, True)
        near.move(days=60)
        refused(desks["welfare"], "the file of links", "--to", "schools", status=3)
        assert words not in desks["schools"].type(*join).stderr
