"""Invented people as an audit holds a file in the clear."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from random import Random
from sys import intern

import numpy as np

from encoding.privacy_audit.files import ClearFile
from encoding.recipe import Recipe
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.synth.people import Person, Population, numbering
from encoding.synth.rehearsal import AS_OF, SCHOOL_AGES
from schemas.linkage.profile import EncodingProfile, memory_columns


def strangers(
    profile: EncodingProfile, n: int, seed: int, ages: tuple[float, float] = SCHOOL_AGES
) -> ClearFile:
    """Return invented people of some ages, cleaned by the profile's recipe."""
    rng = Random(seed)
    families = Population(rng, AS_OF, in_care=False).families(numbering(), numbering(), ages)
    people = (person for family in families for person in family)
    recipe = Recipe.load(profile.recipe)
    columns: dict[str, list[str]] = {}
    records: list[int] = []
    done = 0
    while done < n:
        some = list(islice(people, min(20_000, n - done)))
        derived = recipe.derive(_cells(some), date_format="YYYY-MM-DD")
        for name, values in derived.columns.items():
            # Each value once, however many people have it, so that a nation fits into memory.
            columns.setdefault(name, []).extend(map(intern, values))
        records += [done + row for row in derived.row_of]
        done += len(some)
    columns |= dict.fromkeys(memory_columns(profile), [""] * len(records))
    if NUMBER_COLUMN in columns:
        # Of their own: each call numbers its people from 1, and no two people have one number.
        own = Random(f"{seed} known numbers")
        numbers = [f"{own.randrange(10**11, 10**12)}" for _ in range(n)]
        columns[NUMBER_COLUMN] = [numbers[record] for record in records]
    there, number = np.unique(np.array(records, dtype=np.int64), return_inverse=True)
    return ClearFile(columns, number.reshape(-1).astype(np.int64), len(there))


def _cells(people: list[Person]) -> Mapping[str, list[str]]:
    return {
        "first_name": [person.first for person in people],
        "middle_name": [person.middle for person in people],
        "last_name": [person.last for person in people],
        "birth_date": [person.birth.isoformat() for person in people],
        "sex": [person.sex for person in people],
        "zip": [person.home_zip for person in people],
    }
