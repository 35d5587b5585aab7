"""Names taken apart: first name, middle names, surname words, suffix."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.recipe.tables import Tables
from encoding.recipe.text import called, words


@dataclass(frozen=True, slots=True)
class GivenName:
    """What a first-name cell says: the first name, the words after it, suffix, how else the child is called.

    Names are empty where the name is unknown. `text` is the whole cell, cleaned, without the last two.
    """

    text: str
    first: str
    rest: str
    suffix: str
    called: str


# Heads of a surname that belong to the word after them, and particles written as one word with the name.
_ATTACHED = frozenset({"D", "FITZ", "MAC", "MC", "O"})
_GLUED = ("DELOS", "DELA", "VANDER")
_FEWEST_LETTERS = 3
_NO_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class Surname:
    """What a last-name cell says. No words means unknown.

    Attributes:
        words: in order, particles attached: DE LA CRUZ is DELACRUZ.
        text: these words with a space between: its padded bigrams do not depend on their order.
        suffix: the generation suffix at its end.
        parts: the words in order without particles: DE LA CRUZ is CRUZ.
        pair: the first two of the parts in alphabetical order; one if there is one, or if both are the same.
    """

    words: tuple[str, ...]
    text: str
    suffix: str
    parts: tuple[str, ...]
    pair: tuple[str, ...]


def read_given_name(raw: str, tables: Tables) -> GivenName:
    """Return what a first-name cell says."""
    formal, nickname = called(raw)
    found, suffix = _without_suffix(words(formal), tables)
    while found and found[0] in tables.titles:
        found = found[1:]
    if _is_placeholder(found, tables):
        found = ()
    found = _headed(found, tables)
    if len(found) > 1 and len(found[0]) == 1:
        # "J Michael": the child goes by the second word, the initial is a middle initial.
        found = (found[1], found[0], *found[2:])
    return GivenName(
        text=" ".join(found),
        first=" ".join(found[:1]),
        rest=" ".join(found[1:]),
        suffix=suffix,
        called=" ".join(words(nickname)[:1]),
    )


def read_middle_names(raw: str, tables: Tables) -> str:
    """Return the words of a middle-name cell; none for a placeholder."""
    found = _without_suffix(words(raw), tables)[0]
    return "" if _is_placeholder(found, tables) else " ".join(found)


def read_surname(raw: str, tables: Tables) -> Surname:
    """Return what a last-name cell says."""
    found, suffix = _without_suffix(words(raw), tables)
    if _is_placeholder(found, tables):
        found = ()
    if len(found) == 1:
        part: tuple[str, ...] = (_unglued(found[0]),)
        return Surname(found, found[0], suffix, part, part)
    if len(found) > 2:
        inner = (word for word in found[1:-1] if word not in tables.conjunctions)
        found = (found[0], *inner, found[-1])
    attached, parts = _attached(found, tables), surname_parts(found, tables)
    return Surname(attached, " ".join(attached), suffix, parts, surname_pair(parts))


def surname_parts(found: tuple[str, ...], tables: Tables) -> tuple[str, ...]:
    """Return the words of a surname without particles, Mc, O and their like joined to what follows.

    The last word stays, whatever it is: Le and Van are names too.
    """
    if len(found) == 1:
        return (_unglued(found[0]),)
    parts: list[str] = []
    head = ""
    for word in found[:-1]:
        if word in _ATTACHED:
            head = word
        elif word not in tables.particles:
            parts.append(_unglued(head + word))
            head = ""
    return (*parts, _unglued(head + found[-1])) if found else ()


def surname_pair(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first two parts in alphabetical order, each once."""
    return parts if len(parts) < 2 else tuple(sorted(set(parts[:2])))


def read_suffix(raw: str, tables: Tables) -> str:
    """Return the generation suffix, or nothing if the cell holds none that is known."""
    found = words(raw)
    return tables.suffixes.get(found[-1], "") if found else ""


def _attached(found: tuple[str, ...], tables: Tables) -> tuple[str, ...]:
    """Return the words with particles attached to the word after them."""
    attached: list[str] = []
    pending = ""
    for word in found:
        pending += word
        if word not in tables.particles:
            attached.append(pending)
            pending = ""
    return (*attached, pending) if pending else tuple(attached)


def _unglued(word: str) -> str:
    """Return the word without a particle at its start, if enough of it stays."""
    for particle in _GLUED:
        if word.startswith(particle) and len(word) >= len(particle) + _FEWEST_LETTERS:
            return word[len(particle) :]
    return word


def _without_suffix(found: tuple[str, ...], tables: Tables) -> tuple[tuple[str, ...], str]:
    """Return letters-only words and the suffix that stood at their end."""
    if len(found) == 1 and found[0].isalpha():
        return found, ""
    suffix = ""
    while len(found) > 1 and found[-1] in tables.suffixes:
        suffix = tables.suffixes[found[-1]]
        found = found[:-1]
    letters = [word if word.isalpha() else word.translate(_NO_DIGITS) for word in found]
    return tuple(filter(None, letters)), suffix


def _is_placeholder(found: tuple[str, ...], tables: Tables) -> bool:
    if not found:
        return False
    if found[0] in tables.infant_heads and tables.infant_words.issuperset(found):
        return True
    if "".join(found) in tables.name_placeholders:
        return True
    return tables.name_placeholders.issuperset(found)


def _headed(found: tuple[str, ...], tables: Tables) -> tuple[str, ...]:
    if len(found) > 1 and found[0] in tables.given_heads:
        return (found[0] + found[1], *found[2:])
    return found
