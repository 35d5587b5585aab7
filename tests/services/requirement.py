"""What happens to a test where the machine lacks what it needs."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test with its reason, or fail it where everything has to be there."""
    if os.environ.get("BLINDLINK_REQUIRE_ALL") == "1":
        pytest.fail(f"{reason}, and BLINDLINK_REQUIRE_ALL is set", pytrace=False)
    pytest.skip(reason)
