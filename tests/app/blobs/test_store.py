from __future__ import annotations

import hashlib
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from rigs.refused_calls import refuses

from app.blobs import BlobStore, FileBlobs, move_blobs, open_blobs
from app.errors import SealBrokenError, StorageFullError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def files(tmp_path: Path) -> BlobStore:
    return FileBlobs(tmp_path / "blobs", reserve_percent=0)


@pytest.fixture
def objects(request: pytest.FixtureRequest) -> BlobStore:
    return open_blobs(request.getfixturevalue("stored_at"), "blobs.test/log")


@pytest.fixture(params=["files", "objects"])
def store(request: pytest.FixtureRequest) -> BlobStore:
    """Each test is of both stores."""
    found: BlobStore = request.getfixturevalue(request.param)
    return found


def overwrite(store: BlobStore, key: str, content: bytes) -> None:
    """Put other bytes where a blob lies, or half a blob where one was written."""
    store._write(key, content)


def test_a_blob_is_named_by_its_digest_and_kept_once_until_it_is_deleted(store: BlobStore) -> None:
    digest = store.put(b"sealed")
    assert digest == hashlib.sha256(b"sealed").hexdigest() == store.put(b"sealed")
    assert list(store.digests()) == [digest]
    assert store.get(digest) == b"sealed"
    for _ in range(2):
        store.delete(digest)
    with pytest.raises(SealBrokenError, match="missing"):
        store.get(digest)
    # A name that is no digest reaches no file.
    for name in ("", "../x", "A" * 64, "0" * 63):
        with refuses(ValueError, name, match="not a blob"):
            store.get(name)


def test_what_cannot_be_moved_for_its_damage_is_named(files: BlobStore, tmp_path: Path) -> None:
    lost, target = files.put(b"sealed"), FileBlobs(tmp_path / "target", reserve_percent=0)
    overwrite(files, f"{lost[:2]}/{lost}", b"other")
    kept = files.put(b"also sealed")
    with pytest.raises(SealBrokenError, match=lost):
        move_blobs(files, target)
    # As docs/operator.md says.
    files.delete(lost)
    move_blobs(files, target)
    assert list(target.digests()) == [kept]


def test_blobs_that_may_not_be_listed_are_not_taken_for_none(
    files: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where root has put a backup back: the next backup would be one without them."""
    files.put(b"sealed")

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "listdir", refused)
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError):
        list(files.digests())


@pytest.mark.campaign("damage")
def test_a_damaged_blob_is_refused(store: BlobStore) -> None:
    digest = store.put(b"sealed")
    overwrite(store, f"{digest[:2]}/{digest}", b"other")
    with pytest.raises(SealBrokenError, match="damaged"):
        store.get(digest)


@pytest.mark.campaign("disk")
def test_nothing_is_taken_below_the_disk_reserve(
    store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_reserve_percent", 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000, 901, 99))
    with pytest.raises(StorageFullError):
        store.put(b"sealed")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000, 900, 100))
    store.put(b"sealed")


@pytest.mark.campaign("disk")
def test_a_full_disk_is_a_refusal_and_leaves_nothing(
    files: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageFullError):
        files.put(b"sealed")
    monkeypatch.undo()
    assert list(files.digests()) == []
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_the_sweep_removes_old_blobs_that_no_row_names_and_remains_of_broken_writes(
    store: BlobStore,
) -> None:
    kept, lost = store.put(b"kept"), store.put(b"lost")
    # Young ones are left to their writers.
    assert store.sweep(lambda _: False) == 0
    overwrite(store, f"{kept[:2]}/.{kept}.0123.partial", b"half")
    far_future_s = 1e11
    assert store.sweep(lambda digest: digest == kept, now_s=far_future_s) == 2
    assert list(store.digests()) == [kept]
    assert lost != kept
    assert [key for key, _ in store._entries()] == [f"{kept[:2]}/{kept}"]
