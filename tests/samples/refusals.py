"""Meets an error by its class, or by the row of the table that it was made from."""

from __future__ import annotations

from typing import Any

import pytest


def is_one(found: object, *kinds: Any) -> bool:
    """Tell whether an error is of one of these classes, or made from one of these rows."""
    return any(
        isinstance(found, kind)
        if isinstance(kind, type)
        else isinstance(found, getattr(kind, "base", Exception))
        and getattr(found, "code", None) == kind.code
        for kind in kinds
    )


def raises(kinds: Any, match: str | None = None) -> pytest.RaisesExc[Exception]:
    """As `pytest.raises`, of classes and rows."""
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    return pytest.raises(Exception, match=match, check=lambda found: is_one(found, *wanted))
