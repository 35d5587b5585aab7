from __future__ import annotations

import pytest
from rigs.agreed_copies import reach
from rigs.linkage import Linkage


@pytest.fixture
def settings(settings):
    """Ranges so small that a run of the tests' files has several."""
    return settings.model_copy(update={"range_rows": 1, "worker_threads": 1})


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few rows: a range begins where a part does."""
    monkeypatch.setattr("schemas.rounds.upload.ROWS_PER_PIECE", 40)


@pytest.fixture
def later_queue() -> None:
    """What `queued` asks for, so that its broker is copied from one where the run waits already."""


@pytest.fixture
def queued(later_queue: None, linkage: Linkage) -> str:
    """A run that waits."""

    def steps() -> str:
        linkage.upload_both(30, 12, 8)
        return linkage.run_id()

    return reach(linkage, steps)
