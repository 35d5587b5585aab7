"""A corrupted copy of some rows: the mistakes that another agency would make about the same people.

Rates and kinds are those of the rehearsal data (docs/synthetic-data.md); mistakes come together, one person
in ten carrying most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from random import Random

from encoding.calibrate.groups import Rows
from encoding.encoder.formats import RuleBroken
from encoding.recipe.dates import DateFormat
from encoding.synth.slips import ERROR_LEVELS, ErrorRates, respell, sound_alike, typo

Read = Callable[[str], str]

# Share of the people who are untidy, how much more often they are written down wrongly, and the others.
_UNTIDY_SHARE, _UNTIDY_FACTOR, _TIDY_FACTOR = 0.1, 4.0, 2 / 3
# Without a recipe nothing is known about a column but its cells.
_CELL_TYPO, _CELL_EMPTY, _CELL_OTHER = 0.10, 0.04, 0.02


class Copyist:
    """Copies rows of the recipe's inputs with mistakes."""

    def __init__(
        self, date_format: DateFormat, rng: Random, rates: ErrorRates = ERROR_LEVELS["mid"]
    ) -> None:
        self._format = date_format
        self._rng = rng
        self._rates = rates

    def copy(self, rows: Rows) -> dict[str, list[str]]:
        """Return the rows with mistakes, in the same order."""
        copied = {name: list(cells) for name, cells in rows.items()}
        n_rows = len(next(iter(copied.values()), []))
        for row in range(n_rows):
            factor = _UNTIDY_FACTOR if self._rng.random() < _UNTIDY_SHARE else _TIDY_FACTOR
            self._slip(copied, row, factor)
        return copied

    def _slip(self, rows: dict[str, list[str]], row: int, factor: float) -> None:
        def happens(rate: float) -> bool:
            return self._rng.random() < rate * factor

        def change(name: str, changed: Callable[[Random, str], str]) -> None:
            if rows[name][row]:
                rows[name][row] = changed(self._rng, rows[name][row])

        rates = self._rates
        self._slip_last(rows, row, happens)
        if happens(rates.first_typo):
            change("first_name", typo)
        if happens(rates.first_variant):
            change("first_name", sound_alike)
        if happens(rates.first_nickname):
            change("first_name", lambda _, name: name[: max(3, len(name) // 2)])
        if happens(rates.names_transposed):
            first, last = rows["first_name"], rows["last_name"]
            first[row], last[row] = last[row], first[row]
        if "middle_name" in rows and self._rng.random() < rates.middle_missing:
            rows["middle_name"][row] = ""
        if "sex" in rows and happens(rates.sex):
            rows["sex"][row] = ""
        rows["birth_date"][row] = self._slip_birth(rows["birth_date"][row], happens)

    def _slip_last(
        self, rows: dict[str, list[str]], row: int, happens: Callable[[float], bool]
    ) -> None:
        rates, last = self._rates, rows["last_name"]
        parts = last[row].replace("-", " ").split()
        if happens(rates.last_changed):
            last[row] = self._rng.choice(last)
        elif len(parts) > 1 and happens(rates.double_surname):
            last[row] = self._rng.choice((parts[0], parts[-1], "".join(parts)))
        if last[row] and happens(rates.last_typo):
            last[row] = typo(self._rng, last[row])
        if happens(rates.last_spelling):
            last[row] = respell(self._rng, last[row])

    def _slip_birth(self, cell: str, happens: Callable[[float], bool]) -> str:
        birth, rates = self._format.parse(cell), self._rates
        if birth is None:
            return cell
        if birth.day <= 12 and happens(rates.birth_swapped * 2.5):
            birth = date(birth.year, birth.day, birth.month)
        if happens(rates.birth_digit):
            birth = birth.replace(day=1 + (birth.day + self._rng.choice((0, 1, 9))) % 28)
        if happens(rates.birth_year):
            birth = birth.replace(
                year=birth.year + self._rng.choice((-1, 1)), day=min(birth.day, 28)
            )
        if happens(rates.birth_placeholder):
            birth = date(birth.year, 1, 1)
        return write_date(birth, self._format)


class CellCopyist:
    """Copies rows cell by cell; a mistake that a column's format refuses is not made."""

    def __init__(self, readers: Mapping[str, Read], rng: Random) -> None:
        self._readers = readers
        self._rng = rng

    def copy(self, rows: Rows) -> dict[str, list[str]]:
        """Return the rows with mistakes, in the same order."""
        copied = {name: list(cells) for name, cells in rows.items()}
        n_rows = len(next(iter(copied.values()), []))
        for row in range(n_rows):
            factor = _UNTIDY_FACTOR if self._rng.random() < _UNTIDY_SHARE else _TIDY_FACTOR
            for name, cells in copied.items():
                changed = self._changed(cells[row], rows[name], factor)
                if self._fits(name, changed):
                    cells[row] = changed
        return copied

    def _changed(self, cell: str, column: list[str] | object, factor: float) -> str:
        rng, draw = self._rng, self._rng.random()
        if draw < _CELL_TYPO * factor:
            return _typo(rng, cell)
        if draw < (_CELL_TYPO + _CELL_EMPTY) * factor:
            return ""
        if draw < (_CELL_TYPO + _CELL_EMPTY + _CELL_OTHER) * factor and isinstance(column, list):
            return str(rng.choice(column))
        return cell

    def _fits(self, name: str, cell: str) -> bool:
        try:
            self._readers[name](cell)
        except RuleBroken:
            return False
        return True


def write_date(day: date, date_format: DateFormat) -> str:
    """Return a date as the format writes it, with zeros."""
    return day.strftime(date_format.strptime).upper()


def _typo(rng: Random, cell: str) -> str:
    if not any(character.isdigit() for character in cell):
        return typo(rng, cell) if cell else cell
    at = rng.randrange(len(cell))
    digit = str(rng.randrange(10))
    return rng.choice((cell[:at] + digit + cell[at + 1 :], cell[:at] + cell[at + 1 :]))
