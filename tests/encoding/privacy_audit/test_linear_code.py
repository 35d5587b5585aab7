"""The secret of a linear hardening is found from encodings alone; each fast part against its slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from breaks.eld1_filters import express, open_filters
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.plain_clks import plain_clks
from twins import eld1
from twins import linear_code as slow

from encoding.privacy_audit.linear_code import (
    attack_linear_code,
    low_words,
    pack_rows,
    row_reduce,
    short_sums,
    unpack_rows,
)

KEY = bytes(range(32))


def drawn(seed: int, n_rows: int, n_bits: int, density: float = 0.5) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.random((n_rows, n_bits)) < density).astype(np.uint8)


@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(1, 150))
def test_rows_survive_packing(seed: int, n_rows: int, n_bits: int) -> None:
    bits = drawn(seed, n_rows, n_bits)
    assert (unpack_rows(pack_rows(bits), n_bits) == bits).all()


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 14), st.integers(1, 90), st.sampled_from([0.1, 0.5]))
def test_reduced_rows_are_those_of_plain_loops(
    seed: int, n_rows: int, n_bits: int, density: float
) -> None:
    bits = drawn(seed, n_rows, n_bits, density)
    order = np.random.default_rng(seed).permutation(n_bits).tolist()
    words = pack_rows(bits)
    pivots = row_reduce(words, order)
    rows, expected = slow.reduce_rows(slow.as_integers(bits), n_bits, order)
    # The reduced form of a row space is unique, whichever rows serve as pivots.
    assert pivots.tolist() == expected
    reduced = slow.as_integers(unpack_rows(words, n_bits))
    assert reduced[: len(rows)] == rows
    assert not any(reduced[len(rows) :])


@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 40))
def test_what_is_a_sum_of_rows_is_written_as_one(seed: int, n_rows: int, n_bits: int) -> None:
    rows, targets = drawn(seed, n_rows, n_bits, 0.3), drawn(seed + 1, 12, n_bits, 0.3)
    targets[:4] = drawn(seed + 2, 4, n_rows) @ rows % 2
    chosen, is_sum, alike = express(targets, rows)
    every = slow.codewords(slow.as_integers(rows))
    assert is_sum.tolist() == [target in every for target in slow.as_integers(targets)]
    assert (chosen[is_sum] @ rows % 2 == targets[is_sum]).all()
    assert not chosen[~is_sum].any()
    assert not (alike @ rows % 2).any()
    assert len(every) == 2 ** (n_rows - len(alike))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(0, 6))
def test_short_sums_are_among_those_of_plain_loops(seed: int, n_rows: int, n_window: int) -> None:
    n_bits, most = 30, 6
    bits = drawn(seed, n_rows, n_bits, 0.2)
    window = np.random.default_rng(seed).permutation(n_bits)[:n_window]
    found = set(slow.as_integers(unpack_rows(short_sums(pack_rows(bits), window, most), n_bits)))
    expected = slow.short_sums(slow.as_integers(bits), n_bits, window.tolist(), most)
    # Of many pairs that agree in the window only neighbours are added up.
    assert found <= expected


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_low_codewords_are_those_of_plain_loops(seed: int, n_rows: int) -> None:
    n_bits, most = 80, 5
    random = np.random.default_rng(seed)
    secret = np.zeros((n_rows, n_bits), dtype=np.uint8)
    for row in secret:
        row[random.permutation(n_bits)[:most]] = 1
    # Mixed, so that no secret row is seen at once.
    mixed = drawn(seed, 4 * n_rows + 20, n_rows) @ secret % 2
    words = pack_rows(mixed)
    rank = len(row_reduce(words, range(n_bits)))
    # A search ends when nothing new turns up for a while, which may be too early for a word or two.
    found: set[int] = set()
    for _ in range(6):
        some = low_words(words[:rank].copy(), n_bits, most, enough=2**10, random=random)
        found.update(slow.as_integers(some))
    expected = {
        word for word in slow.codewords(slow.as_integers(mixed)) if 1 <= word.bit_count() <= most
    }
    assert found == expected


@pytest.mark.parametrize("taps", [3, 4])
def test_the_secret_rows_are_found_and_filters_opened(taps: int) -> None:
    clk_bits, n_bits = 256, 512
    matrix = eld1.matrix(KEY, clk_bits, n_bits, taps)
    # Positions are set more or less often, as those of names are, and on the whole in less than half.
    often = np.random.default_rng(3).uniform(0.05, 0.75, clk_bits)
    filters = (np.random.default_rng(4).random((600, clk_bits)) < often).astype(np.uint8)
    encodings = eld1.diffuse(np.packbits(filters, axis=1), matrix)
    found = attack_linear_code(encodings, clk_bits=clk_bits, taps=taps)
    assert len(found) == clk_bits
    opened, is_open = open_filters(np.unpackbits(encodings, axis=1), found)
    assert is_open.all()
    # The same filters but for the order of their positions; an even number of taps cannot tell a few people's
    # from their complement.
    is_same = opened.sum(axis=1) == filters.sum(axis=1)
    assert is_same.mean() > (0.97 if taps % 2 == 0 else 0.999)
    columns, expected = (sorted(map(tuple, f[is_same].T.tolist())) for f in (opened, filters))
    assert columns == expected


def test_children_under_eld1_are_open_after_a_thousand_students(students) -> None:
    clks = plain_clks(students, np.arange(1_300), "7" * 64)
    encodings = eld1.diffuse(clks, eld1.matrix(KEY, 1024, 2048, 4))
    found = attack_linear_code(encodings, clk_bits=1024, taps=4)
    filters, is_open = open_filters(np.unpackbits(encodings, axis=1), found)
    assert is_open.mean() > 0.98
    # Set bits do not depend on the order of the positions; an even number of taps cannot tell a filter from
    # its complement.
    weight, true = (
        np.bitwise_count(f).sum(axis=1).astype(int) for f in (np.packbits(filters, axis=1), clks)
    )
    off = np.minimum(np.abs(weight - true), np.abs(1024 - weight - true))
    assert (off <= 10).mean() > 0.9


def test_random_bits_few_or_short_encodings_and_other_codes_give_no_secret_away() -> None:
    def linear(n_rows: int, n_bits: int) -> np.ndarray:
        filters = np.packbits(drawn(8, n_rows, 128), axis=1)
        return eld1.diffuse(filters, eld1.matrix(KEY, 128, n_bits, 4))

    for name, encodings in {
        **{
            f"random bits, {n} by {n_bits}": np.packbits(drawn(5, n, n_bits), axis=1)
            for n, n_bits in ((600, 256), (600, 128), (100, 256), (0, 256))
        },
        # A linear code of the right size, but without rows of low weight.
        "words of a code": np.packbits(drawn(6, 600, 128) @ drawn(7, 128, 256) % 2, axis=1),
        "too few": linear(120, 256),
        "as short as filters, without redundancy": linear(600, 128),
    }.items():
        assert len(attack_linear_code(encodings, clk_bits=128, taps=4)) == 0, name
