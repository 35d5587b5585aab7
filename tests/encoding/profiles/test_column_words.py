"""Which columns of a file are what, by their headers alone."""

from __future__ import annotations

import pytest

from encoding.profiles.catalog import load_preset, preset_names
from encoding.profiles.column_words import columns_by_header, record_id_columns

ODD = {
    "Kid's Given": "first_name",
    "FNAME": "first_name",
    "StudentLegalFirstName": "first_name",
    "Fam. Name": "last_name",
    "last_nm": "last_name",
    "apellido": "last_name",
    "Client Surname (legal)": "last_name",
    "M.I.": "middle_name",
    "Born On": "birth_date",
    "Date of Birth": "birth_date",
    "student_dob": "birth_date",
    "DOB (mm/dd)": "birth_date",
    "M/F": "sex",
    "Gender Code": "sex",
    "Home ZIP": "zip",
    "zip5": "zip",
    "PostalCode": "zip",
    "Maiden Name": "alias_last",
    "AKA First": "alias_first",
    "SASID": "student_id",
    "Soc. Sec. No.": "ssn",
    "Case No": "case_number",
    "Guardian First Name": None,
    "Place of birth": None,
    "Birth Year": None,
    "First Day": None,
    "Last Updated": None,
    "School ZIP": None,
    "Grade": None,
}


def test_an_odd_header_is_one_input_or_none() -> None:
    for header, name in ODD.items():
        assert set(columns_by_header([header])) == ({name} if name else set()), header


@pytest.mark.parametrize("preset", preset_names())
def test_the_columns_of_a_known_layout_are_all_told(preset: str) -> None:
    layout = load_preset(preset)
    found = columns_by_header([*layout.columns.values(), "grade", "district"])
    assert {name: columns[0] for name, columns in found.items()} == dict(layout.columns)
    assert (
        record_id_columns(list(layout.columns.values()))[:1] in (((layout.id_column, True),), ())
        or layout.id_column not in layout.columns.values()
    )


def test_the_surer_of_two_columns_comes_first() -> None:
    header = ["preferred first name", "first legal name", "first_name"]
    assert columns_by_header(header)["first_name"] == ("first_name", "first legal name")


@pytest.mark.parametrize(
    ("header", "is_sure"),
    [
        ("ID", True),
        ("rec_id", True),
        ("Kid #", True),
        ("Pupil No.", True),
        ("personID", True),
        ("StudentUSI", True),
        ("household id", False),
    ],
)
def test_a_record_id_is_known_by_its_name(header: str, is_sure: bool) -> None:
    assert record_id_columns(["first", header, "phone"]) == ((header, is_sure),)


def test_somebody_elses_number_is_no_record_id() -> None:
    assert record_id_columns(["school_id", "worker ID", "first", "county id"]) == ()
