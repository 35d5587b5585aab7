"""How a column writes dates, told by its cells."""

from __future__ import annotations

from datetime import date

import pytest

from encoding.recipe.date_guess import FORMATS, are_years, guess_dates

TODAY = date(2026, 11, 20)
BIRTHS = [date(2011, 4, 9), date(2012, 12, 31), date(2008, 2, 29), date(2013, 10, 17)]


def written(text: str, day: date) -> str:
    month = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"][
        day.month - 1
    ]
    for token, part in (
        ("YYYY", f"{day.year}"), ("MON", month), ("MM", f"{day.month:02d}"), ("DD", f"{day.day:02d}"),
    ):  # fmt: skip
        text = text.replace(token, part)
    return text


@pytest.mark.parametrize("text", [one.text for one in FORMATS])
def test_each_format_is_told_where_a_day_is_above_twelve(text: str) -> None:
    found = guess_dates([written(text, day) for day in BIRTHS], TODAY)
    assert (found.format, found.other, found.share) == (text, None, 1.0)


def test_single_digits_and_midnights_are_read() -> None:
    assert guess_dates(["3/4/2012", "3/14/2012 0:00"], TODAY).format == "MM/DD/YYYY"
    assert guess_dates(["3/4/2012", "14/3/2012"], TODAY).format == "DD/MM/YYYY"


def test_day_and_month_that_cannot_be_told_are_said_to_be_so() -> None:
    found = guess_dates(["3/4/2012", "11/12/2010", ""], TODAY)
    assert (found.format, found.other) == ("MM/DD/YYYY", "DD/MM/YYYY")
    assert (found.n_read, found.n_filled) == (2, 2)


def test_both_orders_in_one_column_are_read_in_part() -> None:
    found = guess_dates(["13/4/2012", "4/13/2012", "5/13/2012", "6/13/2012"], TODAY)
    assert (found.format, found.share) == ("MM/DD/YYYY", 0.75)


def test_a_column_that_was_filled_in_several_ways_has_a_format_for_each() -> None:
    iso = ["2011-04-09", "2012-12-31", "2008-02-29"]
    found = guess_dates([*iso, "4/13/2012", "4/14/2012", "1.5.2010", "nothing", ""], TODAY)
    assert (found.format, found.other) == ("YYYY-MM-DD or MM/DD/YYYY", None)
    assert (found.n_read, found.n_filled) == (5, 7)
    found = guess_dates([*iso, "4/3/2012", "4/5/2012"], TODAY)
    assert (found.format, found.other, found.share) == (
        "YYYY-MM-DD or MM/DD/YYYY", "YYYY-MM-DD or DD/MM/YYYY", 1.0,
    )  # fmt: skip


@pytest.mark.parametrize("cell", ["3/4/12", "1799-01-01", "2031-01-01", "7", "Ana", ""])
def test_what_is_no_day_of_birth_is_not_read(cell: str) -> None:
    assert guess_dates([cell], TODAY).n_read == 0


def test_years_alone_are_no_dates() -> None:
    assert are_years(["2011", "2012", ""], TODAY)
    assert not are_years(["2011-01-02", "2012"], TODAY)
    assert not are_years(["1234", "9999"], TODAY)
    assert not are_years(["", ""], TODAY)
