"""What an operator types to forbid destruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rigs.broker_processes import environment
from rigs.linkage import PROJECT, Linkage

from app.cli.main import main
from app.clock import utc_now

Command = Callable[..., Result]


@pytest.fixture
def hand_clock(hand_clock: Any) -> Any:
    """The time of the commands."""
    hand_clock.now = utc_now()
    return hand_clock


@pytest.fixture
def broker(linked: Linkage) -> Command:
    """Run a command of the operator."""
    settings = linked.broker.settings

    def run(*words: str) -> Result:
        typed = ["--state", str(settings.state_dir), *words]
        return CliRunner().invoke(main, typed, env=environment(settings))

    return run


@pytest.mark.parametrize("order", ["", "x" * 201, "Order of the court\nof 1 September 2026"])
def test_the_ground_of_a_hold_is_one_short_line(broker: Command, order: str) -> None:
    done = broker("hold", "set", PROJECT, "--order", order)
    assert done.exit_code == 2
    assert "one line of 1 to 200 printable characters" in done.stderr


def test_a_hold_is_set_on_a_ground_that_was_copied_with_a_space_behind_it(broker: Command) -> None:
    assert broker("hold", "set", PROJECT, "--order", "Order of 1 September 2026 ").exit_code == 0
    assert broker("hold", "list", PROJECT).stdout.endswith("  Order of 1 September 2026\n")
