"""Backups of the keys: apart from all others, and gone after seven days.

As long as such a copy is kept, what was destroyed since can be brought back; so it must not be kept long.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.clock import parse_utc, utc_text
from app.durable import make_private_folder, write_new
from app.errors import BACKUP_REFUSED, RefusedError
from app.security.log_key import next_key_file
from schemas.shared.durable import sync_folder

if TYPE_CHECKING:
    from app.broker import Broker

# DESIGN: destruction must not be undone by an old copy of a key.
LIFETIME: Final = timedelta(days=7)
_NAME: Final = re.compile(r"keys-(\d{4}-\d{2}-\d{2}T\d{2})-(\d{2})-(\d{2}Z)")


def write_key_backup(broker: Broker, folder: Path) -> Path:
    """Copy the key store, the ring and the log's key into a new folder inside `folder`, and return that.

    Raises:
        backup-refused: the folder lies in the state folder, whose backups would then hold it, or the ring was
            changed meanwhile.
    """
    settings = broker.settings
    if settings.state_dir.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise RefusedError(BACKUP_REFUSED, "a backup of the keys must lie outside the state folder")
    name = utc_text(broker.machine_clock()).replace(":", "-")
    target = folder / f"keys-{name}"
    if target.exists():
        raise RefusedError(BACKUP_REFUSED, "there is a backup of the keys of this second already")
    make_private_folder(folder)
    make_private_folder(target)
    try:
        _copy_all(broker, target)
    except BaseException:
        # Not all keys are in it, which nobody would see later.
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def remove_old_copies(folder: Path, now: datetime) -> int:
    """Remove the backups of the keys in a folder that are seven days old; returns how many went."""
    if not folder.exists():
        return 0
    removed = 0
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match and parse_utc(":".join(match.groups())) + LIFETIME <= now:
            shutil.rmtree(path)
            removed += 1
    sync_folder(folder)
    return removed


def _copy_all(broker: Broker, target: Path) -> None:
    settings = broker.settings
    store = target / settings.key_store_dir.name
    make_private_folder(store)
    ring = settings.ring_file.read_bytes()
    for object_id in broker.keystore.object_ids():
        _copy(settings.key_store_dir / f"{object_id}.key", store)
    _copy(settings.ring_file, target)
    if (target / settings.ring_file.name).read_bytes() != ring:
        # What was copied first may be wrapped under a key that is in the ring no more.
        raise RefusedError(
            BACKUP_REFUSED, "the key ring was changed meanwhile", hint="repeat the command"
        )
    for file in (settings.log_key_file, next_key_file(settings.log_key_file)):
        _copy(file, target)
    for made in (store, target):
        sync_folder(made)


def _copy(file: Path, folder: Path) -> None:
    try:
        write_new(folder / file.name, file.read_bytes())
    except FileNotFoundError:
        # Destroyed since it was listed.
        return
