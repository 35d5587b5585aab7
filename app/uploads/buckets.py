"""Buckets of handles: records that share the first bytes of theirs, so that nobody tells which one is meant.

Spec pages: `schemas/spec/review.md`, `schemas/spec/container.md`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from app.uploads.errors import BUCKET_SIZE, UploadRejectedError
from schemas.rounds.review import BUCKET_BYTES


class BucketCheck:
    """Takes the table of handles piece by piece, in order, and sees that each label has records enough.

    A file with fewer records than a bucket has needs labels that all differ: it has no review.
    """

    def __init__(self, bucket: int, records: int) -> None:
        """Expect the first piece of a table of so many records."""
        self._least = bucket if records >= bucket else 1
        self._most = records if records >= bucket else 1
        self._last, self._n_last = -1, 0

    def add(self, handles: NDArray[np.uint8]) -> None:
        """Take the next handles, which strictly increase; raises bucket-size."""
        labels, counts = count_labels([handles])
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
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


def labels_of(handles: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the label of each handle, as a number.

    Args:
        handles: uint8 of shape (n, 16).
    """
    columns = np.ascontiguousarray(handles[:, :BUCKET_BYTES]).view(">u4").reshape(-1)
    return columns.astype(np.uint32)


def count_labels(
    pieces: Iterable[NDArray[np.uint8]],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the labels of handles, in increasing order, and how many handles have each.

    Args:
        pieces: the handles, uint8 of shape (n, 16), some at a time.
    """
    counted = [np.unique(labels_of(piece), return_counts=True) for piece in pieces]
    counted.append((np.empty(0, np.uint32), np.empty(0, np.int64)))
    labels, counts = (np.concatenate(some) for some in zip(*counted, strict=True))
    # A label may go on in the next piece.
    found, place = np.unique(labels, return_inverse=True)
    n_each = np.zeros(len(found), dtype=np.int64)
    np.add.at(n_each, place, counts)
    return found, n_each
