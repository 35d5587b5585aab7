"""A service of the test's own, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.anonlink_client import LIMITS, Anonlink, Moment
from starlette.testclient import TestClient

from app.extras.anonlink.application import create_app
from app.extras.anonlink.service import Limits, opened_service


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "anonlink"


@pytest.fixture
def limits() -> Limits:
    return LIMITS


@pytest.fixture
def anonlink(folder: Path, moment: Moment, limits: Limits) -> Iterator[Anonlink]:
    with opened_service(folder, limits, clock=moment, reserve_percent=0) as service:
        client = TestClient(
            create_app(service), base_url="http://127.0.0.1:8851", raise_server_exceptions=False
        )
        with client:
            yield Anonlink(client, service)
