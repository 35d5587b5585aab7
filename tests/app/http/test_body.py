"""Bodies that are too long, compressed, of another type, or JSON with two readings."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.http.body import json_body, raw_body
from app.http.envelope import Envelope
from app.http.metrics import Metrics
from app.http.problems import install_refusals
from schemas.documents.document import Document
from schemas.documents.problem import MEDIA_TYPE, Problem

LIMIT = 1000
MAX_VALUES = 1000
CANARY = "canary-4711"


class Note(Document):
    KIND: ClassVar[str] = "note"

    text: str
    number: int


def set_limit(request: Request) -> None:
    request.state.max_body_bytes = LIMIT
    request.state.max_body_values = MAX_VALUES


def make_app() -> FastAPI:
    from fastapi import Depends

    app = FastAPI(openapi_url=None, dependencies=[Depends(set_limit)])
    app.add_middleware(Envelope, metrics=Metrics())
    install_refusals(app)

    @app.post("/note")
    def take_note(note: Annotated[Note, json_body(Note)]) -> Note:
        return note

    @app.put("/bytes")
    def take_bytes(body: Annotated[bytes, raw_body("application/octet-stream")]) -> int:
        return len(body)

    return app


CLIENT = TestClient(make_app(), raise_server_exceptions=False)
GOOD = {"text": "word", "number": 1}


def post(content: Any, **headers: str) -> Any:
    return CLIENT.post(
        "/note", content=content, headers={"content-type": "application/json", **headers}
    )


def refusal(answer: Any, status: int, code: str, case: object = None) -> Problem:
    """Check that the answer is this refusal, and repeats nothing of the input."""
    assert answer.status_code == status, case
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert CANARY not in answer.text
    problem = Problem.from_json(answer.json())
    assert (problem.status, problem.code) == (status, code), case
    return problem


def test_a_good_document_is_taken_with_a_charset_or_without() -> None:
    assert post(json.dumps(GOOD)).json() == GOOD
    answer = post(json.dumps(GOOD), **{"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 200


MALFORMED = {
    "empty": b"",
    "no JSON": CANARY.encode(),
    "cut off": b'{"text":"canary-4711"',
    "two documents": b"{}{}",
    "NaN": b'{"text":"canary-4711","number":NaN}',
    "Infinity": b'{"text":"canary-4711","number":-Infinity}',
    "a fraction": b'{"text":"canary-4711","number":1.5}',
    "an exponent": b'{"text":"canary-4711","number":1e3}',
    "minus zero": b'{"text":"canary-4711","number":-0}',
    "a number beyond 2^53": b'{"text":"canary-4711","number":9007199254740993}',
    "a number of 900 digits": b'{"text":"x","number":' + b"9" * 900 + b"}",
    "a key twice": b'{"text":"canary-4711","text":"b","number":1}',
    "a lone surrogate": b'{"text":"canary-4711\\ud800","number":1}',
    "a lone surrogate as a key": b'{"\\udfffcanary-4711":1}',
    "a surrogate in UTF-8": b'{"text":"\xed\xa0\x80","number":1}',
    "not UTF-8": b'{"text":"\xff","number":1}',
    "a byte order mark": b'\xef\xbb\xbf{"text":"a","number":1}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "deep arrays": b'{"text":' + b"[" * 400 + b"]" * 400 + b"}",
    "deep objects": b'{"a":' * 150 + b"1" + b"}" * 150,
    "brackets only": b"[" * 1000,
}


@pytest.mark.campaign("malformed")
def test_json_with_no_reading_or_two_is_refused() -> None:
    for name, raw in MALFORMED.items():
        refusal(post(raw), 400, "malformed-body", name)


@pytest.mark.parametrize("value", ["[],", "{},", "0,", '"",', "[[]],"])
def test_more_values_than_the_route_takes_are_not_read(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "MAX_VALUES", 100)
    monkeypatch.setattr("app.http.body.parse_json", None)
    problem = refusal(post("[" + value * 100 + "0]"), 413, "body-too-large")
    assert problem.detail == "The body may hold at most 100 values."


def test_a_body_is_not_read_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(raw: bytes) -> Any:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return json.loads(raw)

    monkeypatch.setattr("app.http.body.parse_json", read)
    assert post(json.dumps(GOOD)).json() == GOOD


INVALID = {
    "an array": [CANARY],
    "text": CANARY,
    "null": None,
    "a missing field": {"text": CANARY},
    "an unknown field": {**GOOD, CANARY: 1},
    "a number as text": {"text": CANARY, "number": "1"},
    "a truth value as a number": {"text": CANARY, "number": True},
    "null for text": {"text": None, "number": 1},
    "a list for text": {"text": [CANARY], "number": 1},
}


@pytest.mark.campaign("malformed")
def test_another_document_is_refused() -> None:
    for name, document in INVALID.items():
        problem = refusal(post(json.dumps(document)), 422, "invalid-document", name)
        assert problem.detail.startswith("Note: field "), name


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.just(CANARY),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["text", "number", CANARY]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
@pytest.mark.campaign("malformed")
def test_no_refusal_repeats_its_input(value: Any) -> None:
    answer = post(json.dumps(value))
    assert answer.status_code in {200, 400, 413, 422}
    assert answer.status_code == 200 or CANARY not in answer.text


@given(st.binary(max_size=200))
@pytest.mark.campaign("malformed")
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    assert post(raw).status_code in {400, 422}


@pytest.mark.campaign("malformed")
def test_a_refusal_comes_at_once() -> None:
    started_s = time.monotonic()
    post(b"[" * LIMIT)
    post(b'"' * LIMIT)
    post(b"\\" * LIMIT)
    # A bound on the work, with a hundredfold reserve; the body limit is what keeps it small.
    assert time.monotonic() - started_s < 3


def test_another_media_type_or_a_compressed_body_is_refused() -> None:
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        refusal(post(json.dumps(GOOD), **{"content-type": kind}), 415, "media-type", kind)
    for coding in ("gzip", "deflate", "br", "identity, gzip", CANARY):
        refusal(post(b"\x1f\x8b", **{"content-encoding": coding}), 415, "media-type", coding)


def test_a_body_that_announces_too_much_is_refused_unread() -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = CLIENT.post(
        "/note",
        content=never(),
        headers={"content-type": "application/json", "content-length": str(LIMIT + 1)},
    )
    refusal(answer, 413, "body-too-large")
    # An absurd content length is refused.
    refusal(post(b"{}", **{"content-length": "9" * 4000}), 413, "body-too-large")


@pytest.mark.campaign("malformed")
def test_a_body_that_grows_too_long_is_cut_off_at_the_limit() -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(100)
            yield b" " * 100

    # The test client collects the body before it sends it, so the reader is driven directly.
    import asyncio

    from app.errors import BODY_TOO_LARGE, RefusedError
    from app.http.body import read_body

    chunks = endless()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(chunks), "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(RefusedError, check=lambda error: error.code == BODY_TOO_LARGE.code):
        asyncio.run(read_body(request, LIMIT))
    assert sum(sent) == LIMIT + 100


def test_raw_bytes_are_taken_up_to_the_limit() -> None:
    for size in (0, 1, LIMIT):
        answer = CLIENT.put(
            "/bytes", content=b"x" * size, headers={"content-type": "application/octet-stream"}
        )
        assert answer.json() == size
    # Raw bytes beyond the limit are refused.
    answer = CLIENT.put(
        "/bytes", content=b"x" * (LIMIT + 1), headers={"content-type": "application/octet-stream"}
    )
    refusal(answer, 413, "body-too-large")
