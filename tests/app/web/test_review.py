"""An auditor's review from sign-in to export, in a headless Chromium; its pictures stand in docs/images.

The auditor has keys of her own and signs in by the link that her command prints. With BLINDLINK_PICTURES naming
a folder, the pictures are made anew there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.persons import lay_down_keys
from rigs.review_scene import TITLES, lay_out
from rigs.served import served_at
from rigs.signed import OPERATOR, Accord
from services.chromium import press, take_picture

from app.broker import Broker
from app.main import create_app
from app.web.pages.decisions import ROWS_A_PAGE
from encoding.cli.main import main as blindlink
from encoding.project.session import Session

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Page


@pytest.fixture
def ids(accord: Accord) -> dict[str, str]:
    """Two weeks of linkage, with a destruction, and a run that waits."""
    return lay_out(accord)


@pytest.fixture
def address(accord: Accord, ids: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Where the broker serves over TLS, under the address that its callers sign for."""

    def app_at(url: str) -> FastAPI:
        settings = accord.broker.settings.model_copy(update={"public_url": url})
        broker: Broker = replace(accord.broker, settings=settings)
        return create_app(broker)

    with served_at(app_at, tmp_path / "served") as found:
        yield found


def page_link(accord: Accord, name: str, address: str, folder: Path) -> str:
    """Return what `blindlink people sign-in` prints for a person, over TLS."""
    desk = folder / name
    desk.mkdir()
    lay_down_keys(desk, accord.persons[name].identity)
    words = [
        *("people", "sign-in", "--broker", address),
        *("--ca-file", str(folder / "served" / "broker.crt")),
        *("--identity", str(desk / "identity.txt"), "--key-file", str(desk / "identity.key")),
    ]
    typed = CliRunner().invoke(blindlink, words, obj=Session(now=accord.founded.clock))
    assert typed.exit_code == 0, typed.output
    # The broker's own log goes to the same place here.
    (link,) = re.findall(rf"^{address}/sign-in#\S+$", typed.stdout, re.MULTILINE)
    return str(link)


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def follow(page: Page, name: str) -> None:
    press(page.get_by_role("link", name=name, exact=True))


def downloaded(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_auditor_reviews_a_project_from_its_agreement_to_its_register(
    accord: Accord, ids: dict[str, str], address: str, tmp_path: Path, chromium_page: Page
) -> None:
    page = chromium_page
    page.set_viewport_size({"width": 1040, "height": 760})
    page.goto(page_link(accord, "sue", address, tmp_path))
    page.wait_for_url(f"{address}/projects")
    for step in (
        read_the_agreement,
        see_who_may_what,
        see_what_waits,
        review_a_run,
        see_what_reviewers_decided,
        find_a_release,
        compare_with_a_pin,
        see_what_is_gone,
        export_the_register,
    ):
        page.goto(f"{address}/projects/{PROJECT}")
        step(page, accord, ids)
    press(page.get_by_role("button", name="Sign out"))
    page.wait_for_url(f"{address}/sign-in")


def read_the_agreement(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    assert "The terms are in force today." in page.locator("main").inner_text()
    follow(page, "the agreement that every party has signed")
    assert heading(page) == f"Agreement 1 of {PROJECT}"
    signatures = page.locator("section[aria-labelledby=signatures] table").first
    assert signatures.locator("tbody tr").count() == len(TITLES)
    take_picture(page, "agreement")
    words = page.locator("main").inner_text()
    assert "A laptop is missing" in words
    assert all(title in words for title in TITLES.values())


def see_who_may_what(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Access")
    row = page.locator("table.matrix tbody tr", has_text="Fetch releases")
    assert row.locator("td").all_inner_texts()[1:] == [
        *["its own (linked, link-ID set shared)"] * 2,
        *["no"] * 2,
    ]
    take_picture(page, "access")


def see_what_waits(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Approvals")
    waiting = page.locator("section[aria-labelledby=pending] tbody tr")
    assert waiting.count() == 1
    assert SCHOOL in waiting.inner_text()
    assert "taken back" in page.locator("section[aria-labelledby=standing]").inner_text()
    take_picture(page, "approvals")


def review_a_run(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Runs")
    assert page.locator("svg rect").count() == 2
    press(page.locator("tbody tr", has_text="finished").first.get_by_role("link").first)
    page.get_by_role("heading", name="How likely the pairs are matches").wait_for()
    words = page.locator("main").inner_text()
    assert "It is final" in words
    assert "Missed matches, at most" in words
    for kind in ("auto", "review"):
        assert page.locator(f"figure svg.chart rect.{kind}").count() > 0
    take_picture(page, "run")
    take_picture(page, "histogram", "section[aria-labelledby=likely]")
    take_picture(page, "weights", "section[aria-labelledby=weights]")
    follow(page, "Its match record: every decision, one by one")
    page.get_by_role("combobox", name="Decision").select_option("auto")
    page.get_by_role("combobox", name="Probability from").select_option("0.99")
    press(page.get_by_role("button", name="Show"))
    page.get_by_role("heading", name="How likely the pairs are matches").wait_for()
    shown = page.locator("section[aria-labelledby=decisions] tbody tr")
    assert set(shown.locator("td:nth-child(2)").all_inner_texts()) == {"linked"}
    take_picture(page, "match-record")
    rows = downloaded(page)
    # Of decisions that look alike only a multiple of the floor is shown.
    assert len(rows) % 10 == 0
    assert shown.count() == min(len(rows), ROWS_A_PAGE) > 0


def see_what_reviewers_decided(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Reviews")
    assert page.locator("svg rect").count() == 2
    press(page.locator("tbody tr").first.get_by_role("link", name="run-"))
    assert heading(page) == "Review of round 2"
    decided = page.locator("section[aria-labelledby=by]").inner_text()
    assert all(accord.persons[name].id[:12] in decided for name in ("ann", "bob"))
    assert "or more" in decided
    take_picture(page, "review")
    follow(page, "The match record of what was accepted, one by one")
    shown = page.locator("section[aria-labelledby=decisions] tbody tr")
    assert set(shown.locator("td:nth-child(3)").all_inner_texts()) == {
        "reviewers accepted it after it was sent to review"
    }


def find_a_release(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Timeline")
    take_picture(page, "timeline")
    page.get_by_label("Kind").select_option("release-fetched")
    page.get_by_label("Party").fill(SCHOOL)
    press(page.get_by_role("button", name="Show"))
    assert page.locator("tbody tr.entry").count() == 2
    press(page.locator("tbody tr.entry th a").first)
    page.locator("#entry-check.good").wait_for()
    take_picture(page, "entry")
    press(page.get_by_role("link", name="rel-"))
    assert heading(page) == f"Release for {SCHOOL}"
    assert ids["release"] in page.locator("main").inner_text()


def compare_with_a_pin(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Match log")
    page.locator("#log-check.good").wait_for()
    page.get_by_label("A checkpoint that you").fill(
        accord.broker.settings.last_checkpoint_file.read_text()
    )
    page.get_by_role("button", name="Compare").click()
    page.locator("#pin-check.good").wait_for()
    witnesses = page.get_by_role("table", name="Who has cosigned")
    assert witnesses.locator("tbody th").all_inner_texts() == [SCHOOL, "state-auditor"]


def see_what_is_gone(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Destruction")
    # What a review was about was destroyed besides, when it was over.
    destroyed = page.locator("section[aria-labelledby=destroyed] tbody tr")
    assert destroyed.count() == 2
    press(destroyed.filter(has_text="one upload").locator("th a"))
    words = page.locator("main").inner_text()
    assert ids["certificate"] in words
    assert f"{CHILD_WELFARE}: files handed over, file of links, files received" in words
    take_picture(page, "destruction")


def export_the_register(page: Page, accord: Accord, ids: dict[str, str]) -> None:
    follow(page, "Disclosures")
    assert page.locator("tbody tr").count() == 14
    take_picture(page, "disclosures")
    page.get_by_label("Party").fill(CHILD_WELFARE)
    page.get_by_label("From").fill("2026-09-05")
    press(page.get_by_role("button", name="Show"))
    rows = downloaded(page)
    assert [(row["giver"], row["receiver"]) for row in rows] == [
        (CHILD_WELFARE, OPERATOR),
        (SCHOOL, CHILD_WELFARE),
        (CHILD_WELFARE, SCHOOL),
        (SCHOOL, CHILD_WELFARE),
        (SCHOOL, CHILD_WELFARE),
        (CHILD_WELFARE, OPERATOR),
    ]
    assert rows[1]["basis"].startswith("20 U.S.C. 1232g(b)(1)(L)")
    assert {row["interest"] for row in rows} == {accord.agreement.purpose.statement}
    last: dict[str, Any] = accord.log_entries()[-1]
    assert (last["kind"], last["actor"]["person"]) == ("exported", accord.persons["sue"].id)
