"""A sealed object that comes over HTTP in chunks of any size: stored piece by piece, and never held whole."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from fastapi.concurrency import run_in_threadpool

from app.sealed.objects import PIECE_BYTES, NewObject, Stores


class Arrival:
    """An object on its way: sealed and durable as it comes, and no row names it yet.

    Args:
        stores: where it is kept.
        object_id: its name.
        kind: what its pieces are.
    Raises:
        StorageFullError: the disk is nearly full, now or at any of its pieces.
    """

    def __init__(self, stores: Stores, object_id: str, kind: str) -> None:
        stores.blobs.refuse_when_full()
        self.sealed = NewObject(stores, object_id)
        self.size_bytes = 0
        self._kind = kind
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._n_pieces = 0

    @property
    def sha256(self) -> str:
        """The digest of what has come."""
        return self._digest.hexdigest()

    def add(self, content: bytes) -> None:
        """Take the next bytes."""
        self.size_bytes += len(content)
        self._digest.update(content)
        self._waiting += content
        if len(self._waiting) >= PIECE_BYTES:
            self._write()

    def finish(self) -> None:
        """Store what is left."""
        if self._waiting or not self._n_pieces:
            self._write()

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Take a body to its end; where it is refused or breaks off, nothing of it stays.

        What a crash leaves without a row the sweep takes.
        """
        try:
            async for chunk in chunks:
                await run_in_threadpool(self.add, chunk)
            await run_in_threadpool(self.finish)
        except Exception:
            await run_in_threadpool(self.sealed.drop)
            raise
        except BaseException:
            # The server ends, and waits for nothing.
            self.sealed.drop()
            raise

    def _write(self) -> None:
        self.sealed.add(self._kind, self._n_pieces, bytes(self._waiting))
        self._waiting.clear()
        self._n_pieces += 1
