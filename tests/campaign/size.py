"""How often the campaign tries things: chosen in one place for all tests."""

from __future__ import annotations

import os
from typing import Literal, cast

Size = Literal["quick", "full"]
VARIABLE = "BLINDLINK_CAMPAIGN"


def size() -> Size:
    """Return the size that the environment asks for; quick where it says nothing."""
    chosen = os.environ.get(VARIABLE, "quick")
    assert chosen in ("quick", "full"), f"{VARIABLE} is neither quick nor full"
    return cast("Size", chosen)


def times(quick: int, full: int) -> int:
    """Return how often to try something at the size that was chosen."""
    return full if size() == "full" else quick
