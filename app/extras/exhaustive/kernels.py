"""Which kernel compares: chosen by what is built and what the processor can do."""

from __future__ import annotations

import functools
import os

from app.extras.exhaustive.errors import KernelError
from app.extras.exhaustive.kernel import Kernel
from app.extras.exhaustive.numpy_kernel import NumpyKernel

AUTO = "auto"
# For tests and support: forces one kernel where the caller asks for "auto".
KERNEL_VARIABLE = "BLINDLINK_KERNEL"


@functools.cache
def _all_kernels() -> dict[str, Kernel]:
    """Return the kernels that run here by name, fastest first."""
    try:
        from app.extras.exhaustive.c_kernel import supported_kernels  # noqa: PLC0415 - it may not be compiled
    except ImportError:  # not built: there was no compiler at install
        return {"numpy": NumpyKernel()}
    kernels: tuple[Kernel, ...] = (*supported_kernels(), NumpyKernel())
    return {kernel.name: kernel for kernel in kernels}


def available_kernels() -> tuple[str, ...]:
    """Return the names of the kernels that run here, fastest first; "numpy" is always last."""
    return tuple(_all_kernels())


def kernel_name(requested: str = AUTO) -> str:
    """Return the kernel that `requested` means on this machine."""
    return load_kernel(requested).name


def load_kernel(requested: str = AUTO) -> Kernel:
    """Return the requested kernel; errors as `kernel_name`."""
    if requested == AUTO:
        requested = os.environ.get(KERNEL_VARIABLE, AUTO)
    kernels = _all_kernels()
    if requested == AUTO:
        return next(iter(kernels.values()))
    if requested not in kernels:
        raise KernelError(f"this kernel is not available here; choose one of {', '.join(kernels)}")
    return kernels[requested]
