"""What is said about a cell that breaks its format: the rule, never the cell.
Schemas that cannot be encoded with are refused before the first row, in one sentence.
"""

from __future__ import annotations

import base64
import copy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.linkage_schemas import feature, schema
from twins.clkhash_rows import ClkhashRows

from encoding.encoder.formats import spoken_format
from encoding.errors import LinkageSchemaError
from encoding.extras.plain_clks.encoder import Encoder

DATE = {"type": "date", "format": "%m/%d/%Y"}


def rules(cell: str, **changes: Any) -> list[str]:
    encoded = Encoder(schema(feature("a", **changes)), "k").encode({"a": [cell]})
    return [problem.rule for problem in encoded.problems]


EMPTY = "empty, where the linkage schema needs a value"
BROKEN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("x", DATE, "not a date in the format MM/DD/YYYY"),
    ("02/30/2015", DATE, "not a date in the format MM/DD/YYYY"),
    ("", DATE, EMPTY),
    # Platforms write it differently.
    ("0999-01-01", {"type": "date", "format": "%Y-%m-%d"}, "a year before 1000"),
    ("x", {"type": "integer"}, "not a whole number"),
    ("", {"type": "integer"}, EMPTY),
    ("9" * 5000, {"type": "integer"}, "not a whole number"),
    ("4", {"type": "integer", "minimum": 5}, "less than 5"),
    ("6", {"type": "integer", "maximum": 5}, "more than 5"),
    (
        "Z",
        {"type": "enum", "values": ["F"]},
        "not one of the values that the linkage schema allows",
    ),
    ("a", {"type": "string", "minLength": 2}, "shorter than 2 characters"),
    ("ab", {"type": "string", "maxLength": 1}, "longer than 1 character"),
    ("Ab", {"type": "string", "case": "lower"}, "not in lower case"),
    ("é", {"type": "string", "encoding": "ascii"}, "holds a character that ascii does not have"),
    ("\ud800", {"type": "string"}, "holds a character that utf-8 does not have"),
    (
        "a1",
        {"type": "string", "pattern": "[a-z]+"},
        "does not fit the pattern of the linkage schema",
    ),
)


def test_a_broken_rule_is_named() -> None:
    for cell, cell_format, rule in BROKEN:
        assert rules(cell, format=cell_format) == [rule], cell_format
    numeric = {"type": "numeric", "thresholdDistance": 1, "resolution": 1}
    for cell in ("ten", "inf"):
        assert rules(cell, comparison=numeric) == ["not a number"]
    # A replacement that cannot be encoded.
    changes = {
        "format": {"type": "string", "encoding": "ascii"},
        "missingValue": {"sentinel": "", "replaceWith": "é"},
    }
    assert rules("", **changes) == ["holds a character that ascii does not have"]
    assert rules("x", **changes) == []


# The first example pays for the load of clkhash.
@given(st.dates(min_value=date(1000, 1, 1)))
def test_american_dates_without_zeros_are_those_with_zeros(day: date) -> None:
    document = schema(feature("a", format=DATE))
    cells = [f"{day.month}/{day.day}/{day.year}", f"{day.month:02}/{day.day:02}/{day.year}"]
    encoded = Encoder(document, "k").encode({"a": cells})
    theirs = ClkhashRows(document, "k").filters([[cell] for cell in cells])
    assert [row.tobytes() for row in encoded.filters] == theirs
    assert theirs[0] == theirs[1]


@pytest.mark.filterwarnings("ignore:Parsing dates involving a day of month:DeprecationWarning")
@pytest.mark.parametrize("cell", ["02/28", "2/3", " 2/3", "02/29", "", "1900|02/28"])
def test_dates_without_a_year_are_read_as_by_clkhash(cell: str) -> None:
    document = schema(feature("a", format={"type": "date", "format": "%m/%d"}))
    encoded = Encoder(document, "k").encode({"a": [cell]})
    theirs = ClkhashRows(document, "k").filter_or_none([cell])
    assert bool(encoded.problems) == (theirs is None)
    assert encoded.filters[0].tobytes() == (theirs or bytes(128))


@pytest.mark.parametrize(
    ("strptime_format", "spoken"),
    [("%m/%d/%Y", "MM/DD/YYYY"), ("%Y-%m-%d", "YYYY-MM-DD"), ("%d%b%y", "DDMonYY"), ("%H", "%H")],
)
def test_date_formats_are_spoken_as_people_write_them(strptime_format: str, spoken: str) -> None:
    assert spoken_format(strptime_format) == spoken


def test_no_value_is_in_a_problem() -> None:
    cells = ["planted value", "02/30/2015 planted"]
    encoded = Encoder(schema(feature("a", format=DATE)), "k").encode({"a": cells})
    assert "planted" not in repr(encoded.problems)


KEY = "a key of the tests"
GOOD = schema(feature("a"))


def compared(**comparison: Any) -> dict[str, Any]:
    return schema(feature("a", comparison=comparison))


def formatted(**form: Any) -> dict[str, Any]:
    return schema(feature("a", format=form))


NUMERIC = {"type": "numeric", "thresholdDistance": 1, "resolution": 1}
REFUSED: tuple[tuple[Any, str], ...] = (
    ({}, "version"),
    ({"version": 9}, "version"),
    ({"version": 3}, r"not valid at \$"),
    (schema(), "encodes no column"),
    (schema({"identifier": "a", "ignored": True}), "encodes no column"),
    (schema(feature("a"), l=1000), "power of two"),
    (schema(feature("a"), l=0), r"\$\.clkConfig\.l"),
    (schema(feature("a"), l=1 << 20), "longer than"),
    (schema(feature("a"), l=1 << 16, xor_folds=10), "longer than"),
    (schema(feature("a"), xor_folds=-1), "xor_folds"),
    (schema(feature("a"), xor_folds="1"), "xor_folds"),
    (schema(feature("a"), xor_folds=True), "xor_folds"),
    (schema(feature("a"), kdf={"type": "HKDF", "keySize": 65}), "keySize"),
    (schema(feature("a"), kdf={"type": "HKDF", "salt": "A"}), "cannot be used"),
    (schema(*[feature(f"c{n}") for n in range(64)]), "more features than"),
    (compared(type="ngram", n=65), "feature a: n must"),
    (compared(**NUMERIC | {"thresholdDistance": 0.1}), "cannot be used"),
    (compared(**NUMERIC | {"resolution": 10**9}), "feature a: the resolution"),
    (compared(**NUMERIC, fractional_precision=301), "cannot be used|fractional precision"),
    (schema(feature("a", strategy={"bitsPerToken": 1 << 20})), "feature a: more than"),
    (schema(feature("a", hash={"type": "doubleHash", "prevent_singularity": True}), l=1), "1 bit"),
    (formatted(type="date", format="%Q"), "feature a: the date format"),
    (formatted(type="date", format="%d%d"), "feature a: the date format"),
    (formatted(type="string", pattern="("), "feature 1"),
    (formatted(type="string", pattern="(" * 5000 + ")" * 5000), "schema"),
    (formatted(type="string", case="title"), r"\$\.features"),
)


def test_a_schema_that_cannot_be_encoded_with_is_refused() -> None:
    for document, words in REFUSED:
        with pytest.raises(LinkageSchemaError, match=words):
            Encoder(document, KEY)


def test_the_refusal_does_not_quote_the_schema() -> None:
    document = schema(
        feature("a", missingValue={"sentinel": "a planted value", "extra": 1}, oops=1)
    )
    with pytest.raises(LinkageSchemaError) as refusal:
        Encoder(document, KEY)
    assert "planted" not in repr(refusal.value)
    assert refusal.value.__suppress_context__


def test_the_document_is_not_changed_by_being_read() -> None:
    document = copy.deepcopy(GOOD)
    Encoder(document, KEY)
    assert document == GOOD


def test_the_key_derivation_of_the_schema_is_used() -> None:
    salted = schema(feature("a"), kdf={"type": "HKDF", "salt": base64.b64encode(b"s").decode()})
    filters = [Encoder(d, KEY).encode({"a": ["ann"]}).filters.tobytes() for d in (GOOD, salted)]
    assert filters[0] != filters[1]
