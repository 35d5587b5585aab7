"""Pairs of invented people, weighed as this trial's pairs were: how a match probability comes about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from app.matching.blocks.resolution import Resolution
from app.matching.blocks.weights import UNIT, Model, probability, taken_off
from encoding.blocks.clear import ClearLevels
from encoding.blocks.values import ValueTables
from encoding.recipe import Recipe
from schemas.linkage.profile import EncodingProfile

Person = Mapping[str, str]
_DATES: Final = "YYYY-MM-DD"
# So that the same trial shows the same numbers again.
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Example:
    """Two invented records, and what they show."""

    title: str
    one: Person
    other: Person


@dataclass(frozen=True, slots=True)
class Step:
    """What one field adds to the weight of a pair, in bits; `values` are the two invented ones."""

    name: str
    values: tuple[str, str]
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class WeighedExample:
    """An example with its steps, from before anything is compared, and where they lead."""

    title: str
    steps: tuple[Step, ...]
    bits: float
    chance: float


EXAMPLES: Final = (
    Example(
        "The same child, with a typing mistake and a moved home",
        {
            "first_name": "Marisol", "middle_name": "Ines", "last_name": "Quintero-Vale",
            "birth_date": "2012-03-04", "sex": "F", "zip": "27601",
        },
        {
            "first_name": "Marisoll", "middle_name": "I", "last_name": "Quintero",
            "birth_date": "2012-03-04", "sex": "F", "zip": "27703",
        },
    ),
    Example(
        "The same child, with day and month swapped",
        {
            "first_name": "Tobias", "last_name": "Lindqvist", "birth_date": "2011-04-09", "sex": "M",
            "zip": "27510",
        },
        {
            "first_name": "Tobias", "last_name": "Lindqvist", "birth_date": "2011-09-04", "sex": "M",
            "zip": "27510",
        },
    ),
    Example(
        "Twins: two children of one family",
        {
            "first_name": "Odette", "last_name": "Farnsworth", "birth_date": "2013-11-20", "sex": "F",
            "zip": "27401",
        },
        {
            "first_name": "Juniper", "last_name": "Farnsworth", "birth_date": "2013-11-20", "sex": "F",
            "zip": "27401",
        },
    ),
)  # fmt: skip

# What of an invented person is shown for each field of the shipped profiles.
_SHOWN: Final = {
    "first-name": "first_name",
    "surname": "last_name",
    "birth-date": "birth_date",
    "sex": "sex",
    "middle-initial": "middle_name",
    "zip": "zip",
}


def weigh_examples(
    profile: EncodingProfile, model: Model, run: Resolution
) -> tuple[WeighedExample, ...]:
    """Return the invented pairs, each field with the weight that it had in this trial.

    A field that one of the two lacks adds nothing, and is left out.
    """
    return tuple(_weighed(profile, model, run, one) for one in EXAMPLES)


def _weighed(
    profile: EncodingProfile, model: Model, run: Resolution, example: Example
) -> WeighedExample:
    shown = {
        field: (example.one.get(key, ""), example.other.get(key, ""))
        for field, key in _SHOWN.items()
    }
    steps = weigh_levels(profile, model, run, _levels(profile, example), shown)
    total = sum(round(step.bits * UNIT) for step in steps)
    return WeighedExample(example.title, steps, total / UNIT, probability(total))


def weigh_levels(
    profile: EncodingProfile,
    model: Model,
    run: Resolution,
    levels: Sequence[int],
    values: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> tuple[Step, ...]:
    """Return what each field adds to the weight of a pair, in the order of the profile."""
    before, steps = run.weights.prior, []
    for number, field in enumerate(profile.fields):
        weight = run.weights.fields[number][levels[number]] if levels[number] else 0
        if field.memory is not None:
            # A trial remembers no round: this is the same for all pairs.
            before += weight
        elif levels[number]:
            bits = weight / UNIT
            level = field.levels[levels[number] - 1].name
            steps.append(Step(field.name, values.get(field.name, ("", "")), level, bits))
    dependence, twins = taken_off(model, levels)
    for name, off in (("names that often go together", dependence), ("chance of twins", twins)):
        if off:
            steps.append(Step(name, ("", ""), "", -off / UNIT))
    return (Step("before anything is compared", ("", ""), "", before / UNIT), *steps)


def _levels(profile: EncodingProfile, example: Example) -> tuple[int, ...]:
    recipe = Recipe.load(profile.recipe)
    names = [name for name in recipe.inputs if name in {*example.one, *example.other}]
    cells = {name: [one.get(name, "") for one in (example.one, example.other)] for name in names}
    derived = recipe.derive(cells, date_format=_DATES)
    # The first spelling of each of the two.
    mains = [derived.row_of.index(row) for row in (0, 1)]
    blank = [""] * len(derived.row_of)
    tables = ValueTables(profile)
    lines = tables.lines({**dict.fromkeys(profile.columns, blank), **derived.columns})[mains]
    levels = ClearLevels(profile, tables, seed=_SEED, of_two_files=True)
    found = levels.compare(lines[:1], lines[1:], np.random.default_rng(_SEED))
    return tuple(found[0].tolist())
