"""The ring's key is replaced while others open, make and destroy keys; nothing is lost, nothing comes back."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.durable import overwrite_sector
from app.errors import ConfigurationError, KeyGoneError, SealBrokenError
from app.ids import new_id
from app.security.keyring import KeyRing, make_ring
from app.security.keystore import KeyStore
from app.security.rewrapping import count_wrapped, retire_old_keys, rewrap_all

N_KEYS = 40


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    make_ring(tmp_path / "keys" / "ring")
    return tmp_path / "keys" / "ring"


@pytest.fixture
def store(tmp_path: Path, ring_file: Path) -> KeyStore:
    return KeyStore(tmp_path / "keystore", KeyRing(ring_file))


def rotate(store: KeyStore) -> int:
    store.ring.add_primary()
    return rewrap_all(store)


def much_later() -> float:
    return 1e12


def test_what_is_destroyed_while_keys_are_counted_is_left_out(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = sorted(store.create(new_id("upl")).object_id for _ in range(3))
    under = store.wrapped_under

    def destroyed_meanwhile(object_id: str) -> str:
        if object_id == keys[0]:
            store.destroy(object_id)
        return under(object_id)

    monkeypatch.setattr(store, "wrapped_under", destroyed_meanwhile)
    assert list(count_wrapped(store).values()) == [2]


def test_an_old_copy_of_the_ring_opens_nothing_afterwards(
    store: KeyStore, ring_file: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied"
    copied.write_bytes(ring_file.read_bytes())
    copied.chmod(0o600)
    keys = [store.create(new_id("upl")) for _ in range(3)]
    assert rotate(store) == 3
    assert list(count_wrapped(store).values()) == [3, 0]
    with pytest.raises(SealBrokenError):
        KeyStore(tmp_path / "keystore", KeyRing(copied)).open(keys[0].object_id)
    with pytest.raises(ConfigurationError, match="less than a minute"):
        retire_old_keys(store)
    assert retire_old_keys(store, clock_s=much_later) == 1
    assert [store.open(key.object_id) for key in keys] == keys


def test_retiring_takes_along_what_was_wrapped_under_an_old_key_meanwhile(
    store: KeyStore, ring_file: Path, tmp_path: Path
) -> None:
    late = store.create(new_id("upl"))
    store.ring.add_primary()
    assert retire_old_keys(store, clock_s=much_later) == 1
    assert KeyStore(tmp_path / "keystore", KeyRing(ring_file)).open(late.object_id) == late


def test_retiring_drops_nothing_where_another_key_is_put_first_meanwhile(
    store: KeyStore, ring_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [store.create(new_id("upl")) for _ in range(2)]
    store.ring.add_primary()
    rewrap = store.rewrap

    def rotated_after_the_first(object_id: str) -> None:
        rewrap(object_id)
        if object_id == min(key.object_id for key in keys):
            KeyRing(ring_file).add_primary()

    monkeypatch.setattr(store, "rewrap", rotated_after_the_first)
    with pytest.raises(ConfigurationError, match="another key"):
        retire_old_keys(store, clock_s=much_later)
    fresh = KeyStore(tmp_path / "keystore", KeyRing(ring_file))
    assert [fresh.open(key.object_id) for key in keys] == keys
    assert len(fresh.ring.known()) == 3


def test_rewrapping_brings_back_nothing_that_was_destroyed(
    store: KeyStore, ring_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store.create(new_id("upl"))
    store.ring.add_primary()
    wrap = store._wrap

    def destroyed_meanwhile(found: object) -> bytes:
        wrapped = wrap(found)  # type: ignore[arg-type]
        store.destroy(key.object_id)
        return wrapped

    monkeypatch.setattr(store, "_wrap", destroyed_meanwhile)
    with pytest.raises(KeyGoneError):
        store.rewrap(key.object_id)
    assert os.listdir(tmp_path / "keystore") == []
    assert rewrap_all(store) == 0


def test_keys_are_opened_made_and_destroyed_while_the_ring_rotates(
    store: KeyStore, ring_file: Path, tmp_path: Path
) -> None:
    keys = [store.create(new_id("upl")) for _ in range(N_KEYS)]
    made, faults, is_done = [], [], threading.Event()

    def serve() -> None:
        own = KeyStore(tmp_path / "keystore", KeyRing(ring_file))
        while not is_done.is_set():
            try:
                faults.extend(key for key in keys[1:] if own.open(key.object_id) != key)
                made.append(own.create(new_id("rel")))
            except Exception as exc:  # noqa: BLE001 - whatever it is, it fails the test below
                faults.append(exc)
                return

    server = threading.Thread(target=serve)
    server.start()
    store.destroy(keys[0].object_id)
    for _ in range(3):
        rotate(store)
    is_done.set()
    server.join()
    assert faults == []
    retire_old_keys(store, clock_s=much_later)
    fresh = KeyStore(tmp_path / "keystore", KeyRing(ring_file))
    assert [fresh.open(key.object_id) for key in (*keys[1:], *made)] == [*keys[1:], *made]
    with pytest.raises(KeyGoneError):
        fresh.open(keys[0].object_id)


def test_only_a_file_of_one_sector_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    overwrite_sector(file, b"new")
    assert file.read_bytes() == b"new"
    for content in (b"longer", b"x" * 513):
        with pytest.raises(ValueError, match="one sector"):
            overwrite_sector(file, content)
    file.write_bytes(b"x" * 513)
    with pytest.raises(ValueError, match="one sector"):
        overwrite_sector(file, b"y" * 513)
    with pytest.raises(FileNotFoundError):
        overwrite_sector(tmp_path / "none", b"new")
