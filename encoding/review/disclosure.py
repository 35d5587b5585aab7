"""How far a card is opened, and in what two values differ: initials, then differing characters, then all.

Who decides a pair should see no more of the other agency's record than the decision needs (Kum, Krishnamurthy,
Machanavajjhala, Reiter and Ahalt 2014, "Privacy preserving interactive record linkage").
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final, Literal

from schemas.documents.printable import printable

Word = Literal["", "same", "differs", "only yours", "only theirs", "both empty"]

CLOSED, INITIALS, DIFFERENCES, ALL = range(4)
HIDDEN: Final = "\N{BULLET}" * 6
_DOT: Final = "\N{MIDDLE DOT}"


@dataclass(frozen=True, slots=True)
class Compared:
    """A value of both records at a step: what is shown, which places of it differ, and a word that says so.

    `own` is null where the own file has no such column: there is nothing to compare with, and theirs stays at
    its initials until all is shown. Marks are places of the texts.
    """

    name: str
    own: str | None = field(repr=False)
    theirs: str = field(repr=False)
    own_marks: frozenset[int] = frozenset()
    their_marks: frozenset[int] = frozenset()
    word: Word = ""


def compare(name: str, own: str | None, theirs: str, step: int) -> Compared:
    """Return two values as they are shown at a step; the own one is always shown whole."""
    own = None if own is None else _shown(own)
    theirs = _shown(theirs)
    if step == CLOSED:
        return Compared(name, own, HIDDEN)
    if step == INITIALS or (own is None and step == DIFFERENCES):
        return Compared(name, own, _initials(theirs))
    if own is None:
        return Compared(name, own, theirs)
    own_marks, their_marks = differing(own, theirs)
    word = _word(own, theirs)
    if step == DIFFERENCES:
        theirs = "".join(
            character if place in their_marks or not _is_of_word(character) else _DOT
            for place, character in enumerate(theirs)
        )
    return Compared(name, own, theirs, own_marks, their_marks, word)


def _shown(text: str) -> str:
    """Return a text as it is shown: a letter and its marks are one character, where there is one."""
    return printable(unicodedata.normalize("NFC", text))


def _initials(text: str) -> str:
    """Return the first character of each word, and dots for what follows it."""
    runs = ((is_word, "".join(run)) for is_word, run in groupby(text, _is_of_word))
    return "".join(
        f"{run[0]}{_DOT * 3}" if is_word and len(run) > 1 else run for is_word, run in runs
    )


def _is_of_word(character: str) -> bool:
    """Tell whether a character is hidden: a letter, a digit, or a mark, such as the sign of a vowel."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def differing(own: str, theirs: str) -> tuple[frozenset[int], frozenset[int]]:
    """Return the places of both texts that the other one has not, capitals and small letters alike."""
    own_places, their_places = set(range(len(own))), set(range(len(theirs)))
    matcher = SequenceMatcher(None, _folded(own), _folded(theirs), autojunk=False)
    for block in matcher.get_matching_blocks():
        own_places -= set(range(block.a, block.a + block.size))
        their_places -= set(range(block.b, block.b + block.size))
    return frozenset(own_places), frozenset(their_places)


def _word(own: str, theirs: str) -> Word:
    if not own or not theirs:
        return "both empty" if own == theirs else "only yours" if own else "only theirs"
    return "same" if _folded(own) == _folded(theirs) else "differs"


def _folded(text: str) -> str:
    """Return small letters, place for place: a letter that would become two stays as it is."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
