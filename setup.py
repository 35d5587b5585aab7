"""Builds the C kernel of the matching engine where there is a compiler; all else is in pyproject.toml.

The extension is optional: without it the numpy kernel compares, and finds the same pairs.
"""

from __future__ import annotations

import sys

from setuptools import Extension, setup

# The limited API, so that one wheel serves every Python from 3.11 on.
LIMITED_API = "0x030B0000"

KERNEL = Extension(
    "app.extras.exhaustive._kernel",
    sources=[
        f"app/extras/exhaustive/c/{name}.c"
        for name in ("module", "instruction_sets", "scan_avx512", "scan_avx2", "scan_portable")
    ],
    depends=["app/extras/exhaustive/c/scan.h", "app/extras/exhaustive/c/scan_loop.h"],
    define_macros=[("Py_LIMITED_API", LIMITED_API)],
    extra_compile_args=[] if sys.platform == "win32" else ["-O2", "-std=c11"],
    py_limited_api=True,
    optional=True,
)

setup(ext_modules=[KERNEL], options={"bdist_wheel": {"py_limited_api": "cp311"}})
