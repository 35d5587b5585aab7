"""Encodes 32 invented people and digests each step, so that agencies notice what they do not do alike.

The people are encoded under a secret derived from the shared one and used for nothing else: encodings of
people whom everybody knows would be the key to all others. Spec page: `schemas/spec/secret-share.md`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import numpy as np

from encoding.diffusion import PackedBits
from encoding.encoder import Encoder
from encoding.recipe import Recipe
from encoding.secret import Secret
from encoding.specimen import harden
from schemas.canonical import JsonValue, canonical_digest
from schemas.profile import EncodingProfile
from schemas.secret_share import SelfTest, StepTest

Step = Literal["recipe", "linkage_schema", "hardening"]
What = Literal["secret", "recipe", "linkage schema", "hardening", "version"]
_STEPS: Final[tuple[Step, ...]] = get_args(Step)
# So that the people are spread over the years that a recipe takes, whichever these are.
_YEARS_APART: Final = 7
# The people have none: their file never changes. One of each kind that a recipe tells apart.
_ZIPS: Final = ("00213", "69541-1234", "698770001", "99999", "2139", "", "Unknown")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that `party` does not have or do as this agency does; `sentence` says it for people."""

    party: str
    what: What
    sentence: str


def run_self_test(profile: EncodingProfile, secret: Secret, project: str, epoch: int) -> SelfTest:
    """Return the digests of what the steps of a profile make of the built-in people.

    Raises:
        RecipeError, LinkageSchemaError: the profile cannot be used by this program.
    """
    canary = Secret(secret.sub_key("canary", project=project, epoch=epoch))
    with Encoder(json.loads(profile.linkage_schema), canary.clk_key) as encoder:
        cleaned = _clean(profile, encoder)
        clks = encoder.encode(cleaned.columns).filters
    rules = rules_of(profile)
    results = {
        "recipe": cleaned.digest(),
        "linkage_schema": _digest_of_rows(clks),
        "hardening": _digest_of_rows(harden(clks, profile, canary)),
    }
    steps = {step: StepTest(rules=rules[step], result=results[step]) for step in _STEPS}
    return SelfTest(**steps, software=f"blindlink-{importlib.metadata.version('blindlink')}")


def rules_of(profile: EncodingProfile) -> dict[Step, str]:
    """Return the digest of each step's rules, as the profile says them."""
    stated = profile.to_json()
    return {
        "recipe": canonical_digest(stated["recipe"]),
        "linkage_schema": hashlib.sha256(profile.linkage_schema.encode("utf-8")).hexdigest(),
        "hardening": canonical_digest(
            {name: stated[name] for name in ("hardening", "nominal_fill")}
        ),
    }


def compare_self_tests(
    ours: SelfTest, theirs: SelfTest, party: str, *, is_same_secret: bool
) -> tuple[Difference, ...]:
    """Return what differs, in the order in which it must be put right; nothing: they encode alike.

    Args:
        ours: this agency's own.
        theirs: the one that `party` has sent.
        party: the other agency's name, for the sentences.
        is_same_secret: whether both have the same secret; without it, encodings cannot be compared.
    """
    differences: list[Difference] = []
    if not is_same_secret:
        sentence = f"{party} has another secret than you"
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


def _clean(profile: EncodingProfile, encoder: Encoder) -> _Cleaned:
    if profile.recipe is None:
        columns = _cells_that_fit(encoder)
        return _Cleaned(columns, list(range(len(_people()["people"]))), [])
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
    columns["birth_date"] = [
        f"{day}/{first_year + _YEARS_APART * person % n_years}"
        for person, day in enumerate(columns.pop("day"))
    ]
    return columns


def _cells_that_fit(encoder: Encoder) -> dict[str, list[str]]:
    """Return a cell for each person and column of a linkage schema that describes unknown columns.

    Of a fixed list of cells, each column takes in turn those that it does not refuse.
    """
    cells: list[str] = _people()["cells"]
    n_people = len(_people()["people"])
    problems = encoder.encode(dict.fromkeys(encoder.columns, cells), first_row=0).problems
    refused = {(problem.column, problem.row) for problem in problems}
    columns = {}
    for at, name in enumerate(encoder.columns):
        fitting = [cell for row, cell in enumerate(cells) if (name, row) not in refused] or [""]
        columns[name] = [fitting[(person + at) % len(fitting)] for person in range(n_people)]
    return columns


def _other_rules(step: Step, party: str) -> Difference:
    name: What = "linkage schema" if step == "linkage_schema" else step
    return Difference(party, name, f"{party} encodes by another {name} than you")


def _other_results(ours: SelfTest, theirs: SelfTest, party: str) -> tuple[Difference, ...]:
    for step in _STEPS:
        if getattr(ours, step).result != getattr(theirs, step).result:
            name = step.replace("_", " ")
            sentence = (
                f"by the same {name}, the program of {party} makes something else of the same people:"
                f" {theirs.software} there, {ours.software} here"
            )
            return (Difference(party, "version", sentence),)
    return ()


def _digest_of_rows(rows: PackedBits) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()


@cache
def _people() -> dict[str, Any]:
    text = resources.files("encoding").joinpath("self_test_people.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed
