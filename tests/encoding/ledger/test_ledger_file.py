"""The ledger's file: sealed, whole or not at all, and the same again when it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_simulator.duo import ONE, SPACE, duo

from encoding.ledger.book import Ledger
from encoding.ledger.compact import Events, Grants
from encoding.ledger.errors import LedgerFileError
from encoding.ledger.events import Event, event_line, parse_events
from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile, parse_ledger, serialise_ledger
from encoding.ledger.values import Grant, Turn
from encoding.workspace.sealed_record import MAGIC
from schemas.documents.ids import LinkId

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledgers" / "foster-pupils-research.sealed"


def filled():
    pair = duo()
    pair.hold((1, 1), [("4711", "b1"), ("4712", "b2")])
    pair.one.ledger.unlink("4712")
    pair.hold((2, 1), [("4711", "b1"), ("4712", "b2")])
    return pair.one.ledger


def test_what_is_kept_is_read_again(path: Path) -> None:
    file = LedgerFile(path, SPACE, ONE, KEY)
    assert len(file.read()) == 0
    ledger = filled()
    file.write(ledger)
    again = file.read()
    assert serialise_ledger(again) == serialise_ledger(ledger)
    assert again.everyone() == ledger.everyone()
    assert (again.last, again.granted) == (ledger.last, ledger.granted)
    assert again.recent == ledger.recent
    assert again.others == ledger.others != {}
    assert again.left_out == ledger.left_out != {}
    assert (again.vetoes(), again.marks("4712")) == (ledger.vetoes(), ledger.marks("4712"))


def test_the_file_tells_nothing_and_opens_for_this_space_party_and_key_alone(path: Path) -> None:
    ledger = filled()
    LedgerFile(path, SPACE, ONE, KEY).write(ledger)
    raw = path.read_bytes()
    held = ledger.held("4711")
    assert held is not None
    for secret in (b"4711", b"4711".hex().encode(), held.link, held.link.hex().encode()):
        assert secret not in raw
    for space, party, key in (
        (SpaceName("foster-pupils", "other"), ONE, KEY),
        (SpaceName("others", "research"), ONE, KEY),
        (SPACE, "k12", KEY),
        (SPACE, ONE, bytes(32)),
    ):
        with pytest.raises(LedgerFileError):
            LedgerFile(path, space, party, key).read()


@pytest.mark.campaign("damage")
def test_a_damaged_file_or_content_that_breaks_its_format_is_refused(path: Path) -> None:
    file = LedgerFile(path, SPACE, ONE, KEY)
    file.write(filled())
    whole = path.read_bytes()
    for at in (0, len(MAGIC) - 1, len(MAGIC), 40, -1):
        raw = bytearray(whole)
        raw[at] ^= 1
        path.write_bytes(raw)
        with pytest.raises(LedgerFileError, match="damaged"):
            file.read()
    content = serialise_ledger(filled())
    for bent in (b"", b"{}\n", b"\xff", content[:-1], content + b"x"):
        with pytest.raises(LedgerFileError):
            parse_ledger(bent, SPACE, ONE)


def test_a_line_that_is_no_event_is_refused() -> None:
    line = event_line(Event("held", Turn(2, 1), bytes(16), 1, "4")).encode()
    for good, bent in (
        (b" 2 1 ", b" 02 1 "),
        (b" 2 1 ", b" 2%s 1 " % (b"0" * 5000)),
        (b"34 ", b"f4 "),
    ):
        assert good in line
        with pytest.raises(LedgerFileError, match="not an event"):
            list(parse_events(line.replace(good, bent, 1)))
    for other in ("\n", "held", "held 1 1 1  ", "gone 1 1 1 00 00", "held 1 1 1 0g 00"):
        with pytest.raises(LedgerFileError):
            list(parse_events(other.encode()))


@given(
    st.sampled_from(["held", "ended", "mark", "unmark", "veto", "lift"]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.binary(min_size=16, max_size=16),
    st.text(st.characters(), max_size=20),
)
def test_events_survive_their_line(kind, round_: int, number: int, raw: bytes, text: str) -> None:
    event = Event(kind, Turn(round_, 1), raw, number, text)
    line = event_line(event)
    assert list(parse_events(line.encode())) == [event]
    kept = Events([event])
    assert (list(kept), len(kept), event in kept) == ([event], 1, True)
    assert event._replace(number=number + 1) not in kept
    assert text not in repr(event) or len(text) < 3


_LINK_IDS = st.sampled_from([LinkId(bytes([n]) * 16) for n in (1, 2, 3)])
_HAPPENED = st.builds(
    Event,
    st.sampled_from(["made", "held", "ended"]),
    st.builds(Turn, st.integers(1, 30), st.integers(1, 2)),
    _LINK_IDS,
    st.just(0),
    st.sampled_from(["b1", "a record", f"\nmade 1 1 0 {'01' * 16}  \n", ""]),
    st.sampled_from(["first-match", "known-to-others", "unlinked", ""]),
).map(lambda one: Event(one.kind, one.turn, one.raw) if one.kind == "made" else one)


@given(st.lists(_HAPPENED, max_size=12), st.sets(_LINK_IDS), st.booleans())
def test_link_ids_are_made_as_the_events_say_that_are_read_one_by_one(
    events: list[Event], asked: set[LinkId], is_read: bool
) -> None:
    ledger = Ledger(SPACE, ONE)
    if is_read:
        ledger.read("".join(map(event_line, events)).encode())
    else:
        ledger.apply(events)
    assert ledger.made_in(asked) == {
        one.raw: one.turn.round for one in events if one.kind == "made" and one.raw in asked
    }


def test_link_ids_of_the_newest_round_count_for_those_who_know_of_them() -> None:
    ledger = Ledger(SPACE, "k12")
    everybody, two = ("health", "k12", "welfare"), ("health", "k12")
    one, other = LinkId(b"1" * 16), LinkId(b"2" * 16)
    given = {
        Grant(one, everybody): ("k12", "welfare"),
        Grant(one, two): ("health", "k12"),
        Grant(other, two): two,
    }
    ledger.granted = Grants.of(given.items())
    assert dict(ledger.granted.items()) == given
    again = parse_ledger(serialise_ledger(ledger), SPACE, "k12")
    assert again.granted == ledger.granted
    assert again.granted_to(("k12", "welfare")) == {one: ("k12", "welfare")}
    assert again.granted_to(two) == {one: everybody, other: two}
