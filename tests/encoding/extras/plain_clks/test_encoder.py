"""The encoder against clkhash, which it must equal bit for bit."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clkhash.schema import SchemaError
from hypothesis import given, settings
from samples.linkage_schemas import feature, older_schemas_with_rows, schema, schemas_with_rows
from samples.refusals import raises
from twins.clkhash_rows import ClkhashRows

from encoding.errors import ColumnLengthError, LinkageSchemaError, MissingColumnError
from encoding.extras.plain_clks import encoder as encoder_module
from encoding.extras.plain_clks import memory as memory_module
from encoding.extras.plain_clks.encoder import Encoder

FEBRL = Path(__file__).parents[3] / "data"
KEY = "a key of the tests"


def columns_of(document: dict[str, Any], rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    names = [f["identifier"] for f in document["features"]]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def assert_equal_to_clkhash(document: dict[str, Any], rows: list[list[str]]) -> None:
    try:
        encoder = Encoder(document, KEY)
    except LinkageSchemaError:
        with pytest.raises(SchemaError):
            ClkhashRows(document, KEY)
        return
    encoded = encoder.encode(columns_of(document, rows))
    oracle = ClkhashRows(document, KEY)
    refused = {problem.row for problem in encoded.problems}
    for number, (row, ours) in enumerate(zip(rows, encoded.filters, strict=True), start=1):
        theirs = oracle.filter_or_none(row)
        assert (theirs is None) == (number in refused)
        assert ours.tobytes() == (theirs or bytes(len(ours)))


FEBRL_SCHEMA = schema(
    {"identifier": "rec_id", "ignored": True},
    feature("given_name"),
    feature("surname"),
    feature("street_number", comparison={"type": "exact"}),
    feature("address_1", comparison={"type": "ngram", "n": 3}),
    feature("address_2", strategy={"bitsPerToken": 7}),
    feature("suburb", comparison={"type": "ngram", "n": 2, "positional": True}),
    feature("postcode", comparison={"type": "ngram", "n": 1, "positional": True}),
    feature("state", hash={"type": "doubleHash"}),
    feature(
        "date_of_birth",
        format={"type": "date", "format": "%Y%m%d"},
        comparison={"type": "ngram", "n": 1, "positional": True},
        missingValue={"sentinel": ""},
    ),
    feature("soc_sec_id", comparison={"type": "numeric", "thresholdDistance": 9, "resolution": 4}),
)


@pytest.mark.parametrize("name", ["febrl4a.csv", "febrl4b.csv"])
def test_febrl4_is_encoded_as_by_clkhash(name: str) -> None:
    with (FEBRL / name).open(encoding="utf-8", newline="") as stream:
        rows = [[cell.strip() for cell in row] for row in csv.reader(stream)][1:]
    assert_equal_to_clkhash(FEBRL_SCHEMA, rows)


@settings(max_examples=100)
@given(schemas_with_rows())
def test_rows_of_any_schema_are_encoded_and_refused_as_by_clkhash(
    case: tuple[dict[str, Any], list[list[str]]],
) -> None:
    assert_equal_to_clkhash(*case)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@settings(max_examples=3_000)
@given(schemas_with_rows() | older_schemas_with_rows())
def test_rows_of_very_many_schemas_are_encoded_and_refused_as_by_clkhash(
    case: tuple[dict[str, Any], list[list[str]]],
) -> None:
    assert_equal_to_clkhash(*case)


@pytest.mark.long
@settings(max_examples=150)
@given(older_schemas_with_rows())
def test_rows_of_older_schemas_are_encoded_as_by_clkhash(
    case: tuple[dict[str, Any], list[list[str]]],
) -> None:
    assert_equal_to_clkhash(*case)


def test_values_longer_than_any_name_are_encoded_as_by_clkhash() -> None:
    document = schema(
        feature("a"), feature("b", comparison={"type": "ngram", "n": 1, "positional": True})
    )
    lengths = [0, 1, 63, 64, 65, 255, 256, 300, 2_000]
    assert_equal_to_clkhash(document, [["ab c" * n, "xyz" * n] for n in lengths])


def test_many_tokens_with_few_bits_leave_some_without_any() -> None:
    document = schema(feature("a", strategy={"bitsPerFeature": 3}))
    assert_equal_to_clkhash(document, [["abcdefgh"], ["a"], [""]])


def test_one_column_may_stand_in_two_features() -> None:
    document = schema(feature("name"), feature("name", comparison={"type": "exact"}))
    encoder = Encoder(document, KEY)
    encoded = encoder.encode({"name": ["ann", "bob"]})
    theirs = ClkhashRows(document, KEY).filters([["ann", "ann"], ["bob", "bob"]])
    assert encoder.columns == ("name",)
    assert [row.tobytes() for row in encoded.filters] == theirs


def test_rows_are_encoded_alike_in_any_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    document = schema(feature("a"), feature("b", format={"type": "integer"}))
    columns = {"a": [f"name {n % 7}" for n in range(50)], "b": [str(n) for n in range(49)] + ["x"]}
    whole = Encoder(document, KEY).encode(columns)
    monkeypatch.setattr(encoder_module, "_BLOCK_ROWS", 8)
    blocks = Encoder(document, KEY).encode(columns)
    assert np.array_equal(whole.filters, blocks.filters)
    assert whole.problems == blocks.problems


@pytest.mark.parametrize("comparison", [{"type": "ngram", "n": 2}, {"type": "exact"}])
def test_a_full_memory_changes_no_filter(
    monkeypatch: pytest.MonkeyPatch, comparison: dict[str, Any]
) -> None:
    document = schema(feature("a", comparison=comparison), feature("b", comparison=comparison))
    columns = {
        "a": [f"é{n % 3} {n:x}" for n in range(300)],
        "b": [f"name {n % 5}" for n in range(300)],
    }
    whole = Encoder(document, KEY).encode(columns)
    monkeypatch.setattr(encoder_module, "_MAX_REMEMBERED", 4)
    monkeypatch.setattr(encoder_module, "_BLOCK_ROWS", 16)
    assert np.array_equal(whole.filters, Encoder(document, KEY).encode(columns).filters)


def test_encoding_goes_on_after_the_memory_is_cleared_and_another_key_gives_other_filters() -> None:
    encoder, other = (Encoder(schema(feature("a")), key) for key in (KEY, "l"))
    with encoder:
        before = encoder.encode({"a": ["ann"]})
    assert np.array_equal(before.filters, encoder.encode({"a": ["ann"]}).filters)
    assert not np.array_equal(before.filters, other.encode({"a": ["ann"]}).filters)
    nothing = encoder.encode({"a": []})
    assert (nothing.filters.shape, nothing.problems) == ((0, 128), ())


def test_an_interrupted_encoder_forgets_what_it_had_not_finished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = {"a": ["ann", "bób", "ann maria"]}
    encoder = Encoder(schema(feature("a")), KEY)
    expected = Encoder(schema(feature("a")), KEY).encode(columns)
    with monkeypatch.context() as patch:
        patch.setattr(memory_module, "masks_of", interrupt)
        with pytest.raises(KeyboardInterrupt):
            encoder.encode(columns)
    assert np.array_equal(encoder.encode(columns).filters, expected.filters)


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_ignored_columns_need_not_be_given_and_missing_or_shorter_ones_are_refused() -> None:
    encoder = Encoder(schema({"identifier": "id", "ignored": True}, feature("a")), KEY)
    assert (encoder.columns, encoder.ignored, encoder.clk_bits) == (("a",), ("id",), 1024)
    assert encoder.encode({"a": ["x"]}).problems == ()
    two = Encoder(schema(feature("a"), feature("b")), KEY)
    with raises(MissingColumnError, match="column b,"):
        two.encode({"a": ["x"]})
    with raises(ColumnLengthError):
        two.encode({"a": ["x"], "b": []})


def test_problems_come_by_row_and_carry_the_numbers_of_the_file() -> None:
    document = schema(
        feature("a", format={"type": "integer"}), feature("b", format={"type": "integer"})
    )
    encoded = Encoder(document, KEY).encode(
        {"a": ["1", "x", "1"], "b": ["y", "y", "1"]}, first_row=41
    )
    assert [str(problem) for problem in encoded.problems] == [
        "row 41, column b: not a whole number",
        "row 42, column a: not a whole number",
        "row 42, column b: not a whole number",
    ]


def test_only_the_fold_key_that_clkhash_reads_folds() -> None:
    plain, ignored, folded = (
        Encoder(schema(feature("a"), l=512, **config), KEY)
        for config in ({}, {"xorFolds": 1}, {"xor_folds": 1})
    )
    filters = [
        encoder.encode({"a": ["ann"]}).filters.tobytes() for encoder in (plain, ignored, folded)
    ]
    assert filters[0] == filters[1] != filters[2]
    assert not plain.warnings
    assert not folded.warnings
    assert "xorFolds" in ignored.warnings[0]
