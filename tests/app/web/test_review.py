"""An auditor's review from sign-in to export, in a headless Chromium; its pictures stand in docs/images.

With BLINDLINK_PICTURES naming a folder, the pictures are made anew there.
"""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from oracles.containers import Row, random_rows
from oracles.linkage_rig import BITS, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from oracles.served import served

from schemas.api import sign_in_url
from schemas.run import MatchingPolicy

if TYPE_CHECKING:
    from playwright.sync_api import Page

POLICY = MatchingPolicy(auto="0.85", review="0.75", margin="0", solver="one-to-one")
N_RECORDS = 300


@pytest.fixture
def linkage(make_linkage: Any) -> Linkage:
    return make_linkage(floor=10, policy=POLICY)


@pytest.fixture
def reviewed(linkage: Linkage, web_app: FastAPI, tmp_path: Path) -> Iterator[str]:
    """A served broker with two weeks of linkage, each fetched by both agencies; a third one waits."""
    for week in range(2):
        upload_similar(linkage, n_common=150 + 10 * week)
        linkage.ask()
        linkage.work()
        for party in (CHILD_WELFARE, SCHOOL):
            releases = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
            linkage.get(f"/v1/releases/{releases[0]['release']}/file", party)
        linkage.founded.clock.move(days=7, minutes=13 * week)
    linkage.ask()
    with served(web_app, tmp_path / "served") as address:
        yield address


def upload_similar(linkage: Linkage, n_common: int) -> None:
    """Upload two files whose first records are the same people, written more or less alike."""
    rng = linkage.rng
    left = random_rows(rng, N_RECORDS, bits=BITS)
    right = random_rows(rng, N_RECORDS, bits=BITS)
    for at in range(n_common):
        n_flips = min(int(rng.expovariate(0.07)), 40)
        right[at] = Row(right[at].handle, 0, flipped(rng, left[at].encoding, n_flips))
    linkage.upload(left, CHILD_WELFARE)
    linkage.upload(right, SCHOOL)


def flipped(rng: random.Random, encoding: bytes, n_flips: int) -> bytes:
    number = int.from_bytes(encoding)
    for at in rng.sample(range(BITS), n_flips):
        number ^= 1 << at
    return number.to_bytes(len(encoding))


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("BLINDLINK_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", scale="css")


def test_an_auditor_reviews_a_release(
    reviewed: str, visitor: Any, linkage: Linkage, chromium_page: Page
) -> None:
    page = chromium_page
    page.set_viewport_size({"width": 1040, "height": 760})
    page.goto(sign_in_url(reviewed, visitor.code()))
    page.get_by_role("link", name=PROJECT).click()
    assert "The terms are in force today." in page.locator("main").inner_text()

    page.get_by_role("link", name="Access").click()
    assert page.locator("table.matrix tbody tr").count() == 4
    picture(page, "access")

    page.get_by_role("link", name="Runs").click()
    assert page.locator("svg rect").count() == 2
    page.locator("tbody tr", has_text="finished").first.get_by_role("link").click()
    page.get_by_role("heading", name="How alike the pairs are").wait_for()
    picture(page, "run")
    page.get_by_role("link", name="Its match record").click()
    page.get_by_role("combobox", name="Decision").select_option("auto")
    page.get_by_role("combobox", name="Similarity").select_option("0.95")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="How alike the pairs are").wait_for()
    shown = page.locator("section[aria-labelledby=decisions] tbody tr")
    assert shown.count() % 10 == 0
    assert shown.count() > 0
    assert set(shown.locator("td:nth-child(2)").all_inner_texts()) == {"linked"}
    picture(page, "match-record")

    page.get_by_role("link", name="Timeline").click()
    picture(page, "timeline")
    page.get_by_label("Kind").select_option("release-fetched")
    page.get_by_label("Party").fill(SCHOOL)
    page.get_by_role("button", name="Show").click()
    assert page.locator("tbody tr").count() == 2
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["party"] for row in rows] == [SCHOOL, SCHOOL]
    assert {row["kind"] for row in rows} == {"release-fetched"}

    page.locator("tbody th a").first.click()
    page.locator("#entry-check.good").wait_for()
    picture(page, "entry")
    page.get_by_role("link", name="rel-").click()
    assert page.locator("h1").inner_text() == f"Release for {SCHOOL}"
