"""Keys of rounds, cells and rows against the vectors of bsf1."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.refusals import raises
from twins import bsf1
from vectors.bsf1 import bsf1_vectors
from vectors.file import read_vectors

from encoding.blocks.keys import CellKeys, RoundName, index_rows, packed, round_key, value_word
from encoding.errors import RowTooLongError
from encoding.secret.secret import Secret

GOOD = read_vectors("bsf1")["good"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_keys_words_and_tokens_are_those_of_the_vectors() -> None:
    assert read_vectors("bsf1") == bsf1_vectors()
    for vector in GOOD["round_key"]:
        secret = Secret(bytes.fromhex(vector["secret_hex"]))
        found = round_key(secret, round_name(vector)).hex()
        assert found == vector["key_hex"], vector["name"]
    for vector in GOOD["word"]:
        assert f"{value_word(*vector['parts']):016x}" == vector["word_hex"], vector["name"]
    for vector in GOOD["cell"]:
        keys = CellKeys(bytes.fromhex(vector["key_hex"]))
        cell = keys(vector["pass"], vector["occurrence"], vector["values"])
        assert cell.hex() == vector["cell_hex"], vector["name"]
    for vector in GOOD["index"]:
        indexed = index_rows(bytes.fromhex(vector["cell_hex"]), [vector["place"]])
        expected = vector["token_hex"] + vector["row_key_hex"]
        assert indexed.hex() == expected, vector["name"]
    # A value is not the presence of a field; and many rows are indexed in their order.
    assert value_word("value", "present", "sex") != value_word("present", "sex")
    cells = [bytes([number]) * 32 for number in range(4)]
    each = [b"".join(bsf1.token_and_key(cell, place)) for place, cell in enumerate(cells)]
    assert index_rows(b"".join(cells), range(4)) == b"".join(each)


def test_a_nonce_of_another_length_is_refused() -> None:
    name = round_name(GOOD["round_key"][0])
    for nonce in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="a nonce has 32 bytes"):
            round_key(Secret(bytes(range(32))), dataclasses.replace(name, nonce_smaller=nonce))


def round_name(vector: dict[str, Any]) -> RoundName:
    plain = ("project", "epoch", "larger", "smaller", "profile", "number")
    return RoundName(
        **{member: vector[member] for member in plain},
        nonce_larger=bytes.fromhex(vector["nonce_larger_hex"]),
        nonce_smaller=bytes.fromhex(vector["nonce_smaller_hex"]),
    )


def test_every_part_of_a_round_s_name_changes_its_key() -> None:
    vector = GOOD["round_key"][0]
    secret, name = Secret(bytes.fromhex(vector["secret_hex"])), round_name(vector)
    others = {
        "project": "foster-k13",
        "epoch": 2,
        "larger": "k13",
        "smaller": "child",
        "profile": "11" * 32,
        "number": 70,
        "nonce_larger": bytes(32),
        "nonce_smaller": bytes(32),
    }
    assert others.keys() == {field.name for field in dataclasses.fields(RoundName)}
    names = [name, *(dataclasses.replace(name, **{part: other}) for part, other in others.items())]
    assert len({round_key(secret, one) for one in names}) == len(names)


@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5))
def test_no_two_lists_of_parts_give_the_same_bytes(left: list[str], right: list[str]) -> None:
    assert packed(*left) == bsf1.lp(*left)
    assert (packed(*left) == packed(*right)) == (left == right)


def test_a_value_too_long_for_its_length_is_refused_without_showing_it() -> None:
    assert len(packed("x" * 65_535)) == 65_537
    with raises(RowTooLongError) as caught:
        packed("ROSA" * 20_000)
    assert "ROSA" not in str(caught.value)
    assert caught.value.__suppress_context__
