"""`blindlink log pin`, and the pins and cosignatures that every command leaves."""

from __future__ import annotations

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker, problem
from sqlalchemy import text

from schemas.clauses import Finality
from schemas.matchlog.checkpoint import parse_checkpoint_line, parse_checkpoints


@pytest.fixture
def uploaded(ready: NearBroker, welfare: Desk, schools: Desk) -> Desk:
    welfare.ok("encode")
    welfare.ok("upload")
    return welfare


def sizes(near: NearBroker) -> list[int]:
    """Return the sizes of the match log that child welfare has cosigned, in order."""
    with near.broker.database.read() as session:
        found = session.execute(text("SELECT key, size FROM log_cosignature ORDER BY size"))
        return [size for key, size in found if key.startswith("welfare+")]


def test_pin_says_what_it_pinned_and_gives_it_to_an_auditor(
    uploaded: Desk, broker: NearBroker
) -> None:
    copy = uploaded.folder / "county.pin"
    found = uploaded.json("log", "pin", "-o", str(copy))
    n_entries = len(broker.log_kinds())
    assert (found["size"], found["cosigned"]) == (n_entries, n_entries)
    assert found["witness"].startswith("welfare+")
    ((checkpoint, note),) = parse_checkpoints(copy.read_bytes())
    assert parse_checkpoint_line(found["pin"]) == (checkpoint, note)
    assert f"\npin          {found['pin']}\n" in uploaded.ok("log", "pin").stdout
    assert checkpoint.size == n_entries == sizes(broker)[-1]


def test_every_command_that_talks_to_the_broker_pins_and_cosigns_once_for_each_size(
    uploaded: Desk, schools: Desk, broker: NearBroker
) -> None:
    uploaded.ok("status")
    before = sizes(broker)
    uploaded.ok("status")
    assert sizes(broker) == before
    schools.ok("encode")
    schools.ok("upload")
    uploaded.ok("run", "--wait")
    uploaded.ok("status")
    assert sizes(broker) == sorted({*sizes(broker)})
    assert sizes(broker)[-1] == len(broker.log_kinds()) > before[-1]


def test_a_command_does_its_work_though_cosigning_is_refused(
    uploaded: Desk, schools: Desk, broker: NearBroker
) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/cosignatures"):
            return problem(403, "cosignature-refused", detail="Not now.")
        return None

    schools.ok("encode")
    schools.ok("upload")
    broker.courier.before = refuse
    assert "pinned, but not cosigned: the broker says: not now" in uploaded.ok("status").stderr
    assert uploaded.type("log", "pin").exit_code == 4


def test_a_rewritten_log_is_neither_pinned_nor_cosigned(uploaded: Desk, broker: NearBroker) -> None:
    before = sizes(broker)
    broker.rewrite_log()
    result = uploaded.type("log", "pin")
    assert result.exit_code == 1
    assert "it was rewritten or cut off" in result.stderr
    assert sizes(broker) == before


@pytest.mark.parametrize("terms", [{"finality": Finality(cosigners=2, delays_release=False)}])
def test_status_says_whether_the_run_is_final(
    uploaded: Desk, schools: Desk, broker: NearBroker
) -> None:
    schools.ok("encode")
    schools.ok("upload")
    broker.work()
    said = uploaded.ok("status").stdout
    assert "It is not final yet: " in said
    schools.ok("log", "pin")
    assert "It is final: schools, welfare cosigned" in uploaded.ok("status").stdout
    assert uploaded.json("status")["final"] == [True]
