"""The operator's log holds ids and counts, whatever someone hands to it."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.logs import FIELDS, keep_allowed_fields

CANARY = "canary-4711"


def last(log_stream: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(log_stream.getvalue().splitlines()[-1])
    return found


def test_ids_and_counts_are_logged(log_stream: io.StringIO) -> None:
    structlog.get_logger().info("run_completed", run_id="run-1", n_groups=3)
    event = last(log_stream)
    assert (event["event"], event["run_id"], event["n_groups"]) == ("run_completed", "run-1", 3)


def test_a_field_that_is_not_listed_is_dropped_and_counted(log_stream: io.StringIO) -> None:
    structlog.get_logger().info("upload_committed", handle=CANARY, row={"name": CANARY})
    assert last(log_stream)["n_fields_dropped"] == 2
    assert CANARY not in log_stream.getvalue()


def test_a_line_end_in_a_value_begins_no_line(log_stream: io.StringIO) -> None:
    forged = 'ok"}\n{"event": "broker_stopped"\u2028\x1b[2K'
    structlog.get_logger().info("request_completed", route=forged)
    assert log_stream.getvalue().isascii()
    assert len(log_stream.getvalue().splitlines()) == 1
    assert last(log_stream)["route"] == forged


def test_a_value_that_is_no_short_scalar_is_dropped(log_stream: io.StringIO) -> None:
    for value in (b"bytes", [1], {"a": 1}, object(), "x" * 201):
        structlog.get_logger().info("run_completed", run_id=value)
        assert "run_id" not in last(log_stream), value


def test_an_exception_is_dropped_with_its_message(log_stream: io.StringIO) -> None:
    structlog.get_logger().error("run_failed", exc_info=ValueError(CANARY))
    assert CANARY not in log_stream.getvalue()


def test_what_a_library_logs_comes_without_its_text(log_stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("value %s of %s", CANARY, CANARY)
    logging.getLogger("some.library").error(CANARY, exc_info=ValueError(CANARY))
    assert last(log_stream)["library"] == "some.library"
    assert CANARY not in log_stream.getvalue()


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_only_listed_fields_pass(event: dict[str, Any]) -> None:
    kept = keep_allowed_fields(None, "info", dict(event))
    assert all(name in FIELDS or name.startswith("n_") for name in kept)
    assert all(value == event.get(name, value) for name, value in kept.items())
