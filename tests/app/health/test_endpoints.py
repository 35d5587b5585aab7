"""Alive, ready, and in numbers."""

from __future__ import annotations

import os
import shutil
from typing import Any

import anyio
import httpx2
import pytest
from rigs.linkage import either_database
from rigs.refused_calls import refused
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.agreements.models import StoredProfile
from app.cli.opening import take_up
from app.errors import KeyKeeperUnavailableError
from app.migrations.formats import OtherFormatError
from app.migrations.steps import migrate
from app.security import keyring

__all__ = ["either_database"]


def test_a_fresh_broker_is_alive_and_ready_and_shows_no_page_of_the_framework(
    client: TestClient,
) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404, path
    text = client.get("/v1/openapi.json").text
    assert "http://" not in text
    assert "https://" not in text


def test_a_broker_whose_threads_are_all_at_work_is_alive(client: TestClient) -> None:
    async def alive() -> Any:
        threads = anyio.to_thread.current_default_thread_limiter()
        for _ in range(int(threads.total_tokens)):
            threads.acquire_on_behalf_of_nowait(object())
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=client.app), base_url="https://broker.test"
        ) as http:
            with anyio.fail_after(5):
                return await http.get("/healthz")

    assert anyio.run(alive).json() == {"status": "alive"}


def test_a_broker_whose_database_does_not_answer_lives_but_is_not_ready(
    client: TestClient, founded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("canary-4711", None, Exception("canary-4711"))

    usage = type("Usage", (), {"total": 100, "free": 1, "used": 99})
    with monkeypatch.context() as patched:
        patched.setattr(founded.broker.blobs, "_reserve_percent", 10)
        patched.setattr(shutil, "disk_usage", lambda _: usage)
        assert refused(client.get("/readyz")) == (507, "storage-full")
    monkeypatch.setattr(type(founded.broker.log), "check", gone)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert refused(answer) == (503, "unavailable")
    assert "canary" not in answer.text


def test_a_broker_whose_database_holds_documents_of_another_version_is_not_ready_and_does_not_start(
    client: TestClient, founded: Any
) -> None:
    profile = '{"version":"blindlink/encoding-profile/1"}'
    with founded.broker.database.write() as session:
        session.execute(insert(StoredProfile).values(digest="ab" * 32, document=profile))
    answer = client.get("/readyz")
    assert refused(answer) == (503, "other-version")
    assert "blindlink/encoding-profile/1 is of an earlier version" in answer.json()["detail"]
    # What serve, work, and every other command begin with.
    for begun in (take_up, lambda broker: migrate(broker.database)):
        with pytest.raises(OtherFormatError, match="encoding-profile/1"):
            begun(founded.broker)


def test_whoever_asks_often_has_the_key_tried_once_in_a_while(
    client: TestClient, founded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def refuse(key: Any) -> None:
        tried.append(key.name)
        raise KeyKeeperUnavailableError("canary-4711")

    monkeypatch.setattr(keyring, "try_out", refuse)
    answers = [client.get("/readyz") for _ in range(3)]
    assert {refused(answer) for answer in answers} == {(503, "key-keeper-unavailable")}
    assert "canary" not in answers[-1].text
    assert len(tried) == 1
    monkeypatch.setattr(keyring, "TRIED_FOR_S", 0.0)
    client.get("/readyz")
    assert len(tried) == 2
    monkeypatch.undo()
    monkeypatch.setattr(keyring, "TRIED_FOR_S", 0.0)
    assert client.get("/readyz").status_code == 200


def test_the_numbers_count_requests_by_route_and_say_what_the_database_holds(
    client: TestClient, bearer: Any
) -> None:
    client.get("/v1/whoami")
    client.get("/canary-4711")
    client.request("CANARY4711", "/healthz")
    assert client.get("/metrics").status_code == 401
    headers = bearer("operator", "operator")
    text = client.get("/metrics", headers=headers).text
    assert 'blindlink_requests_total{method="GET",route="/v1/whoami",status="401"} 1.0' in text
    assert 'route="none",status="404"} 1.0' in text
    assert "canary" not in text.lower()
    size = client.get("/v1/log/checkpoint", headers=headers).json()["checkpoint"].splitlines()[1]
    assert int(size) > 1
    assert f"blindlink_log_entries {size}.0" in text
    assert 'blindlink_runs{state="queued"} 0.0' in text


def test_the_numbers_say_how_much_is_overdue(client: TestClient, bearer: Any, founded: Any) -> None:
    def overdue() -> list[str]:
        text = client.get("/metrics", headers=bearer("operator", "operator")).text
        return [line for line in text.splitlines() if line.startswith("blindlink_overdue{")]

    assert {line.rpartition(" ")[2] for line in overdue()} == {"0.0"}
    old = founded.clock().timestamp() - 400 * 86_400
    os.utime(founded.broker.settings.ring_file, (old, old))
    assert 'blindlink_overdue{what="key"} 1.0' in overdue()
