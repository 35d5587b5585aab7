"""Planted weaknesses show in the bytes; real rows and random bits show nothing."""

from __future__ import annotations

import numpy as np
import pytest
from samples.plain_clks import plain_clks
from twins import eld1

from encoding.blocks.assembly import STORED_ROW
from encoding.blocks.seal import Fill, RowSealer
from encoding.blocks.values import ValueTables
from encoding.privacy_audit.row_bytes import attack_rows, near_pairs, sealed_rows

N = 300


@pytest.fixture(scope="module")
def few(students):
    return students.take(np.arange(N))


def shuffled(n: int) -> np.ndarray:
    return np.random.default_rng(2).permutation(n)


def random_rows(n: int, n_records: int) -> np.ndarray:
    random = np.random.default_rng(4)
    rows = np.zeros(n, dtype=STORED_ROW)
    rows["token"] = random.integers(0, 256, (n, 16))
    rows["sealed"] = random.integers(0, 256, (n, 64))
    rows["record"] = np.arange(n) % n_records
    return rows


@pytest.mark.parametrize("side", ["smaller", "larger"])
def test_real_rows_show_nothing(children, few, side) -> None:
    numbers = shuffled(N)
    found = attack_rows(sealed_rows(children, few, side, bytes(32), numbers), numbers)
    assert found.n_rows > 1_000
    assert found.n_found == 0, found


def test_random_bits_show_nothing() -> None:
    assert attack_rows(random_rows(3_000, 100), shuffled(100)).n_found == 0


def test_one_key_for_a_whole_file_shows(children, few) -> None:
    rows = random_rows(N, N)
    tables = ValueTables(children)
    lines = few.lines(tables)[few.main]
    one_key = np.tile(np.arange(16, dtype=np.uint8), (N, 1))
    rows["sealed"] = RowSealer(children, tables).seal(
        lines, one_key, rows["token"], rows["record"], Fill(bytes(32))
    )
    found = attack_rows(rows, shuffled(N))
    assert found.n_alike > 0
    assert found.bits_off > 0


def test_unequal_numbers_of_rows_and_numbers_in_the_order_of_the_file_show() -> None:
    rows = random_rows(3_000, 100)
    found = attack_rows(rows, np.arange(100))
    assert found.order == pytest.approx(1)
    assert found.n_found == 1
    rows["record"][:50] = 0
    assert attack_rows(rows, shuffled(100)).row_counts > 1


def test_rows_of_a_linear_map_show(few) -> None:
    random = np.random.default_rng(6)
    filters = np.packbits(random.random((1_500, 256)) < 0.4, axis=1)
    rows = random_rows(1_500, 1_500)
    rows["sealed"] = eld1.diffuse(filters, eld1.matrix(bytes(32), 256, 512, 4))
    assert attack_rows(rows, shuffled(1_500)).n_secret_rows == 256


def test_plain_clks_look_alike(students) -> None:
    assert len(near_pairs(plain_clks(students, np.arange(1_000)))[0]) > 100
