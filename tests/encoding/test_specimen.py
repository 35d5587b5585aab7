"""Specimens are what `encode` would upload, under other keys."""

from __future__ import annotations

import numpy as np
import pytest

from encoding.linkage import load_shipped
from encoding.records.table import Chunk
from encoding.rows import RowEncoder
from encoding.sample import RecordSampler
from encoding.specimen import clean_sample, encode_cleaned

COLUMNS = {"first_name": "F", "last_name": "L", "birth_date": "B", "sex": "S", "middle_name": "M"}
ROWS = [
    ("1", "Mike", "De La Cruz", "01/02/2010", "M", "A"),
    ("1", "Michael", "De La Cruz", "01/02/2010", "M", "A"),
    ("2", "Ana", "Ortiz-Lopez", "03/04/2011", "F", "Bo"),
    ("3", "Bad", "Date", "99/99/2011", "F", ""),
    ("4", "Lee", "Chen", "05/06/2012", "", ""),
]


@pytest.mark.parametrize("name", ["children", "children-strict"])
def test_a_specimen_holds_the_encodings_that_would_be_uploaded(name: str, secret) -> None:
    profile = load_shipped(name)
    columns = {header: [row[place] for row in ROWS] for place, header in enumerate("IFLBSM")}
    sampler = RecordSampler(10, list(COLUMNS.values()))
    sampler.add(columns["I"], columns)
    specimen = encode_cleaned(
        clean_sample(sampler.sample(), profile, COLUMNS, "MM/DD/YYYY"), profile, secret
    )
    encoder = RowEncoder(
        profile, secret, columns=COLUMNS, available=tuple("IFLBSM"), date_format="MM/DD/YYYY"
    )
    uploaded = encoder.encode(Chunk(1, columns, 1.0))
    assert {e.tobytes() for e in specimen.encodings} == {e.tobytes() for e in uploaded.encodings}
    assert specimen.filters.shape[1] * 8 == profile.clk_bits
    assert specimen.cleaned.is_first.sum() == 3


def test_rows_of_one_record_that_are_cleaned_alike_are_one(secret) -> None:
    profile = load_shipped("children")
    sampler = RecordSampler(10, list(COLUMNS.values()))
    rows = [
        ("1", "Ana", "Ortiz", "01/02/2010", "F", ""),
        ("1", "ANA", "ortiz", "1/2/2010", "f", ""),
    ]
    columns = {header: [row[place] for row in rows] for place, header in enumerate("IFLBSM")}
    sampler.add(columns["I"], columns)
    cleaned = clean_sample(sampler.sample(), profile, COLUMNS, "MM/DD/YYYY")
    assert len(cleaned) == 1


def test_without_a_recipe_the_columns_are_encoded_as_they_are(profile_with, secret) -> None:
    profile = profile_with()
    sampler = RecordSampler(10, ["first", "last", "born"])
    sampler.add(
        ["1", "2"], {"first": ["Ana", "Bo"], "last": ["O", "N"], "born": ["2010-01-01", "x"]}
    )
    names = {name: name for name in ("first", "last", "born")}
    specimen = encode_cleaned(clean_sample(sampler.sample(), profile, names, ""), profile, secret)
    assert len(specimen.cleaned) == 1
    assert specimen.cleaned.columns["first"] == ["Ana"]
    assert np.array_equal(specimen.filters, specimen.encodings)
