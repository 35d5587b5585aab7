"""People of two agencies at their desks, before and after they have signed an agreement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rigs.agreement import AgreementRig
from rigs.agreement_moments import agree, rig_at
from rigs.moments import Moments


@pytest.fixture
def rig(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """Everyone at their desks; nothing is agreed on."""
    with rig_at(tmp_path, moments) as made:
        yield made


@pytest.fixture
def agreed(tmp_path: Path, moments: Moments) -> Iterator[AgreementRig]:
    """All have signed, and both analysts have the agreement."""
    with rig_at(tmp_path, moments, ("agreed", agree)) as made:
        yield made
