"""Masks, tokens and their numbers against the obvious way of making them."""

from __future__ import annotations

import numpy as np
import pytest
from clkhash.comparators import NgramComparison
from hypothesis import given
from hypothesis import strategies as st

from encoding.encoder.tokens import tokeniser
from encoding.extras.plain_clks import memory as masks_module
from encoding.extras.plain_clks.memory import masks_of, n_words, unions


def bits_of(mask: np.ndarray, hash_bits: int) -> set[int]:
    return set(np.flatnonzero(np.unpackbits(mask.view(np.uint8), count=hash_bits)).tolist())


@given(st.sampled_from([1, 8, 63, 64, 65, 1000]), st.data())
def test_a_mask_has_the_bits_of_its_positions(hash_bits: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(st.integers(0, hash_bits - 1), min_size=3, max_size=3)))
    positions = np.array(rows, dtype=np.int64).reshape(-1, 3)
    masks = masks_of(positions, hash_bits)
    assert masks.shape == (len(rows), n_words(hash_bits))
    assert [bits_of(mask, hash_bits) for mask in masks] == [set(row) for row in rows]


def test_masks_are_the_same_made_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.random.default_rng(1).integers(0, 128, (50, 7))
    whole = masks_of(positions, 128)
    monkeypatch.setattr(masks_module, "_SCATTER_BYTES", 300)
    assert np.array_equal(whole, masks_of(positions, 128))


@pytest.mark.parametrize("n_members", [0, 1, 5, 256, 257, 700])
def test_a_union_has_the_bits_of_all_its_members(n_members: int) -> None:
    random = np.random.default_rng(n_members)
    masks = random.integers(0, 2**63, (40, 3)).astype(np.uint64)
    members = random.integers(0, 40, (6, n_members))
    united = unions(masks, members)
    for row, union in zip(members, united, strict=True):
        expected = np.zeros(3, dtype=np.uint64)
        for member in row:
            expected |= masks[member]
        assert np.array_equal(union, expected)


@given(
    st.sampled_from([(2, False), (1, True)]),
    st.integers(1, 64).flatmap(
        lambda length: st.lists(
            st.text(st.characters(max_codepoint=127), min_size=length, max_size=length), min_size=1
        )
    ),
)
def test_numbered_tokens_are_the_tokens(kind: tuple[int, bool], texts: list[str]) -> None:
    tokens = tokeniser(NgramComparison(*kind))
    assert tokens.has_codes(len(texts[0]))
    codes = tokens.codes(texts)
    assert codes.max() < tokens.n_codes
    spelled = [[tokens.token(code) for code in row] for row in codes.tolist()]
    assert spelled == [tokens.tokens(text) for text in texts]


@given(st.integers(1, 4), st.booleans(), st.text(max_size=9))
def test_tokens_are_those_of_clkhash(n: int, is_positional: bool, text: str) -> None:
    comparison = NgramComparison(n, is_positional)
    assert tokeniser(comparison).tokens(text) == list(comparison.tokenize(text))
