"""Reports need nothing but themselves, and show as text whatever they are given."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.shared.page import (
    Bar,
    Column,
    Section,
    bar_chart,
    column_chart,
    facts,
    findings,
    lines,
    paragraph,
    prose_table,
    render_page,
    table,
    waterfall_chart,
)

HOSTILE = "<script>alert('1')</script>&\""


def every_block(text: str) -> list[str]:
    return [
        paragraph(text),
        findings([("bad", text), ("good", text)]),
        table(text, [text, text], [[text, text]]),
        bar_chart(text, [Bar(text, 0.5, text), Bar(text, 7.0, text, is_bad=True)]),
        column_chart(
            text, [Column(text, 3), Column(text, None)], axis=text, words=text, marks=[(text, 0.5)]
        ),
        waterfall_chart(text, [(text, 3.0), (text, -1.5)], total=text),
        prose_table(text, [text, text], [[text, text]]),
        facts([(text, text)]),
        lines(text),
    ]


class TagCounter(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_what_is_passed_in_is_never_markup() -> None:
    page = render_page(HOSTILE, HOSTILE, [Section(HOSTILE, every_block(HOSTILE))], HOSTILE)
    counter = TagCounter()
    counter.feed(page)
    assert "script" not in counter.tags
    assert not {"src", "href", "onload"} & set(counter.attributes)


def test_a_page_fetches_nothing() -> None:
    page = render_page("t", "l", [Section("s", every_block("x"))], "f")
    assert not re.search(r"https?:|url\(|@import|<link", page)
    assert "default-src 'none'" in page


@pytest.mark.parametrize("place", range(9))
def test_every_block_is_well_formed(place: int) -> None:
    ElementTree.fromstring(every_block("a < b & c")[place])


@pytest.mark.parametrize("chart", [bar_chart, column_chart])
def test_a_chart_without_values_is_drawn(chart) -> None:
    ElementTree.fromstring(chart("nothing", []))


def test_a_bar_stays_within_the_chart() -> None:
    (bar,) = ElementTree.fromstring(bar_chart("c", [Bar("l", 9.0, "t")])).iter("rect")
    assert float(bar.get("x")) + float(bar.get("width")) <= 720


@pytest.mark.parametrize(("highest", "last"), [(0, "1"), (1, "1"), (7, "8"), (1912, "2,000")])
def test_a_column_chart_tells_how_high_its_columns_are(highest: int, last: str) -> None:
    chart = ElementTree.fromstring(
        column_chart("c", [Column("2011", highest), Column("2012", None)])
    )
    ticks = [text.text for text in chart.iter("text") if text.get("text-anchor") == "end"]
    assert (ticks[0], ticks[-1]) == ("0", last)


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**9)), min_size=1, max_size=40))
def test_columns_are_inside_the_picture_and_in_proportion(counts: list[int | None]) -> None:
    columns = [Column(str(at), count) for at, count in enumerate(counts)]
    drawn = ElementTree.fromstring(column_chart("c", columns, marks=[("m", 0.0), ("n", 1.0)]))
    shown = []
    for count, bar in zip(counts, drawn.iter("rect"), strict=True):
        x, y, width, height = (float(bar.get(name)) for name in ("x", "y", "width", "height"))
        assert 56 <= x < x + width <= 560
        assert 0 < y <= y + height <= 220.1
        assert (bar.get("class") == "hidden") == (count is None)
        assert count is None or bar[0].text.endswith(f": {count:,}")
        shown += [] if count is None else [(count, height)]
    most, tallest = max(shown, default=(0, 0.0))
    assert tallest > 80 or not most
    # To a tenth of a pixel each.
    for count, height in shown:
        assert height * most == pytest.approx(tallest * count, abs=0.1 * most)


def test_each_bar_of_a_waterfall_begins_where_the_one_above_ends() -> None:
    steps = [("start", -4.0), ("name", 6.0), ("sex", -1.0)]
    chart = ElementTree.fromstring(waterfall_chart("c", steps, total="all"))
    bars = [(float(bar.get("x")), float(bar.get("width"))) for bar in chart.iter("rect")]
    (x0, w0), (x1, w1), (x2, w2), (x3, w3) = bars
    assert x1 == x0
    assert x1 + w1 == pytest.approx(x2 + w2, abs=0.2)
    assert x3 == pytest.approx(x0 + w0, abs=0.2)
    assert w0 / w3 == pytest.approx(4, abs=0.1)
    assert [bar.get("class") for bar in chart.iter("rect")] == [
        "bad", "auto", "bad", "auto",
    ]  # fmt: skip
    shown = [text.text for text in chart.iter("text")]
    assert shown == ["start", "-4.0", "name", "+6.0", "sex", "-1.0", "all", "+1.0"]
    assert max(x + w for x, w in bars) < 720


def test_a_waterfall_of_nothing_is_drawn() -> None:
    ElementTree.fromstring(waterfall_chart("nothing", [], total="all"))


def test_what_may_be_wider_than_the_page_scrolls_and_has_a_name() -> None:
    page = render_page("t", "l", [Section("s", every_block("x"))], "f")
    assert page.count("<svg") + page.count("<table") == page.count('role="region"') == 5
    assert page.count('tabindex="0"') == 5
