"""A review as a file for a spreadsheet: one row a pair, with room for a verdict and a reason.

What comes back is taken only if every row still holds the pair that was written: sorting some columns and not
the others is the commonest accident with such files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from encoding.errors import (
    CellError,
    FileKindError,
    FormulaCellError,
    InputError,
    UndecodableError,
)
from encoding.files import put_csv, replacing
from encoding.records import Table, open_table
from encoding.records.csv_table import CsvTable
from encoding.review.errors import DecisionsFileError
from encoding.review.journal import Looked
from encoding.review.sitting import Case, Sitting
from encoding.review.workbook import write_workbook
from schemas.documents.printable import inert, printable
from schemas.rounds.review import REASONS, Reason, Verdict

PAIR: Final = "pair"
VERDICT: Final = "verdict"
REASON: Final = "reason"
OURS_ONLY: Final = "ours only: "
WORKBOOK: Final = ".xlsx"
SUFFIXES: Final = (WORKBOOK, ".csv")
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
# A spreadsheet counts its header as row 1.
_FIRST_ROW: Final = 2
_NOTHING: Final = "correct it and import the file again; nothing was imported"
_OTHER_DATES: Final = ("%m/%d/%Y", "%m/%d/%y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S")

Row = dict[str, str]
Taken = tuple[Looked, Verdict, Reason]


def write_sheet(path: Path, sitting: Sitting) -> int:
    """Write the pairs that are shown and not decided, and return how many; this opens all cards."""
    _refuse_other_kinds(path)
    cases = [case for case in sitting.cases if not sitting.diary.is_sent(case.reference)]
    header = list(_header(sitting.cases))
    rows = [[*_row(sitting, case, header).values()] for case in cases]
    reasons = tuple(dict.fromkeys(reason for some in REASONS.values() for reason in some))
    choices = {len(header) - 2: tuple(REASONS), len(header) - 1: reasons}
    with replacing(path) as file:
        if path.suffix.lower() == WORKBOOK:
            write_workbook(file, [header, *rows], choices)
        else:
            # The mark tells a spreadsheet that the text is UTF-8.
            put_csv(file, [f"{_MARK}{header[0]}", *header[1:]], rows)
        # Before the file is in its place, since anyone who has it sees all of every card; and for no other.
        sitting.open_all()
    return len(rows)


def read_sheet(path: Path, sitting: Sitting) -> tuple[Taken, ...]:
    """Return the decisions in a file that `write_sheet` wrote and a reviewer filled in."""
    _refuse_other_kinds(path)
    header = list(_header(sitting.cases))
    try:
        table = _opened(path)
        there = [name for name in header if name in table.columns]
        # Of these the export writes what its own pairs need: the import knows others, too.
        missing = [name for name in header if name not in there and not name.startswith(OURS_ONLY)]
        rows = [] if missing else [*_rows(table.select(there))]
    except (FormulaCellError, CellError) as exc:
        raise DecisionsFileError(
            f"{path.name}, counting rows below the header: {exc}", hint=_NOTHING
        ) from None
    if missing:
        raise DecisionsFileError(
            f"{path.name} has no column {missing[0]}: it is not a file of this review, or a column was removed",
            hint=_NOTHING,
        )
    by_pair = {_pair(sitting, case): case for case in sitting.cases}
    taken: dict[str, Taken] = {}
    row_of: dict[str, int] = {}
    for number, row in enumerate(rows, start=_FIRST_ROW):
        try:
            found = _taken(sitting, by_pair, row, header)
        except _RowFault as fault:
            raise DecisionsFileError(f"{path.name}, row {number}: {fault}", hint=_NOTHING) from None
        if found is None:
            continue
        reference = found[0].reference
        first = row_of.setdefault(reference, number)
        if first != number:
            raise DecisionsFileError(
                f"{path.name}, row {number}: this pair is in row {first}, too", hint=_NOTHING
            )
        taken[reference] = found
    return tuple(taken.values())


class _RowFault(Exception):
    """What is wrong with a row, without its values."""


def _taken(
    sitting: Sitting, by_pair: Mapping[str, Case], row: Row, header: Sequence[str]
) -> Taken | None:
    case = by_pair.get(row[PAIR])
    if case is None:
        raise _RowFault(_unknown_pair(sitting, row[PAIR]))
    expected = _row(sitting, case, header)
    for name, text in expected.items():
        if name not in (VERDICT, REASON) and not _is_same(row.get(name, ""), text):
            raise _RowFault(
                f"the column {name} does not belong to this pair; were some columns sorted without the"
                " others, or has your file changed since?"
            )
    if not row[VERDICT] and not row[REASON]:
        return None
    verdict, reason = _decision(row)
    before = sitting.looked(case)
    if sitting.diary.is_sent(case.reference) and before.choice is not None:
        if (before.choice.verdict, before.choice.reason) == (verdict, reason):
            return None
        raise _RowFault("a different decision of this pair was already sent")
    return case.looked(), verdict, reason


def _decision(row: Row) -> tuple[Verdict, Reason]:
    for name in (VERDICT, REASON):
        if row[name].startswith(("=", "+", "@")):
            raise _RowFault(f"the column {name} has a formula")
    verdict = next((one for one in REASONS if one == row[VERDICT].lower()), None)
    if verdict is None:
        raise _RowFault(f"the verdict must be one of: {', '.join(REASONS)}")
    reason = next((one for one in REASONS[verdict] if one == row[REASON].lower()), None)
    if reason is None:
        raise _RowFault(f"{verdict} needs one of these reasons: {', '.join(REASONS[verdict])}")
    return verdict, reason


def _unknown_pair(sitting: Sitting, text: str) -> str:
    number, _, _ = text.partition("-")
    if number.isdecimal() and int(number) != sitting.review.round:
        return f"it is of round {int(number)}, and this review is of round {sitting.review.round}"
    return "it is not a pair of this review that can be decided here"


def _header(cases: Sequence[Case]) -> Iterator[str]:
    yield PAIR
    yield "record_id"
    for one in cases[0].card.fields if cases else ():
        yield f"ours: {one.name}"
        yield f"theirs: {one.name}"
    yield from dict.fromkeys(f"{OURS_ONLY}{name}" for case in cases for name, _ in case.only_own())
    yield from (VERDICT, REASON)


def _row(sitting: Sitting, case: Case, header: Sequence[str]) -> Row:
    """Return the cells of a pair; what was decided and not sent stands in it."""
    choice = sitting.looked(case).choice
    cells = {PAIR: _pair(sitting, case), "record_id": case.own.record_id}
    for one in case.card.fields:
        cells[f"ours: {one.name}"] = case.own.values.get(one.name, "")
        cells[f"theirs: {one.name}"] = one.value
    cells |= {f"{OURS_ONLY}{name}": value for name, value in case.only_own()}
    if choice is not None:
        cells |= {VERDICT: choice.verdict, REASON: choice.reason}
    return {name: inert(printable(cells.get(name, ""))).strip() for name in header}


def _pair(sitting: Sitting, case: Case) -> str:
    # With a letter, since a spreadsheet would take some of these for numbers.
    return f"{sitting.review.round}-q{case.reference}"


def _is_same(given: str, written: str) -> bool:
    """Tell whether a cell is as it was written, or as a spreadsheet writes a date or a number that it read."""
    if given == written:
        return True
    if written.isdecimal() and given == written.lstrip("0"):
        return True
    try:
        day = datetime.strptime(written, "%Y-%m-%d")  # noqa: DTZ007 - a day, of no zone
    except ValueError:
        return False
    return any(_day(given, form) == day for form in _OTHER_DATES)


def _day(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - a day, of no zone
    except ValueError:
        return None


def _opened(path: Path) -> Table:
    """Open the file as spreadsheets save it: text in UTF-8 or in the encoding of Windows, any delimiter."""
    if path.suffix.lower() == WORKBOOK:
        return open_table(path)
    fault: InputError | None = None
    for encoding in ("utf-8-sig", "cp1252"):
        for delimiter in (",", ";", "\t"):
            try:
                table = CsvTable(path, encoding=encoding, delimiter=delimiter)
                if VERDICT in table.columns:
                    list(_rows(table))
                    return table
            except UndecodableError as exc:
                fault = exc
    if fault is not None:
        raise fault
    return open_table(path)


def _rows(table: Table) -> Iterator[Row]:
    for chunk in table.chunks():
        for cells in zip(*chunk.columns.values(), strict=True):
            yield dict(zip(chunk.columns, cells, strict=True))


def _refuse_other_kinds(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise FileKindError(
            f"{path.name} has neither the name of a workbook nor of a CSV file",
            hint=f"its name must end in {' or '.join(SUFFIXES)}",
        )
