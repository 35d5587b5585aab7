"""What only an object store does: it is out of reach, refuses, belongs to another, keeps former versions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from services.object_store import ObjectStoreServer

from app.blobs import BlobStore, connection, open_blobs
from app.errors import BlobMissingError, ConfigurationError, StoreUnavailableError
from app.settings import Settings

OWNER = "blobs.test/log"
# Longer than what the library sends in one request by itself.
LARGE = os.urandom(9 << 20)


def asked(store: BlobStore) -> list[Callable[[], object]]:
    """Return everything that one may ask of a store."""
    digest = "0" * 64
    return [
        lambda: store.put(b"sealed"),
        lambda: store.get(digest),
        lambda: store.delete(digest),
        lambda: list(store.digests()),
        lambda: store.sweep(lambda _: True),
        store.refuse_when_unfit,
        store.try_out,
    ]


def test_what_was_acknowledged_outlives_a_store_that_is_killed(
    stored_at: Settings, object_store_server: ObjectStoreServer
) -> None:
    store = open_blobs(stored_at, OWNER)
    small, large = store.put(b"sealed"), store.put(LARGE)
    with object_store_server.down():
        for ask in asked(store):
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                ask()
    assert sorted(store.digests()) == sorted([small, large])
    assert (store.get(small), store.get(large)) == (b"sealed", LARGE)


def test_a_store_that_is_silent_is_not_waited_for_without_end(
    stored_at: Settings, object_store_server: ObjectStoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", timedelta(seconds=0.2))
    monkeypatch.setattr(connection, "RETRY", {"max_retries": 1, "retry_timeout": timedelta(0)})
    store = open_blobs(stored_at, OWNER)
    began = time.monotonic()
    object_store_server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailableError):
            store.put(b"sealed")
        with pytest.raises(StoreUnavailableError):
            store.get("0" * 64)
    finally:
        object_store_server.signal(signal.SIGCONT)
    assert time.monotonic() - began < 20
    assert store.get(store.put(b"sealed")) == b"sealed"


def test_a_store_that_cannot_be_used_is_told_without_what_it_says(stored_at: Settings) -> None:
    wrong: list[tuple[dict[str, str | None], str]] = [
        ({"store_key_id": "stranger"}, "refuses the broker's key"),
        ({"store_ca_file": None}, "does not answer"),
        ({"store_url": "s3://no-such-bucket"}, "no such bucket"),
    ]
    for changes, said in wrong:
        store = open_blobs(stored_at.model_copy(update=changes), OWNER)
        for ask in (lambda store=store: store.put(b"sealed"), store.refuse_when_unfit):
            with pytest.raises(StoreUnavailableError, match=said) as caught:
                ask()
            assert caught.value.__suppress_context__


def test_another_brokers_blobs_are_neither_swept_nor_added_to(stored_at: Settings) -> None:
    store = open_blobs(stored_at, OWNER)
    store.refuse_when_unfit()
    digest = store.put(b"sealed")
    other = open_blobs(stored_at, "other.test/log")
    for ask in (
        lambda: other.put(b"sealed as well"),
        lambda: other.sweep(lambda _: False),
        other.refuse_when_unfit,
    ):
        with pytest.raises(ConfigurationError, match="another broker"):
            ask()
    assert list(store.digests()) == [digest]


def test_the_sweep_goes_by_the_stores_clock(
    stored_at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_blobs(stored_at, OWNER)
    store.put(b"young")
    # This machine's clock is a day ahead.
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_400)
    assert store.sweep(lambda _: False) == 0


def test_what_the_store_keeps_of_a_deleted_blob_is_told(
    stored_at: Settings, object_store_server: ObjectStoreServer
) -> None:
    store = open_blobs(stored_at, OWNER)
    assert "gives out nothing deleted" in store.try_out()
    assert list(store.digests()) == []
    url = f"s3://{object_store_server.new_bucket(versioned=True)}/blindlink"
    versioned = open_blobs(stored_at.model_copy(update={"store_url": url}), OWNER)
    assert f"in {url}, which keeps former versions" in versioned.try_out()
    digest = versioned.put(b"sealed")
    versioned.delete(digest)
    with pytest.raises(BlobMissingError):
        versioned.get(digest)


def test_credentials_in_the_environment_are_refused(
    stored_at: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AZURE_CLIENT_SECRET"):
        with monkeypatch.context() as patched:
            patched.setenv(name, "hunter2")
            with pytest.raises(ConfigurationError, match=name) as caught:
                open_blobs(stored_at, OWNER)
            assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key_id"), [("gs://bucket/prefix", None), ("az://container/prefix", "account")]
)
def test_other_stores_are_connected_by_their_own_kind(
    stored_at: Settings, tmp_path, url: str, key_id: str | None
) -> None:
    changes = {"store_url": url, "store_key_id": key_id, "store_endpoint": None}
    changes |= {"store_region": None, "store_secret_file": None, "store_ca_file": None}
    made = connection.connect(stored_at.model_copy(update=changes))
    assert made.url == url
    secret = tmp_path / "no-secret"
    wrong = stored_at.model_copy(update=changes | {"store_secret_file": secret})
    with pytest.raises(ConfigurationError):
        connection.connect(wrong)
