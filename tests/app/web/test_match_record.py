"""The page of a match record: filters, twins, and who may open it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

import pytest
from rigs.agreed_copies import reach
from rigs.linkage import AUDITOR, SCHOOL, Linkage, MakeLinkage
from rigs.shown_pages import words

from schemas.api.bodies import MatchRecordPage


@pytest.fixture
def ordinary_open() -> None:
    """What `run` asks for, so that its broker is copied from one where the agreement is signed already."""


@pytest.fixture
def later_decisions() -> None:
    """The same, once the run has its record."""


@pytest.fixture
def run(
    ordinary_open: None, later_decisions: None, make_linkage: MakeLinkage
) -> tuple[Linkage, str]:
    """A run with decisions of both bands, all of which are shown."""
    linkage = make_linkage(floor=0)

    def steps() -> str:
        linkage.upload_both(30, 12, 8)
        linkage.work()
        return linkage.run_id()

    return linkage, reach(linkage, steps)


def decisions_of(linkage: Linkage, run: str) -> list[dict[str, Any]]:
    """Return what the API says, which has its own tests."""
    answer = linkage.get(f"/v1/runs/{run}/match-record", AUDITOR, "auditor").json()
    rows = MatchRecordPage.from_json(answer).rows
    return [
        {"number": number, **row.to_json()}
        for number, row in enumerate(rows, 1)
        if not isinstance(row, str)
    ]


def numbers_on(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'match-record\?[^"]*first=(\d+)">\d', text)]


QUERIES = ("", "band=review", "band=auto&probability=0.95", "probability=0.99", "rule=review-band")


def test_a_filter_means_the_same_on_the_page_and_in_its_twins(
    run: tuple[Linkage, str], visit_as_auditor: Any
) -> None:
    linkage, name = run
    for query in QUERIES:
        wanted = dict(part.split("=") for part in query.split("&") if part)
        expected = [
            decision
            for decision in decisions_of(linkage, name)
            if all(
                decision[field] >= value if field == "probability" else decision[field] == value
                for field, value in wanted.items()
            )
        ]
        path = f"/runs/{name}/match-record"
        page = visit_as_auditor(linkage, f"{path}?{query}")
        assert page.status_code == 200, query
        # Unless something is chosen, the page lists what is an exception, and its twins all.
        listed = [one for one in expected if query or one["rule"] != "match-probability"]
        assert numbers_on(page.text) == [decision["number"] for decision in listed], query
        assert listed or not query
        twin = visit_as_auditor(linkage, f"{path}.json?{query}").json()
        assert twin["decisions"] == expected
        table = visit_as_auditor(linkage, f"{path}.csv?{query}").text
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        assert [int(row["number"]) for row in rows] == [decision["number"] for decision in expected]
        assert Counter(row["band"] for row in rows) == Counter(d["band"] for d in expected)
    # The page shows the root that the match log has.
    unfiltered = visit_as_auditor(linkage, f"/runs/{name}/match-record").text
    (finished,) = [e for e in linkage.log_entries() if e["kind"] == "run-finished"]
    assert f'<code class="digest">{finished["body"]["match_record_root"]}</code>' in unfiltered
    # A rows link keeps the filter.
    text = visit_as_auditor(linkage, f"/runs/{name}/match-record?band=auto").text
    for number in numbers_on(text):
        assert f'href="/runs/{name}/match-record?band=auto&amp;first={number}"' in text
    # The page begins with a summary and the exceptions.
    text = visit_as_auditor(linkage, f"/runs/{name}/match-record").text
    counts = Counter((one["band"], one["rule"]) for one in decisions_of(linkage, name))
    summary = text[text.index("in short</caption>") : text.index("Exceptions</h2>")]
    assert [int(n) for n in re.findall(r'<td class="number">(\d+)</td>', summary)] == [
        n for _, n in sorted(counts.items())
    ]
    n_ordinary = counts["auto", "match-probability"]
    assert f"The other {n_ordinary} that are" in text
    assert text.index("Exceptions</h2>") < text.index("How likely the pairs are matches</h2>")


def test_pages_follow_each_other_without_gap(
    run: tuple[Linkage, str], visit_as_auditor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.pages.decisions.ROWS_A_PAGE", 3)
    monkeypatch.setattr("app.web.pages.decisions.MAX_SCANNED", 4)
    linkage, name = run

    def walked(path: str, rel: str) -> tuple[list[list[int]], str]:
        pages = []
        while True:
            text = visit_as_auditor(linkage, path).text
            pages.append(numbers_on(text))
            onward = re.search(rf'rel="{rel}" href="([^"]+)"', text)
            if onward is None:
                return pages, path
            path = onward.group(1).replace("&amp;", "&")

    wanted = [d["number"] for d in decisions_of(linkage, name) if d["band"] == "auto"]
    downward, last = walked(f"/runs/{name}/match-record?band=auto", "next")
    assert [number for page in downward for number in page] == wanted
    upward, first = walked(last, "prev")
    assert sorted({number for page in upward for number in page}) == wanted
    assert first.endswith("band=auto&first=1")


def test_only_auditors_open_it_and_no_form_of_it_holds_a_handle(
    finished: Any, visitor: Any
) -> None:
    run = finished.ids["run"]
    link = f'href="/runs/{run}/match-record"'
    assert link in visitor.get(f"/runs/{run}").text
    assert link not in visitor.get(f"/runs/{run}", "operator", "operator").text
    for form in ("", ".json", ".csv"):
        path = f"/runs/{run}/match-record{form}"
        assert visitor.get(path).status_code == 200
        assert visitor.get(path, "operator", "operator").status_code == 403
        assert visitor.get(path, SCHOOL, "agency").status_code == 403
    # A page never holds a handle.
    for form in ("", ".json", ".csv"):
        text = visitor.get(f"/runs/{finished.ids['run']}/match-record{form}").text
        assert not any(handle.hex() in text for handle in finished.rows)
    # Its twins are exports and the page is none.
    run, linkage = finished.ids["run"], finished.linkage
    before = linkage.log_kinds().count("exported")
    visitor.get(f"/runs/{run}/match-record")
    assert linkage.log_kinds().count("exported") == before
    visitor.get(f"/runs/{run}/match-record.json")
    visitor.get(f"/runs/{run}/match-record.csv")
    exports = [entry for entry in linkage.log_entries() if entry["kind"] == "exported"]
    assert [entry["body"]["what"] for entry in exports[before:]] == ["match-record"] * 2
    # A run says how sure its links are.
    shown = words(visitor.get(finished.path("/runs/{run}")))
    assert re.search(r"Wrong links, most likely \d+ to \d+", shown)
    assert re.search(r"Missed matches, most likely \d+ to \d+", shown)
    assert re.search(r"birth-date (not shown|\d+) (not shown|\d+) (not shown|\d+)", shown)
