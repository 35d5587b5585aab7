"""Finds uploads that were made to ask who is in another file: too many of their records look alike.

Whoever asks about one person by many spellings, or about one name with every birth date, uploads records
that look alike to the broker, too. An ordinary file holds few of them: siblings, twins, people entered
twice. An upload is held against itself alone, never against the one before, so a scheduled upload that
changes by one record is as good as its first.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from app.matching.exhaustive import Dataset, PairCapError, dice_candidates
from app.uploads.errors import LookalikeRecordsError

# Against six million records that is 2.4e10 comparisons, about a minute of one processor; a share of 10 % is
# met to within 1.5 %.
SAMPLE_RECORDS: Final = 4096
# Twins who were each entered twice have three.
MOST_NEIGHBOURS: Final = 3
# A share of a few records is chance.
FEWEST_ALIKE: Final = 20
_MAX_PAIRS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """Of how many records how many have more than `MOST_NEIGHBOURS` others like them in their own file."""

    looked_at: int
    alike: int

    def are_more_than(self, percent: int) -> bool:
        """Tell whether their share lies above a percentage, and is no matter of a few records."""
        return self.alike >= FEWEST_ALIKE and self.alike * 100 > percent * self.looked_at


@dataclass(frozen=True, slots=True, repr=False)
class LookalikeSearch:
    """How to look: which records may pass for the same person, and the key that chooses the sample."""

    threshold: Fraction
    secret: bytes
    n_threads: int = 1
    cancelled: threading.Event | None = None

    def count(self, dataset: Dataset, upload: str) -> Lookalikes:
        """Count lookalikes among a sample of an upload's records, or among all if they are few.

        The same upload and key give the same sample, and whoever uploads cannot foresee it.

        Raises:
            MatchingCancelledError: `cancelled` was set.
        """
        chosen = sample_records(dataset.n_records, self.secret, upload)
        part = dataset.only(chosen)
        try:
            return Lookalikes(len(chosen), self._count_alike(dataset, part))
        finally:
            part.words.fill(0)

    def _count_alike(self, dataset: Dataset, part: Dataset) -> int:
        """Return how many records of `part`, which are some of the dataset's, have too many like them."""
        try:
            # The file on the left, since that is the side whose strips go to the threads.
            pairs = dice_candidates(
                dataset.words,
                part.words,
                self.threshold,
                n_threads=self.n_threads,
                max_pairs=_MAX_PAIRS,
                cancelled=self.cancelled,
            )
        except PairCapError:
            # More than memory should hold: half of the records each, down to one that is like so many.
            records = np.unique(part.record)
            if len(records) == 1:
                return 1
            first, second = np.array_split(records, 2)
            return sum(self._count_alike(dataset, part.only(half)) for half in (first, second))
        mine = part.record[pairs.right].astype(np.uint64)
        other = dataset.record[pairs.left].astype(np.uint64)
        # Two records once, however many of their variants are alike.
        met = np.unique((mine << np.uint64(32) | other)[mine != other])
        _, n_neighbours = np.unique(met >> np.uint64(32), return_counts=True)
        return int(np.count_nonzero(n_neighbours > MOST_NEIGHBOURS))


def refuse_lookalikes(found: Lookalikes, party: str, max_percent: int) -> None:
    """Refuse an upload in which more records look alike than the broker allows.

    Raises:
        LookalikeRecordsError: it is one.
    """
    if found.are_more_than(max_percent):
        raise LookalikeRecordsError(
            f"More than {max_percent} % of the records of {party} look alike."
        )


def sample_records(n_records: int, secret: bytes, upload: str) -> NDArray[np.uint32]:
    """Return the numbers of the records that are looked at, increasing."""
    if n_records <= SAMPLE_RECORDS:
        return np.arange(n_records, dtype=np.uint32)
    info = f"blindlink/v1/lookalikes/{upload}".encode("ascii")
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * n_records))
    drawn = np.frombuffer(stream, dtype="<u8")
    return np.sort(np.argsort(drawn, kind="stable")[:SAMPLE_RECORDS]).astype(np.uint32)
