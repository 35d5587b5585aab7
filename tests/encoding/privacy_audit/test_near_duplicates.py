"""Nearly equal records give the secret of a linear hardening away; each fast part against its slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import eld1
from twins import linear_code as slow

from encoding.privacy_audit.near_duplicates import (
    attack_near_duplicates,
    choose_rows,
    find_cliques,
    flip_links,
    least_link,
    near_pairs,
)

CLK_BITS = 128
KEY = bytes(range(32))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 20))
def test_near_pairs_are_those_of_plain_loops(seed: int, n_rows: int) -> None:
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (n_rows, 24), dtype=np.uint8)
    bits[n_rows // 2 :] = bits[: n_rows - n_rows // 2]
    bits ^= (random.random(bits.shape) < 0.1).astype(np.uint8)
    one, other = near_pairs(np.packbits(bits, axis=1))
    expected = slow.near_pairs(slow.as_integers(bits), 24)
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == expected


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 14), st.integers(2, 5), st.integers(1, 40))
def test_cliques_are_those_of_plain_loops(seed: int, n_bits: int, weight: int, top: int) -> None:
    random = np.random.default_rng(seed)
    links = np.triu(random.integers(0, top, (n_bits, n_bits)), k=1)
    links += links.T
    np.fill_diagonal(links, -1)
    expected = slow.find_cliques(links.tolist(), weight, top // 3)
    assert find_cliques(links.astype(np.float32), weight, top // 3) == expected


def test_links_are_the_textbook_ridge() -> None:
    flips = (np.random.default_rng(2).random((60, 24)) < 0.3).astype(np.uint8)
    rate = flips.mean(axis=1, keepdims=True)
    scaled = (flips - rate) / np.sqrt(rate * (1 - rate))
    correlation = np.corrcoef(scaled.T)
    ridge = correlation @ np.linalg.inv(correlation + np.eye(24))
    expected = ridge / np.sqrt(np.outer(np.diag(ridge), np.diag(ridge)))
    np.fill_diagonal(expected, -1)
    assert flip_links(flips) == pytest.approx(expected, abs=1e-4)


def test_rows_that_cannot_stand_in_one_matrix_are_left_out() -> None:
    links = np.full((9, 9), 0.1, dtype=np.float32)
    for clique, strength in (((0, 1, 2, 3), 0.9), ((2, 3, 4, 5), 0.5), ((3, 6, 7, 8), 0.4)):
        for a in clique:
            for b in clique:
                links[a, b] = max(links[a, b], strength)
    cliques = [(3, 6, 7, 8), (2, 3, 4, 5), (0, 1, 2, 3)]
    # The second shares two bits with the first, more than a quarter.
    assert choose_rows(cliques, links, taps=4) == ((0, 1, 2, 3), (3, 6, 7, 8))
    assert choose_rows(cliques, links, taps=1) == ((0, 1, 2, 3),)


@pytest.mark.parametrize("output_bits", [CLK_BITS, 2 * CLK_BITS])
def test_rows_are_found_also_where_there_is_no_redundancy(output_bits: int) -> None:
    matrix = eld1.matrix(KEY, CLK_BITS, output_bits, 4)
    random = np.random.default_rng(4)
    filters = random.integers(0, 2, (1_500, CLK_BITS), dtype=np.uint8)
    corrected = filters ^ (random.random(filters.shape) < 0.05).astype(np.uint8)
    both = np.packbits(np.vstack([filters, corrected]), axis=1)
    found = attack_near_duplicates(eld1.diffuse(both, matrix), matrix, clk_bits=CLK_BITS)
    assert found.n_pairs > 1_000
    assert found.share > 0.5
    assert found.n_claimed <= 1.02 * found.n_found


def test_random_bits_have_no_near_duplicates() -> None:
    matrix = eld1.matrix(KEY, CLK_BITS, 256, 4)
    random = np.random.default_rng(5).integers(0, 256, (1_000, 32), dtype=np.uint8)
    found = attack_near_duplicates(random, matrix, clk_bits=CLK_BITS)
    assert (found.n_claimed, found.n_found) == (0, 0)


@pytest.mark.parametrize("weight", [2, 4, 8])
def test_random_flips_make_no_row(weight: int) -> None:
    flips = (np.random.default_rng(6).random((1_500, 256)) < 0.2).astype(np.uint8)
    links = flip_links(flips)
    assert find_cliques(links, weight, least_link(links, weight)) == []
