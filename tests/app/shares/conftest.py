from __future__ import annotations

import pytest
from rigs.holders import Holders, holders_at
from rigs.linkage import Linkage, embedded_database, linkage, make_linkage

__all__ = ["embedded_database", "linkage", "make_linkage"]


@pytest.fixture
def holders(linkage: Linkage) -> Holders:
    """Both agencies of the rig's project, with the keys of the persons who call."""
    return holders_at(linkage)
