from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest
from rigs.refused_calls import refuses

from app.errors import ConfigurationError, KeyGoneError, SealBrokenError, StorageFullError
from app.security.keyring import KeyRing, make_ring
from app.security.keystore import KeyStore
from app.security.rewrapping import SETTLING_S, retire_old_keys

OBJECT = "upl-00000000000000000000000000000001"
OTHER = "upl-00000000000000000000000000000002"


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys" / "kek-ring"
    make_ring(file)
    return file


@pytest.fixture
def store(tmp_path: Path, ring_file: Path) -> KeyStore:
    return KeyStore(tmp_path / "keystore", KeyRing(ring_file))


def later() -> float:
    return time.time() + SETTLING_S


def test_a_key_is_read_back_as_it_was_drawn_and_never_replaced(store: KeyStore) -> None:
    other, key = store.create(OTHER), store.create(OBJECT)
    assert store.open(OBJECT) == key
    assert key.secret != other.secret
    assert list(store.object_ids()) == [OBJECT, OTHER]
    with pytest.raises(ValueError, match="has a key already"):
        store.create(OBJECT)
    assert repr(key.secret)[2:-1] not in repr(key)
    assert key.secret.hex() not in f"{key}"


@pytest.mark.campaign("disk")
def test_a_key_that_cannot_be_written_is_none(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(StorageFullError):
            store.create("upl-1")
    assert list(store.object_ids()) == []
    store.create("upl-1")


def test_a_destroyed_key_is_gone_however_often_it_is_destroyed(store: KeyStore) -> None:
    store.create(OBJECT)
    for _ in range(2):
        store.destroy(OBJECT)
    with pytest.raises(KeyGoneError):
        store.open(OBJECT)
    assert list(store.object_ids()) == []


def test_a_copy_of_a_key_that_somebody_made_is_no_objects(store: KeyStore, tmp_path: Path) -> None:
    store.create(OBJECT)
    assert store.strange_files() == []
    folder = tmp_path / "keystore"
    (folder / "lost+found").mkdir()
    for name in (f"{OBJECT} (copy).key", "notes.txt", f"{'a' * 121}.key"):
        (folder / name).write_bytes((folder / f"{OBJECT}.key").read_bytes())
    assert [*store.object_ids()] == [OBJECT]
    assert store.strange_files() == [f"{'a' * 121}.key", "notes.txt", f"{OBJECT} (copy).key"]


def test_keys_that_may_not_be_listed_are_not_taken_for_none(
    store: KeyStore, ring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the ring's only key would go, and a copy of all keys would be an empty one."""
    store.create(OBJECT)
    store.ring.add_primary()

    def refused(*_: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refused)
        patch.setattr(os, "scandir", refused)
        for ask in (
            lambda: list(store.object_ids()),
            lambda: retire_old_keys(store, clock_s=later),
        ):
            with pytest.raises(PermissionError):
                ask()
    assert retire_old_keys(store, clock_s=later) == 1
    assert store.open(OBJECT).object_id == OBJECT


def test_an_object_id_must_be_a_plain_file_name(store: KeyStore) -> None:
    for name in ("", "../x", "a/b", "a\\b", ".a", "A", "a" * 121, "a\n"):
        with refuses(ValueError, name, match="not an object id"):
            store.create(name)


def test_a_wrapped_key_is_for_its_owner_only_and_not_in_clear(
    store: KeyStore, tmp_path: Path
) -> None:
    key = store.create(OBJECT)
    file = tmp_path / "keystore" / f"{OBJECT}.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key.secret not in file.read_bytes()
    assert key.secret.hex() not in file.read_text()
    assert os.listdir(tmp_path / "keystore") == [file.name]


@pytest.mark.campaign("damage")
def test_a_key_file_that_is_damaged_or_moved_to_another_object_is_refused(
    store: KeyStore, tmp_path: Path
) -> None:
    key = store.create(OBJECT)
    file = tmp_path / "keystore" / f"{OBJECT}.key"
    whole = file.read_bytes()
    for position in range(len(whole)):
        raw = bytearray(whole)
        raw[position] ^= 1
        file.write_bytes(raw)
        with refuses(SealBrokenError, position):
            store.open(OBJECT)
    file.write_bytes(whole)
    assert store.open(OBJECT) == key
    file.rename(tmp_path / "keystore" / f"{OTHER}.key")
    with pytest.raises(SealBrokenError):
        store.open(OTHER)


def test_an_old_ring_key_can_go_once_all_are_rewrapped_and_what_is_not_is_lost(
    store: KeyStore, ring_file: Path
) -> None:
    key = store.create(OBJECT)
    store.create(OTHER)
    store.ring.add_primary()
    store.rewrap(OBJECT)
    store.ring.keep_only(store.ring.primary().name)
    assert store.open(OBJECT) == key
    with pytest.raises(SealBrokenError, match="not in the ring"):
        KeyStore(ring_file.parent.parent / "keystore", KeyRing(ring_file)).open(OTHER)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_a_ring_that_others_may_read_is_refused(ring_file: Path) -> None:
    ring_file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="read by others"):
        KeyRing(ring_file)


@pytest.mark.campaign("damage")
def test_a_ring_that_is_malformed_or_missing_is_refused_and_none_overwritten(
    ring_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileExistsError):
        make_ring(ring_file)
    for text in ("", "blindlink/kek-ring/1\n", "blindlink/kek-ring/1\n!!!\n", "other/1\nAAAA\n"):
        ring_file.write_text(text)
        with refuses(ConfigurationError, text):
            KeyRing(ring_file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        KeyRing(tmp_path / "none")
