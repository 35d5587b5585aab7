"""How often true pairs, strangers and twins agree: what the shipped profiles publish, fitted to rehearsals.

    python -m benchmarks.priors             fit, and print m and u of each level beside the shipped ones
    python -m benchmarks.priors --write     write them into schemas/linkage

m is counted on true pairs that share a cell, u on random pairs of the larger file, as its agency counts it;
both are pooled over seeds of which none is measured by benchmarks/quality.py. Rehearsals are of children. For
`generic-person` the years of birth are spread over a lifetime instead; all else is the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rehearsed import LEVELS, Linked, Rehearsal, clean, link, rehearsal_files
from encoding.profiles.catalog import SHIPPED, shipped_profile
from schemas.linkage.fields import MILLION
from schemas.linkage.profile import EncodingProfile

LINKAGE = Path(__file__).resolve().parent.parent / "schemas" / "linkage"
SEEDS = (71, 72, 73, 74, 75, 76)
# A level that no pair was at is not impossible.
SMOOTHING = 0.5
# Two residents of the United States have the same year of birth once in 77 pairs: ages from 0 to 70 are nearly
# equally frequent (census of 2020, population by single year of age), older ones rarer.
SAME_YEAR = {"generic-person": 1 / 77}
BIRTH_FIELD, YEAR_LANE = "birth-date", "birth_year"


@dataclass(frozen=True)
class Priors:
    """What was counted: pairs at each level of each field, and what a profile publishes beside them."""

    true: dict[str, NDArray[np.float64]]
    strangers: dict[str, NDArray[np.float64]]
    dependence: int
    twins_per_million: int


def main() -> None:
    """Fit, print, and write if asked to."""
    arguments = _arguments()
    profile = shipped_profile("children")
    linked = []
    for seed in arguments.seeds:
        files = rehearsal_files(seed, arguments.children, arguments.students, arguments.errors)
        rehearsal = clean(files, profile)
        linked.append((rehearsal, link(rehearsal, profile)))
        print(f"seed {seed}", file=sys.stderr, flush=True)
    priors = pooled(profile, linked)
    for name in SHIPPED:
        shipped = json.loads((LINKAGE / f"{name}.json").read_text("utf-8"))
        before = json.dumps(shipped)
        publish(shipped, priors, same_year=SAME_YEAR.get(name))
        for line in differences(json.loads(before), shipped):
            print(line)
        if arguments.write:
            text = json.dumps(shipped, indent=1) + "\n"
            (LINKAGE / f"{name}.json").write_text(text, "utf-8", newline="\n")


def pooled(profile: EncodingProfile, linked: Sequence[tuple[Rehearsal, Linked]]) -> Priors:
    """Return the counts of all rehearsals together."""
    true = {field.name: np.zeros(len(field.levels)) for field in profile.fields}
    strangers = {field.name: np.zeros(len(field.levels)) for field in profile.fields}
    for rehearsal, found in linked:
        pairs = zip(found.scored.left.tolist(), found.scored.right.tolist(), strict=True)
        is_true = np.array([pair in rehearsal.truth.person for pair in pairs])
        for at, (field, counts) in enumerate(zip(profile.fields, found.counts.fields, strict=True)):
            levels = found.levels[is_true, at]
            true[field.name] += np.bincount(levels, minlength=len(field.levels) + 1)[1:]
            strangers[field.name] += np.array(counts.strangers)
    n_larger = [len(rehearsal.right.ids) for rehearsal, _ in linked]
    twins = [
        found.counts.twin_pairs * MILLION / n
        for n, (_, found) in zip(n_larger, linked, strict=True)
    ]
    dependence = [found.counts.dependence for _, found in linked]
    return Priors(true, strangers, round(np.mean(dependence)), round(np.mean(twins)))


def publish(shipped: dict[str, Any], priors: Priors, *, same_year: float | None) -> None:
    """Put the priors into a profile's document; `same_year` is how often strangers share a year of birth."""
    for field in shipped["fields"]:
        name, levels = field["name"], field["levels"]
        u = priors.strangers[name] + SMOOTHING
        if name == BIRTH_FIELD and same_year is not None:
            u = _with_years(levels, u / u.sum(), same_year)
        m = priors.true[name] + SMOOTHING
        for level, m_l, u_l in zip(levels, _parts(m, MILLION), _parts(u, 10**9), strict=True):
            level["m"], level["u"] = m_l, u_l
    shipped["dependence"]["published"] = priors.dependence
    shipped["twins_per_million"] = priors.twins_per_million


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield each level with m and u before and after."""
    yield f"{after['name']}: dependence {before['dependence']['published']} ->" + (
        f" {after['dependence']['published']}, twins of a million {before['twins_per_million']} ->"
        f" {after['twins_per_million']}"
    )
    for old, new in zip(before["fields"], after["fields"], strict=True):
        for one, other in zip(old["levels"], new["levels"], strict=True):
            m = f"m {one['m'] / MILLION:.6f} -> {other['m'] / MILLION:.6f}"
            u = f"u {one['u'] / 10**9:.7f} -> {other['u'] / 10**9:.7f}"
            yield f"  {new['name']:<15} {one['name']:<12} {m}   {u}"


def _with_years(
    levels: Sequence[dict[str, Any]], u: NDArray[np.float64], same_year: float
) -> NDArray[np.float64]:
    """Return u of the date's levels where years of birth agree so often; month and day as they were."""
    needs_year = np.array(
        [any(one["lane"] == YEAR_LANE for choice in level["any_of"] for one in choice)
         for level in levels]
    )  # fmt: skip
    before = u[needs_year].sum()
    spread: NDArray[np.float64] = np.where(
        needs_year, u * same_year / before, u * (1 - same_year) / (1 - before)
    )
    return spread


def _parts(counts: NDArray[np.float64], whole: int) -> list[int]:
    """Return shares in parts of `whole`, at least 1 each; the most frequent level takes what is left."""
    parts = [max(1, round(whole * share)) for share in (counts / counts.sum()).tolist()]
    parts[int(np.argmax(counts))] += whole - sum(parts)
    return parts


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--children", type=int, default=2_000)
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--errors", choices=LEVELS, default="mid")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
