from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.blobs.connection import RETRY
from app.settings import Settings

if TYPE_CHECKING:
    from services.object_store import ObjectStoreServer


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """One retry: a store that a test has killed does not come back meanwhile."""
    monkeypatch.setattr("app.blobs.connection.RETRY", {**RETRY, "max_retries": 1})


@pytest.fixture
def settings(settings: Settings, object_store_server: ObjectStoreServer) -> Settings:
    """Settings of a broker whose blobs lie in a bucket of the test's own; its runs have several ranges."""
    update = {"range_rows": 1, "worker_threads": 1, **object_store_server.settings()}
    return settings.model_copy(update=update)


@pytest.fixture
def stored_at(tmp_path: Path, object_store_server: ObjectStoreServer) -> Settings:
    """Settings of an object store and of nothing else."""
    return Settings(state_dir=tmp_path, disk_reserve_percent=0, **object_store_server.settings())
