"""What surrounds every answer: its id, its headers, and the last catch for what nobody expected."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.errors import BrokerError, UnavailableError
from app.http.envelope import SECURITY_HEADERS, AnswerCutError, Envelope
from app.http.metrics import Metrics
from app.http.problems import install_refusals
from schemas.documents.ids import is_random_id
from schemas.documents.problem import MEDIA_TYPE, Problem

CANARY = "canary-4711"


def make_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_middleware(Envelope, metrics=Metrics())
    install_refusals(app)

    @app.get("/good")
    def good() -> str:
        return "good"

    @app.get("/bug")
    def bug() -> None:
        raise ValueError(CANARY)

    @app.get("/fault")
    def fault() -> None:
        raise BrokerError(CANARY, hint=CANARY)

    @app.get("/busy")
    def busy() -> None:
        raise UnavailableError("Come back later.")

    @app.get("/database")
    def database() -> None:
        raise OperationalError(CANARY, {"value": CANARY}, Exception(CANARY))

    @app.get("/wrong-answer", response_model=int)
    def wrong_answer() -> Any:
        return CANARY

    @app.get("/torn")
    def torn() -> StreamingResponse:
        def chunks() -> Iterator[bytes]:
            yield b"first"
            raise ValueError(CANARY)

        return StreamingResponse(chunks())

    return app


@pytest.fixture
def client(log_stream: io.StringIO) -> TestClient:
    return TestClient(make_app(), raise_server_exceptions=False)


def events(log_stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_stream.getvalue().splitlines()]


def test_every_answer_has_an_id_of_its_own_and_the_security_headers(client: TestClient) -> None:
    ids = [client.get("/good").headers["x-request-id"] for _ in range(5)]
    assert len(set(ids)) == 5
    assert all(is_random_id(request_id, "req") for request_id in ids)
    # Every answer has the security headers.
    for path in ("/good", "/bug", "/none"):
        headers = client.get(path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


def test_the_headers_are_those_that_asvs_asks_for() -> None:
    age, *others = SECURITY_HEADERS["strict-transport-security"].split("; ")
    assert int(age.removeprefix("max-age=")) >= 365 * 24 * 3600
    assert others == ["includeSubDomains"]
    policy = set(SECURITY_HEADERS["content-security-policy"].split("; "))
    assert policy == {
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    }
    assert SECURITY_HEADERS["x-content-type-options"] == "nosniff"
    assert SECURITY_HEADERS["referrer-policy"] == "no-referrer"


def test_a_fault_of_ours_is_a_problem_that_says_nothing(
    client: TestClient, log_stream: io.StringIO
) -> None:
    for path in ("/bug", "/fault", "/wrong-answer"):
        answer = client.get(path)
        problem = Problem.from_json(answer.json())
        assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE), path
        assert problem.request == answer.headers["x-request-id"]
        assert CANARY not in answer.text, path
        assert CANARY not in log_stream.getvalue()
    # What may work later says when.
    for path in ("/busy", "/database"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert int(answer.headers["retry-after"]) > 0
        assert CANARY not in answer.text, path


def test_a_bug_is_logged_with_its_place_and_the_request(
    client: TestClient, log_stream: io.StringIO
) -> None:
    answer = client.get("/bug")
    (failed,) = [event for event in events(log_stream) if event["event"] == "request_failed"]
    assert failed["error"] == "ValueError"
    assert "test_envelope.py:" in failed["where"]
    assert failed["request_id"] == answer.headers["x-request-id"]


def test_an_answer_that_fails_half_way_is_cut_not_ended(log_stream: io.StringIO) -> None:
    client = TestClient(make_app())
    with pytest.raises(AnswerCutError) as caught:
        client.get("/torn")
    assert CANARY not in str(caught.value)
    assert CANARY not in log_stream.getvalue()


def test_a_method_that_a_path_does_not_take_is_refused_with_those_it_takes(
    client: TestClient,
) -> None:
    answer = client.post("/good")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert Problem.from_json(answer.json()).code == "method-not-allowed"


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "TRACE"])
def test_no_answer_lets_another_site_read_it(client: TestClient, method: str) -> None:
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    answer = client.request(method, "/good", headers=asked | {"x-canary": CANARY})
    assert answer.status_code == (200 if method == "GET" else 405)
    assert not any(name.startswith("access-control-") for name in answer.headers)
    assert CANARY not in answer.text


def test_the_log_names_the_route_never_the_path_and_no_answer_repeats_it(
    client: TestClient, log_stream: io.StringIO
) -> None:
    client.get(f"/{CANARY}?{CANARY}=1")
    client.get(f"/good?{CANARY}=1")
    completed = [event for event in events(log_stream) if event["event"] == "request_completed"]
    assert [event["route"] for event in completed] == ["none", "/good"]
    assert CANARY not in log_stream.getvalue()
    # A path that does not exist is not repeated.
    answer = client.get(f"/{CANARY}?{CANARY}={CANARY}")
    assert answer.status_code == 404
    assert CANARY not in answer.text


def test_a_request_is_let_go_of_with_its_answer() -> None:
    class Body:
        """Stands for the megabytes of a part."""

    async def answer(scope: Any, _: Any, send: Any) -> None:
        scope["request"] = (send, Body())
        seen.append(weakref.ref(scope["request"][1]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def take(_: Any) -> None:
        """Leave the answer unread."""

    seen: list[Any] = []
    gc.disable()
    try:
        scope = {"type": "http", "method": "PUT", "route": None}
        asyncio.run(Envelope(answer, Metrics())(scope, take, take))
        del scope
        assert seen[0]() is None
    finally:
        gc.enable()


def test_work_after_an_answer_is_not_part_of_it() -> None:
    metrics = Metrics()

    async def answer(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        assert count() == 1

    async def take(_: Any) -> None:
        """Leave the answer unread."""

    def count() -> float:
        labels = {"method": "POST", "route": "none", "status": "202"}
        return metrics.registry.get_sample_value("blindlink_requests_total", labels) or 0

    scope = {"type": "http", "method": "POST", "route": None}
    asyncio.run(Envelope(answer, metrics)(scope, take, take))
    assert count() == 1
