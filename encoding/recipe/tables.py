"""The word lists of the recipe: nicknames, particles, suffixes, placeholders. A profile holds their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Tables:
    """The lists, in the spelling that cleaning gives: upper-case ASCII.

    Attributes:
        digest: SHA-256 of the file that holds them.
        nicknames: short form to the given names that it may stand for.
        titles: words before a first name that are no part of it.
        suffixes: spelling of a generation suffix to its one form.
        particles: words that belong to the surname word after them (DE LA CRUZ is DELACRUZ).
        conjunctions: words between two surnames that are no part of either (ORTEGA Y GASSET).
        given_heads: first words of a given name that belong to the next (LA KEISHA is LAKEISHA).
        given_names: common given names, to tell transposed names.
        family_first: surnames of languages that put the family's name first.
        name_placeholders: words that stand for an unknown name.
        infant_heads: words that begin a stand-in for a child not yet named (BABY BOY).
        infant_words: words that such a stand-in may consist of.
        birth_placeholders: dates that stand for an unknown date of birth.
        sexes: spelling of a sex code to F or M.
        no_sex: spellings of "unknown", "other" and "nonbinary", which compare with nothing.
    """

    digest: str
    nicknames: Mapping[str, tuple[str, ...]]
    titles: frozenset[str]
    suffixes: Mapping[str, str]
    particles: frozenset[str]
    conjunctions: frozenset[str]
    given_heads: frozenset[str]
    given_names: frozenset[str]
    family_first: frozenset[str]
    name_placeholders: frozenset[str]
    infant_heads: frozenset[str]
    infant_words: frozenset[str]
    birth_placeholders: frozenset[date]
    sexes: Mapping[str, str]
    no_sex: frozenset[str]


@cache
def load_tables() -> Tables:
    """Return the lists that this version of the program carries."""
    # Windows checkouts may change line ends; the digest is of the text.
    text = resources.files("encoding.recipe").joinpath("tables.json").read_text("utf-8")
    lists = json.loads(text)
    sets = {
        name: frozenset(lists[name].split())
        for name in (
            "titles", "particles", "conjunctions", "given_heads", "given_names", "family_first",
            "name_placeholders", "infant_heads", "infant_words", "no_sex",
        )
    }  # fmt: skip
    return Tables(
        digest=hashlib.sha256(text.encode()).hexdigest(),
        nicknames={short: tuple(names.split()) for short, names in lists["nicknames"].items()},
        suffixes=lists["suffixes"],
        birth_placeholders=frozenset(map(date.fromisoformat, lists["birth_placeholders"])),
        sexes=lists["sexes"],
        **sets,
    )
