"""From the agency's file to a file in the clear: a sample of its records, cleaned as they would be encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import ClearFile
from encoding.progress import Progress, silent
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import Chunk
from encoding.records.agency_file import AgencyFile
from encoding.records.sample import RecordSampler, Sample
from schemas.linkage.profile import EncodingProfile

# Tells of each record ID whether its record is left out, shape (n,).
LeftOut = Callable[[Sequence[str]], NDArray[np.bool_]]

_SEED = "privacy-audit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReadFile:
    """A sample of a file, in the clear.

    Attributes:
        file: the records of the sample that can be encoded.
        n_records: records of the whole file, without those left out.
    """

    file: ClearFile
    n_records: int


def read_clear(
    source: AgencyFile,
    profile: EncodingProfile,
    *,
    columns: Mapping[str, str],
    date_format: str | None,
    n_records: int,
    left_out: LeftOut | None = None,
    progress: Progress = silent,
) -> ReadFile:
    """Read a file once and clean the rows of some of its records.

    Args:
        source: the agency's file.
        profile: names the recipe.
        columns: names of the recipe to headers of the file.
        date_format: how the file writes dates.
        n_records: how many records are taken at most.
        left_out: records that are not encoded, such as those that are withdrawn; None: none.
        progress: told how far it is.
    Raises:
        InputError: the file cannot be used.
    """
    available = source.open().columns
    cleaner = RowCleaner(profile, columns=columns, available=available, date_format=date_format)
    sampler = RecordSampler(n_records, cleaner.headers, _SEED)
    ids: set[int] = set()
    for chunk, record_ids in _chunks(source, cleaner.headers, left_out, progress):
        # A row without a record ID is not taken.
        sampler.add(record_ids, chunk.columns)
        ids.update(map(hash, filter(None, record_ids)))
    return ReadFile(clear_sample(sampler.sample(), cleaner), len(ids))


def count_records(
    source: AgencyFile, left_out: LeftOut | None = None, progress: Progress = silent
) -> int:
    """Return how many records a file has, but for those left out.

    Raises:
        InputError: the file cannot be used.
    """
    ids: set[int] = set()
    for _, record_ids in _chunks(source, (), left_out, progress):
        ids.update(map(hash, filter(None, record_ids)))
    return len(ids)


def _chunks(
    source: AgencyFile, headers: Sequence[str], left_out: LeftOut | None, progress: Progress
) -> Iterator[tuple[Chunk, Sequence[str]]]:
    """Yield the rows of a file with their record IDs, which are empty where the record is left out.

    Callers count hashes of them, which Python keys anew in each run, so that a file of millions fits.
    """
    n_rows = 0
    for chunk in source.open().select([source.id_column, *headers]).chunks():
        record_ids: Sequence[str] = chunk.columns[source.id_column]
        if left_out is not None:
            gone = left_out(record_ids).tolist()
            record_ids = [
                "" if is_gone else one for one, is_gone in zip(record_ids, gone, strict=True)
            ]
        yield chunk, record_ids
        n_rows += chunk.n_rows
        progress("reading", chunk.share, n_rows, "rows")


def clear_sample(sample: Sample, cleaner: RowCleaner) -> ClearFile:
    """Return the records of a sample that can be encoded, in the clear."""
    chunk = Chunk(1, sample.columns, 1.0)
    cleaned = cleaner.clean(chunk)
    cleaner.clear()
    record = sample.record[cleaned.rows - 1]
    kept, number = np.unique(record, return_inverse=True)
    columns = without_shared(cleaned.columns, record)
    return ClearFile(columns, number.reshape(-1).astype(np.int64), len(kept))
