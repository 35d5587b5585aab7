"""Lanes cut their values as clkhash does, and give them as many places."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from clkhash import schema as clkhash_schema
from hypothesis import given
from hypothesis import strategies as st
from samples.block_profiles import block_profile, by_column, feature, spelling
from twins import bsf1
from vectors.file import read_vectors

from encoding.blocks.values import FilterTexts, ValueTables, read_feature, spread_draws
from encoding.errors import LinkageSchemaError
from schemas.linkage.fields import Lane

VECTORS = read_vectors("bsf1")
NAMES = st.text(st.sampled_from("ABCDEZ -'ÑÉ\0𐐷\uffee"), min_size=1, max_size=30)
COMPARISONS = st.one_of(
    st.just({"type": "exact"}),
    st.builds(
        lambda n, positional: {"type": "ngram", "n": n, "positional": positional},
        st.integers(1, 5),
        st.booleans(),
    ),
)


def lane_of(linkage: dict[str, Any] | str) -> Lane:
    text = linkage if isinstance(linkage, str) else json.dumps(linkage)
    return Lane(column="first_name", kind="filter", linkage=text)


def clkhash_feature(linkage: dict[str, Any]) -> Any:
    config = {"l": 64, "kdf": {"type": "HKDF"}}
    document = {"version": 3, "clkConfig": config, "features": [json.loads(json.dumps(linkage))]}
    (spec,) = clkhash_schema.from_json_dict(document).fields
    return spec.hashing_properties


@given(NAMES, COMPARISONS, st.integers(1, 1000))
def test_tokens_and_places_are_those_of_clkhash(
    name: str, comparison: dict[str, Any], draws: int
) -> None:
    linkage = feature("first_name", draws=draws, comparison=comparison)
    tokeniser, n_draws = read_feature(lane_of(linkage))
    theirs = clkhash_feature(linkage)
    tokens = list(theirs.comparator.tokenize(name))
    assert tokeniser.tokens(name) == tokens
    assert sorted(set(tokens), key=str.encode) == bsf1.tokens(linkage, name)
    # clkhash spreads over all tokens, in their order; here each distinct one counts once, as in a filter.
    distinct = sorted(set(tokens), key=str.encode)
    expected = theirs.strategy.bits_per_token(len(distinct))
    assert sum(expected) == n_draws == draws
    spread = spread_draws(tokens, n_draws)
    assert spread == [
        (token, places) for token, places in zip(distinct, expected, strict=True) if places
    ]


@given(st.lists(NAMES, max_size=8), st.integers(1, 120))
def test_calls_are_the_words_of_the_twin(names: list[str], draws: int) -> None:
    linkage = feature("first_name", draws=draws)
    texts = FilterTexts(lane_of(linkage))
    numbers = texts.numbers(names)
    calls = texts.calls()
    for name, number in zip(names, numbers, strict=True):
        here = slice(calls.start[number], calls.start[number + 1])
        found = Counter(
            dict(zip(calls.words[here].tolist(), calls.draws[here].tolist(), strict=True))
        )
        tokens = bsf1.tokens(linkage, name)
        each, more = divmod(draws, len(tokens))
        expected: Counter[int] = Counter()
        for at, token in enumerate(tokens):
            for draw in range(each + (at < more)):
                expected[bsf1.word("value", "first_name", token) + draw // 10] += 1
        assert found == expected


def test_equal_texts_have_one_number_and_the_empty_one_has_none() -> None:
    texts = FilterTexts(lane_of(feature("first_name")))
    assert texts.numbers(["ROSA", "", "ANA", "ROSA"]) == [1, 0, 2, 1]
    assert len(texts) == 3
    calls = texts.calls()
    assert calls.start[0] == calls.start[1] == 0
    assert texts.numbers(["EVA"]) == [3]
    assert len(texts.calls().start) == 5


def test_a_line_has_a_number_for_each_lane_and_0_where_a_value_is_missing() -> None:
    tables = ValueTables(block_profile())
    rows = [spelling(), spelling(sex=""), spelling("ANA")]
    lines = tables.lines(by_column(rows))
    columns = [placed.lane.column for placed in (*tables.layout.filters, *tables.layout.tags)]
    assert lines.shape == (3, len(columns))
    sex, first = columns.index("sex"), columns.index("first_name")
    assert lines[:, sex].tolist() == [1, 0, 1]
    assert lines[:, first].tolist() == [1, 1, 2]
    assert tables.lines({column: [] for column in columns}).shape == (0, len(columns))


@pytest.mark.parametrize("vector", VECTORS["bad"]["linkage"], ids=lambda vector: vector["name"])
def test_a_bad_linkage_feature_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(LinkageSchemaError):
        read_feature(lane_of(vector["linkage"]))


def test_a_lane_without_a_feature_is_refused() -> None:
    with pytest.raises(LinkageSchemaError):
        read_feature(Lane(column="sex", kind="tag", linkage=None))
