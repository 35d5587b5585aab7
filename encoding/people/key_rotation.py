"""Replacing one's own keys, so that a command that is killed anywhere can be typed again.

The new keys lie beside the old ones, with the change that both signed, until the broker has taken it. The old
file is kept: what was sealed to its keys opens with them alone.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from encoding.errors import IdentityFormatError
from encoding.files import write_durably
from encoding.owner_only import create_owner_only
from encoding.people.identity import (
    Identity,
    change_of_keys,
    read_identity,
    replace_keys,
    write_identity,
)
from encoding.people.identity_lock import Unlocking
from schemas.documents.errors import FormatError
from schemas.shared.durable import sync_folder
from schemas.signing.identity import SignedKeyChange


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change of keys that is under way: the keys before and after it, and the change that both signed.

    `was_begun` says that an earlier command began it.
    """

    path: Path
    old: Identity
    new: Identity
    change: SignedKeyChange
    was_begun: bool = False


def begin_rotation(path: Path, old: Identity, unlocking: Unlocking, now: datetime) -> Rotation:
    """Draw new keys and write them beside the old ones, or take up what was begun before.

    Args:
        path: the file of the old keys.
        unlocking: what opens the old keys; it locks the new ones, too.
    Raises:
        IdentityError: what was begun before is damaged, or does not belong to these keys.
    """
    begun = _read_begun(path, old, unlocking)
    if begun is not None:
        return begun
    new, change = replace_keys(old, now)
    # Without its change, nobody has been told of these keys.
    _next(path).unlink(missing_ok=True)
    write_identity(_next(path), new, unlocking)
    write_durably(_change(path), change.to_canonical())
    return Rotation(path, old, new, change)


def sign_anew(rotation: Rotation, now: datetime) -> SignedKeyChange:
    """Sign a change that is under way and that nobody has taken once more, as of now, and keep it."""
    change = change_of_keys(rotation.old, rotation.new, now)
    write_durably(_change(rotation.path), change.to_canonical())
    return change


def finish_rotation(rotation: Rotation) -> Path:
    """Put the new keys in the place of the old ones, and return where these are kept."""
    path = rotation.path
    kept = path.with_name(f"{path.name}.{rotation.old.public.key_sha256()[:8]}")
    if not kept.exists():
        create_owner_only(kept, path.read_bytes())
    os.replace(_next(path), path)
    _change(path).unlink()
    sync_folder(path.parent)
    return kept


def replaced_files(path: Path) -> list[Path]:
    """Return the files that are kept of keys which those in `path` have replaced."""
    names = re.compile(rf"{re.escape(path.name)}\.[0-9a-f]{{8}}")
    return sorted(one for one in path.parent.iterdir() if names.fullmatch(one.name))


def relock(path: Path, own: Identity, unlocking: Unlocking) -> None:
    """Put the same keys under another passphrase or key file, in one step.

    Copies of the file from before open as they did.

    Raises:
        IdentityFormatError: a change of keys was begun, whose new file opens in the former way alone.
    """
    if _change(path).exists():
        raise IdentityFormatError(
            "a change of keys was begun and is not finished",
            hint="finish it with `blindlink people rotate`, then choose another passphrase",
        )
    beside = path.with_name(f"{path.name}.relocked")
    beside.unlink(missing_ok=True)
    write_identity(beside, own, unlocking)
    os.replace(beside, path)
    sync_folder(path.parent)


def _read_begun(path: Path, old: Identity, unlocking: Unlocking) -> Rotation | None:
    try:
        raw = _change(path).read_bytes()
    except FileNotFoundError:
        return None
    try:
        change = SignedKeyChange.from_canonical(raw)
        if change.change.successor == old.public:
            # Killed in its last step: these are the new keys already.
            _change(path).unlink()
            return None
        change.verify(old.public)
    except FormatError as exc:
        raise IdentityFormatError(
            f"a change of keys was begun before, and {_change(path)} does not belong to {path}: {exc}",
            hint="if the broker knows the keys that you have, remove it",
        ) from None
    new = read_identity(_next(path)).unlock(unlocking)
    if new.public != change.change.successor:
        raise IdentityFormatError(f"{_next(path)} does not hold the keys of {_change(path)}")
    return Rotation(path, old, new, change, was_begun=True)


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _change(path: Path) -> Path:
    return path.with_name(f"{path.name}.change")
