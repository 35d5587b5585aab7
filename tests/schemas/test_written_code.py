"""Codes as people write them down and type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors
from vectors.identity import code_of

from schemas.documents.errors import CodeError
from schemas.documents.written_code import ALPHABET, read_code, write_code

VECTORS = read_vectors("identity")


@given(st.binary(min_size=18, max_size=18))
def test_a_code_is_read_back_and_is_the_oracles(raw: bytes) -> None:
    assert write_code(raw) == code_of(raw)
    assert read_code(write_code(raw)) == raw


def test_the_codes_of_the_vectors_are_read() -> None:
    for vector in VECTORS["codes"]:
        with naming(vector):
            assert read_code(vector["code"]).hex() == vector["hex"]


def test_a_bad_code_is_refused_without_being_repeated() -> None:
    for vector in VECTORS["bad_codes"]:
        with naming(vector):
            with pytest.raises(CodeError) as caught:
                read_code(vector["code"])
            assert vector["code"][:9] not in str(caught.value) or not vector["code"]


def test_no_single_slip_in_a_code_is_overlooked() -> None:
    letters = write_code(bytes(range(18))).replace("-", "")
    for place, right in enumerate(letters):
        for wrong in set(ALPHABET) - {right}:
            with pytest.raises(CodeError):
                read_code(letters[:place] + wrong + letters[place + 1 :])


def test_typing_habits_do_not_matter() -> None:
    raw = bytes(range(18))
    code = write_code(raw)
    typed = [code.lower(), code.replace("-", " "), code.replace("-", ""), f" {code}\r\n"]
    typed.append(code.replace("0", "O").replace("1", "l"))
    assert {read_code(text) for text in typed} == {raw}


def test_only_codes_of_18_bytes_are_written() -> None:
    with pytest.raises(ValueError, match="18 bytes"):
        write_code(bytes(17))
