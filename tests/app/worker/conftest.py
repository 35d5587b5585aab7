from __future__ import annotations

import pytest
from oracles.linkage_rig import Linkage, embedded_database, linkage, make_linkage

__all__ = ["embedded_database", "linkage", "make_linkage"]


@pytest.fixture
def settings(settings):
    """Blocks so small that a run of the tests' files has several."""
    return settings.model_copy(update={"block_pairs": 100, "worker_threads": 1})


@pytest.fixture
def queued(linkage: Linkage) -> str:
    """A run that waits."""
    linkage.upload_both(30, 12, 8)
    return str(linkage.ask().json()["run"])
