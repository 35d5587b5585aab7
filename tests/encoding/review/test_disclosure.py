"""How far a card is opened: nothing is told before its step, and what differs is marked on both sides."""

from __future__ import annotations

from unicodedata import normalize

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


SHOWN = (
    ("Christine", "Christina", "C···", "········a", "differs"),
    ("Ana Maria", "ana maria", "a··· m···", "··· ·····", "same"),
    ("2011-04-09", "2011-09-04", "2···-0···-0···", "····-·9-·4", "differs"),
    ("Bo", "", "", "", "only yours"),
    ("", "Lee", "L···", "Lee", "only theirs"),
    ("", "", "", "", "both empty"),
    ("Zoe", "Zoë", "Z···", "··ë", "differs"),
    # A mark belongs to its letter: one letter in two ways, a letter with other marks, signs of vowels.
    ("Jos\u00e9", "Jose\u0301", "J···", "····", "same"),
    ("Nguyen", "Nguye\u0302\u0303n", "N···", "····\u1ec5·", "differs"),
    ("\u0915\u093f\u0936\u0928", "\u0915\u093f\u0936\u0928", "\u0915···", "····", "same"),
)


def test_each_step_shows_a_little_more() -> None:
    for own, theirs, initials, differences, word in SHOWN:
        steps = [compare("name", own, theirs, one) for one in (CLOSED, INITIALS, DIFFERENCES, ALL)]
        assert [one.own for one in steps] == [own] * 4
        found = [one.theirs for one in steps]
        assert found[:3] == [HIDDEN, initials, differences], theirs
        assert normalize("NFC", found[3]) == normalize("NFC", theirs)
        assert [one.word for one in steps] == ["", "", word, word], theirs
    assert {compare("x", "Bo", text, CLOSED) for text in ("", "Bo", "A long name")} == {
        compare("x", "Bo", "", CLOSED)
    }


def test_what_the_own_file_does_not_have_is_no_difference_and_what_steers_a_terminal_is_escaped() -> (
    None
):
    assert compare("school", None, "Elm Street", DIFFERENCES).theirs == "E··· S···"
    assert compare("school", None, "Elm Street", ALL).theirs == "Elm Street"
    found = compare("name", "a\x1b[2J", "b\u202ea", ALL)
    assert (found.own, found.theirs) == ("a\\x1b[2J", "b\\u202ea")


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
