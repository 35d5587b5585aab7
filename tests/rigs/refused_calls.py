"""What a refused call says, as tests compare it; and that one of several calls is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from schemas.documents.problem import MEDIA_TYPE


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


@contextmanager
def refuses(error: type[Exception], case: object, match: str | None = None) -> Iterator[None]:
    """As `pytest.raises`, but say which of several cases was not refused, or otherwise."""
    try:
        with pytest.raises(error, match=match):
            yield
    except (AssertionError, pytest.fail.Exception) as exc:
        raise AssertionError(f"{case!r}: {exc}") from exc
