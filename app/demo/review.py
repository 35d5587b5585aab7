"""Decides the pairs that a demo's run sent to review, by what a card shows, as a reviewer at a desk would."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path
from typing import Final

from app.demo.script import SHOWN_COLUMNS

# Of the letters of two names so many are the same where one was mistyped.
_ALIKE: Final = 0.75
_LEAST_LETTERS: Final = 3
_FIRST_NAMES: Final = ("first_name", "middle_name", "alias_first")
_LAST_NAMES: Final = ("last_name", "alias_last")
_SAME_DAY: Final = 3
_ONE_SLIP: Final = 2

Row = dict[str, str]


def decide(file: Path) -> int:
    """Fill in a verdict and a reason for each pair of an exported file; return how many pairs it has."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        header, rows = list(reader.fieldnames or ()), list(reader)
    for row in rows:
        row["verdict"], row["reason"] = verdict_on(row)
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        writer = csv.DictWriter(text, header)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def verdict_on(row: Row) -> tuple[str, str]:
    """Return verdict and reason by what is shown and nothing else.

    Two names and a date of birth that agree but for a slip are one person; siblings have a name and a home in
    common, and twins a date of birth, too.
    """
    ours, theirs = (
        {name: row[f"{side}: {name}"] for name in SHOWN_COLUMNS} for side in ("ours", "theirs")
    )
    (a_first, a_last), (b_first, b_last) = (
        [_words(shown, names) for names in (_FIRST_NAMES, _LAST_NAMES)] for shown in (ours, theirs)
    )
    first, last = _is_like(a_first, b_first), _is_like(a_last, b_last)
    are_swapped = _is_like(a_first, b_last) and _is_like(a_last, b_first)
    born = _parts_alike(ours["birth_date"], theirs["birth_date"])
    if (first and last and born >= _ONE_SLIP) or (are_swapped and born == _SAME_DAY):
        return "accept", "same-person"
    if last and not first:
        return "reject", "twins-or-siblings"
    if born < _ONE_SLIP:
        return "reject", "other-person"
    return "unsure", "too-little-to-tell"


def _words(shown: Row, names: Iterable[str]) -> list[str]:
    """Return the words of names, without initials."""
    text = " ".join(shown[name] for name in names).replace("-", " ").replace("/", " ")
    return [word for word in text.casefold().split() if len(word) > 1]


def _is_like(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Tell whether a word of one name is one of the other, but for a slip or where a name was cut off."""
    return any(
        SequenceMatcher(None, one, other).ratio() >= _ALIKE
        or (one[:_LEAST_LETTERS] == other[:_LEAST_LETTERS] and min(len(one), len(other)) >= _LEAST_LETTERS)
        for one, other in product(ours, theirs)
    )  # fmt: skip


def _parts_alike(ours: str, theirs: str) -> int:
    """Return how many of year, month and day agree; where two are exchanged, two; 0 without a date."""
    one, other = ours.split("-"), theirs.split("-")
    if len(one) != _SAME_DAY or len(other) != _SAME_DAY:
        return 0
    alike = sum(a == b for a, b in zip(one, other, strict=True))
    return max(alike, _ONE_SLIP) if sorted(one) == sorted(other) else alike
