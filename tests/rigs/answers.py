"""What an answer of the broker's HTTP application says."""

from __future__ import annotations

from typing import Any

from schemas.documents.problem import MEDIA_TYPE


def code_of(answer: Any) -> str:
    """Return the code of a refusal."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def refusal(answer: Any) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return answer.status_code, code_of(answer)
