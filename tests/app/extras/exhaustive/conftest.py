"""Every kernel that there is; one that does not run on this machine is skipped and says so."""

from __future__ import annotations

import pytest
from services.requirement import missing

from app.extras.exhaustive.kernels import available_kernels

# Fastest first, as `exhaustive/c/instruction_sets.c` and `numpy_kernel.py` name them.
KERNELS = ("avx512", "avx2", "portable", "numpy")


@pytest.fixture(scope="session")
def known_kernels() -> tuple[str, ...]:
    return KERNELS


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    found = available_kernels()
    if "portable" not in found and name != "numpy":
        missing("the C kernel of the matching engine is not built")
    if name not in found:
        # No package makes a processor do more, so this is no failure where everything has to be there.
        pytest.skip(f"this machine's processor cannot run the kernel {name}")
    return name
