"""What encoding makes of one record, in the clear: for the analyst's own eyes, and never written anywhere.

Everything here is as sensitive as the record itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache

import numpy as np

from encoding.blocks.further import with_either, with_exchanged
from encoding.blocks.values import read_feature, spread_draws
from schemas.linkage.fields import FILTER_BITS, Lane
from schemas.linkage.passes import Part
from schemas.linkage.profile import SIDES, EncodingProfile, Side

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, repr=False)
class ExplainedKey:
    """One blocking key.

    Attributes:
        pass_name: its pass.
        parts: the values that it is made of, as the cell's key takes them; empty where one is missing.
        missing: the columns that it lacks.
        occurrence: how many equal keys of the pass came before.
    """

    pass_name: str
    parts: tuple[str, ...]
    missing: tuple[str, ...] = ()
    occurrence: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class ExplainedLane:
    """One lane: how many pieces its value is cut into and how many places they are given, 0 for a tag."""

    column: str
    value: str
    n_tokens: int
    n_draws: int


@dataclass(frozen=True, slots=True, repr=False)
class ExplainedSpelling:
    """One spelling.

    Attributes:
        columns: each derived column's value; empty where it is missing.
        fields: the lanes of each field.
        keys: of the main spelling all, those that it lacks too; of an alias those that are new.
    """

    columns: Mapping[str, str]
    fields: Mapping[str, tuple[ExplainedLane, ...]]
    keys: tuple[ExplainedKey, ...]


@dataclass(frozen=True, slots=True)
class ExplainedRows:
    """How many rows a record has on one side of a pair: made from keys, of padding, and keys without room."""

    made: int
    padding: int
    keys_without_room: int


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """One record: its spellings in the smaller file, the main one first, and its rows on either side."""

    spellings: tuple[ExplainedSpelling, ...]
    rows: Mapping[Side, ExplainedRows]


def explain(profile: EncodingProfile, columns: Columns) -> Explanation:
    """Explain the derived rows of one record, in their order: the first one is its main spelling."""
    of_side = {side: _spelled(profile, side, columns) for side in SIDES}
    rows = {
        side: _rows(profile, side, sum(bool(key.parts) for one in found for key in one.keys))
        for side, found in of_side.items()
    }
    return Explanation(of_side["smaller"], rows)


def _spelled(
    profile: EncodingProfile, side: Side, columns: Columns
) -> tuple[ExplainedSpelling, ...]:
    """Return the spellings of the record in a file of this side, those that the profile adds too."""
    is_main = np.arange(len(columns[profile.columns[0]])) == 0
    columns, _ = with_exchanged(profile, columns, is_main & (side == "smaller"))
    keyed, of = with_either(profile, columns)
    known: set[ExplainedKey] = set()
    spellings: list[ExplainedSpelling] = []
    for at, source in enumerate(of.tolist()):
        cells = {name: keyed[name][at] for name in keyed}
        keys = _keys(profile, cells)
        if at:
            new = (key for key in keys if key.parts and key not in known)
            keys = tuple(sorted(new, key=lambda key: key.occurrence))
        known.update(key for key in keys if key.parts)
        lanes = _fields(profile, {name: columns[name][source] for name in columns})
        spellings.append(ExplainedSpelling(cells, lanes, keys))
    return tuple(spellings)


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation as lines of text."""
    main, *aliases = explanation.spellings
    births = {one.columns.get("birth_date", "") for one in explanation.spellings} - {""}
    yield "derived columns"
    width = max(map(len, main.columns))
    for column, value in main.columns.items():
        yield f"  {column:<{width}}  {_shown(value, births) or '(missing)'}"
    yield "fields"
    width = max(map(len, main.fields))
    for name, lanes in main.fields.items():
        yield f"  {name:<{width}}  {'; '.join(map(_lane_text, lanes))}"
    yield "blocking keys"
    yield from _key_lines(main.keys, births)
    for number, alias in enumerate(aliases, start=2):
        changed = [
            f"{name} {_shown(value, births) or '(missing)'}"
            for name, value in alias.columns.items()
            if value != main.columns[name]
        ]
        yield f"spelling {number}: {', '.join(changed) or 'the same'}"
        yield from _key_lines(alias.keys, births)
    yield "rows"
    for side, rows in explanation.rows.items():
        line = (
            f"  in the {side} file of a pair: {rows.made} from keys and {rows.padding} of padding"
        )
        if rows.keys_without_room:
            line += f"; {rows.keys_without_room} keys of other spellings have no room"
        yield line
    yield "  in the larger file, rows of blocks that are full become padding, too"


def _keys(profile: EncodingProfile, cells: Mapping[str, str]) -> tuple[ExplainedKey, ...]:
    found: list[ExplainedKey] = []
    for one in profile.passes:
        earlier: list[tuple[str, ...]] = []
        for form in one.keys:
            missing = tuple(dict.fromkeys(n for part in form for n in part if not cells[n]))
            parts = () if missing else tuple(text for part in form for text in _part(part, cells))
            found.append(
                ExplainedKey(one.name, parts, missing, earlier.count(parts) if parts else 0)
            )
            earlier.append(parts)
    return tuple(found)


def _part(part: Part, cells: Mapping[str, str]) -> list[str]:
    # Several columns in one part are sorted, so that exchanged names give the same key.
    return sorted(cells[name] for name in part)


def _fields(
    profile: EncodingProfile, cells: Mapping[str, str]
) -> dict[str, tuple[ExplainedLane, ...]]:
    return {
        field.name: tuple(_lane(lane, cells[lane.column]) for lane in field.lanes)
        for field in profile.fields
    }


def _lane(lane: Lane, value: str) -> ExplainedLane:
    if lane.kind == "tag" or not value:
        return ExplainedLane(lane.column, value, 0, 0)
    tokeniser, n_draws = _feature(lane)
    tokens = spread_draws(tokeniser.tokens(value), n_draws)
    return ExplainedLane(lane.column, value, len(tokens), n_draws)


# clkhash takes long to read a feature, of which a profile has few.
_feature = cache(read_feature)


def _rows(profile: EncodingProfile, side: Side, n_keys: int) -> ExplainedRows:
    aliases = profile.alias_keys
    most = profile.keys + (aliases.larger if side == "larger" else aliases.smaller)
    per_key = 1 if side == "larger" else profile.block_cap
    made = min(n_keys, most) * per_key
    return ExplainedRows(made, profile.rows(side) - made, max(0, n_keys - most))


def _lane_text(lane: ExplainedLane) -> str:
    if not lane.value:
        return f"{lane.column}: missing, filled at random"
    if not lane.n_draws:
        return f"{lane.column}: tag"
    return f"{lane.column}: {lane.n_tokens} pieces, {lane.n_draws} draws of {FILTER_BITS} places"


def _key_lines(keys: Sequence[ExplainedKey], births: Set[str]) -> Iterator[str]:
    if not keys:
        yield "  no new keys"
    for key in keys:
        parts = [_shown(part, births) for part in key.parts]
        text = " + ".join(parts) or f"none: {', '.join(key.missing)} missing"
        again = f" (again, numbered {key.occurrence})" if key.occurrence else ""
        yield f"  {key.pass_name}: {text}{again}"


def _shown(value: str, births: Set[str]) -> str:
    """Return a date of birth as people write it, anything else as it is."""
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if value in births else value
