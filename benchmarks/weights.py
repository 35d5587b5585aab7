"""Which weights (bits a feature) of the `children` linkage schema find most children.

    python -m benchmarks.weights             each weight up and down from the shipped ones, and the record
    python -m benchmarks.weights --climb     from the shipped weights uphill, one weight at a time
    python -m benchmarks.weights --quick     one small rehearsal, to see that it runs

The rehearsals of all seeds are pooled, since an agreement has one threshold for all: the auto threshold is the
lowest at which precision is 0.998, then review takes 3 % of the child-welfare records. Weights are
compared on plain CLKs with the noise of eld1 added. The record is benchmarks/weights.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import Dataset, match_block, pack_words, plan_blocks, resolve
from benchmarks.rehearsed import Rehearsal, agreed, clean, filters, mapped, rehearsal_files
from encoding.linkage import NO_HARDENING, load_shipped
from encoding.recipe import Recipe
from schemas.profile import EncodingProfile

RECORD = Path(__file__).with_name("weights.csv")
SEEDS = (31, 32, 33, 34)
MIN_AUTO_PRECISION = 0.998
MAX_REVIEW_SHARE = 0.03
LOWEST = 0.77
# Standard deviation of eld1 (t = 4, 2,048 bits) in plain-CLK units at similarity 0.85.
ELD1_NOISE = 0.009
Weights = Mapping[str, int]


@dataclass(frozen=True)
class Score:
    """What pooled rehearsals say about weights; recalls are of people in both files."""

    average_precision: float
    recall: float
    auto_recall: float
    auto: float
    review: float

    @property
    def worth(self) -> float:
        """One number to climb: mostly recall, the rest for a smooth slope."""
        return self.average_precision + self.recall + self.auto_recall / 4


def main() -> None:
    """Sweep or climb."""
    arguments = _arguments()
    shipped = load_shipped("children", hardening=NO_HARDENING)
    sizes = (400, 8_000) if arguments.quick else (4_000, 200_000)
    recipe = Recipe.load(shipped.recipe or {})
    rehearsals = [
        clean(rehearsal_files(seed, *sizes), recipe)
        for seed in SEEDS[: 1 if arguments.quick else None]
    ]
    start = weights_of(shipped)
    steps = climb(shipped, start, rehearsals) if arguments.climb else sweep(start)
    rows = []
    for label, weights in steps:
        began = time.perf_counter()
        score = measure(with_weights(shipped, weights), rehearsals)
        rows.append(_row(label, weights, score))
        print(*rows[-1].values(), f"{time.perf_counter() - began:.0f}s", sep="\t", flush=True)
    if not (arguments.quick or arguments.climb):
        with RECORD.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def sweep(start: Weights) -> Iterator[tuple[str, Weights]]:
    """Yield the start, then every weight alone lowered and raised, at the same number of bits in all."""
    yield "shipped", start
    for name in start:
        for factor in (0.5, 0.75, 1.33, 2.0):
            yield (
                f"{name} x {factor}",
                rescaled({**start, name: round(start[name] * factor)}, start),
            )


def climb(
    profile: EncodingProfile, start: Weights, rehearsals: list[Rehearsal]
) -> Iterator[tuple[str, Weights]]:
    """Yield every step uphill, one weight at a time, with shrinking steps."""
    best, worth = start, measure(with_weights(profile, start), rehearsals).worth
    for factor in (1.3, 1.18, 1.1):
        for name in start:
            for change in (factor, 1 / factor):
                tried = rescaled({**best, name: round(best[name] * change)}, start)
                found = measure(with_weights(profile, tried), rehearsals).worth
                if found > worth + 2e-5:
                    best, worth = tried, found
                    yield f"{name} x {change:.2f}", best
                    break


def measure(profile: EncodingProfile, rehearsals: list[Rehearsal]) -> Score:
    """Score a profile on the pooled rehearsals."""
    picked = [picks(profile, rehearsal, seed) for seed, rehearsal in enumerate(rehearsals)]
    similarity = np.concatenate([one for one, _ in picked])
    order = np.argsort(-similarity, kind="stable")
    similarity = similarity[order]
    is_true = np.concatenate([other for _, other in picked])[order]
    n_true = sum(len({right for _, right in r.truth.pairs}) for r in rehearsals)
    n_review = int(MAX_REVIEW_SHARE * sum(len(r.left.ids) for r in rehearsals))
    found = np.cumsum(is_true)
    precision = found / np.arange(1, len(found) + 1)
    n_auto = int(np.flatnonzero(precision >= MIN_AUTO_PRECISION)[-1]) + 1
    last = min(len(found), n_auto + n_review) - 1
    return Score(
        average_precision=float((precision * is_true).sum() / n_true),
        recall=float(found[last] / n_true),
        auto_recall=float(found[n_auto - 1] / n_true),
        auto=float(similarity[n_auto - 1]),
        review=float(similarity[last]),
    )


def picks(
    profile: EncodingProfile, rehearsal: Rehearsal, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the similarity of every pair that the solver picks, and whether it is true."""
    policy = mapped(agreed(LOWEST, LOWEST, 0), profile)
    sides = (rehearsal.left, rehearsal.right)
    datasets = [
        Dataset(pack_words(filters(side, profile)), side.record, len(side.ids)) for side in sides
    ]
    blocks = plan_blocks(datasets, block_pairs=1 << 34, is_within=False)
    matched = ((b, match_block(datasets, b, policy, n_threads=2)) for b in blocks)
    decisions = resolve([len(side.ids) for side in sides], matched, policy).decisions
    noise = np.random.default_rng(seed).normal(0, ELD1_NOISE, len(decisions))
    true = set(rehearsal.truth.pairs)
    is_true = [
        (rehearsal.left.ids[left], rehearsal.right.ids[right]) in true
        for left, right in zip(decisions.left_record, decisions.right_record, strict=True)
    ]
    return decisions.similarity() + noise, np.array(is_true)


def weights_of(profile: EncodingProfile) -> dict[str, int]:
    """Return the bits of each feature."""
    features = json.loads(profile.linkage_schema)["features"]
    return {f["identifier"]: f["hashing"]["strategy"]["bitsPerFeature"] for f in features}


def with_weights(profile: EncodingProfile, weights: Weights) -> EncodingProfile:
    """Return the profile with other bits a feature."""
    schema = json.loads(profile.linkage_schema)
    for feature in schema["features"]:
        feature["hashing"]["strategy"]["bitsPerFeature"] = weights[feature["identifier"]]
    return profile.model_copy(update={"linkage_schema": json.dumps(schema)})


def rescaled(weights: Weights, like: Weights) -> dict[str, int]:
    """Return the weights in the same proportions, with as many bits in all as `like`: the same fill."""
    factor = sum(like.values()) / sum(weights.values())
    return {name: round(bits * factor) for name, bits in weights.items()}


def _row(label: str, weights: Weights, score: Score) -> dict[str, object]:
    return {
        "change": label, **weights,
        "recall": f"{score.recall:.4f}", "auto_recall": f"{score.auto_recall:.4f}",
        "average_precision": f"{score.average_precision:.4f}",
        "auto_threshold": f"{score.auto:.3f}", "review_threshold": f"{score.review:.3f}",
    }  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--climb", action="store_true")
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
