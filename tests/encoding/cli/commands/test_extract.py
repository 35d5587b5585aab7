"""What is handed over by hand holds no more than a delivery would: `extract` goes by what is in force."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> NearBroker:
    """Two agencies that are linked; for copies."""
    with exchanging(tmp_path_factory.mktemp("linked") / "broker") as near:
        share(near.desks["welfare"], "Placement")
        share(near.desks["schools"], "Grade")
    return near


@pytest.fixture
def near(linked: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with exchanging(tmp_path / "broker", like=linked) as made:
        yield made


@pytest.fixture
def welfare(near: NearBroker) -> Desk:
    return near.desks["welfare"]


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


def test_a_withdrawn_record_is_handed_over_no_more(welfare: Desk) -> None:
    before = welfare.folder / "before.csv"
    shutil.copy(welfare.folder / "links.csv", before)
    assert placements(welfare) == {"kin", "foster home"}
    welfare.ok("withdraw-record", "--record", "9", "--yes")
    assert placements(welfare) == {"kin"}
    assert placements(welfare, "--links", str(before)) == {"kin"}
    said = welfare.ok("extract", "-o", str(welfare.folder / "out.csv"), "--force").stderr
    assert "1 record of links.csv left out: withdrawn" in said


def test_an_unlinked_record_is_handed_over_no_more(welfare: Desk) -> None:
    welfare.ok("unlink", "7", "--reason", "The parents dispute it.")
    assert "7" in links(welfare)
    assert placements(welfare) == {"foster home"}


def test_no_link_id_but_those_in_force_is_written(welfare: Desk) -> None:
    own, edited = links(welfare), welfare.folder / "edited.csv"
    text = (welfare.folder / "links.csv").read_text("utf-8")
    edited.write_text(text.replace(own["7"], own["9"]), "utf-8")
    assert placements(welfare, "--links", str(edited)) == {"foster home"}
    # Whoever has left out a record by hand hands over no more than that.
    edited.write_text(text.replace(f"9,{own['9']}\n", ""), "utf-8")
    assert placements(welfare, "--links", str(edited)) == {"kin"}


def test_after_its_last_day_the_agreement_lets_nothing_go(near: NearBroker, welfare: Desk) -> None:
    near.move(days=2000)
    for more in ((), ("--to", "schools")):
        refused(welfare, "agreement 1 ended on 2027-12-31", *more)


def test_without_the_broker_its_last_day_counts_too(near: NearBroker, welfare: Desk) -> None:
    def lose(_: httpx2.Request) -> None:
        raise httpx2.ConnectError("no network")

    near.courier.before = lose
    assert placements(welfare) == {"kin", "foster home"}
    near.move(days=2000)
    refused(welfare, "agreement 1 ended on 2027-12-31")


def test_what_a_partner_halts_is_handed_over_no_more(near: NearBroker, welfare: Desk) -> None:
    near.desks["schools"].ok("agreement", "suspend", "--reason", "A suspected breach.", "--yes")
    refused(welfare, "schools has suspended the linkage")


def test_to_a_party_go_the_columns_that_the_agreement_lets_it_have(welfare: Desk) -> None:
    refused(welfare, "the agreement lets no columns of welfare go to nobody", "--to", "nobody")
    share(welfare, "Placement", "born")
    words = "the agreement does not let the column born go to schools"
    refused(welfare, words, "--to", "schools", status=2)


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
