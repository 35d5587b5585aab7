"""What a page's address may say."""

from __future__ import annotations

from typing import Any

from fastapi import Query


def or_empty(pattern: str, length: int) -> Any:
    """Return a parameter of this pattern: a form sends a field that nobody filled in as an empty one."""
    return Query(pattern=f"^$|{pattern}", max_length=length)
