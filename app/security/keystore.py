"""The key store: one wrapped key a file, in a folder outside the database and its backups.

Destroying an object's key destroys the object, wherever copies of its ciphertext are. A key is durable
before `create` returns, so no row can name a key that a crash lost.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.durable import (
    make_private_folder,
    overwrite_sector,
    remove_durably,
    storing,
    write_durably,
)
from app.errors import KeyGoneError, SealBrokenError
from app.security.key_encryption import KEY_BYTES
from app.security.keyring import KeyRing
from schemas.documents.canonical import JsonValue, canonical_bytes, parse_canonical_object
from schemas.documents.errors import CanonicalError
from schemas.shared.durable import remains_in, written_name

SUFFIX: Final = ".key"
FORMAT: Final = "blindlink/wrapped-key/1"

# What an object id may be: it is a file name on every system.
_OBJECT_ID: Final = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*")
_MAX_OBJECT_ID: Final = 120


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one object, unwrapped; 32 bytes that its repr does not show."""

    object_id: str
    secret: bytes = field(repr=False)


class KeyStore:
    """Wrapped keys in a folder, one file each, under a ring of key-encryption keys."""

    def __init__(self, folder: Path, ring: KeyRing) -> None:
        """Use the folder, making it for the owner only if it is missing."""
        make_private_folder(folder)
        self._folder = folder
        self.ring = ring

    def create(self, object_id: str) -> DataKey:
        """Draw a key for a new object and return it once it is durable.

        Raises:
            ValueError: the id is no file name, or has a key already: a key is never replaced.
            StorageFullError: the key cannot be written; there is none.
            KeyKeeperUnavailableError: the key cannot be wrapped; there is none.
        """
        path = self._path(object_id)
        if path.exists():
            raise ValueError("the object has a key already")
        key = DataKey(object_id, secrets.token_bytes(KEY_BYTES))
        with storing():
            write_durably(path, self._wrap(key))
        return key

    def open(self, object_id: str) -> DataKey:
        """Return the key of an object.

        Raises:
            KeyGoneError: it was destroyed, or never made.
            SealBrokenError: its file is damaged, or wrapped under a key that is not in the ring.
            KeyKeeperUnavailableError: who keeps the key that wraps it does not answer.
        """
        try:
            return self._unwrap(object_id, self._read(object_id))
        except SealBrokenError:
            # It may just have been wrapped anew, and been read half old and half new.
            return self._unwrap(object_id, self._read(object_id))

    def holds(self, object_id: str) -> bool:
        """Tell whether an object still has a key."""
        return self._path(object_id).exists()

    def destroy(self, object_id: str) -> None:
        """Remove the key for good; one that is gone already stays gone. Durable when this returns."""
        remove_durably(self._path(object_id))

    def object_ids(self) -> Iterator[str]:
        """Yield the ids of all objects that have a key, in the order of their names."""
        # Not by `glob`, which takes a folder that may not be listed for an empty one.
        for path in sorted(self._folder.iterdir()):
            if path.suffix == SUFFIX and _is_object_id(path.stem):
                yield path.stem

    def strange_files(self) -> list[str]:
        """Return the names of files that someone else has put here, such as copies, which nothing destroys."""
        own = {f"{object_id}{SUFFIX}" for object_id in self.object_ids()}
        others = (path for path in self._folder.iterdir() if path.name not in own)
        return sorted(p.name for p in others if p.is_file() and written_name(p) == p.name)

    def sweep(self, *, older_than_s: float) -> None:
        """Remove what a crash left of keys that were being written, once it is old.

        Such a key has sealed nothing: `create` had not returned.
        """
        born_before = time.time() - older_than_s
        for path in remains_in(self._folder):
            # Another process may have removed it, or moved it into its place, since.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < born_before:
                    remove_durably(path)

    def wrapped_under(self, object_id: str) -> str:
        """Return the name of the ring's key under which an object's key is wrapped."""
        return _stored(self._read(object_id))[0]

    def rewrap(self, object_id: str) -> None:
        """Wrap the key anew under the ring's primary key; the key itself stays, so what it sealed does too.

        A key that is destroyed at this very moment stays destroyed.
        """
        # Over the old bytes and not in place of the file: a new file would bring back what was destroyed in
        # between. Both have the same length.
        try:
            overwrite_sector(self._path(object_id), self._wrap(self.open(object_id)))
        except FileNotFoundError as exc:
            raise _gone() from exc

    def _read(self, object_id: str) -> bytes:
        try:
            return self._path(object_id).read_bytes()
        except FileNotFoundError as exc:
            raise _gone() from exc

    def _path(self, object_id: str) -> Path:
        if not _is_object_id(object_id):
            raise ValueError("not an object id")
        return self._folder / f"{object_id}{SUFFIX}"

    def _wrap(self, key: DataKey) -> bytes:
        kek = self.ring.primary()
        head = canonical_bytes(_head(key.object_id, kek.name))
        return _file_bytes(key.object_id, kek.name, kek.wrap(key.secret, head))

    def _unwrap(self, object_id: str, raw: bytes) -> DataKey:
        kek_name, sealed = _stored(raw)
        if _file_bytes(object_id, kek_name, sealed) != raw:
            raise SealBrokenError("A wrapped key is damaged, or is another object's.")
        kek = self.ring.find(kek_name)
        # Authenticated, so that one object's key cannot be passed off as another's.
        head = canonical_bytes(_head(object_id, kek.name))
        return DataKey(object_id, kek.unwrap(sealed, head))


def _is_object_id(name: str) -> bool:
    return len(name) <= _MAX_OBJECT_ID and _OBJECT_ID.fullmatch(name) is not None


def _gone() -> KeyGoneError:
    return KeyGoneError("The key of this object was destroyed.")


def _stored(raw: bytes) -> tuple[str, bytes]:
    """Return the name of the wrapping key and what it sealed, as a key file says."""
    try:
        stored = parse_canonical_object(raw)
        return str(stored["kek"]), base64.b64decode(str(stored["sealed"]))
    except (CanonicalError, KeyError, binascii.Error) as exc:
        raise SealBrokenError("A wrapped key is damaged.") from exc


def _file_bytes(object_id: str, kek_name: str, sealed: bytes) -> bytes:
    text = base64.b64encode(sealed).decode("ascii")
    return canonical_bytes({**_head(object_id, kek_name), "sealed": text})


def _head(object_id: str, kek_name: str) -> dict[str, JsonValue]:
    return {"version": FORMAT, "object": object_id, "kek": kek_name}
