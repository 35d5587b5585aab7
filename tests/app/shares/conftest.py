from __future__ import annotations

import pytest
from rigs.holders import Holders, holders_at
from rigs.linkage import Linkage


@pytest.fixture
def holders(linkage: Linkage) -> Holders:
    """Both agencies of the rig's project, with the keys of the persons who call."""
    return holders_at(linkage)
