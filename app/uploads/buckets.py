"""Buckets of handles: records that share the first bytes of theirs, so that nobody tells which one is meant.

Spec pages: `schemas/spec/review.md`, `schemas/spec/container.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from app.uploads.errors import BUCKET_SIZE, UploadRejectedError
from schemas.review import BUCKET_BYTES


class BucketCheck:
    """Takes the table of handles piece by piece, in order, and sees that each label has records enough.

    A file with fewer records than a bucket has needs labels that all differ: it has no review.
    """

    def __init__(self, bucket: int, records: int) -> None:
        """Expect the first piece of a table of so many records."""
        self._least = bucket if records >= bucket else 1
        self._most = records if records >= bucket else 1
        self._last, self._n_last = b"", 0

    def add(self, handles: NDArray[np.uint8]) -> None:
        """Take the next handles, which strictly increase; raises bucket-size."""
        labels, counts = count_labels(handles)
        for label, count in zip(labels, counts, strict=True):
            if label == self._last:
                self._n_last += count
            else:
                self._close()
                self._last, self._n_last = label, count

    def finish(self) -> None:
        """Tell whether the last label has records enough, too; raises bucket-size."""
        self._close()

    def _close(self) -> None:
        if self._n_last and not self._least <= self._n_last <= self._most:
            raise UploadRejectedError(
                BUCKET_SIZE,
                "The buckets of its handles have fewer records than the agreement asks for.",
                clause="review",
            )


def count_all_labels(pieces: Iterable[NDArray[np.uint8]]) -> dict[bytes, int]:
    """Return the labels of a table of handles, which comes in pieces, each with how many handles have it."""
    found: dict[bytes, int] = {}
    for piece in pieces:
        for label, count in zip(*count_labels(piece), strict=True):
            found[label] = found.get(label, 0) + count
    return found


def count_labels(handles: NDArray[np.uint8]) -> tuple[list[bytes], list[int]]:
    """Return the labels of handles in increasing order, each once, and how many handles have each.

    Args:
        handles: uint8 of shape (n, 16), in increasing order.
    """
    columns = np.ascontiguousarray(handles[:, :BUCKET_BYTES]).view(">u4").reshape(-1)
    found, counts = np.unique(columns, return_counts=True)
    return [label.to_bytes(BUCKET_BYTES, "big") for label in found.tolist()], counts.tolist()
