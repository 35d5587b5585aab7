"""Blobs in an object store: S3, Google Cloud Storage, Azure, or a server that speaks like one of them.

A blob goes in one request: it is wholly there and durable once the store acknowledges it, or not there at all.
(What is left of a multipart upload that was killed could neither be listed nor swept.) Blobs are named by their
digest, so two writers never store different bytes under one key, and nothing has to be created conditionally.
One object, `broker`, says whose they are: two brokers that shared them would each sweep away the other's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from app.blobs.files import FileBlobs
from app.blobs.store import DEFAULT_RESERVE_PERCENT, BlobStore
from app.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from datetime import datetime

    from app.blobs.connection import Connection

MARK: Final = "broker"
LISTED_AT_ONCE: Final = 1000
# What a store calls the version of an object where it keeps no others.
UNVERSIONED: Final = frozenset({None, "", "null"})

_ENTRY: Final = re.compile(r"[0-9a-f]{2}/[^/]+")
_HINT: Final = "nothing is lost: do the same again later"


class ObjectBlobs(BlobStore):
    """Blobs under a prefix of a bucket that is this broker's alone."""

    def __init__(
        self,
        connection: Connection,
        files: Path,
        owner: str,
        *,
        reserve_percent: int = DEFAULT_RESERVE_PERCENT,
    ) -> None:
        """Take the connection, the folder that blobs would lie in, and the name of the broker's match log.

        The disk of the state folder, which holds keys and database, is watched all the same.
        """
        super().__init__(files.parent, reserve_percent=reserve_percent)
        self._files = files
        self._connection = connection
        self._store = connection.store
        self._owner = owner.encode()
        self._is_own = False

    def put(self, ciphertext: bytes) -> str:
        """Store the bytes as `BlobStore.put`, once it is known that nobody else sweeps them away."""
        if not self._is_own:
            self._require_own()
        return super().put(ciphertext)

    def free_bytes(self) -> None:
        """Say that the store alone knows."""

    def refuse_when_unfit(self, *, writes: bool = False) -> None:
        """Look at the disk, and read who owns what is there; nobody does: from now on this broker."""
        self.refuse_when_full()
        if self._files.exists() and any(FileBlobs(self._files).digests()):
            raise ConfigurationError(
                "blobs still lie in files of the state folder",
                hint="stop the broker and its workers, then: blindlink-broker move-blobs",
            )
        self._require_own(writes=writes)

    def _require_own(self, *, writes: bool = False) -> None:
        try:
            owner = self._read(MARK)
        except FileNotFoundError:
            owner, writes = self._owner, True
        if owner != self._owner:
            raise ConfigurationError(
                "another broker keeps its blobs under this store_url",
                hint="give each broker a prefix of its own",
            )
        if writes:
            self._write(MARK, self._owner)
        self._is_own = True

    def try_out(self) -> str:
        """Store, replace, read, list and delete a probe, then ask for what it was first."""
        self.refuse_when_unfit(writes=True)
        # Where the sweep removes it, should this be killed.
        probe = f"00/probe-{secrets.token_hex(8)}"
        with _asking():
            first = self._store.put(probe, b"first")["version"]
        self._write(probe, b"second")
        if self._read(probe) != b"second" or probe not in dict(self._entries()):
            raise StoreUnavailableError("The object store does not give back what it has taken.")
        self._remove(probe)
        with suppress(FileNotFoundError):
            self._read(probe)
            raise StoreUnavailableError("The object store still gives out what was deleted.")
        url = self._connection.url
        if first not in UNVERSIONED and self._keeps(probe, first):
            found = "keeps former versions: what is deleted stays there, sealed, without its key"
        else:
            found = (
                "gives out nothing deleted; ask who runs it of replicas, soft delete and backups"
            )
        return f"in {url}, which {found}"

    def _keeps(self, key: str, version: str | None) -> bool:
        try:
            with _asking(may_be_missing=True):
                self._store.get(key, options={"version": version}).bytes()
        except FileNotFoundError:
            return False
        return True

    def _write(self, key: str, content: bytes) -> None:
        with _asking():
            self._store.put(key, content, use_multipart=False)

    def _read(self, key: str) -> bytes:
        with _asking(may_be_missing=True):
            content: bytes = self._store.get(key).bytes().to_bytes()
        return content

    def _remove(self, key: str) -> None:
        # Some stores say that there is nothing, others that it is gone.
        with suppress(FileNotFoundError), _asking(may_be_missing=True):
            self._store.delete(key)

    def _entries(self) -> Iterator[tuple[str, float]]:
        with _asking():
            for found in self._store.list(chunk_size=LISTED_AT_ONCE):
                for one in found:
                    if _ENTRY.fullmatch(one["path"]):
                        yield one["path"], one["last_modified"].timestamp()

    def _now_s(self) -> float:
        """Return the store's time: its clock and this machine's may differ by more than a blob's youth."""
        self.refuse_when_unfit(writes=True)
        with _asking():
            written: datetime = self._store.head(MARK)["last_modified"]
        return written.timestamp()


@contextmanager
def _asking(*, may_be_missing: bool = False) -> Iterator[None]:
    """Let the library's errors be ours; `may_be_missing`: FileNotFoundError says that there is no such key.

    What the library says is kept by nobody: it may quote what was sent.
    """
    try:
        yield
    except FileNotFoundError:
        if may_be_missing:
            raise
        raise StoreUnavailableError("The object store has no such bucket.", hint=_HINT) from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise StoreUnavailableError(
            "The object store refuses the broker's key; its operator has to look.", hint=_HINT
        ) from None
    except (BaseError, OSError, ValueError):
        raise StoreUnavailableError(
            "The broker's object store does not answer.", hint=_HINT
        ) from None
