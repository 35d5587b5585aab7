"""Dates of birth: only in the declared format, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises

from encoding.errors import DateFormatError
from encoding.recipe.cells import read_birth
from encoding.recipe.dates import read_date_format
from encoding.recipe.tables import load_tables

TABLES = load_tables()


def test_date_is_read_in_its_format_and_no_other() -> None:
    for text_format, raw in (
        *(
            ("MM/DD/YYYY", "04/09/2011"),
            ("MM/DD/YYYY", "4/9/2011"),
            ("MM/DD/YYYY", "4/9/2011 0:00"),
        ),
        *(("MM/DD/YYYY", "4/9/2011 12:00:00 AM"), ("MM/DD/YYYY", "4/9/2011 12:00\u202fam")),
        *(("DD/MM/YYYY", "9/4/2011"), ("YYYY-MM-DD", "2011-04-09")),
        *(("YYYY-MM-DD", "2011-04-09T00:00:00.000"), ("YYYYMMDD", "20110409")),
        *(("DDMONYYYY", "09APR2011"), ("DD-MON-YYYY", "9-apr-2011"), ("DD.MM.YYYY", "09.04.2011")),
    ):
        assert read_date_format(text_format).parse(raw) == date(2011, 4, 9), raw
    for raw in (
        *("2011-04-09", "13/01/2011", "2/29/2011", "4/9/11", "4/9/20111", "4-9-2011"),
        *("4/9/2011 7:30", "4/9/2011 12:00:00 PM", "4/9/2011 12:00:00", "4/9/2011 1:00:00 AM"),
        "٤/٩/2011",
    ):
        assert read_date_format("MM/DD/YYYY").parse(raw) is None, raw
    several = read_date_format("MM/DD/YYYY or YYYY-MM-DD or DD-MON-YYYY")
    for raw in ("4/9/2011", "2011-04-09", "09-APR-2011"):
        assert several.parse(raw) == date(2011, 4, 9), raw
    assert (several.parse("9.4.2011"), several.strptime) == (None, "%m/%d/%Y")
    for text_format in (*("MM/DD/YYYY or DD/MM/YYYY", "YYYYMMDD or DDMMYYYY", "MM/DD/YYYY or "),):
        with raises(DateFormatError):
            read_date_format(text_format)
    for text_format in (*("", "MM/DD", "MM/DD/YY", "MM/DD/YYYY HH", "MM/MM/YYYY", "YYYYYY-MM-DD"),):
        with raises(DateFormatError):
            read_date_format(text_format)


@given(
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from(["MM/DD/YYYY", "YYYY-MM-DD", "DDMONYYYY", "YYYYMMDD"]),
)
def test_every_date_reads_as_strptime_reads_it(day: date, text_format: str) -> None:
    form = read_date_format(text_format)
    written = day.strftime(form.strptime)
    by_strptime = datetime.strptime(written, form.strptime).replace(tzinfo=UTC).date()
    assert form.parse(written) == by_strptime == day


def test_placeholder_date_counts_as_missing_and_a_year_outside_the_range_is_a_fault() -> None:
    form = read_date_format("MM/DD/YYYY")
    for raw in ("", "00/00/0000", "99/99/9999", "01/01/1900", "UNKNOWN", "9/9/9999"):
        cell = read_birth(raw, form, (1995, 2060), TABLES)
        assert (cell.birth, cell.fault) == ("", ""), raw
    cell = read_birth("1/1/1985", form, (1995, 2060), TABLES)
    assert cell.fault == "a year of birth outside 1995 to 2060"
