"""What a refused call says, as tests compare it."""

from __future__ import annotations

from typing import Any

from schemas.problem import MEDIA_TYPE


def code_of(answer: Any) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
    return str(answer.json()["type"]).rsplit(":", 1)[1]


def refused(answer: Any) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, code_of(answer)


def refusal(answer: Any) -> tuple[int, str, str | None]:
    """Return status, code, and the clause of the agreement."""
    return *refused(answer), answer.json().get("clause")


def but_request(answer: Any) -> dict[str, Any]:
    """Return the body without the number of the request, which no two answers share."""
    return {name: value for name, value in answer.json().items() if name != "request"}
