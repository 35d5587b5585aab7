"""Traces: what leaves, to whom, and that nobody waits for it."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rigs.linkage import Linkage
from rigs.refused_calls import refuses
from services.receivers import Inbox, Posted, webhook

from app.errors import ConfigurationError
from app.settings import Settings
from app.traces import step, tracing

HEADER = "an api key of tests"


def spans_in(messages: list[Posted]) -> list[Any]:
    """Return the spans of what a collector got."""
    found = []
    for message in messages:
        request = ExportTraceServiceRequest.FromString(message.body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found += scope.spans
    return found


def attributes_of(span: Any) -> dict[str, str | int]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@contextmanager
def collected(folder: Path, settings: Settings) -> Iterator[Inbox]:
    """Trace within the block, to a collector over TLS that wants a key."""
    keys = folder / "headers"
    keys.write_text(f"X-Api-Key: {HEADER}\n")
    with webhook(folder) as inbox:
        traced = settings.model_copy(
            update={
                "traces_url": f"https://localhost:{inbox.port}/v1/traces",
                "traces_ca_file": inbox.certificate,
                "traces_headers_file": keys,
            }
        )
        with tracing(traced, "blindlink-tests"):
            yield inbox


def test_requests_and_steps_leave_and_nothing_of_any_person_party_or_record_is_in_them(
    linkage: Linkage, tmp_path: Path
) -> None:
    with collected(tmp_path, linkage.broker.settings) as inbox:
        containers = linkage.upload_both(30, 12, 8)
        run = linkage.run_id()
        linkage.work()
        assert linkage.get(f"/v1/runs/{run}?nobody=Canary").status_code == 422
    assert inbox.messages
    assert {message.headers["x-api-key"] for message in inbox.messages} == {HEADER}
    spans = spans_in(inbox.messages)
    by_name = {span.name: span for span in spans}
    asked = by_name["GET /v1/runs/{run}"]
    assert attributes_of(asked) == {
        "http.request.method": "GET",
        "http.route": "/v1/runs/{run}",
        "http.response.status_code": 422,
    }
    assert 0 < asked.end_time_unix_nano - asked.start_time_unix_nano < 60e9
    assert attributes_of(by_name["run"]) == {"run_id": run, "attempt": 1}
    for name in ("comparing", "deciding", "releasing"):
        assert by_name[name].parent_span_id == by_name["run"].span_id
    assert attributes_of(by_name["range"]) == {"run_id": run, "block": 0}

    known = {name for span in spans for name in attributes_of(span)}
    assert known == {
        *("http.request.method", "http.route", "http.response.status_code"),
        *("run_id", "attempt", "block"),
    }
    sent = b"".join(message.body for message in inbox.messages)
    canaries = [b"Canary", b"foster-school", b"child-welfare", b"school-district", b"upl-", b"per-"]
    canaries += [token.encode() for token, _ in linkage._tokens.values()]
    for container in containers:
        for handle in container.handles:
            canaries += [bytes(handle), bytes(handle).hex().encode()]
    assert len(canaries) > 60
    assert [one for one in canaries if one in sent] == []


def test_an_error_shows_by_its_class_and_not_by_what_it_says(
    settings: Settings, tmp_path: Path
) -> None:
    with (
        collected(tmp_path, settings) as inbox,
        pytest.raises(ZeroDivisionError),
        step("run", run_id="run-1"),
    ):
        raise ZeroDivisionError("Canary")
    (span,) = spans_in(inbox.messages)
    assert attributes_of(span) == {"run_id": "run-1", "error.type": "ZeroDivisionError"}
    assert b"Canary" not in inbox.messages[0].body


class Answering(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def answer_at_last(silent: socket.socket) -> None:
    """Answer what was sent to a silent port, so that what still sends ends."""
    with ThreadingHTTPServer(silent.getsockname(), Answering, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = silent.dup()
        answering = threading.Thread(target=server.serve_forever, args=(0.01,))
        answering.start()
        for thread in threading.enumerate():
            if thread.name == "traces-end":
                thread.join(30)
        server.shutdown()
        answering.join()


def test_nobody_waits_for_a_collector_that_does_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.traces._END_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        traced = settings.model_copy(update={"traces_url": url})
        with tracing(traced, "blindlink-tests"):
            began = time.monotonic()
            # More than are kept.
            for number in range(3000):
                with step("range", block=number):
                    pass
        # The collector would have five seconds for each of several requests.
        assert time.monotonic() - began < 4
        # What still sends must not do so beside other tests: it draws random pauses.
        answer_at_last(silent)


def test_settings_by_which_spans_would_go_astray_are_refused() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"traces_url": "http://collector.example.org/v1/traces"}, "traces_url is https://"),
        ({"traces_url": "https://me:word@collector.example.org/"}, "traces_url is https://"),
        ({"traces_ca_file": "ca.pem"}, "traces_ca_file says nothing without traces_url"),
    ]
    for changes, says in wrong:
        with refuses(ValueError, changes, match=says):
            Settings(**changes)


def test_what_is_missing_or_meddles_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(**settings: Any) -> str:
        traced = Settings(traces_url="https://localhost/v1/traces", **settings)
        with pytest.raises(ConfigurationError) as refused, tracing(traced, "blindlink-tests"):
            pytest.fail("spans would leave")
        assert "Canary" not in str(refused.value)
        return refused.value.detail

    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "requests", None)
        assert "needs packages that are not installed here" in refusal()
    with monkeypatch.context() as patched:
        patched.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=Canary")
        assert "the environment has OTEL_EXPORTER_OTLP_HEADERS" in refusal()
    assert "traces_ca_file cannot be read" in refusal(traces_ca_file=tmp_path / "none")
    headers = tmp_path / "headers"
    assert "traces_headers_file cannot be read" in refusal(traces_headers_file=headers)
    headers.write_text("Canary")
    assert "not like `Name: value`" in refusal(traces_headers_file=headers)


def test_without_the_setting_nothing_is_loaded_or_made(settings: Settings) -> None:
    with tracing(settings, "blindlink-tests"), step("run"):
        from app import traces

        assert traces._tracer is None
