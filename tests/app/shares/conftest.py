from __future__ import annotations

import pytest
from oracles.holders import Holders, make_holders
from oracles.linkage_rig import (
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    embedded_database,
    linkage,
    make_linkage,
)

__all__ = ["embedded_database", "linkage", "make_linkage"]


@pytest.fixture
def holders() -> Holders:
    """Both agencies of the rig's project, with keys of their own."""
    return make_holders(PROJECT, CHILD_WELFARE, SCHOOL)
