"""Patterns fit the cells that `re` says, without its worst case."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoding.encoder.pattern import Pattern, UnsafePatternError

_PARTS = st.sampled_from(
    ["a", "b", "c", "[ab]", "[^a]", ".", r"\d", r"\.", "()", "(?:)", "[]a]", r"\x61", "(?P<n>a)"]
)
_REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "{0}", "{0,}"])
_PATTERNS = st.recursive(
    _PARTS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, _REPEATS),
    ),
    max_leaves=6,
).filter(lambda source: source.count("?P<n>") < 2)


@settings(max_examples=600)
@given(_PATTERNS, st.text("abc1.]", max_size=8))
def test_a_cell_fits_as_re_says(source: str, cell: str) -> None:
    assert Pattern(source).fits(cell) == (re.fullmatch(source, cell) is not None)


@pytest.mark.parametrize(
    ("source", "cells"),
    [
        ("^a|b$", ["a", "b", "ab"]),
        (r"\Aab\Z", ["ab", "a"]),
        ("(?i)[k-m]s", ["KS", "Kſ", "xs"]),
        ("a{}b{,}c{", ["a{}bbc{", "a"]),
        (r"(?!000)\d{3}-\d{2}", ["123-45", "000-45"]),
        (r"(a|b)\1", ["aa", "ab"]),
    ],
)
def test_special_constructs_fit_as_re_says(source: str, cells: list[str]) -> None:
    for cell in cells:
        assert Pattern(source).fits(cell) == (re.fullmatch(source, cell) is not None)


@pytest.mark.parametrize("source", ["(a+)+b", "(a|a)*b", "(a*)*b", "(a|ab|b)*c", "a*a*a*a*a*a*b"])
def test_patterns_that_explode_in_re_do_not(source: str) -> None:
    assert not Pattern(source).fits("a" * 50_000)


@pytest.mark.parametrize(
    "source",
    [
        r"(a+)\1b",
        "(?=.*a)b+",
        r"a\bb*",
        "(?x) (a|b) {30}",
        "a++b",
        "((?=a)a|a){9}",
        "(?:a?){2,}+",
    ],
)
def test_patterns_that_could_take_too_long_are_refused(source: str) -> None:
    with pytest.raises(UnsafePatternError):
        Pattern(source)


@pytest.mark.parametrize("source", ["(){1000000000}", "((){2000}){2000}", "a{0}", "(a{0})*"])
def test_repetitions_of_nothing_cost_nothing(source: str) -> None:
    assert Pattern(source).fits("")


def test_characters_mean_what_re_says_for_every_character() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for source in (r"\w", r"\d", r"\s", ".", "(?a)\\w", "(?s).", "[^\\W\\d]"):
            pattern, regex = Pattern(source), re.compile(source)
            assert all(
                pattern.fits(chr(c)) == (regex.fullmatch(chr(c)) is not None) for c in range(0x3000)
            )
