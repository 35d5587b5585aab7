"""What pages load beside their HTML: style, scripts and their licences, all from the broker itself."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Final

from fastapi import APIRouter, Response

from app.errors import NotFoundError

router = APIRouter()

# An address holds a digest over all assets, so a browser may keep what it names for good.
CACHING: Final = "public, max-age=31536000, immutable"
# Not the machine's own table: on some a script is plain text, which a browser then does not run.
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_DIGEST_CHARACTERS: Final = 16


@cache
def all_assets() -> dict[str, bytes]:
    """Return every asset's content by name."""
    folder = files("app.web") / "assets"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@cache
def assets_digest() -> str:
    """Return one digest over all assets: a script imports another by a path relative to its own."""
    digest = hashlib.sha256()
    for name, content in sorted(all_assets().items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:_DIGEST_CHARACTERS]


def asset_path(name: str) -> str:
    """Return where pages load an asset from."""
    return f"/assets/{assets_digest()}/{name}"


@router.get("/assets/{digest}/{name}", include_in_schema=False, response_class=Response)
def send_asset(digest: str, name: str) -> Response:
    """Give an asset; under another digest than the present one there is nothing."""
    content = all_assets().get(name)
    if content is None or digest != assets_digest():
        raise NotFoundError("There is nothing here.")
    media_type = MEDIA_TYPES[PurePath(name).suffix]
    return Response(content, media_type=media_type, headers={"cache-control": CACHING})
