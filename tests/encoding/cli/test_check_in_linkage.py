"""`blindlink check` as a step of a linkage: before `encode` and in `refresh`."""

from __future__ import annotations

import json

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker

FIRST = ("Ana", "Boris", "Chloe", "Dmitri", "Esther", "Frank", "Gloria", "Hugo")
LAST = ("Underhill", "Vance", "Whitlock", "Xiong", "Yancey", "Zapata", "Abbott")


@pytest.fixture
def many(people, write_people) -> list[tuple[str, ...]]:
    """Forty people in the agency's file."""
    rows = [
        (str(n), FIRST[n % 8], LAST[n % 7], f"20{n % 10 + 10}-04-{n % 28 + 1:02d}")
        for n in range(40)
    ]
    write_people(rows)
    return rows


def test_refresh_stops_before_it_encodes_what_the_check_refuses(
    near: NearBroker, welfare: Desk, many, write_people
) -> None:
    welfare.ok("check")
    write_people(many[:20])
    result = welfare.type("refresh")
    assert result.exit_code == 3, result.stderr
    assert "fewer than at the last check" in result.stderr
    assert not any("outbox" in path for path in welfare.files())


def test_the_manifest_carries_the_digest_of_the_check_of_this_very_file_and_of_no_other(
    near: NearBroker, welfare: Desk, many, write_people
) -> None:
    def carried() -> str | None:
        welfare.ok("encode")
        (manifest,) = (welfare.folder / "workspace" / "outbox").rglob("*.json")
        return json.loads(manifest.read_bytes())["quality_digest"]

    assert carried() is None
    expected = welfare.json("check")["digest"]
    assert carried() == expected
    write_people([*many, ("41", "Bo", "Lee", "2011-04-05")])
    assert carried() is None
