"""Phonetic codes, against the rules of the National Archives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.recipe import soundex

from encoding.recipe.text import phonetic_code, phonetic_digest


@pytest.mark.parametrize(
    ("name", "code"),
    [("ROBERT", "R163"), ("RUPERT", "R163"), ("ASHCRAFT", "A261"), ("TYMCZAK", "T522"), ("PFISTER", "P236"),
     ("HONEYMAN", "H555"), ("LEE", "L000"), ("", "")],
)  # fmt: skip
def test_code_is_american_soundex(name: str, code: str) -> None:
    assert phonetic_code(name) == code


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=12))
def test_code_of_any_name_is_that_of_the_rules(name: str) -> None:
    assert phonetic_code(name) == soundex(name)


def test_codes_are_those_that_the_profiles_were_made_with() -> None:
    # Other codes make other keys: they need a new version of the recipe, not a new digest here.
    assert phonetic_digest() == "3f29a3c70437bb785f48479e8b2dd1a294cd95fb075318dd39c38215e8c6f0ac"
