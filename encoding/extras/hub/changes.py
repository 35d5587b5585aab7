"""What an extension changes in a spoke's agreement, in words for whoever signs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import clauses_of

# What the places of answers are called on a sheet; any other is called by its place.
_WORDS: Final[Mapping[str, str]] = {
    "start": "first day",
    "end": "last day",
    "retention.destroy_by": "all is destroyed by",
    "limits.files.spoke.least": "least records of the spoke",
    "limits.files.spoke.most": "most records of the spoke",
}


def changes_of(before: Agreement, after: Agreement, spoke: str) -> dict[str, str]:
    """Return what an extension changes, in words: what it was and what it will be, by what it is called."""
    old, new = (dict(_places(clauses_of(one), spoke)) for one in (before, after))
    return {
        _WORDS.get(place, place): f"{new.get(place, 'none')} (was {old.get(place, 'none')})"
        for place in dict.fromkeys((*old, *new))
        if old.get(place) != new.get(place)
    }


def _places(value: Any, spoke: str, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value with its place as in answers; what is listed for a party stands by its name."""
    if isinstance(value, list):
        parties = [one.get("party") if isinstance(one, dict) else None for one in value]
        names = ("spoke" if party == spoke else party for party in parties)
        value = {
            str(name or at): one for at, (name, one) in enumerate(zip(names, value, strict=True))
        }
    if not isinstance(value, dict):
        yield place, str(value)
        return
    for name, one in value.items():
        yield from _places(one, spoke, f"{place}.{name}".lstrip("."))
