"""Random ids: made here and nowhere else, since a guessable id would be a way in."""

from __future__ import annotations

import secrets

ID_BYTES = 16


def new_id(prefix: str) -> str:
    """Return a new random id such as `run-` and 32 hex characters; `prefix` is of schemas.documents.ids."""
    return f"{prefix}-{secrets.token_hex(ID_BYTES)}"
