"""Encodes 32 invented people and digests each step, so that agencies notice what they do not do alike.

The people are encoded under a secret derived from the shared one and used for nothing else: encodings of
people whom everybody knows would be the key to all others. Spec page: `schemas/spec/secret-share.md`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from encoding.blocks.assembly import Assembly, Randomness
from encoding.blocks.keys import CellKeys
from encoding.recipe import Recipe
from encoding.secret.secret import Marks, Secret
from schemas.documents.canonical import JsonValue, canonical_digest
from schemas.linkage.fields import NUMBER_INPUTS
from schemas.linkage.profile import SIDES, EncodingProfile, memory_columns
from schemas.signing.secret_share import SelfTest, StepTest

Step = Literal["recipe", "rows"]
What = Literal["secret", "recipe", "fields and passes", "version"]
_STEPS: Final[tuple[Step, ...]] = get_args(Step)
_WORDS: Final[dict[Step, What]] = {"recipe": "recipe", "rows": "fields and passes"}
# So that the people are spread over the years that a recipe takes, whichever these are.
_YEARS_APART: Final = 7
# The people have none: their file never changes. One of each kind that a recipe tells apart.
_ZIPS: Final = ("00213", "69541-1234", "698770001", "99999", "2139", "", "Unknown")
_RECIPE_FIELDS: Final = ("name", "recipe", "version")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that `party` does not have or do as this agency does; `sentence` says it for people."""

    party: str
    what: What
    sentence: str


def run_self_test(profile: EncodingProfile, marks: Marks) -> SelfTest:
    """Return the digests of what the steps of a profile make of the built-in people."""
    canary = Secret(marks.canary)
    cleaned = _clean(profile)
    rules = rules_of(profile)
    results = {"recipe": cleaned.digest(), "rows": _digest_of_rows(profile, canary, cleaned)}
    steps = {step: StepTest(rules=rules[step], result=results[step]) for step in _STEPS}
    return SelfTest(**steps, software=f"blindlink-{importlib.metadata.version('blindlink')}")


def rules_of(profile: EncodingProfile) -> dict[Step, str]:
    """Return the digest of each step's rules, as the profile says them."""
    stated = profile.to_json()
    others = {name: value for name, value in stated.items() if name not in _RECIPE_FIELDS}
    return {"recipe": canonical_digest(stated["recipe"]), "rows": canonical_digest(others)}


def compare_self_tests(
    ours: SelfTest, theirs: SelfTest, party: str, *, is_same_secret: bool
) -> tuple[Difference, ...]:
    """Return what differs, in the order in which it must be put right; nothing: they encode alike."""
    differences: list[Difference] = []
    if not is_same_secret:
        sentence = f"{party} has a different secret from yours"
        differences.append(Difference(party, "secret", sentence))
    for step in _STEPS:
        if getattr(ours, step).rules != getattr(theirs, step).rules:
            differences.append(_other_rules(step, party))
    if not differences:
        differences.extend(_other_results(ours, theirs, party))
    return tuple(differences)


@dataclass(frozen=True, slots=True)
class _Cleaned:
    """What the recipe made of the people: derived columns, whose rows they are, and which cells it refused."""

    columns: Mapping[str, list[str]]
    rows: list[int]
    refused: list[tuple[int, str]]

    def digest(self) -> str:
        document: dict[str, JsonValue] = {
            "columns": {name: list(cells) for name, cells in self.columns.items()},
            "rows": list(self.rows),
            "refused": [[person, column] for person, column in self.refused],
        }
        return canonical_digest(document)


def _clean(profile: EncodingProfile) -> _Cleaned:
    recipe = Recipe.load(profile.recipe)
    derived = recipe.derive(
        _inputs(*recipe.spec.birth_years), date_format="MM/DD/YYYY", first_row=0
    )
    refused = [(problem.row, problem.column) for problem in derived.problems]
    return _Cleaned(derived.columns, derived.row_of, refused)


def _inputs(first_year: int, last_year: int) -> dict[str, list[str]]:
    """Return the people as an agency's file would have them, born in the years that a recipe takes."""
    people = _people()
    columns = dict(
        zip(people["columns"], map(list, zip(*people["people"], strict=True)), strict=True)
    )
    n_years = last_year - first_year + 1
    columns["zip"] = [_ZIPS[person % len(_ZIPS)] for person in range(len(people["people"]))]
    for name in NUMBER_INPUTS.values():
        # Valid of any kind; that of the first person is a placeholder.
        columns[name] = [str(123_456_789 + 1_000_019 * at) for at in range(len(columns["zip"]))]
    columns["birth_date"] = [
        f"{day}/{first_year + _YEARS_APART * person % n_years}"
        for person, day in enumerate(columns.pop("day"))
    ]
    return columns


def _other_rules(step: Step, party: str) -> Difference:
    name = _WORDS[step]
    which = f"a different {name}" if step == "recipe" else f"different {name}"
    return Difference(party, name, f"{party} encodes with {which} from yours")


def _other_results(ours: SelfTest, theirs: SelfTest, party: str) -> tuple[Difference, ...]:
    for step in _STEPS:
        if getattr(ours, step).result != getattr(theirs, step).result:
            sentence = (
                f"with the same {_WORDS[step]}, the program of {party} makes different encodings of"
                f" the same people: {theirs.software} there, {ours.software} here"
            )
            return (Difference(party, "version", sentence),)
    return ()


def _digest_of_rows(profile: EncodingProfile, canary: Secret, cleaned: _Cleaned) -> str:
    """Return the digest of the rows of the people, both sides; the key fixes what else is random."""
    key = canary.sub_key("canary")
    numbers = np.unique(cleaned.rows, return_inverse=True)[1].astype(np.uint32)
    n_people = int(numbers.max(initial=0)) + 1
    digest = hashlib.sha256()
    for side in SIDES:
        with (
            tempfile.TemporaryDirectory() as folder,
            Assembly(
                profile,
                CellKeys(key),
                side,
                n_records=n_people,
                repeated=np.zeros(n_people, dtype=bool),
                folder=Path(folder),
                randomness=Randomness(order=key, fill=key, padding=key),
            ) as assembly,
        ):
            remembered = [f"{number:032x}" for number in numbers.tolist()]
            memory = dict.fromkeys(memory_columns(profile), remembered)
            assembly.add({**cleaned.columns, **memory}, numbers)
            for rows in assembly.rows():
                digest.update(rows.tobytes())
    return digest.hexdigest()


@cache
def _people() -> dict[str, Any]:
    text = resources.files("encoding.epoch").joinpath("self_test_people.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed
