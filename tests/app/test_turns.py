"""Who is at work, and who has to come back."""

from __future__ import annotations

import pytest

from app.errors import UnavailableError
from app.turns import Turns


def test_one_thing_is_worked_on_once_at_a_time() -> None:
    turns = Turns(2)
    with turns.turn("a"), pytest.raises(UnavailableError), turns.turn("a"):
        pass
    with turns.turn("a"):
        pass


def test_beyond_the_most_nothing_is_begun() -> None:
    turns = Turns(2)
    with turns.turn("a"), turns.turn("b"), pytest.raises(UnavailableError), turns.turn("c"):
        pass


def test_a_turn_ends_with_work_that_fails() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn("a"):
        raise ZeroDivisionError
    with turns.turn("b"):
        pass
