"""Long lists in pieces: nothing is left out or shown twice, in either direction, and twins hold the rest."""

from __future__ import annotations

import html
import re
from itertools import product
from typing import Any

import pytest
from rigs.destroying import destroy
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import csv_rows
from rigs.signed import Accord

KINDS = ("uploads", "runs", "releases", "destructions")
# Where a list stands on a page, and what names a thing in it, where that is not the list's own name.
PAGES = {"destructions": "retention"}
NAMES = {"destructions": "certificate"}


@pytest.fixture
def many(linkage: Linkage) -> Linkage:
    """Several uploads, runs and releases of the same second, and some of later ones."""
    for minutes in (0, 0, 5):
        linkage.founded.clock.move(minutes=minutes)
        linkage.upload_both()
        for _ in range(2):
            linkage.ask(again=True)
            linkage.work()
    uploads = linkage.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    for upload in uploads:
        assert destroy(linkage, f"uploads/{upload['upload']}").status_code == 200
    return linkage


def page_of(kind: str) -> str:
    return f"/projects/{PROJECT}/{PAGES.get(kind, kind)}"


def name_of(kind: str) -> str:
    return NAMES.get(kind, kind[:-1])


def ids_in(text: str, kind: str) -> list[str]:
    return re.findall(rf'<tr><th scope="row"><a href="/{kind}/([a-z]{{3}}-[0-9a-f]{{32}})"', text)


def turned(text: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    return found and html.unescape(found.group(1))


def walk(visitor: Any, path: str, kind: str, rel: str) -> tuple[list[list[str]], str]:
    """Return the ids of each page from a path on, and the last page's path."""
    pages = []
    while True:
        text = visitor.get(path).text
        pages.append(ids_in(text, kind))
        onward = turned(text, rel)
        if onward is None:
            return pages, path
        path = onward


def expected(linkage: Linkage, kind: str) -> list[str]:
    """What the API gives: its order is the one that all lists have; of uploads each agency sees its own."""
    found = linkage.get(f"/v1/projects/{PROJECT}/{kind}", "operator", "operator").json()[kind]
    return [one[name_of(kind)] for one in found]


def test_pages_follow_each_other_without_gap_in_either_direction_and_twins_hold_all_that_is_older(
    many: Linkage, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, rows in product(KINDS, (1, 2, 5)):
        monkeypatch.setattr("app.web.paging.ROWS_A_PAGE", rows)
        everything = expected(many, kind)
        assert len(everything) >= 3
        down, last = walk(visitor, page_of(kind), kind, "next")
        assert [one for page in down for one in page] == everything
        assert all(len(page) == rows for page in down[:-1])
        up, _ = walk(visitor, last, kind, "prev")
        assert [one for page in reversed(up) for one in page] == everything
    # Twins and the api hold all that is older than where the page begins.
    monkeypatch.setattr("app.web.paging.ROWS_A_PAGE", 2)
    for kind in KINDS:
        check_what_follows(many, visitor, kind)


def check_what_follows(many: Linkage, visitor: Any, kind: str) -> None:
    everything = expected(many, kind)
    path = page_of(kind)
    page = visitor.get(f"{path}?before={everything[1]}").text
    assert f'href="{path}.csv?before={everything[1]}"' in page
    assert f'rel="bookmark" href="{path}?before={everything[1]}"' in page
    name = name_of(kind)
    twin = visitor.get(f"{path}.json?before={everything[1]}").json()[kind]
    assert [one[name] for one in twin] == everything[2:]
    if kind not in PAGES:
        rows = csv_rows(visitor.get(f"{path}.csv?before={everything[1]}"))
        assert [row[name] for row in rows] == everything[2:]
    newer = visitor.get(f"{path}.json?after={everything[2]}").json()[kind]
    assert [one[name] for one in newer] == everything[:2]
    api = f"/v1/projects/{PROJECT}/{kind}?before={everything[1]}"
    found = many.get(api, "operator", "operator").json()[kind]
    assert [one[name] for one in found] == everything[2:]


def test_a_place_that_is_not_in_the_list_is_not_found(uploaded: Linkage, visitor: Any) -> None:
    linkage = uploaded
    for kind in KINDS:
        prefixes = {"uploads": "upl", "runs": "run", "releases": "rel", "destructions": "crt"}
        nothing = f"{prefixes[kind]}-{'0' * 32}"
        path = page_of(kind)
        assert visitor.get(f"{path}?before={nothing}").status_code == 404, kind
        assert visitor.get(f"{path}?before=first").status_code == 422, kind
        assert linkage.get(f"/v1/projects/{PROJECT}/{kind}?before={nothing}").status_code == 404, (
            kind
        )
    # An agency does not learn whether there is an upload of another.
    path = f"/v1/projects/{PROJECT}/uploads"
    theirs = linkage.get(path, SCHOOL).json()["uploads"][0]["upload"]
    assert linkage.get(f"{path}?before={theirs}", CHILD_WELFARE).status_code == 404


def test_approvals_in_advance_go_on_too(
    accord: Accord, signed_visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.paging.ROWS_A_PAGE", 2)
    accord.agree()
    for runs in (1, 2, 3):
        accord.sleep(minutes=1)
        accord.stand("ann", runs=runs)
    path = f"/projects/{PROJECT}/approvals"
    older = turned(signed_visitor.get(path).text, "next")
    assert older is not None
    page, _, query = older.partition("?")
    (row,) = csv_rows(signed_visitor.get(f"{page}.csv?{query}"))
    assert row["runs"] == "1"
    assert turned(signed_visitor.get(older).text, "prev") == f"{path}?after={row['id']}"
    api = f"/v1/projects/{PROJECT}/standing-approvals?{query}"
    found = accord.client.get(api, headers=accord.as_person("sue")).json()["approvals"]
    assert [one["signed"]["statement"]["runs"] for one in found] == [1]
