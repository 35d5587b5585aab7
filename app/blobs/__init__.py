"""Sealed bytes under their own digest, in files or in an object store; the database holds the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.blobs.files import FileBlobs
from app.blobs.store import BlobStore
from app.errors import ConfigurationError, SealBrokenError

if TYPE_CHECKING:
    from app.settings import Settings

__all__ = ["BlobStore", "FileBlobs", "move_blobs", "open_blobs"]


def open_blobs(settings: Settings, owner: str) -> BlobStore:
    """Return where the settings want blobs; `owner` is the name of the match log. Nothing is asked yet.

    Raises:
        ConfigurationError: the store's library is not installed, or its settings do not fit.
    """
    percent = settings.disk_reserve_percent
    if settings.store_url is None:
        return FileBlobs(settings.blob_dir, reserve_percent=percent)
    try:
        from app.blobs.connection import connect  # noqa: PLC0415
        from app.blobs.objects import ObjectBlobs  # noqa: PLC0415
    except ImportError as exc:
        raise ConfigurationError(
            "store_url needs a library that is not installed",
            hint="in Blindlink's folder: pip install '.[store]'",
        ) from exc
    return ObjectBlobs(connect(settings), settings.blob_dir, owner, reserve_percent=percent)


def move_blobs(source: BlobStore, target: BlobStore) -> int:
    """Move all blobs, each of which is in the target before it leaves the source; return how many there were.

    Killed anywhere, it can be done again. Nobody else may use either store.
    """
    moved = 0
    for digest in source.digests():
        try:
            target.put(source.get(digest))
        except SealBrokenError as exc:
            raise SealBrokenError(
                f"the blob {digest} is damaged", hint="docs/operator.md#if-something-is-wrong"
            ) from exc
        source.delete(digest)
        moved += 1
    return moved
