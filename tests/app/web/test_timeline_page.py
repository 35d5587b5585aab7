"""The timeline of a long log: its total, days, kinds and repeats, and how a reader gets about in it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
from rigs.agreed_copies import reach
from rigs.linkage import AUDITOR, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import words

from app.agreements.service import agreement_now
from app.matchlog.draft import EntryDraft
from app.matchlog.timeline import survey
from app.web.timeline_days import KIND_GROUPS, day_bars
from schemas.matchlog.entry import Actor
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_kinds import RequestRefused
from schemas.matchlog.upload_kinds import UploadDestroyed, UploadRejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

TIMELINE = f"/projects/{PROJECT}/timeline"
N_ENTRIES = 10_000
PERSON = f"per-{'ab12' * 8}"


@pytest.fixture
def long_linkage(linkage: Linkage) -> Linkage:
    """A project whose log has grown to ten thousand entries over some months."""
    return grow(linkage, N_ENTRIES)


@pytest.fixture
def later_week() -> None:
    """What `grown` asks for, so that its broker is copied from one whose log has grown already."""


@pytest.fixture
def grown(later_week: None, linkage: Linkage) -> Linkage:
    """A project whose log has grown over a week."""
    reach(linkage, lambda: bool(grow(linkage, 700)))
    return linkage


def grow(linkage: Linkage, n_entries: int) -> Linkage:
    """Let the log grow to so many entries, a hundred a day; no party did what they say."""
    with linkage.broker.database.read() as session:
        agreement = agreement_now(session, PROJECT, linkage.founded.clock())
    linkage.is_log_spoilt = True
    known = len(linkage.log_entries())
    clock, start = linkage.founded.clock, linkage.founded.clock()
    for first in range(known, n_entries, 100):
        clock.now = start + timedelta(days=(first - known) // 100 + 1)
        drafts = [draft(number, agreement) for number in range(first, min(first + 100, n_entries))]
        with linkage.broker.database.write() as session:
            linkage.broker.log.append(session, drafts)
    linkage.sign_in_anew()
    return linkage


def draft(number: int, agreement: str | None) -> EntryDraft:
    if number % 10 == 0:
        body: Any = RequestRefused(
            hour="2026-09-01T06:00:00Z", party=SCHOOL, why="wrong-duty", clause=None, count=1
        )
        return EntryDraft(body, project=PROJECT, agreement=agreement, outcome="refused")
    if number % 10 == 1:
        actor = Actor(party=SCHOOL, person=PERSON, role="agency", signed=None)
        return EntryDraft(
            UploadRejected(rule="too-few"), actor, project=PROJECT, agreement=agreement,
            object=f"upl-{number:032x}", outcome="refused",
        )  # fmt: skip
    return EntryDraft(
        UploadDestroyed(container_sha256="0" * 64, reason="retention"), project=PROJECT, agreement=agreement,
        object=f"upl-{number:032x}",
    )  # fmt: skip


def entries_of(linkage: Linkage) -> list[dict[str, Any]]:
    """Return the project's entries, in order."""
    return [entry for entry in linkage.log_entries() if entry["project"] == PROJECT]


def numbers(text: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'<a href="/log/entries/(\d+)">', text)]


@pytest.mark.long
def test_ten_thousand_entries_are_shown_within_a_second(
    long_linkage: Linkage, visitor: Any
) -> None:
    for query in ("", "?kind=request-refused", "?person=per-ab12", "?after=-1", "?before=5000"):
        # Of this process alone: the machine may be busy with other things.
        began = process_time()
        answer = visitor.get(f"{TIMELINE}{query}")
        assert (answer.status_code, process_time() - began < 1) == (200, True), query
        assert len(numbers(answer.text)) == 50, query
    total = len(entries_of(long_linkage))
    assert total > 9_000
    assert f"There are {total:,} entries." in words(visitor.get(TIMELINE))


def gone(visitor: Any, path: str) -> Any:
    """Return where a page that goes to a day or an entry leads."""
    answer = visitor.get(path)
    assert answer.status_code == 303
    return visitor.get(answer.headers["location"])


def test_every_entry_is_a_day_a_number_or_the_beginning_of_an_id_away(
    grown: Linkage, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, begun = entries_of(grown), f"upl-{471:032x}"[:-1]
    middle = entries[len(entries) // 2]
    day = middle["time"][:10]
    at_day = gone(visitor, f"{TIMELINE}?to={day}")
    assert numbers(at_day.text)[0] == max(
        one["seq"] for one in entries if one["time"].startswith(day)
    )
    at_entry = gone(visitor, f"{TIMELINE}?to={middle['seq']}")
    assert numbers(at_entry.text)[0] == middle["seq"]
    assert numbers(gone(visitor, f"{TIMELINE}?to=999999").text)[0] == entries[-1]["seq"]
    oldest = gone(visitor, f"{TIMELINE}?to=2020-01-01")
    assert numbers(oldest.text)[-1] == entries[0]["seq"]
    assert ">Older</a>" not in oldest.text
    kept = gone(visitor, f"{TIMELINE}?to={day}&outcome=refused")
    assert 'value="refused"' in kept.text or "<option selected>refused" in kept.text
    twin = gone(visitor, f"{TIMELINE}.json?to={middle['seq']}").json()
    assert twin["entries"][0]["seq"] == middle["seq"]
    # An id is found by its beginning. That the twin was taken away is an entry, too.
    entries = entries_of(grown)
    wanted = [one["seq"] for one in entries if (one["object"] or "").startswith(begun)]
    assert numbers(visitor.get(f"{TIMELINE}?object={begun}").text) == wanted[::-1]
    of_person = words(visitor.get(f"{TIMELINE}?person=per-ab12ab12…"))
    n = sum(entry["actor"]["person"] == PERSON for entry in entries)
    assert f"{n:,} of {len(entries):,} entries fit the filter." in of_person
    nobody = words(visitor.get(f"{TIMELINE}?object=run-ffff"))
    assert "Nothing fits the filter: it looks for ids that begin with what was typed." in nobody
    # Days kinds and repeats say how many there are.
    page = visitor.get(TIMELINE).text
    kinds = Counter(entry["kind"] for entry in entries)
    options = dict(re.findall(r'<option value="([a-z-]+)">[a-z -]+ \(([\d,]+)\)</option>', page))
    assert {kind: int(n.replace(",", "")) for kind, n in options.items()} == kinds
    days = Counter(entry["time"][:10] for entry in entries)
    headings = re.findall(
        r'scope="rowgroup" colspan="6">([\d-]+)<span.*?> · ([\d,]+) entries', page
    )
    newest = max(days)
    assert headings[0] == (newest, f"{days[newest]:,}")
    assert "and 7 more of this kind" in words(visitor.get(TIMELINE))
    listed = re.findall(r'<li><a href="[^"]+to=([\d-]+)">[\d-]+</a>: (\d+)</li>', page)
    assert listed[0] == (newest, str(days[newest]))
    # What someone did is never folded away.
    text = visitor.get(f"{TIMELINE}?kind=upload-rejected").text
    assert text.count('<tr class="entry">') == 50
    assert "more of this kind" not in text
    # What is older than all that is counted is shown.
    monkeypatch.setattr("app.web.pages.timeline.survey", partial(survey, max_scanned=20))
    oldest = visitor.get(f"{TIMELINE}?after=-1")
    assert oldest.status_code == 200
    assert numbers(oldest.text)[-1] == entries[0]["seq"]


def test_a_value_that_there_is_not_is_said(linkage: Linkage, visitor: Any) -> None:
    party = words(visitor.get(f"{TIMELINE}?party=nobody-here"))
    assert "no entry here is of a party of this name. Parties are" in party
    assert SCHOOL in party
    for query, said in (
        ("kind=run-fnished", "Kind: wanted is one of the kinds in the list."),
        ("outcome=good", "Outcome: wanted is one of the outcomes in the list."),
        ("to=4711x", "Go to: wanted is a day that there is, such as 2026-08-24, or the number"),
    ):
        page = visitor.get(f"{TIMELINE}?{query}")
        assert page.status_code == 422
        assert said in " ".join(re.sub(r"<[^>]+>", " ", page.text).split()), query


def test_every_kind_of_entry_is_in_one_group() -> None:
    grouped = [kind for members in KIND_GROUPS.values() for kind in members]
    assert sorted(grouped) == sorted(KINDS)


def test_days_without_entries_have_bars_of_no_height() -> None:
    bars = day_bars({"2026-09-01": 1, "2026-09-04": 40}, "2026-09-04")
    assert [(bar.day[-2:], bar.n_entries, bar.height) for bar in bars] == [
        ("01", 1, 2), ("02", 0, 0), ("03", 0, 0), ("04", 40, 40.0),
    ]  # fmt: skip
    assert day_bars({}, "") == day_bars({"2026-09-04": 40}, "2026-09-03") == ()


def test_what_the_broker_repeated_is_on_paper_too(
    grown: Linkage, sign_in: Callable[..., str], chromium_page: Page
) -> None:
    page, address = chromium_page, sign_in(AUDITOR, "auditor")
    page.goto(f"{address}{TIMELINE}")
    folded = page.locator("td.text details li")
    assert folded.count() > 0
    assert not folded.first.is_visible()
    page.emulate_media(media="print")
    assert all(one.is_visible() for one in folded.all())


@pytest.mark.long
def test_a_long_timeline_is_used_by_keyboard_alone(
    long_linkage: Linkage, sign_in: Callable[..., str], chromium_page: Page
) -> None:
    page, address = chromium_page, sign_in(AUDITOR, "auditor")
    page.goto(f"{address}{TIMELINE}")
    page.locator("a.skip", has_text="entries").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "entries"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Older"
    first = numbers(page.content())[0]
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert numbers(page.content())[0] < first
    page.get_by_label("Go to a day or an entry").focus()
    page.keyboard.type("5000")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert numbers(page.content())[0] == 5000
    more = page.locator("td.text details summary").first
    more.focus()
    page.keyboard.press("Enter")
    assert page.locator("td.text details[open] li a").first.is_visible()
