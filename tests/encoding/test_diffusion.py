"""eld1 against its vectors and its slow twin."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import eld1
from oracles.vector_file import read_vectors

from encoding import diffusion as diffusion_module
from encoding.diffusion import check_weights, diffuse, diffusion_matrix, outside_window, weights
from encoding.errors import DiffusionError, EncodingWeightError
from schemas.profile import EncodingProfile, Hardening, weight_window

VECTORS = read_vectors("eld1")


def matrix_of(vector: dict[str, Any], key: bytes) -> diffusion_module.DiffusionMatrix:
    names = ("clk_bits", "output_bits", "taps")
    return diffusion_matrix(key, **{name: vector[name] for name in names})


def window(bits: int) -> tuple[int, int]:
    profile = EncodingProfile(
        name="test",
        recipe=None,
        linkage_schema='{"clkConfig": {"l": 1024}}',
        hardening=Hardening(kind="eld1", taps=4, output_bits=bits),
        nominal_fill="0.48",
    )
    return weight_window(profile)


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["name"])
def test_positions_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    matrix = matrix_of(vector, bytes.fromhex(vector["key_hex"]))
    assert matrix.taps[:4].tolist() == vector["first_positions"]
    assert (
        hashlib.sha256(matrix.taps.astype(">u4").tobytes()).hexdigest()
        == vector["positions_sha256"]
    )


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["name"])
def test_encodings_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    matrix = matrix_of(vector, bytes.fromhex(vector["key_hex"]))
    clks = b"".join(bytes.fromhex(pair["clk_hex"]) for pair in vector["encodings"])
    filters = np.frombuffer(clks, dtype=np.uint8).reshape(len(vector["encodings"]), -1)
    encodings = [encoding.tobytes().hex() for encoding in diffuse(filters, matrix)]
    assert encodings == [pair["encoding_hex"] for pair in vector["encodings"]]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["name"])
def test_bad_parameters_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(DiffusionError):
        matrix_of(vector, bytes(vector["key_bytes"]))


@settings(deadline=None, max_examples=60)
@given(
    st.binary(min_size=32, max_size=32),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(2, 8),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_diffusion_is_that_of_the_slow_twin(
    key: bytes, clk_bytes: int, output_bytes: int, taps: int, n_rows: int, random: Any
) -> None:
    every = eld1.positions(key, clk_bytes * 8, output_bytes * 8, taps)
    matrix = diffusion_matrix(key, clk_bits=clk_bytes * 8, output_bits=output_bytes * 8, taps=taps)
    assert matrix.taps.tolist() == every
    rows = [random.randbytes(clk_bytes) for _ in range(n_rows)]
    filters = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(n_rows, clk_bytes)
    encodings = diffuse(filters, matrix)
    assert encodings.shape == (n_rows, output_bytes)
    assert [row.tobytes() for row in encodings] == [eld1.encode(row, every) for row in rows]


def test_a_stream_longer_than_its_first_piece_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = {"clk_bits": 256, "output_bits": 256, "taps": 4}
    whole = diffusion_matrix(bytes(32), **shape)
    monkeypatch.setattr(diffusion_module, "_FIRST_WORDS", 3)
    assert np.array_equal(whole.taps, diffusion_matrix(bytes(32), **shape).taps)


def test_blocks_do_not_change_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=64, output_bits=64, taps=4)
    filters = np.random.default_rng(1).integers(0, 256, (41, 8), dtype=np.uint8)
    whole = diffuse(filters, matrix)
    monkeypatch.setattr(diffusion_module, "_BLOCK_ROWS", 7)
    assert np.array_equal(whole, diffuse(filters, matrix))


def test_every_position_is_used_before_any_is_used_again() -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=1024, output_bits=1024, taps=4)
    counts = np.bincount(matrix.taps.ravel(), minlength=1024)
    assert set(counts.tolist()) == {4}


def test_the_positions_of_a_bit_are_all_different() -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=24, output_bits=800, taps=7)
    assert all(len(set(row)) == 7 for row in matrix.taps.tolist())


def test_positions_are_drawn_evenly() -> None:
    counts = np.zeros(64)
    for number in range(400):
        key = hashlib.sha256(str(number).encode()).digest()
        first = diffusion_matrix(key, clk_bits=64, output_bits=8, taps=2).taps
        counts += np.bincount(first.ravel(), minlength=64)
    expected = counts.sum() / 64
    # Chi-square with 63 degrees of freedom is above 120 once in 50,000.
    assert ((counts - expected) ** 2 / expected).sum() < 120


@pytest.mark.parametrize(
    "filters",
    [
        np.zeros((2, 7), dtype=np.uint8),
        np.zeros((2, 8), dtype=np.int64),
        np.zeros(8, dtype=np.uint8),
    ],
)
def test_filters_of_another_shape_are_refused(filters: Any) -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=64, output_bits=64, taps=4)
    with pytest.raises(DiffusionError):
        diffuse(filters, matrix)


def test_the_matrix_does_not_print_its_positions() -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=64, output_bits=64, taps=4)
    assert repr(matrix) == "DiffusionMatrix(clk_bits=64)"


def test_weights_are_counted_by_row() -> None:
    encodings = np.array([[0, 0], [255, 1], [3, 128]], dtype=np.uint8)
    assert weights(encodings).tolist() == [0, 9, 3]


def test_honest_encodings_are_within_the_window() -> None:
    matrix = diffusion_matrix(bytes(32), clk_bits=1024, output_bits=1024, taps=4)
    bits = np.random.default_rng(3).random((2_000, 1024)) < 0.48
    encodings = diffuse(np.packbits(bits, axis=1), matrix)
    check_weights(encodings, window(1024))


@pytest.mark.parametrize("byte", [0, 255])
def test_empty_and_full_encodings_are_outside_the_window(byte: int) -> None:
    encodings = np.full((3, 128), 0b10101010, dtype=np.uint8)
    encodings[1] = byte
    assert outside_window(encodings, window(1024)).tolist() == [1]
    with pytest.raises(EncodingWeightError, match="1 encodings"):
        check_weights(encodings, window(1024))


@pytest.mark.parametrize("bits", [64, 1000, 1024, 2048, 4096])
def test_the_window_is_that_of_the_spec(bits: int) -> None:
    low, high = window(bits)
    inside = [w for w in range(bits + 1) if (2 * w - bits) ** 2 <= 49 * bits]
    assert low <= inside[0] <= low + 1
    assert high - 1 <= inside[-1] <= high
