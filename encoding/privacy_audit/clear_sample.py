"""From the agency's file to a file in the clear: a sample of its records, cleaned as they would be encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from encoding.privacy_audit.files import ClearFile
from encoding.progress import Progress, silent
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import Chunk
from encoding.records.agency_file import AgencyFile
from encoding.records.sample import RecordSampler, Sample
from schemas.profile import EncodingProfile

_SEED = "privacy-audit"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReadFile:
    """A sample of a file, in the clear.

    Attributes:
        file: the records of the sample that can be encoded.
        n_records: records of the whole file.
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
    progress: Progress = silent,
) -> ReadFile:
    """Read a file once and clean the rows of some of its records.

    Args:
        source: the agency's file.
        profile: names the recipe.
        columns: names of the recipe to headers of the file.
        date_format: how the file writes dates.
        n_records: how many records are taken at most.
        progress: told how far it is.
    Raises:
        InputError: the file cannot be used.
    """
    table = source.open()
    cleaner = RowCleaner(profile, columns=columns, available=table.columns, date_format=date_format)
    sampler = RecordSampler(n_records, cleaner.headers, _SEED)
    # Hashes, which Python keys anew in each run, so that a file of millions of record IDs fits.
    ids: set[int] = set()
    n_rows = 0
    for chunk in table.select([source.id_column, *cleaner.headers]).chunks():
        record_ids = chunk.columns[source.id_column]
        sampler.add(record_ids, chunk.columns)
        ids.update(map(hash, filter(None, record_ids)))
        n_rows += chunk.n_rows
        progress("reading", chunk.share, n_rows, "rows")
    return ReadFile(clear_sample(sampler.sample(), cleaner), len(ids))


def clear_sample(sample: Sample, cleaner: RowCleaner) -> ClearFile:
    """Return the records of a sample that can be encoded, in the clear."""
    chunk = Chunk(1, sample.columns, 1.0)
    cleaned = cleaner.clean(chunk)
    cleaner.clear()
    record = sample.record[cleaned.rows - 1]
    kept, number = np.unique(record, return_inverse=True)
    columns = without_shared(cleaned.columns, record)
    return ClearFile(columns, number.reshape(-1).astype(np.int64), len(kept))
