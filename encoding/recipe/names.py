"""Names taken apart: first name, middle names, surname words, suffix."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.recipe.tables import Tables
from encoding.recipe.text import called, words


@dataclass(frozen=True, slots=True)
class GivenName:
    """What a first-name cell says: the first name, the words after it, how else the child is called.

    All are empty where the name is unknown. `text` is the whole cell, cleaned.
    """

    text: str
    first: str
    rest: str
    called: str


@dataclass(frozen=True, slots=True)
class Surname:
    """What a last-name cell says: words in order, particles attached. No words means unknown.

    `text` is the words with a space between: its padded bigrams do not depend on their order.
    """

    words: tuple[str, ...]
    text: str
    suffix: str


def read_given_name(raw: str, tables: Tables) -> GivenName:
    """Return what a first-name cell says."""
    formal, nickname = called(raw)
    found = _without_suffix(words(formal), tables)[0]
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
        called=" ".join(words(nickname)[:1]),
    )


def read_middle_names(raw: str, tables: Tables) -> str:
    """Return the words of a middle-name cell; none for a placeholder."""
    found = _without_suffix(words(raw), tables)[0]
    return "" if _is_placeholder(found, tables) else " ".join(found)


def read_surname(raw: str, tables: Tables) -> Surname:
    """Return the surname's words, particles attached to the word after them, and its suffix."""
    found, suffix = _without_suffix(words(raw), tables)
    if _is_placeholder(found, tables):
        found = ()
    attached: list[str] = []
    pending = ""
    for position, word in enumerate(found):
        if word in tables.conjunctions and 0 < position < len(found) - 1:
            continue
        pending += word
        if word not in tables.particles:
            attached.append(pending)
            pending = ""
    if pending:
        attached.append(pending)
    text = " ".join(attached)
    return Surname(tuple(attached), text, suffix)


def read_suffix(raw: str, tables: Tables) -> str:
    """Return the generation suffix, or nothing if the cell holds none that is known."""
    found = words(raw)
    return tables.suffixes.get(found[-1], "") if found else ""


def _without_suffix(found: tuple[str, ...], tables: Tables) -> tuple[tuple[str, ...], str]:
    """Return letters-only words and the suffix that stood at their end."""
    suffix = ""
    while len(found) > 1 and found[-1] in tables.suffixes:
        suffix = tables.suffixes[found[-1]]
        found = found[:-1]
    letters = ("".join(c for c in word if c.isalpha()) for word in found)
    return tuple(word for word in letters if word), suffix


def _is_placeholder(found: tuple[str, ...], tables: Tables) -> bool:
    if not found:
        return False
    if found[0] in tables.infant_heads and all(word in tables.infant_words for word in found):
        return True
    if "".join(found) in tables.name_placeholders:
        return True
    return all(word in tables.name_placeholders for word in found)


def _headed(found: tuple[str, ...], tables: Tables) -> tuple[str, ...]:
    if len(found) > 1 and found[0] in tables.given_heads:
        return (found[0] + found[1], *found[2:])
    return found
