"""The register of disclosures on a page: the same as an auditor makes offline from a log that verifies."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import pytest
from rigs.agreed_copies import reach
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import words
from rigs.signed import Accord

from app.auditor.register import register_csv
from app.auditor.verify import verify_bundle
from schemas.matchlog.disclosures import DisclosureBook, Wanted

REGISTER = f"/projects/{PROJECT}/disclosures"


def fetch_all(linkage: Linkage) -> None:
    for party in (CHILD_WELFARE, SCHOOL):
        found = linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]
        linkage.get(f"/v1/releases/{found[0]['release']}/file", party)


@pytest.fixture
def later_disclosures() -> None:
    """What `disclosed` asks for, so that its broker is copied from one where that was done already."""


@pytest.fixture
def disclosed(later_disclosures: None, accord: Accord) -> Accord:
    """Two linkages under a signed agreement, a week apart, each fetched by both agencies."""
    reach(accord, lambda: disclose(accord))
    return accord


def disclose(accord: Accord) -> None:
    accord.agree()
    accord.stand("ann")
    accord.stand("lee")
    for week in range(2):
        accord.upload_both(20, 12 if week else 2)
        assert accord.ask().json()["state"] == "queued"
        accord.work()
        fetch_all(accord)
        accord.sleep(days=7)


def offline(linkage: Linkage, **wanted: str) -> str:
    """Return the register as `blindlink-audit` makes it from a verified copy of the log."""
    bundle = linkage.get(f"/v1/log/bundle?project={PROJECT}", AUDITOR, "auditor").content
    book = DisclosureBook()
    verify_bundle(io.BytesIO(bundle), on_entry=book.take)
    return register_csv(book.select(Wanted(PROJECT, **wanted)))


WANTED: tuple[dict[str, str], ...] = (
    {},
    {"party": SCHOOL},
    {"since": "2026-09-08"},
    {"until": "2026-09-02", "party": SCHOOL},
)


def test_its_csv_is_what_an_auditor_makes_offline_and_the_page_and_the_json_say_the_same(
    disclosed: Accord, signed_visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wanted in WANTED:
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        answer = signed_visitor.get(f"{REGISTER}.csv?{query}")
        assert answer.text == offline(disclosed, **wanted)
        assert len(answer.text.splitlines()) >= 3
    # The page and the json say the same.
    rows = list(csv.DictReader(io.StringIO(offline(disclosed), newline="")))
    twin = signed_visitor.get(f"{REGISTER}.json").json()["disclosures"]
    assert [str(line["entry"]) for line in twin] == [row["entry"] for row in rows]
    page = signed_visitor.get(REGISTER)
    shown = re.findall(r'href="/log/entries/(\d+)">entry', page.text)
    assert shown == [row["entry"] for row in reversed(rows)]
    said = words(page)
    assert "a court's order" in said
    assert disclosed.agreement.purpose.statement in said
    assert f"/agreements/{disclosed.agreement.digest()}" in page.text
    # The first week's two links lie below the floor of 3.
    assert said.count("match IDs of the receiver's own linked records: not shown") == 2
    assert said.count("match IDs of the receiver's own linked records: 12 records") == 2
    # Pages follow each other without gap.
    monkeypatch.setattr("app.web.pages.disclosures.LINES_A_PAGE", 3)
    of_school = csv.DictReader(io.StringIO(offline(disclosed, party=SCHOOL), newline=""))
    seen: list[str] = []
    path: str | None = f"{REGISTER}?party={SCHOOL}"
    while path is not None:
        text = signed_visitor.get(path).text
        seen += re.findall(r'href="/log/entries/(\d+)">entry', text)
        older = re.search(r'rel="next" href="([^"]+)"', text)
        path = older and html.unescape(older.group(1))
    assert seen == [row["entry"] for row in of_school][::-1]
    assert "Newest lines" in text
    # A request that was refused is a line.
    found = disclosed.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    disclosed.notice("kim", "suspend")
    refused = disclosed.get(f"/v1/releases/{found[0]['release']}/file")
    assert refused.status_code == 409
    assert "asked for match IDs of the receiver's own linked records; refused" in words(
        signed_visitor.get(REGISTER)
    )


def test_taking_the_register_or_the_timeline_away_is_noted_and_looking_is_not(
    finished: Any, visitor: Any
) -> None:
    for query in ("party=UPPER", "since=yesterday", "before=0"):
        assert visitor.get(f"{REGISTER}?{query}").status_code == 422
    # Taking the register or the timeline away is noted and looking is not.
    linkage = finished.linkage
    visitor.cookie(AUDITOR, "auditor")
    taken = {
        REGISTER: "disclosures",
        f"/projects/{PROJECT}/timeline": "timeline",
        "/log/entries": "timeline",
    }
    for path, what in taken.items():
        before = len(linkage.log_entries())
        visitor.get(path)
        assert len(linkage.log_entries()) == before
        for twin in (".json", ".csv"):
            visitor.get(f"{path}{twin}")
            entry = linkage.log_entries()[-1]
            assert (entry["kind"], entry["body"]["what"]) == ("exported", what)
            assert entry["actor"]["party"] == AUDITOR
            assert entry["project"] == (None if path == "/log/entries" else PROJECT)
