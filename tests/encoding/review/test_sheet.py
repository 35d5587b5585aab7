"""A review in a spreadsheet: what is written, what is taken back, and what is refused in a sentence."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from samples.refusals import raises
from samples.sittings import NOW, PEOPLE, sitting

from encoding.errors import FileKindError, InputError
from encoding.review.errors import DecisionsFileError
from encoding.review.sheet import read_sheet, write_sheet

Rows = list[list[str]]
DANGEROUS = (
    ("=HYPERLINK(1)", "+1+cmd", "2010-02-03", "@x"),
    ("-2+3", "\x1b[2J\nline", "04/09/2011", "F"),
)


class Sheet:
    """A file that was exported, and is changed before it comes back."""

    def __init__(self, folder: Path, suffix: str, people=PEOPLE) -> None:
        self.folder, self.path, self.people = folder, folder / f"decisions{suffix}", people
        self.written = write_sheet(self.path, sitting(folder, people))

    def rows(self) -> Rows:
        if self.path.suffix == ".csv":
            return list(csv.reader(io.StringIO(self.path.read_text("utf-8-sig"))))
        cells = load_workbook(self.path).active.iter_rows(values_only=True)
        return [[cell or "" for cell in row] for row in cells]

    def save(self, rows: Rows, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        if self.path.suffix == ".csv":
            with self.path.open("w", encoding=encoding, newline="") as file:
                csv.writer(file, delimiter=delimiter).writerows(rows)
            return
        workbook = Workbook()
        for row in rows:
            workbook.active.append([cell or None for cell in row])
        workbook.save(self.path)

    def fill(self, *decisions: tuple[str, str]) -> Rows:
        """Return the rows with verdicts and reasons in the first ones."""
        rows = self.rows()
        for row, decision in zip(rows[1:], decisions, strict=False):
            row[-2:] = decision
        return rows

    def read(self) -> list[tuple[int, str, str]]:
        found = read_sheet(self.path, sitting(self.folder, self.people))
        return [(int(one.reference[:2], 16), verdict, reason) for one, verdict, reason in found]


@pytest.fixture(params=[".csv", ".xlsx"])
def sheet(request: pytest.FixtureRequest, tmp_path: Path) -> Sheet:
    return Sheet(tmp_path, request.param)


def test_each_pair_has_a_row_with_both_records_and_room_for_a_decision(sheet: Sheet) -> None:
    header, first, *rest = sheet.rows()
    assert header == [
        "pair", "record_id", "ours: first_name", "theirs: first_name", "ours: last_name",
        "theirs: last_name", "ours: birth_date", "theirs: birth_date", "ours: sex", "theirs: sex",
        "ours only: zip", "verdict", "reason",
    ]  # fmt: skip
    assert first == [
        f"3-q{'0' * 32}", "w0", "Christine", "Christina", "Ortiz", "Ortiz",
        "2011-04-09", "2011-09-04", "F", "F", "00234", "", "",
    ]  # fmt: skip
    assert (sheet.written, len(rest)) == (4, 3)


def test_what_is_filled_in_is_taken_and_the_rest_stays_open(sheet: Sheet) -> None:
    rows = sheet.fill(("accept", "same-person"), ("", ""), (" Reject ", "OTHER-PERSON"))
    # In whatever order the rows are.
    sheet.save([rows[0], *rows[:0:-1]])
    assert sorted(sheet.read()) == [(0, "accept", "same-person"), (2, "reject", "other-person")]


def test_what_is_decided_already_stands_in_the_file_and_is_not_sent_again(sheet: Sheet) -> None:
    found = sitting(sheet.folder)
    found.decide(found.cases[1], "unsure", "wrong-data", NOW)
    write_sheet(sheet.path, found)
    assert sheet.read() == [(1, "unsure", "wrong-data")]


def test_no_cell_can_be_a_formula(tmp_path: Path, sheet: Sheet) -> None:
    dangerous = Sheet(tmp_path, sheet.path.suffix, [DANGEROUS])
    cells = dangerous.rows()[1]
    assert [cell for cell in cells if cell.startswith(("=", "@", "\t"))] == []
    assert "'=HYPERLINK(1)" in cells
    assert "\\x1b[2J\\nline" in cells
    dangerous.save(dangerous.fill(("accept", "same-person")))
    assert dangerous.read() == [(0, "accept", "same-person")]


def swapped(rows: Rows) -> None:
    """Sort the columns of one side, and not the other."""
    for column in (3, 5, 7, 9):
        rows[1][column], rows[2][column] = rows[2][column], rows[1][column]


def put(row: int, column: int, text: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[row][column] = text

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swapped, r"row 2: the column theirs: first_name does not belong to this pair"),
        (put(2, 1, "w9"), r"row 3: the column record_id does not belong to this pair"),
        (put(1, 0, f"2-q{'0' * 32}"), r"row 2: it is of round 2, and this review is of round 3"),
        (put(1, 0, f"3-q{'f' * 32}"), r"row 2: it is not a pair of this review"),
        (put(1, 0, ""), r"row 2: it is not a pair"),
        (put(1, 0, f"3-q{'01' * 16}"), r"row 2: the column record_id"),
        (put(3, -2, "maybe"), r"row 4: the verdict must be one of: accept, reject, unsure"),
        (put(3, -1, "twins-or-siblings"), r"row 4: the verdict must be one of"),
        (
            put(1, -1, ""),
            r"row 2: accept needs one of these reasons: same-person, same-by-document",
        ),
        (put(1, -1, "other-person"), r"row 2: accept needs one of these reasons"),
        (put(0, -2, "decision"), r"has no column verdict"),
        (put(0, 3, "theirs"), r"has no column theirs: first_name"),
        (lambda rows: rows.append(rows[1]), r"row 6: this pair is in row 2, too"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_row_and_nothing_is_taken(
    sheet: Sheet, change: Callable[[Rows], None], said: str
) -> None:
    rows = sheet.fill(("accept", "same-person"), ("reject", "wrong-data"))
    change(rows)
    sheet.save(rows)
    with raises(DecisionsFileError, match=said) as caught:
        sheet.read()
    assert caught.value.exit_code == 3  # type: ignore[attr-defined]
    assert "Ortiz" not in str(caught.value)
    assert sitting(sheet.folder).diary.unsent() == ()


def test_a_formula_is_refused(tmp_path: Path) -> None:
    text = Sheet(tmp_path, ".csv")
    text.save(text.fill(("=IF(1,accept)", "same-person")))
    with raises(DecisionsFileError, match="row 2: the column verdict has a formula"):
        text.read()
    book = Sheet(tmp_path, ".xlsx")
    book.save(book.fill(("=IF(1,accept)", "same-person")))
    with raises(DecisionsFileError, match="counting rows below the header: row 1, column verdict"):
        book.read()


def test_a_file_as_spreadsheets_save_it_is_read(tmp_path: Path) -> None:
    sheet = Sheet(tmp_path, ".csv")
    rows = sheet.fill(("accept", "same-person"), ("reject", "other-person"))
    for row in rows[1:]:
        # A spreadsheet takes these for a date and a number.
        for column in (6, 7):
            year, month, day = (*row[column].split("-"), "", "")[:3]
            row[column] = f"{int(month)}/{int(day)}/{year}" if row[column] else ""
        row[10] = row[10].lstrip("0")
    for encoding, delimiter in (("utf-8-sig", ","), ("cp1252", ";"), ("utf-8", "\t")):
        sheet.save(rows, encoding=encoding, delimiter=delimiter)
        assert len(sheet.read()) == 2


def test_another_date_or_number_is_not_taken_for_the_same(tmp_path: Path) -> None:
    for column, text in ((6, "4/10/2011"), (10, "235"), (6, "9/4/2011")):
        sheet = Sheet(tmp_path, ".csv")
        rows = sheet.fill(("accept", "same-person"))
        rows[1][column] = text
        sheet.save(rows)
        with raises(DecisionsFileError):
            sheet.read()


def test_a_decision_that_was_sent_stands_and_is_no_fault_if_it_is_the_same(sheet: Sheet) -> None:
    found = sitting(sheet.folder)
    found.decide(found.cases[0], "accept", "same-person", NOW)
    rows = sheet.fill(("accept", "same-person"), ("reject", "other-person"))
    found = sitting(sheet.folder)
    sent = found.diary.journal.looked[0]
    choice = sent.choice and sent.choice.model_copy(update={"batch": 1})
    journal = found.diary.journal.model_copy(
        update={"looked": (sent.model_copy(update={"choice": choice}),), "sent": 1}
    )
    found.diary._keep(journal)
    sheet.save(rows)
    assert sheet.read() == [(1, "reject", "other-person")]
    rows[1][-2:] = ["reject", "other-person"]
    sheet.save(rows)
    with raises(
        DecisionsFileError, match="row 2: a different decision of this pair was already sent"
    ):
        sheet.read()


def test_a_column_that_only_a_pair_outside_the_file_needs_is_not_missed(sheet: Sheet) -> None:
    """The import knows pairs, too, that the export did not show: those that the person was unsure of."""
    found = sitting(sheet.folder)
    last = found.cases[-1]
    own = replace(last.own, values={**last.own.values, "suffix": "Jr"})
    all_cases = replace(found, cases=(*found.cases[:-1], replace(last, own=own)))
    write_sheet(sheet.path, replace(found, cases=found.cases[:-1]))
    sheet.save(sheet.fill(("accept", "same-person")))
    assert [one[1:] for one in read_sheet(sheet.path, all_cases)] == [("accept", "same-person")]
    write_sheet(sheet.path, found)
    with raises(
        DecisionsFileError, match="row 5: the column ours only: suffix .* has your file changed"
    ):
        read_sheet(sheet.path, all_cases)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with raises(FileKindError, match="neither the name of a workbook nor of a CSV file"):
        write_sheet(tmp_path / "decisions.ods", sitting(tmp_path))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError):
        read_sheet(tmp_path / "empty.csv", sitting(tmp_path))


def test_a_workbook_offers_verdicts_and_reasons_in_columns_as_wide_as_what_stands_in_them(
    tmp_path: Path,
) -> None:
    active = load_workbook(Sheet(tmp_path, ".xlsx").path).active
    offered = {str(one.sqref): one.formula1 for one in active.data_validations.dataValidation}
    assert offered["L2:L5"] == '"accept,reject,unsure"'
    assert "twins-or-siblings" in offered["M2:M5"]
    assert active.freeze_panes == "A2"
    for column in active.columns:
        longest = max(len(cell.value or "") for cell in column)
        width = active.column_dimensions[column[0].column_letter].width
        assert width >= min(longest, 40)
