"""Connected components of records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def label_components(
    n: int, left: NDArray[np.uint32], right: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Return for each of n records the smallest record that pairs connect it with.

    Every round hooks each root to the smallest root it is paired with, then shortens all paths to
    their roots; a component that is not done at least halves its number of roots.
    """
    label = np.arange(n, dtype=np.uint32)
    while True:
        a, b = label[left], label[right]
        is_split = a != b
        if not is_split.any():
            return label
        left, right, a, b = left[is_split], right[is_split], a[is_split], b[is_split]
        np.minimum.at(label, np.maximum(a, b), np.minimum(a, b))
        while True:
            shorter = label[label]
            if np.array_equal(shorter, label):
                break
            label = shorter
