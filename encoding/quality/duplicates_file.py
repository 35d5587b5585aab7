"""The list of probable duplicates: record IDs of the agency's own, a step of probability, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from encoding.files import write_csv
from encoding.quality.duplicates import DuplicatePair
from encoding.records.agency_file import AgencyFile

HEADER: Final = ("record_id", "other_record_id", "probability", "differs")
LIST_START: Final = f"{','.join(HEADER)}\n".encode()


def write_duplicates(path: Path, file: AgencyFile, pairs: Sequence[DuplicatePair]) -> None:
    """Write the pairs in their order, into a file that only its owner may read; no value of a record.

    Raises:
        InputError: the agency's file cannot be read again.
        OutputBlockedError: the list cannot be written.
    """
    id_of = _record_ids(file, {row for pair in pairs for row in (pair.row, pair.other_row)})
    write_csv(
        path,
        HEADER,
        (
            (
                id_of[pair.row],
                id_of[pair.other_row],
                f"at least {pair.step}",
                "; ".join(pair.differs) or "nothing",
            )
            for pair in pairs
        ),
    )


def _record_ids(file: AgencyFile, rows: Iterable[int]) -> dict[int, str]:
    """Return the record IDs of some rows, by their numbers."""
    wanted = sorted(rows, reverse=True)
    found: dict[int, str] = {}
    for chunk in file.open().select([file.id_column]).chunks():
        cells = chunk.columns[file.id_column]
        while wanted and wanted[-1] < chunk.first_row + chunk.n_rows:
            row = wanted.pop()
            found[row] = cells[row - chunk.first_row]
    return found
