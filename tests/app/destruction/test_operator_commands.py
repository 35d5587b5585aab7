"""What an operator types to destroy, and to forbid it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rigs.broker_processes import environment
from rigs.destroying import certificate_file
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


@pytest.mark.parametrize("option", ["--out", "--html"])
def test_what_is_destroyed_is_told_also_where_no_certificate_can_be_written(
    broker: Command, linked: Linkage, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "none" / "certificate"
    done = broker("destroy", PROJECT, "--yes", option, str(path))
    number = done.stdout.strip()
    assert len(certificate_file(linked, number).certificate.objects) == 5
    assert done.exit_code == 1
    assert done.stderr == (
        "5 objects are destroyed for good\n"
        f"blindlink-broker: error: {path} cannot be written\n"
        f"hint: choose another place: certificate show {number}\n"
    )
    assert broker("certificate", "show", number, "--html", str(path)).exit_code == 1
