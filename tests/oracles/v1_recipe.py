"""Version 1 of the recipe, one row at a time and step by step: the slow twin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from anyascii import anyascii

from encoding.recipe.tables import load_tables

TABLES = load_tables()


def derive_row(cells: dict[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield first name, surname, middle initial, sex and date of a row and of its variants."""
    first, rest, called = given(cells["first_name"])
    last = surname(cells["last_name"])
    born = birth(cells["birth_date"])
    if born is None or not (first or last) or cells["sex"] == "Q":
        return
    alias_first, _, _ = given(cells["alias_first"])
    alias_called = ""  # a bracket in an alias cell is dropped
    alias_last = surname(cells["alias_last"])
    initial = (rest or middle(cells["middle_name"]) or [""])[0][:1]
    sex = {"F": "F", "male": "M"}.get(cells["sex"], "")
    names = [(first, " ".join(last))]
    if alias_first or alias_called or called or alias_last:
        names += [
            (one, " ".join(other))
            for one in (alias_first, called, first)
            if one
            for other in (alias_last, last)
            if other
        ]
    for parts in (last, alias_last):
        if len(parts) > 1:
            names += [(first, part) for part in parts]
    if (
        first
        and len(last) == 1
        and first not in TABLES.given_names
        and last[0] in TABLES.given_names
    ):
        names.append((last[0], first))
    if first in TABLES.family_first and last and last[-1] not in TABLES.family_first:
        names.append((last[0], first))
    names += [(formal, " ".join(last)) for formal in TABLES.nicknames.get(first, ())]
    seen = []
    for pair in names:
        if pair not in seen and any(pair):
            seen.append(pair)
    for one, other in seen[:8]:
        yield one, other, initial, sex, born


def given(raw: str) -> tuple[str, list[str], str]:
    """Return first name, the words after it, and how the child is called."""
    bracket = re.search(r"\(([^()\"]*)\)", raw)
    found = strip_suffixes(split(re.sub(r"\([^()\"]*\)", " ", raw)))
    if is_placeholder(found):
        found = []
    if len(found) > 1 and found[0] in TABLES.given_heads:
        found = [found[0] + found[1], *found[2:]]
    if len(found) > 1 and len(found[0]) == 1:
        found = [found[1], found[0], *found[2:]]
    called = split(bracket.group(1)) if bracket else []
    return (found[0] if found else ""), found[1:], (called[0] if called else "")


def middle(raw: str) -> list[str]:
    """Return the middle names."""
    found = strip_suffixes(split(raw))
    return [] if is_placeholder(found) else found


def surname(raw: str) -> list[str]:
    """Return the surname's words, particles attached."""
    found = strip_suffixes(split(raw))
    if is_placeholder(found):
        return []
    found = [
        w for i, w in enumerate(found) if not (w in TABLES.conjunctions and 0 < i < len(found) - 1)
    ]
    joined = ""
    for word in found:
        joined += word if word in TABLES.particles else word + " "
    return joined.split()


def birth(raw: str) -> str | None:
    """Return YYYYMMDD, or None."""
    if raw in ("", "1/1/1900"):
        return None
    month, day, year = map(int, raw.split("/"))
    try:
        return date(year, month, day).strftime("%Y%m%d")
    except ValueError:
        return None


def split(raw: str) -> list[str]:
    """Return the words in upper-case ASCII."""
    text = anyascii(unicodedata.normalize("NFC", raw)).upper().replace("'", "").replace("`", "")
    return re.findall(r"[A-Z0-9]+", text)


def strip_suffixes(found: list[str]) -> list[str]:
    """Return the words without the generation suffixes at their end."""
    while len(found) > 1 and found[-1] in TABLES.suffixes:
        found = found[:-1]
    return [letters for word in found if (letters := re.sub(r"[0-9]", "", word))]


def is_placeholder(found: list[str]) -> bool:
    """Return whether the words stand for an unknown name."""
    return bool(found) and (
        (found[0] in TABLES.infant_heads and set(found) <= TABLES.infant_words)
        or set(found) <= TABLES.name_placeholders
        or "".join(found) in TABLES.name_placeholders
    )
