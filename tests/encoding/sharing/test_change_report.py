"""What changed between two files of links, and why: by the ledger's events and what this side knows alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from ledger_simulator.duo import Duo, Office, duo

from encoding.ledger.additions import SENTENCES
from encoding.ledger.book import retired_of
from encoding.ledger.values import Turn
from encoding.packing.snapshot import _RECORD, Snapshot
from encoding.sharing.change_report import (
    CAUSES,
    CHANGES_START,
    Between,
    Cause,
    LinkChange,
    OwnRecords,
    changes_between,
    counts_of,
    exceeds,
    write_changes,
)
from schemas.documents.ids import LinkId

PLAIN, OTHER = "a" * 64, "b" * 64


def key(name: str) -> str:
    return f"{int.from_bytes(name.encode(), 'big'):016x}{'0' * 16}"


def snapshot(digests: Mapping[str, int], profile: str = PLAIN) -> dict[str, Snapshot]:
    rows = sorted((int(key(name)[:16], 16), digest, 0, 1, 1) for name, digest in digests.items())
    return {"k12": Snapshot(profile, "smaller", np.array(rows, dtype=_RECORD))}


class Side:
    """One side of a pair, whose ledger names records as they are; `before` is its file of links."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.before: dict[str, LinkId] = {}
        self.since: Turn | None = None

    def links(self, matched: list[str]) -> dict[str, LinkId]:
        ledger = self.office.ledger
        retired = retired_of(ledger.vetoes())
        found = {r: ledger.held(r) for r in matched}
        return {
            r: held.link
            for r, held in found.items()
            if held is not None and r not in ledger.left_out and held.link not in retired
        }

    def settle(self, matched: list[str]) -> None:
        self.before, self.since = self.links(matched), self.office.ledger.last

    def changes(self, matched: list[str], **known: Any) -> dict[str, LinkChange]:
        now = self.links(matched)
        everybody = {*self.before, *now}
        own = {"now": {}, "before": {}, **known}
        others = {
            name: own.pop(name) for name in ("waited", "is_compared", "is_lasting") if name in own
        }
        between = Between(
            {key(r): link for r, link in self.before.items()},
            {key(r): link for r, link in now.items()},
            self.since,
            {key(r): r for r in everybody},
            **others,
        )
        ledger = self.office.ledger
        found = changes_between(between, _Keyed(ledger), OwnRecords(**own))  # type: ignore[arg-type]
        return {change.record_id: change for change in found}


class _Keyed:
    """A ledger of which the records are named by keys."""

    def __init__(self, ledger: Any) -> None:
        self.events = [
            event._replace(text=key(event.text)) if event.kind in ("held", "ended") else event
            for event in ledger.events
        ]
        self.left_out = {key(record): why for record, why in ledger.left_out.items()}


@pytest.fixture
def pair() -> Duo:
    return duo()


def told(changes: dict[str, LinkChange]) -> dict[str, tuple[str, str]]:
    return {record: (change.kind, change.why) for record, change in changes.items()}


def test_each_kind_is_told_and_the_ledger_says_what_became_of_the_link_id(pair: Duo) -> None:
    one, two = Side(pair.one), Side(pair.two)
    pair.hold((1, 1), [("a1", "b1"), ("a3", "b3")])
    pair.hold((2, 1), [("a2", "b2"), ("a1", "b1"), ("a3", "b3")])
    for side, matched in ((one, ["a1", "a2", "a3"]), (two, ["b1", "b2", "b3"])):
        side.settle(matched)
    # b2 turns out to be a1, and b1 nobody; a3 goes to another record of the other agency.
    pair.hold((3, 1), [("a1", "b2"), ("a3", "b4")])
    looks = {"now": snapshot({f"{s}{n}": 1 for s in "ab" for n in range(1, 5)})}
    looks["before"] = looks["now"]
    found = two.changes(["b2", "b4"], **looks)
    assert told(found) == {
        "b1": ("ended", "given-to-another-record"),
        "b2": ("merged", "partner-side"),
        "b3": ("ended", "given-to-another-record"),
        "b4": ("new", "partner-side"),
    }
    assert found["b2"].before == two.before["b2"]
    assert found["b2"].now == two.before["b1"]
    assert SENTENCES["older-link-id"] in found["b2"].sentence
    assert CAUSES["partner-side"] in found["b2"].sentence
    assert told(one.changes(["a1", "a3"], **looks)) == {"a2": ("ended", "partner-side")}


def test_people_who_were_linked_crosswise_are_split(pair: Duo) -> None:
    sides = Side(pair.one), Side(pair.two)
    pair.hold((1, 1), [("a1", "b2"), ("a2", "b1")])
    sides[0].settle(["a1", "a2"])
    sides[1].settle(["b1", "b2"])
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    edited = {
        "before": snapshot({"a1": 1, "a2": 1, "b1": 1, "b2": 1}),
        "now": snapshot({"a1": 2, "a2": 1, "b1": 1, "b2": 1}),
    }
    found = {**sides[0].changes(["a1", "a2"], **edited), **sides[1].changes(["b1", "b2"], **edited)}
    assert len(found) == 2
    assert {change.kind for change in found.values()} == {"split"}
    assert all(
        change.why == ("edited" if record == "a1" else "partner-side")
        for record, change in found.items()
    )


def test_an_unlink_is_told_on_both_sides_and_so_is_its_relink(pair: Duo) -> None:
    one, two = Side(pair.one), Side(pair.two)
    pair.hold((1, 1), [("a1", "b1")])
    one.settle(["a1"])
    two.settle(["b1"])
    link = pair.one.ledger.unlink("a1")
    assert told(one.changes(["a1"])) == {"a1": ("ended", "unlinked")}
    pair.hold((2, 1), [("a1", "b1")])
    assert told(two.changes(["b1"])) == {"b1": ("ended", "unlinked")}
    one.settle(["a1"])
    two.settle(["b1"])
    pair.one.ledger.relink(link)
    pair.hold((3, 1), [("a1", "b1")])
    assert told(one.changes(["a1"])) == {"a1": ("new", "linked-again")}
    assert told(two.changes(["b1"])) == {"b1": ("new", "linked-again")}
    assert one.links(["a1"])["a1"] == two.links(["b1"])["b1"] == link
    # Where the same records are matched, nothing has changed.
    one.settle(["a1"])
    pair.hold((4, 1), [("a1", "b1")])
    assert one.changes(["a1"]) == {}


def test_a_record_that_was_unlinked_and_matched_otherwise_has_another_link_id(pair: Duo) -> None:
    one = Side(pair.one)
    pair.hold((1, 1), [("a1", "b1")])
    one.settle(["a1"])
    pair.two.ledger.unlink("b1")
    pair.hold((2, 1), [("a1", "b2")])
    assert told(one.changes(["a1"])) == {"a1": ("id-changed", "link-id-retired")}


ENDED = (
    ({"now": snapshot({"a2": 1})}, "left-the-file"),
    ({"missing": {key("a1")}}, "left-the-file"),
    ({"withdrawn": {key("a1")}, "now": snapshot({"a2": 1})}, "withdrawn"),
    ({"now": snapshot({"a1": 0})}, "not-encoded"),
    ({"now": snapshot({"a1": 2})}, "edited"),
    ({"now": snapshot({"a1": 2}, OTHER)}, "profile-changed"),
    ({}, "partner-side"),
    ({"is_compared": False}, "not-compared"),
    ({"now": snapshot({"a1": 2}), "is_compared": False}, "edited"),
    ({"undecided": {key("a1")}}, "held-for-review"),
    ({"now": {}}, "not-known"),
    ({"before": {}}, "not-known"),
)
NEW = (
    ({"before": snapshot({"a2": 1})}, "new-in-the-file"),
    ({"before": snapshot({"a1": 0})}, "edited"),
    ({"before": snapshot({"a1": 3})}, "edited"),
    ({"before": None}, "first-round"),
    ({"waited": {key("a1")}}, "waited"),
    ({}, "partner-side"),
)


def test_why_a_link_ended_or_is_new_is_what_this_side_knows(pair: Duo) -> None:
    ending, starting = Side(pair.one), Side(pair.one)
    same = {"now": snapshot({"a1": 1, "a2": 1}), "before": snapshot({"a1": 1, "a2": 1})}
    both, fewer = [("a1", "b1"), ("a2", "b2")], [("a2", "b2")]
    pair.hold((1, 1), both)
    ending.settle(["a1", "a2"])
    pair.hold((2, 1), fewer)
    for known, why in ENDED:
        found = ending.changes(["a2"], **(same | known))
        assert told(found) == {"a1": ("ended", why)}, known
        assert found["a1"].ends_a_link
    starting.settle(["a2"])
    pair.hold((3, 1), both)
    for known, why in NEW:
        found = starting.changes(["a1", "a2"], **(same | known))
        assert told(found) == {"a1": ("new", why)}, known
        assert not found["a1"].ends_a_link
        # After a round without a match it has its old link ID.
        assert found["a1"].now == ending.before["a1"]
        assert "the link ID is the one that the record had before" in found["a1"].sentence


def test_a_match_that_was_ruled_out_or_cut_is_told_so(pair: Duo) -> None:
    side = Side(pair.one)
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    side.settle(["a1", "a2"])
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    for reason, why in (
        ("vetoed", "ruled-out"),
        ("cut", "two-records"),
        ("not-stated", "not-known"),
    ):
        pair.one.ledger.left_out = {"a1": reason}  # type: ignore[dict-item]
        assert told(side.changes(["a1", "a2"])) == {"a1": ("ended", why)}


def test_where_link_ids_are_new_in_each_round_only_who_comes_or_goes_has_changed(pair: Duo) -> None:
    side = Side(pair.one)
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    side.settle(["a1", "a2"])
    for office in pair.sides():
        office.ledger.end_all()
    pair.hold((2, 1), [("a1", "b1"), ("a3", "b3")])
    found = told(side.changes(["a1", "a3"], is_lasting=False))
    assert {record: kind for record, (kind, _) in found.items()} == {"a2": "ended", "a3": "new"}


def test_how_many_links_may_end_in_one_round() -> None:
    for ended, in_force, most, floor, expected in (
        (5, 100, "0.05", 10, False),
        (6, 100, "0.05", 10, True),
        (100, 100, None, 10, False),
        (100, 100, "1", 10, False),
        # One child never stops it, and a handful count as the floor.
        (1, 1, "0", 10, False),
        (1, 3, "0.05", 0, False),
        (2, 3, "0.05", 10, True),
        (2, 3, "0.2", 10, False),
        (3, 3, "0.2", 10, True),
        (2, 100, "0", 0, True),
        # Exact, at the very edge.
        (3, 30, "0.1", 10, False),
        (10, 99, "0.1", 10, True),
    ):
        assert exceeds(ended, in_force, most, floor) == expected, (ended, in_force, most, floor)


def test_the_list_is_one_that_a_spreadsheet_computes_nothing_of(tmp_path: Path) -> None:
    before = LinkId(bytes(16))
    listed = [
        LinkChange("=1+1", "ended", before, None, "edited", "why"),
        LinkChange("-7", "new", None, before, "edited", "why"),
    ]
    write_changes(tmp_path / "changes.csv", listed)
    raw = (tmp_path / "changes.csv").read_bytes()
    assert raw.startswith(CHANGES_START)
    assert raw.splitlines()[1:] == [
        b"'=1+1,ended," + b"0" * 32 + b",,edited,why",
        b"-7,new,," + b"0" * 32 + b",edited,why",
    ]
    assert counts_of(listed) == {"new": 1, "ended": 1, "split": 0, "merged": 0, "id-changed": 0}
    assert "=1+1" not in repr(listed)


def test_every_reason_has_its_words() -> None:
    assert CAUSES.keys() >= {*get_args(Cause), "held-for-review"}
