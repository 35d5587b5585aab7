"""What the wire says of an error; apart from the errors, since a command that lists itself loads those."""

from __future__ import annotations

from typing import Final

from app.errors import BrokerError
from schemas.documents.problem import TYPE_PREFIX, Problem

_OURS: Final = "The broker failed; its operator can find out why."


def problem_of(error: BrokerError, request_id: str) -> Problem:
    """Return what the wire says of an error; of a fault of our own it says only that there was one."""
    public = _OURS if error.status == BrokerError.status else error.public
    return Problem(
        type=f"{TYPE_PREFIX}{error.code}",
        title=error.title,
        status=error.status,
        detail=public or _sentence(error.detail),
        request=request_id,
        clause=error.clause,
        hint=None if public else error.hint,
    )


def _sentence(detail: str) -> str:
    # Errors of the formats and of the command line are written without capital and full stop.
    return f"{detail[:1].upper()}{detail[1:].removesuffix('.')}."
