"""`blindlink log pin`, and the pins and cosignatures that every command leaves."""

from __future__ import annotations

import httpx2
import pytest
from oracles.near_broker import NearBroker, problem
from oracles.desk import NOW, Desk

from encoding.identity import new_identity
from schemas.api import RunFinality
from schemas.matchlog.checkpoint import parse_checkpoints


@pytest.fixture
def signed_in(welfare: Desk) -> Desk:
    welfare.own = new_identity("welfare", ("analyst",), NOW)
    return welfare


def test_pin_says_what_it_pinned_and_gives_it_to_an_auditor(
    welfare: Desk, broker: NearBroker
) -> None:
    welfare.ok("encode")
    welfare.ok("upload")
    copy = welfare.folder / "county.pin"
    result = welfare.ok("log", "pin", "-o", str(copy))
    assert "pinned       broker.test/log, 1 entries" in result.stdout
    assert "pinned, not cosigned: that needs keys of your own" in result.stderr
    ((checkpoint, _),) = parse_checkpoints(copy.read_bytes())
    assert checkpoint.size == 1
    assert broker.cosigned == {}


def test_pin_cosigns_with_the_keys_of_whoever_signed_in(
    signed_in: Desk, broker: NearBroker
) -> None:
    signed_in.ok("encode")
    signed_in.ok("upload")
    found = signed_in.json("log", "pin")
    assert (found["size"], found["cosigned"]) == (1, 1)
    assert found["witness"].startswith("welfare+")
    assert broker.cosigned == {"welfare": [1]}


def test_every_command_that_talks_to_the_broker_pins_and_cosigns_once_for_each_size(
    signed_in: Desk, schools: Desk, broker: NearBroker
) -> None:
    for desk in (signed_in, schools):
        desk.ok("encode")
        desk.ok("upload")
    signed_in.ok("status")
    signed_in.ok("run", "--wait")
    signed_in.ok("status")
    sizes = broker.cosigned["welfare"]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == len(broker.log.entries) > 2


def test_a_command_does_its_work_though_cosigning_is_refused(
    signed_in: Desk, broker: NearBroker
) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/cosignatures"):
            return problem((403, "cosignature-refused", detail="Not now."))
        return None

    signed_in.ok("encode")
    signed_in.ok("upload")
    broker.courier.before = refuse
    assert "pinned, but not cosigned: the broker says: not now" in signed_in.ok("status").stderr
    assert signed_in.type("log", "pin").exit_code == 4


def test_a_rewritten_log_is_neither_pinned_nor_cosigned(
    signed_in: Desk, broker: NearBroker
) -> None:
    signed_in.ok("encode")
    signed_in.ok("upload")
    signed_in.ok("log", "pin")
    broker.log.entries[0] = broker.log.entries[0].replace(b"in-care", b"in_care")
    result = signed_in.type("log", "pin")
    assert result.exit_code == 1
    assert "it was rewritten or cut off" in result.stderr
    assert broker.cosigned == {"welfare": [1]}


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (
            (),
            "It is not final yet: 0 of 2 parties have cosigned the match log that has it (nobody).",
        ),
        (
            ("schools", "welfare"),
            "It is final: schools, welfare cosigned the match log that has it.",
        ),
    ],
)
def test_status_says_whether_the_run_is_final(
    welfare: Desk, schools: Desk, broker: NearBroker, by: tuple[str, ...], said: str
) -> None:
    for desk in (welfare, schools):
        desk.ok("encode")
        desk.ok("upload")
    welfare.ok("run", "--wait")
    finality = RunFinality(cosigned_by=by, needed=2, is_final=len(by) >= 2)
    broker.runs = {
        run: view.model_copy(update={"finality": finality}) for run, view in broker.runs.items()
    }
    assert said in welfare.ok("status").stdout
    assert welfare.json("status")["final"] is (len(by) >= 2)
