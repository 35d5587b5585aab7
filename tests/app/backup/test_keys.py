"""Backups of the keys live for seven days, apart from everything else."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import pytest

from app.backup import keys
from app.backup.keys import remove_old_copies, write_key_backup
from app.errors import BACKUP_REFUSED
from app.security.keyring import KeyRing
from app.security.keystore import KeyStore
from app.security.rewrapping import SETTLING_S, retire_old_keys
from tests.samples.refusals import raises

OBJECT = "upl-" + "0" * 32


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_the_copies_open_what_the_originals_do_and_the_logs_key_is_among_them(
    founded: Any, tmp_path: Path
) -> None:
    key = founded.broker.keystore.create(OBJECT)
    target = write_key_backup(founded.broker, tmp_path / "safe")
    copied = KeyStore(target / "keystore", KeyRing(target / "kek-ring"))
    assert copied.open(OBJECT) == key
    original = founded.broker.settings.log_key_file
    assert (target / "log-key").read_bytes() == original.read_bytes()
    # Two of one second are not mixed, and the state folder is no place for them.
    with raises(BACKUP_REFUSED, match="already"):
        write_key_backup(founded.broker, tmp_path / "safe")
    with raises(BACKUP_REFUSED, match="outside the state folder"):
        write_key_backup(founded.broker, founded.broker.settings.state_dir / "safe")


def test_a_copy_goes_when_it_is_seven_days_old(founded: Any, tmp_path: Path) -> None:
    safe = tmp_path / "safe"
    assert remove_old_copies(safe, founded.clock()) == 0
    first = write_key_backup(founded.broker, safe)
    other = safe / "keys-of-the-house"
    other.mkdir()
    founded.clock.move(days=6, hours=23)
    second = write_key_backup(founded.broker, safe)
    assert (remove_old_copies(safe, founded.clock()), first.exists()) == (0, True)
    founded.clock.move(hours=1)
    assert remove_old_copies(safe, founded.clock()) == 1
    assert (first.exists(), second.exists(), other.exists()) == (False, True, True)


def test_a_copy_that_lacks_keys_does_not_stay(
    founded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keys, "write_new", full)
    with pytest.raises(OSError, match="No space"):
        write_key_backup(founded.broker, tmp_path / "safe")
    assert list((tmp_path / "safe").iterdir()) == []


def test_a_ring_that_is_replaced_meanwhile_makes_no_copy_that_opens_nothing(
    founded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by `rotate` and, a minute later, `retire`, while many keys are copied to a slow disk."""
    broker = founded.broker
    broker.keystore.create(OBJECT)
    copy = keys._copy

    def rotated_after(file: Path, folder: Path) -> None:
        copy(file, folder)
        if file.suffix == ".key":
            broker.keystore.ring.add_primary()
            retire_old_keys(broker.keystore, clock_s=lambda: time.time() + SETTLING_S)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "_copy", rotated_after)
        with raises(BACKUP_REFUSED, match="changed meanwhile"):
            write_key_backup(broker, tmp_path / "safe")
    assert list((tmp_path / "safe").iterdir()) == []
    write_key_backup(broker, tmp_path / "safe")
