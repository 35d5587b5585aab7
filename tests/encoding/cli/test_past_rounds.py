"""What a workspace forgets of rounds that are over, and when."""

from __future__ import annotations

from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import settle


def kept(desk: Desk, folder: str) -> set[int]:
    """Return the rounds of which something is kept."""
    return {
        int(name.split(".")[1]) for name in desk.files() if name.startswith(f"workspace/{folder}/")
    }


def week(near: NearBroker) -> None:
    near.move(days=7)
    settle(near)


def test_encodings_and_messages_go_once_a_later_round_is_agreed_on(
    ready_desks: NearBroker,
) -> None:
    desks = ready_desks.desks.values()
    settle(ready_desks)
    for desk in desks:
        desk.ok("refresh")
        # What comes of a review is proven by them still.
        assert kept(desk, "outbox") == kept(desk, "said") == {1}
    week(ready_desks)
    week(ready_desks)
    for desk in desks:
        desk.ok("refresh")
        assert kept(desk, "outbox") == kept(desk, "said") == {3}
        assert kept(desk, "handles") == {1, 2, 3}


def test_encodings_go_when_they_are_older_than_was_agreed(ready_desks: NearBroker) -> None:
    welfare = ready_desks.desks["welfare"]
    settle(ready_desks)
    ready_desks.move(days=29)
    welfare.type("refresh")
    assert kept(welfare, "outbox") == {1, 2}
    ready_desks.move(days=2)
    welfare.type("refresh")
    assert kept(welfare, "outbox") == {2}


def test_under_a_legal_hold_all_stays(ready_desks: NearBroker) -> None:
    welfare = ready_desks.desks["welfare"]
    settle(ready_desks)
    held = ("--order", "Doe v. County, 2026", "--yes")
    welfare.ok("hold", "set", *held)
    week(ready_desks)
    welfare.ok("refresh")
    assert kept(welfare, "outbox") == kept(welfare, "said") == {1, 2}
    welfare.ok("hold", "lift", *held)
    welfare.ok("refresh")
    assert kept(welfare, "outbox") == kept(welfare, "said") == {2}
