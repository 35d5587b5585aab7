"""How far a card is opened: nothing is told before its step, and what differs is marked on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoding.review.disclosure import (
    ALL,
    CLOSED,
    DIFFERENCES,
    HIDDEN,
    INITIALS,
    compare,
    differing,
)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


def marked(text: str, places: frozenset[int]) -> str:
    return "".join(character for place, character in enumerate(text) if place in places)


@pytest.mark.parametrize(
    ("own", "theirs", "initials", "differences", "word"),
    [
        ("Christine", "Christina", "C···", "········a", "differs"),
        ("Ana Maria", "ana maria", "a··· m···", "··· ·····", "same"),
        ("2011-04-09", "2011-09-04", "2··· -0··· -0···", "····-·9-·4", "differs"),
        ("Bo", "", "", "", "only yours"),
        ("", "Lee", "L···", "Lee", "only theirs"),
        ("", "", "", "", "both empty"),
        ("Zoe", "Zoë", "Z···", "··ë", "differs"),
    ],
)
def test_each_step_shows_a_little_more(
    own: str, theirs: str, initials: str, differences: str, word: str
) -> None:
    steps = [compare("name", own, theirs, step) for step in (CLOSED, INITIALS, DIFFERENCES, ALL)]
    assert [one.own for one in steps] == [own] * 4
    assert [one.theirs for one in steps] == [
        HIDDEN,
        initials.replace(" -", "-"),
        differences,
        theirs,
    ]
    assert [one.word for one in steps] == ["", "", word, word]


def test_a_closed_card_shows_neither_length_nor_absence() -> None:
    assert {compare("x", "Bo", text, CLOSED) for text in ("", "Bo", "A long name")} == {
        compare("x", "Bo", "", CLOSED)
    }


def test_what_the_own_file_does_not_have_is_not_shown_as_a_difference() -> None:
    assert compare("school", None, "Elm Street", DIFFERENCES).theirs == "E··· S···"
    assert compare("school", None, "Elm Street", ALL).theirs == "Elm Street"


def test_what_would_steer_a_terminal_is_shown_as_an_escape() -> None:
    found = compare("name", "a\x1b[2J", "b\u202ea", ALL)
    assert (found.own, found.theirs) == ("a\\x1b[2J", "b\\u202ea")


@pytest.mark.parametrize(
    ("own", "theirs", "initials", "differences", "word"),
    [
        ("Jos\u00e9", "Jose\u0301", "J···", "····", "same"),
        ("Nguyen", "Nguye\u0302\u0303n", "N···", "····\u1ec5·", "differs"),
        ("\u0915\u093f\u0936\u0928", "\u0915\u093f\u0936\u0928", "\u0915···", "····", "same"),
    ],
    ids=["one letter in two ways", "a letter with other marks", "signs of vowels"],
)
def test_a_mark_belongs_to_its_letter_and_shows_no_further_one(
    own: str, theirs: str, initials: str, differences: str, word: str
) -> None:
    assert compare("name", own, theirs, INITIALS).theirs == initials
    found = compare("name", own, theirs, DIFFERENCES)
    assert (found.theirs, found.word) == (differences, word)


@given(words, words)
def test_unmarked_characters_are_the_same_on_both_sides_and_in_order(one: str, other: str) -> None:
    here, there = differing(one, other)
    rest = [
        "".join(c for place, c in enumerate(text) if place not in marks)
        for text, marks in ((one, here), (other, there))
    ]
    assert rest[0].lower() == rest[1].lower()
    if one == other:
        assert not here | there


@given(words, words)
def test_differences_show_no_letter_that_is_not_marked(own: str, theirs: str) -> None:
    found = compare("name", own, theirs, DIFFERENCES)
    full = compare("name", own, theirs, ALL)
    assert len(found.theirs) == len(full.theirs)
    shown = {c for place, c in enumerate(found.theirs) if place not in found.their_marks}
    assert not [c for c in shown if c.isalnum()]
    assert marked(found.theirs, found.their_marks) == marked(full.theirs, full.their_marks)
