"""A certificate's page says all that the certificate does, and loads and runs nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from vectors.destruction import (
    CERTIFICATE,
    COUNTERSIGNATURE,
    STATEMENT,
    certificate_file,
    signed,
)

from schemas.reports.certificate import CertificateFile
from schemas.reports.certificate_page import certificate_page


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
