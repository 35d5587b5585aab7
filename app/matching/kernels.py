"""Which kernel compares: chosen by what is built and what the processor can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeAlias

from app.matching import numpy_kernel
from app.matching.comparison import Comparison
from app.matching.errors import KernelError
from app.matching.numpy_kernel import Found

AUTO = "auto"
# For tests and support: forces one kernel where the caller asks for "auto".
KERNEL_VARIABLE = "BLINDLINK_KERNEL"

FindPairs: TypeAlias = Callable[[Comparison, int, int], Iterator[Found]]


def available_kernels() -> tuple[str, ...]:
    """Return the names of the kernels that run here, fastest first; "numpy" is always last."""
    return ("numpy",)


def kernel_name(requested: str = AUTO) -> str:
    """Return the kernel that `requested` means on this machine.

    Raises:
        KernelError: it is unknown, was not built, or needs another processor.
    """
    if requested == AUTO:
        requested = os.environ.get(KERNEL_VARIABLE, AUTO)
    names = available_kernels()
    if requested == AUTO:
        return names[0]
    if requested not in names:
        raise KernelError(f"this kernel is not available here; choose one of {', '.join(names)}")
    return requested


def load_kernel(requested: str = AUTO) -> FindPairs:
    """Return the function that finds pairs with the requested kernel."""
    kernel_name(requested)
    return numpy_kernel.find_pairs
