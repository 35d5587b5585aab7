"""Shows what encoding makes of one record: on a terminal, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import numpy as np

from encoding.blocks.explanation import explain, explanation_lines
from encoding.errors import UnknownRecordError
from encoding.project.session import Session
from encoding.project.uploading.file_audit import withdrawn_of
from encoding.project.uploading.subject import Subject
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import SharedNumbers, hashes
from encoding.records import Chunk, Table
from schemas.documents.printable import printable

if TYPE_CHECKING:
    from encoding.progress import Progress


def show_explanation(session: Session, subject: Subject, asked: str, *, by_id: bool) -> None:
    """Show which derived columns, fields, blocking keys and rows one record of the file has."""
    # No option overrides this: what is shown is a person, and a redirected output is a file or a log of it.
    if not is_terminal():
        raise click.UsageError("what --explain shows goes to a terminal only, not to a file or log")
    table = subject.file.open()
    cleaner = RowCleaner(
        subject.profile,
        columns=subject.columns,
        available=table.columns,
        date_format=subject.date_format,
    )
    id_column = subject.file.id_column
    columns: dict[str, list[str]] = {name: [] for name in subject.profile.columns}
    lines: list[str] = []
    with session.progress() as progress:
        record_id = asked if by_id else _record_of(table.select([id_column]), asked, progress)
        for row in _rows_of(table.select([id_column, *cleaner.headers]), record_id, progress):
            cleaned = cleaner.clean(row)
            lines.append(f"row {row.first_row}" + "".join(f": {one}" for one in cleaned.problems))
            for name in columns:
                columns[name] += cleaned.columns[name]
        if not lines:
            raise UnknownRecordError("the file has no record of this number")
        if any(columns.get(NUMBER_COLUMN, ())):
            held = columns[NUMBER_COLUMN]
            shared = _shared(session, table, cleaner, id_column, progress)
            columns[NUMBER_COLUMN] = shared.blanked(held)
            if columns[NUMBER_COLUMN] != held:
                lines.append("another record of the file holds its known number: it is left out")
    if columns[subject.profile.columns[0]]:
        lines += explanation_lines(explain(subject.profile, columns))
    click.echo("\n".join(map(printable, lines)))


def is_terminal() -> bool:
    """Tell whether standard output is a terminal."""
    return sys.stdout.isatty()


def _record_of(record_ids: Table, asked: str, progress: Progress) -> str:
    """Return the record ID of a row."""
    if not asked.isdecimal():
        raise click.UsageError("a row is a number from 1; for a record ID add: --id")
    (id_column,) = record_ids.columns
    for chunk in record_ids.chunks():
        progress("looking for the row", chunk.share, chunk.first_row, "rows")
        told = chunk.told or range(chunk.first_row, chunk.first_row + chunk.n_rows)
        if int(asked) in told:
            record_id = chunk.columns[id_column][told.index(int(asked))]
            if not record_id:
                raise UnknownRecordError(f"row {asked} has no record ID, and is not encoded")
            return record_id
    raise UnknownRecordError(f"the file has no row {asked}")


def _shared(
    session: Session, table: Table, cleaner: RowCleaner, id_column: str, progress: Progress
) -> SharedNumbers:
    """Return the known numbers that several records hold, which are encoded for none of them."""
    left_out = withdrawn_of(session)
    records, numbers = [], []
    for chunk in table.select([id_column, *filter(None, [cleaner.number_header])]).chunks():
        progress("reading known numbers", chunk.share, chunk.first_row, "rows")
        ids = chunk.columns[id_column]
        kept = np.array([one != "" for one in ids])
        if left_out is not None:
            kept &= ~left_out(ids)
        records.append(hashes(ids)[kept])
        numbers.append(hashes(cleaner.numbers(chunk))[kept])
    return SharedNumbers.among(np.concatenate(numbers), np.concatenate(records))


def _rows_of(table: Table, record_id: str, progress: Progress) -> Iterator[Chunk]:
    """Yield each row of a record, as a chunk of one row."""
    id_column = table.columns[0]
    for chunk in table.chunks():
        progress("reading", chunk.share, chunk.first_row, "rows")
        for at, cell in enumerate(chunk.columns[id_column]):
            if cell == record_id and record_id:
                columns = {name: [cells[at]] for name, cells in chunk.columns.items()}
                yield Chunk(chunk.row_told(chunk.first_row + at), columns, chunk.share)
