"""Which columns of a row belong together when rows are taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# A first name goes with the sex, a surname with its suffix; date of birth and ZIP code stand alone.
_TOGETHER = (
    ("first_name", "middle_name", "sex", "alias_first"),
    ("last_name", "suffix", "alias_last"),
    ("birth_date",),
    ("zip",),
)

Rows = Mapping[str, Sequence[str]]
"""Cells by the recipe's or linkage schema's name of the column, all of one length."""


def column_groups(names: Iterable[str], *, has_recipe: bool) -> tuple[tuple[str, ...], ...]:
    """Return the columns in groups that are taken from one row; without a recipe each stands alone."""
    there = tuple(names)
    if not has_recipe:
        return tuple((name,) for name in there)
    groups = (tuple(name for name in group if name in there) for group in _TOGETHER)
    return tuple(group for group in groups if group)
