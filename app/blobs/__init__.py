"""Sealed bytes under their own digest, in files or in an object store; the database holds the names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.blobs.files import FileBlobs
from app.blobs.store import BlobStore
from app.errors import ConfigurationError

if TYPE_CHECKING:
    from app.settings import Settings

__all__ = ["BlobStore", "FileBlobs", "open_blobs"]


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
            "store_url needs a library that is not installed", hint="pip install 'blindlink[store]'"
        ) from exc
    return ObjectBlobs(connect(settings), settings.state_dir, owner, reserve_percent=percent)
