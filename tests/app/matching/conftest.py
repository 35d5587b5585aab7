"""Every kernel that this machine can run."""

from __future__ import annotations

import pytest

from app.matching import available_kernels


@pytest.fixture(params=available_kernels())
def kernel(request: pytest.FixtureRequest) -> str:
    return request.param
