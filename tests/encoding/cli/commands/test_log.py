"""`blindlink pin`, and the pins and cosignatures that every command leaves."""

from __future__ import annotations

import httpx2
import pytest
from rigs.desk import Desk
from rigs.near_broker import PROJECT, NearBroker, problem
from sqlalchemy import text

from schemas.agreement.clauses import Finality
from schemas.matchlog.checkpoint import parse_checkpoint_line, parse_checkpoints


def sizes(near: NearBroker) -> list[int]:
    """Return the sizes of the match log that child welfare has cosigned, in order."""
    with near.broker.database.read() as session:
        found = session.execute(text("SELECT key, size FROM log_cosignature ORDER BY size"))
        return [size for key, size in found if key.startswith("welfare+")]


def upload(desk: Desk) -> None:
    desk.ok("encode")
    desk.ok("upload")


def test_every_command_that_talks_to_the_broker_pins_and_cosigns_once_for_each_size(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    upload(welfare)
    # What was pinned is said, and given to an auditor.
    copy = welfare.folder / "county.pin"
    found = welfare.json("pin", "-o", str(copy))
    n_entries = len(near.log_kinds())
    assert (found["size"], found["cosigned"]) == (n_entries, n_entries)
    assert found["witness"].startswith("welfare+")
    ((checkpoint, note),) = parse_checkpoints(copy.read_bytes())
    assert parse_checkpoint_line(found["pin"]) == (checkpoint, note)
    said = welfare.ok("pin").stdout
    assert f"\npin          {found['pin']}\n" in said
    # The upload has read the log up to an entry that its request names.
    head = found["head"]
    assert f"\nhead         {PROJECT} {head['place']} {head['leaf']}\n" in said
    (received,) = (one for one in near.log_entries() if one["kind"] == "upload-received")
    assert received["actor"]["signed"]["request"]["head"] == head
    assert head["place"] < received["place"]
    assert checkpoint.size == n_entries == sizes(near)[-1]
    before = sizes(near)
    welfare.ok("status")
    assert sizes(near) == before
    upload(schools)

    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/cosignatures"):
            return problem(403, "cosignature-refused", detail="Not now.")
        return None

    # A command does its work though cosigning is refused.
    near.courier.before = refuse
    assert "pinned, but not cosigned: the broker says: not now" in welfare.ok("status").stderr
    assert welfare.type("pin").exit_code == 4
    near.courier.before = lambda _: None
    welfare.ok("round", "--wait")
    welfare.ok("status")
    assert sizes(near) == sorted({*sizes(near)})
    assert sizes(near)[-1] == len(near.log_kinds()) > before[-1]
    # A log that was rewritten is neither pinned nor cosigned.
    before = sizes(near)
    near.rewrite_log()
    result = welfare.type("pin")
    assert result.exit_code == 1
    assert "it was rewritten or cut off" in result.stderr
    assert sizes(near) == before


@pytest.mark.parametrize("terms", [{"finality": Finality(cosigners=2, delays_release=False)}])
def test_status_says_whether_the_run_is_final(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    upload(welfare)
    upload(schools)
    near.work()
    said = welfare.ok("status").stdout
    assert "It is not final yet: " in said
    schools.ok("pin")
    assert "It is final: schools, welfare cosigned" in welfare.ok("status").stdout
    assert welfare.json("status")["final"] == [True]
