"""The report of a round, held against files of which the test knows every record and every link."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page
from rigs.desk import Desk
from rigs.near_broker import NearBroker, near_broker
from rigs.weeks import links, settle
from services.chromium import take_picture

from encoding.project.linking.round_reports import warned_of
from encoding.workspace.config import CONFIG_NAME
from schemas.api.runs import RunView
from schemas.reports.round_report import RoundReport

FIRST = [
    "Amara",
    "Benedikt",
    "Chiyo",
    "Dagmar",
    "Esperanza",
    "Fyodor",
    "Gwendolyn",
    "Hamish",
    "Inge",
]
LAST = ("Abernathy", "Bjornstad", "Cholmondeley", "Dragomirov", "Echevarria", "Fitzwilliam")
FLOOR = 10
N_BOTH, N_WELFARE, N_SCHOOLS = 60, 40, 60
PAGE, DOCUMENT = "round-report.html", "round-report.json"

OWN_PAGE = "agency-report.html"

SECTION = """[report]
subgroups = ["county"]
age_bands = [5, 11, 15]
eligible = { column = "here", values = ["Y"] }
"""

Row = dict[str, str]


def people() -> list[Row]:
    """Return people of whom no two share more than one name; every fifth lives in the small county."""
    random = Random(7)
    names, days = list(product(FIRST, LAST)) * 3, random.sample(range(4000), 160)
    random.shuffle(names)
    return [
        {
            "first": first,
            "last": f"{last}{'abc'[at % 3]}",
            "born": f"{2009 + day // 365}-{day % 12 + 1:02}-{day % 27 + 2:02}",
            "county": "Small" if at % 20 == 0 else "North" if at % 2 else "South",
            "here": "Y" if at % 4 else "N",
        }
        for at, ((first, last), day) in enumerate(zip(names, days, strict=False))
    ]


def write(path: Path, file: dict[str, Row]) -> None:
    names = ["first", "last", "born", "county", "here"]
    lines = [",".join(["ID", *names])]
    lines += [",".join([key, *(row[name] for name in names)]) for key, row in file.items()]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


class Town:
    """Two files: `welfare` has people 0 to 99, `schools` 0 to 59 and 100 to 159."""

    def __init__(self, near: NearBroker) -> None:
        everyone = people()
        self.near = near
        self.welfare = {f"w{at:03}": everyone[at] for at in range(N_BOTH + N_WELFARE)}
        self.schools = {
            f"s{at:03}": everyone[at] for at in (*range(N_BOTH), *range(100, 100 + N_SCHOOLS))
        }
        config = self.desk("welfare").folder / CONFIG_NAME
        config.write_text(config.read_text("utf-8").replace("[report]\n", SECTION), "utf-8")

    def desk(self, party: str) -> Desk:
        return self.near.desks[party]

    def write(self) -> None:
        write(self.near.folder / "welfare" / "people.csv", self.welfare)
        write(self.near.folder / "schools" / "people.csv", self.schools)

    def report(self, party: str = "welfare") -> RoundReport:
        raw = (self.desk(party).folder / DOCUMENT).read_bytes()
        return RoundReport.from_canonical(raw.rstrip(b"\n"))

    def page(self, party: str = "welfare") -> str:
        return Path(self.desk(party).folder, PAGE).read_text("utf-8")


def kept_reports(town: Town) -> Path:
    return town.desk("welfare").folder / "workspace" / "history"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Give a town after its first round."""
    with near_broker(tmp_path_factory.mktemp("town")) as near:
        for party in ("schools", "welfare"):
            near.add(party, "ID,first,last,born,county,here\n1,A,B,2010-01-01,North,Y\n")
        made = Town(near)
        made.write()
        near.add_project(floor=FLOOR)
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        settle(near)
        yield made


def test_totals_rates_and_denominators_are_those_that_can_be_counted_in_the_files(
    town: Town,
) -> None:
    report, linked = town.report(), links(town.desk("welfare"))
    assert (report.now.records, report.now.linked) == (100, len(linked))
    assert N_BOTH - 3 <= len(linked) <= N_BOTH
    assert report.links.new == len(linked)
    rates = {one.of: one.rate for one in report.rates}
    eligible = [key for key, row in town.welfare.items() if row["here"] == "Y"]
    shown = rates["eligible"]
    assert shown is not None
    assert (shown.records, shown.linked) == (len(eligible), sum(key in linked for key in eligible))
    assert town.report("schools").now.records == N_BOTH + N_SCHOOLS
    by_county = Counter(row["county"] for row in town.welfare.values())
    found = Counter(town.welfare[key]["county"] for key in linked)
    (county, ages) = town.report().subgroups
    assert (county.column, ages.column) == ("county", None)
    assert by_county["Small"] < FLOOR
    assert "Small" not in str(county)
    for one in county.groups:
        if one.groups == 1:
            assert one.records == by_county[one.label]
            assert one.linked in (found[one.label], None)
    assert sum(one.records for one in county.groups) == 100
    assert {one.label for one in ages.groups} <= {
        "5 to 10",
        "11 to 14",
        "15 and older",
        "under 5",
        "all other groups",
    }


def test_a_group_has_the_range_of_its_records_that_are_likely_in_both_files(town: Town) -> None:
    report = town.report()
    shown = [one for one in report.subgroups[0].groups if one.linked is not None]
    assert shown
    for one in shown:
        true = sum(
            row["county"] == one.label and any(row == other for other in town.schools.values())
            for row in town.welfare.values()
        )
        found = report.true_matches(one)
        assert found is not None
        if one.groups == 1:
            assert found.low <= true <= found.high
        low, high = 100 * found.low // one.records, -(-100 * found.high // one.records)
        assert f"<td>{low} to {high} %</td>" in re.sub(r"<td[^>]*>", "<td>", town.page())


def test_what_a_run_says_and_on_what_basis_all_went_out_is_what_the_log_says(town: Town) -> None:
    report = town.report()
    (pair,) = report.pairs
    assert (pair.partner, pair.linked) == ("schools", report.now.linked)
    assert pair.wrong is not None
    assert pair.missed is not None
    assert pair.wrong.low == 0
    assert pair.missed.high <= 100 - report.now.linked
    assert {one.field for one in pair.concordance} >= {"birth-date", "first-name", "surname"}
    lines = town.report().disclosures
    assert {(one.giver, one.receiver, one.what) for one in lines} >= {
        ("schools", "welfare", "match-ids"),
        ("welfare", "schools", "match-ids"),
    }
    assert all("stated" not in one.basis for one in lines if one.what == "match-ids")
    page = town.page()
    for one in lines:
        assert f"log entry {one.entry}" in page


def test_the_page_needs_nothing_else_and_names_nobody_and_is_written_once_more_the_same(
    town: Town,
) -> None:
    page, raw = town.page(), (town.desk("welfare").folder / DOCUMENT).read_text("utf-8")
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    for text in (page, raw):
        for key, row in town.welfare.items():
            assert key not in text
            assert row["last"] not in text
            assert row["born"] not in text
    assert not {*links(town.desk("welfare")).values()} & {*re.findall("[0-9a-f]{32}", raw)}
    desk, before = town.desk("welfare"), town.report()
    told = desk.json("report", "--round")
    after = town.report()
    assert told == json.loads(after.to_canonical())
    assert after == before.model_copy(
        update={"made": after.made, "disclosures": after.disclosures, "reviews": after.reviews}
    )


def test_the_guide_is_typed_as_it_stands(town: Town) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "round-report.md").read_text("utf-8")
    lines = re.findall(r"^```sh\n(.*)\n```$", guide, re.MULTILINE)
    desk = town.desk("welfare")
    for line, page in zip(lines, (PAGE, OWN_PAGE), strict=True):
        assert str(desk.folder / page) in desk.ok(*line.split()[1:]).stderr
    (section,) = re.findall(r"^```toml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    config = desk.folder / CONFIG_NAME
    kept = config.read_text("utf-8")
    config.write_text(kept.replace(SECTION, section), "utf-8")
    # This town's file has no such columns.
    result = desk.type("report", "--round")
    config.write_text(kept, "utf-8")
    assert (result.exit_code, "has no column race" in result.stderr) == (3, True)


def test_a_file_that_is_no_report_is_not_overwritten_and_no_fault_of_it_ends_a_round(
    town: Town,
) -> None:
    desk = town.desk("welfare")
    page = desk.folder / PAGE
    kept = page.read_bytes()
    page.write_text("my own notes", "utf-8")
    result = desk.type("report", "--round")
    assert (result.exit_code, page.read_text("utf-8")) == (1, "my own notes")
    again = desk.ok("links")
    assert "the report of the round could not be made" in again.stderr
    assert page.read_text("utf-8") == "my own notes"
    page.write_bytes(kept)
    said: list[str] = []
    with warned_of(SimpleNamespace(warn=said.append)):  # type: ignore[arg-type]  # all that it uses
        raise TypeError("a cell")
    assert len(said) == 1
    assert "a cell" not in said[0]
    (path,) = kept_reports(town).glob("*.sealed")
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    assert "the report of the round could not be made" in town.desk("welfare").ok("links").stderr
    path.write_bytes(content)


def test_another_number_than_the_log_has_is_not_reported(town: Town) -> None:
    desk, courier = town.desk("welfare"), town.near.courier

    def wrong(request: Any, response: Any) -> Any:
        if not re.fullmatch("/v1/runs/run-[0-9a-f]{32}", request.url.path):
            return response
        view = RunView.from_json(response.json())
        assert view.counts is not None
        counts = view.counts.model_copy(
            update={"expected_false": 1 + (view.counts.expected_false or 0)}
        )
        told = view.model_copy(update={"counts": counts})
        response.headers.pop("content-length", None)
        return type(response)(200, headers=response.headers, content=told.to_canonical())

    before, courier.after = courier.after, wrong
    try:
        result = desk.type("report", "--round")
    finally:
        courier.after = before
    assert result.exit_code == 1
    assert "the broker shows different numbers of a run from those in its log" in result.stderr


def test_the_next_round_is_held_against_this_one(town: Town) -> None:
    for key in [f"w{at:03}" for at in range(20, 32)]:
        town.welfare[key] = town.welfare[key] | {"born": ""}
    town.write()
    town.near.move(days=7)
    town.desk("welfare").ok("check", "--accept")
    before = town.report()
    settle(town.near)
    report = town.report()
    assert [one.round for one in (*report.former, report.now)] == [1, 2]
    assert report.former == (before.now,)
    (fault,) = [one for one in report.faults if one.what == "no-birth-date"]
    assert (fault.records, fault.before) == (12, None)
    assert "under 10 in round 1" in town.page()
    assert "<svg" in town.page()
    assert "in round 1" in town.page()
    assert len(list(kept_reports(town).glob("*.sealed"))) == 2


def test_an_agency_sees_on_one_page_where_it_stands(town: Town) -> None:
    desk = town.desk("welfare")
    told = desk.json("report")
    page = (desk.folder / OWN_PAGE).read_text("utf-8")
    status, now = desk.json("status"), town.report().now
    assert told["status"]["sentences"] == status["sentences"]
    assert (told["is_current"], told["status"]["command"]) == (True, status["next"])
    assert told["report"]["now"] == now.model_dump(mode="json")
    assert f"{now.linked:,} of {now.records:,} records are linked" in page
    assert "welfare in the project foster-pupils" in page
    assert "Rows with a fault, by column" in page
    for one in town.report().disclosures:
        assert f"log entry {one.entry}" in page
    assert told["log"]["cosigned"] == told["log"]["entries"] > 0
    assert not re.search(r"https?://|src=|href=|<script", page)
    everyone = {row[name] for row in town.welfare.values() for name in ("first", "last")}
    assert not [name for name in everyone if re.search(rf"\b{name}\b", page)]
    assert not {*links(desk).values()} & {*re.findall("[0-9a-f]{32}", page + json.dumps(told))}


@pytest.mark.browser
def test_the_page_of_an_agency_opens_in_a_browser(town: Town, chromium_page: Page) -> None:
    """Its picture stands in docs/images; with BLINDLINK_PICTURES naming a folder it is made anew there."""
    desk = town.desk("welfare")
    desk.ok("report")
    chromium_page.set_viewport_size({"width": 860, "height": 900})
    chromium_page.goto((desk.folder / OWN_PAGE).as_uri())
    assert chromium_page.locator("h1").inner_text() == "welfare in the project foster-pupils"
    take_picture(chromium_page, "agency-report")


def test_what_needs_somebody_comes_first_and_says_what_to_do_though_the_broker_is_gone(
    town: Town,
) -> None:
    desk, known = town.desk("welfare"), town.desk("welfare").json("status")

    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no network")

    town.near.courier.before = refuse
    try:
        result = desk.ok("report")
    finally:
        town.near.courier.before = lambda _: None
    page = (desk.folder / OWN_PAGE).read_text("utf-8")
    assert "going by what it said last" in result.stderr
    assert "The broker does not answer." in page
    assert known["sentences"][0] in page
    assert "No backup of the workspace is known" in str(desk.json("report")["attention"])
    desk.ok("workspace", "protect")
    desk.ok("workspace", "backup", str(desk.folder / "welfare.backup"))
    told = desk.json("report")
    assert told["backup"]["round"] == told["encoded"]
    assert "backup of" not in str(told["attention"])
    (custody,) = [one for one in told["attention"] if "recovery code" in one["sentence"]]
    assert (custody["standing"], "workspace custodians" in custody["sentence"]) == ("warn", True)
    standings = [one["standing"] for one in told["attention"]]
    assert standings == sorted(standings, key=["bad", "warn", "note"].index)
    strange = desk.folder / "strange.html"
    strange.write_text("someone's page", "utf-8")
    assert desk.type("report", "-o", str(strange)).exit_code == 1
    assert strange.read_text("utf-8") == "someone's page"
    # What was kept goes with the rest.
    desk.ok("report")
    desk.ok("destroy", "--local", "--yes")
    assert not list(kept_reports(town).glob("*.sealed"))
    for name in (PAGE, OWN_PAGE):
        assert not (desk.folder / name).exists()
