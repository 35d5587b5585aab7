"""What a workspace forgets of rounds that are over, and when."""

from __future__ import annotations

from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import settle

HELD = ("Doe v. County, 2026", "--yes")


def kept(desk: Desk, folder: str) -> set[int]:
    """Return the rounds of which something is kept."""
    return {
        int(name.split(".")[1]) for name in desk.files() if name.startswith(f"workspace/{folder}/")
    }


def require_kept(desk: Desk, rounds: set[int]) -> None:
    desk.ok("refresh")
    assert kept(desk, "outbox") == kept(desk, "said") == rounds, desk.party


def test_encodings_and_messages_go_once_a_later_round_is_agreed_on_unless_a_court_holds_them(
    settled: NearBroker, welfare: Desk, schools: Desk
) -> None:
    # What comes of a review is proven by them still.
    for desk in (welfare, schools):
        require_kept(desk, {1})
    welfare.ok("hold", "--set", *HELD)
    settled.move(days=7)
    settle(settled)
    for desk in (welfare, schools):
        require_kept(desk, {1, 2})
    welfare.ok("hold", "--lift", *HELD)
    for desk in (welfare, schools):
        require_kept(desk, {2})
    settled.move(days=7)
    settle(settled)
    for desk in (welfare, schools):
        require_kept(desk, {3})
        assert kept(desk, "handles") == {1, 2, 3}
    # Encodings go when they are older than was agreed, though nothing came of a later round.
    settled.move(days=29)
    welfare.type("refresh")
    assert kept(welfare, "outbox") == {3, 4}
    settled.move(days=2)
    welfare.type("refresh")
    assert kept(welfare, "outbox") == {4}
