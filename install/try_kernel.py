"""Try a wheel's C kernel on this machine: each of its instruction sets must find what numpy finds.

cibuildwheel calls it for each wheel that it has built (pyproject.toml, `tool.cibuildwheel`).
"""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Final

import numpy as np

from app.extras.exhaustive import Candidates, dice_candidates
from app.extras.exhaustive.kernels import available_kernels

N_ROWS: Final = 500
N_WORDS: Final = 16
# Of 32 bits; what random encodings share is near a quarter of them, so that the threshold divides them.
THRESHOLD: Final = Fraction(1, 4)


def main() -> None:
    """Compare made-up encodings by every kernel; fail where they differ, or where there is none in C."""
    names = available_kernels()
    if names == ("numpy",):
        sys.exit("the wheel has no C kernel")
    random = np.random.default_rng(1)
    shape = (2, N_ROWS, N_WORDS)
    left, right = random.integers(2**64, size=shape, dtype=np.uint64) & random.integers(
        2**64, size=shape, dtype=np.uint64
    )
    expected = _found(dice_candidates(left, right, THRESHOLD, kernel="numpy"))
    if not 0 < len(expected) < N_ROWS**2:
        sys.exit("the example tells nothing")
    for name in names[:-1]:
        if _found(dice_candidates(left, right, THRESHOLD, kernel=name)) != expected:
            sys.exit(f"{name} finds other pairs than numpy")
    print(f"{', '.join(names[:-1])}: {len(expected)} of {N_ROWS**2} pairs, as numpy finds them")


def _found(candidates: Candidates) -> list[tuple[int, int]]:
    return list(zip(candidates.left.tolist(), candidates.right.tolist(), strict=True))


if __name__ == "__main__":
    main()
