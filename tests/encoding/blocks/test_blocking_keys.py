"""Blocking keys of records against the vectors and the twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.block_profiles import PASSES, PROFILE, block_profile, by_column, spelling
from twins import bsf1
from vectors.file import read_vectors

from encoding.blocks.blocking_keys import BlockingKeys
from encoding.blocks.keys import CellKeys
from schemas.linkage.profile import EncodingProfile

VECTORS = read_vectors("bsf1")["good"]["record"]
KEY = bytes(range(32))
FEW = st.sampled_from(["", "ANA", "EVA", "É", "\0", "𐐷", "\uffee"])
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(spelling(), FEW)), max_size=6)
EXCHANGED = [
    {"name": "both-names", "keys": [[["first_name", "surname_1"], ["sex"]]]},
    {
        "name": "any-two",
        "keys": [[["surname_1", "first_name", "surname_2"]], [["zip"]], [["sex"]], [["zip"]]],
    },
]


def mains(
    profile: EncodingProfile, rows: list[dict[str, str]], key: bytes = KEY
) -> list[list[tuple[str, bytes]]]:
    """Return pass and cell of each main spelling, in the order of passes and forms."""
    found: list[list[tuple[str, bytes]]] = [[] for _ in rows]
    keys = BlockingKeys(profile, CellKeys(key))
    for one in keys.of_mains(by_column(rows), np.arange(len(rows))):
        for row, cell in zip(one.rows.tolist(), one.cells, strict=True):
            found[row].append((profile.passes[one.pass_number].name, cell))
    return found


@pytest.mark.parametrize(
    "vector",
    [one for one in VECTORS if len(one["spellings"]) == 1],
    ids=lambda vector: vector["name"],
)
def test_keys_of_a_main_spelling_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    (found,) = mains(block_profile(), vector["spellings"], bytes.fromhex(vector["key_hex"]))
    assert found == [(one["pass"], bytes.fromhex(one["cell_hex"])) for one in vector["cells"]]


@given(ROWS, st.sampled_from([PASSES, EXCHANGED]))
def test_keys_of_main_spellings_are_those_of_the_twin(
    rows: list[dict[str, str]], passes: list[dict[str, Any]]
) -> None:
    slow = {**PROFILE, "passes": passes}
    assert mains(block_profile(passes=passes), rows) == [
        [(name, cell) for _, name, cell in bsf1.cells(slow, KEY, "larger", [row])] for row in rows
    ]


@given(ROWS, st.sampled_from([PASSES, EXCHANGED]))
def test_keys_of_aliases_are_those_of_the_twin(
    rows: list[dict[str, str]], passes: list[dict[str, Any]]
) -> None:
    profile = block_profile(passes=passes, alias_keys={"larger": 0, "smaller": 32})
    slow = {**PROFILE, "passes": passes, "alias_keys": {"larger": 0, "smaller": 32}}
    nobody = spelling("", (), "", "", "", "")
    keys = BlockingKeys(profile, CellKeys(KEY))
    found = keys.of_aliases(by_column(rows), range(len(rows)))
    for row, one in zip(rows, found, strict=True):
        named = [profile.passes[number].name for number in one.passes]
        expected = bsf1.cells(slow, KEY, "smaller", [nobody, row])
        assert list(zip(named, one.cells, strict=True)) == [(n, cell) for _, n, cell in expected]


def test_a_record_with_all_values_has_every_key_whether_its_surname_is_double_or_single() -> None:
    profile = block_profile()
    rows = [spelling(surnames=("GARCIA",)), spelling(surnames=("GARCIA", "LOPEZ"))]
    found = mains(profile, rows)
    assert [len(one) for one in found] == [profile.keys] * 2
    assert all(len(set(one)) == profile.keys for one in found)


@given(st.sampled_from(["GARCIA", "GARZA", "LOPEZ"]), st.sampled_from(["GARCIA", "GARZA", "LOPEZ"]))
def test_two_equal_records_share_as_many_cells_whatever_their_surnames(
    one: str, other: str
) -> None:
    profile = block_profile()
    left, right = mains(profile, [spelling("GARI", (one, other)), spelling("GARI", (other, one))])
    assert len(set(left) & set(right)) == profile.keys


def test_names_that_were_exchanged_give_the_same_key() -> None:
    profile = block_profile(passes=EXCHANGED[:1])
    left, right = mains(profile, [spelling("ROSA", ("ANA",)), spelling("ANA", ("ROSA",))])
    assert left == right
    assert left


def test_keys_do_not_show_themselves() -> None:
    (keys,) = BlockingKeys(block_profile(), CellKeys(KEY)).of_aliases(by_column([spelling()]), [0])
    assert keys.cells[0].hex() not in repr(keys)
    assert str(keys.cells[0]) not in repr(keys)
