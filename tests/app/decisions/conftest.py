from __future__ import annotations

import pytest
from rigs.agreed_copies import reach
from rigs.linkage import Linkage


@pytest.fixture
def later_record() -> None:
    """What `run` asks for, so that its broker is copied from one that has made the record already."""


@pytest.fixture
def run(later_record: None, linkage: Linkage) -> str:
    """A run with its match record: twelve links, and eight pairs that are sent to review."""

    def steps() -> str:
        linkage.upload_both(30, 12, 8)
        linkage.work()
        return linkage.run_id()

    return reach(linkage, steps)
