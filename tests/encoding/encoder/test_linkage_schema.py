"""Schemas that cannot be encoded with are refused before the first row, in one sentence."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
from samples.linkage_schemas import feature, schema

from encoding.errors import LinkageSchemaError
from encoding.extras.plain_clks.encoder import Encoder

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
