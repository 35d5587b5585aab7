from __future__ import annotations

from typing import Any

import pytest
from rigs.linkage import (
    Linkage,
    MakeLinkage,
)


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.model_copy(update={"worker_threads": 1})


@pytest.fixture
def ordinary_weeks() -> None:
    """What `weekly` asks for, so that its broker is copied from one where the agreement is signed already."""


@pytest.fixture
def weekly(ordinary_weeks: None, make_linkage: MakeLinkage) -> Linkage:
    """A linkage every week, due by Sunday at 22:00 UTC; it is Tuesday, 1 September 2026."""
    return make_linkage(frequency="weekly", due="sunday 22:00", round_days=3)
