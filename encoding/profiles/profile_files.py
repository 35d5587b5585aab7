"""Encoding profiles as files: read, checked, compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from encoding.blocks.values import ValueTables, read_feature
from encoding.errors import LinkageSchemaError
from encoding.profiles.catalog import SHIPPED, shipped_profile
from encoding.recipe import Recipe
from schemas.documents.canonical import parse_json
from schemas.documents.errors import FormatError
from schemas.linkage.fields import FILTER_BITS
from schemas.linkage.profile import EncodingProfile, memory_columns

# A filter with half its bits set is as far from an all-zero one as from any stranger's: no more, no less.
_FILL_RANGE: Final = (0.45, 0.55)
# A name of fewer letters than this many bits of distance apart is all that one pass should not rest on.
_FEWEST_PASSES: Final = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What is weak in a profile: a stable rule, and a sentence."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two profiles differ; None: that profile does not have it."""

    place: str
    left: str | None
    right: str | None


def read_profile(name_or_path: str) -> EncodingProfile:
    """Return a shipped profile by name, or that of a file.

    Raises:
        LinkageSchemaError: it is no encoding profile, or cannot be used.
        RecipeError: its recipe is not one of this program's.
    """
    if name_or_path in SHIPPED:
        return shipped_profile(name_or_path)
    path = Path(name_or_path)
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise LinkageSchemaError(
            f"there is no shipped profile and no file {name_or_path}",
            hint=f"the shipped ones are {', '.join(SHIPPED)}",
        ) from exc
    try:
        profile = EncodingProfile.from_json(parse_json(raw.removeprefix(b"\xef\xbb\xbf")))
    except FormatError as exc:
        raise LinkageSchemaError(f"{path}: {exc}") from exc
    require_usable(profile)
    return profile


def require_usable(profile: EncodingProfile) -> None:
    """Make sure that this program can encode by a profile.

    Raises:
        LinkageSchemaError: a lane's feature cannot be used, or a column is not one that the recipe makes.
        RecipeError: the recipe is not one of this program's.
    """
    recipe = Recipe.load(profile.recipe)
    ValueTables(profile)
    missing = sorted(set(profile.columns) - {*recipe.spec.columns, *memory_columns(profile)})
    if missing:
        raise LinkageSchemaError(f"the recipe does not make the column {missing[0]}")


def lint_profile(profile: EncodingProfile) -> tuple[Finding, ...]:
    """Return what is weak in a profile by itself."""
    return tuple(_findings(profile))


def compare_profiles(left: EncodingProfile, right: EncodingProfile) -> tuple[Difference, ...]:
    """Return every place at which two profiles differ, in the order of the places."""
    one, other = dict(_places(_named(left.to_json()))), dict(_places(_named(right.to_json())))
    return tuple(
        Difference(place, one.get(place), other.get(place))
        for place in sorted(one.keys() | other.keys())
        if one.get(place) != other.get(place)
    )


def expected_fill(n_draws: int) -> float:
    """Return the expected share of set bits of a filter into which so many places are drawn."""
    return 1 - (1 - 1 / FILTER_BITS) ** n_draws


def _findings(profile: EncodingProfile) -> Iterator[Finding]:
    for field in profile.fields:
        for lane in field.lanes:
            if lane.kind == "filter":
                fill = expected_fill(read_feature(lane)[1])
                if not _FILL_RANGE[0] <= fill <= _FILL_RANGE[1]:
                    yield Finding(
                        "filter-fill",
                        f"the filter of {lane.column} has {fill:.0%} of its bits set: an all-zero filter would"
                        " be nearer to other names than a stranger's, or a name would hide in a full one",
                    )
    if len(profile.passes) < _FEWEST_PASSES:
        yield Finding(
            "passes", "there is one pass: a mistake in one value of its key loses the match"
        )


def _named(value: Any) -> Any:
    """Return a document in which parts of a list that have a name stand under it."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        named = [one.get("name") or one.get("column") for one in value]
        if all(named) and len(set(named)) == len(named):
            return {
                f"{number + 1} {name}": _named(one)
                for number, (name, one) in enumerate(zip(named, value, strict=True))
            }
    if isinstance(value, dict):
        return {name: _named(part) for name, part in value.items()}
    return value


def _places(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _places(part, f"{place}.{name}" if place else name)
    else:
        yield place, json.dumps(value, ensure_ascii=False)
