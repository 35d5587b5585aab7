"""Rehearsal files linked under any encoding profile: what the benchmarks of quality share.

Cleaning is the same for every weight, so a side is cleaned once and encoded as often as needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import (
    Band,
    Dataset,
    MatchingPolicy,
    Resolution,
    match_block,
    pack_words,
    plan_blocks,
    resolve,
)
from encoding.diffusion import diffuse, diffusion_matrix
from encoding.encoder import Encoder
from encoding.evaluate import Evaluation, Pair, Truth, evaluate, read_look_alikes, read_truth
from encoding.recipe import Recipe
from encoding.records import open_table
from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, RehearsalFiles, write_rehearsal
from schemas.profile import EncodingProfile
from schemas.run import MatchingPolicy as AgreedPolicy
from schemas.run import encoded_thresholds

BENCH = Path(__file__).resolve().parent.parent / ".bench"
SUBGROUPS = ("race_ethnicity", "surname_form")
# A throw-away key: only the spread of the bits matters here.
_KEY = "5f" * 32
_BLOCK_PAIRS = 1 << 34


@dataclass(frozen=True)
class Side:
    """One agency's file, cleaned: derived columns of each record and its variants, records in order."""

    ids: list[str]
    record: NDArray[np.uint32]
    columns: Mapping[str, list[str]]


@dataclass(frozen=True)
class Rehearsal:
    """Two cleaned files and the truth."""

    left: Side
    right: Side
    truth: Truth
    look_alikes: Mapping[Pair, str]


@dataclass(frozen=True)
class Outcome:
    """What a policy does: the auto band alone, and with the review band resolved by the truth."""

    auto: Evaluation
    resolved: Evaluation
    n_review: int
    review_share: float  # of the records of the smaller file
    encodings_per_record: float
    mean_fill: float


def rehearsal_files(
    seed: int, n_children: int = 4_000, n_students: int = 200_000, level: str = "mid"
) -> RehearsalFiles:
    """Write the files under .bench, and return them."""
    folder = BENCH / f"rehearsal-{n_children}-{n_students}-{level}-{seed}"
    return write_rehearsal(
        folder, seed=seed, n_children=n_children, n_students=n_students, error_level=level
    )


def clean(files: RehearsalFiles, recipe: Recipe) -> Rehearsal:
    """Read and clean both files."""
    return Rehearsal(
        _clean_side(files.child_welfare, CHILD_WELFARE_LAYOUT, recipe),
        _clean_side(files.k12, K12_LAYOUT, recipe),
        read_truth(files.truth),
        read_look_alikes(files.look_alikes),
    )


def link(rehearsal: Rehearsal, profile: EncodingProfile, policy: AgreedPolicy) -> Outcome:
    """Encode, match, solve and measure."""
    left, right = (encode(side, profile) for side in (rehearsal.left, rehearsal.right))
    resolution = match(rehearsal, (left, right), mapped(policy, profile))
    auto, review = decided_pairs(rehearsal, resolution)
    resolved = auto + sorted(set(review) & set(rehearsal.truth.pairs))
    by = SUBGROUPS
    return Outcome(
        auto=evaluate(auto, rehearsal.truth, look_alikes=rehearsal.look_alikes, by=by),
        resolved=evaluate(resolved, rehearsal.truth, look_alikes=rehearsal.look_alikes, by=by),
        n_review=len(review),
        review_share=len(review) / min(len(rehearsal.left.ids), len(rehearsal.right.ids)),
        encodings_per_record=len(right) / len(rehearsal.right.ids),
        mean_fill=float(np.bitwise_count(filters(rehearsal.right, profile)).sum(1).mean())
        / profile.clk_bits,
    )


def filters(side: Side, profile: EncodingProfile) -> NDArray[np.uint8]:
    """Return the CLKs before hardening."""
    encoder = Encoder(json.loads(profile.linkage_schema), _KEY)
    return encoder.encode(side.columns).filters


def encode(side: Side, profile: EncodingProfile) -> NDArray[np.uint8]:
    """Return the encodings as they would be uploaded."""
    hardening = profile.hardening
    if hardening.output_bits is None or hardening.taps is None:
        return filters(side, profile)
    matrix = diffusion_matrix(
        bytes.fromhex(_KEY),
        clk_bits=profile.clk_bits,
        output_bits=hardening.output_bits,
        taps=hardening.taps,
    )
    return diffuse(filters(side, profile), matrix)


def mapped(policy: AgreedPolicy, profile: EncodingProfile) -> MatchingPolicy:
    """Return the policy in units of the encodings' own similarity."""
    thresholds = encoded_thresholds(policy, profile)
    return MatchingPolicy(thresholds.auto, thresholds.review, thresholds.margin, policy.solver)


def match(
    rehearsal: Rehearsal, encodings: Sequence[NDArray[np.uint8]], policy: MatchingPolicy
) -> Resolution:
    """Run the matching engine over both files."""
    sides = (rehearsal.left, rehearsal.right)
    datasets = [
        Dataset(pack_words(encoded), side.record, len(side.ids))
        for side, encoded in zip(sides, encodings, strict=True)
    ]
    blocks = plan_blocks(datasets, block_pairs=_BLOCK_PAIRS)
    matched = ((b, match_block(datasets, b, policy, n_threads=2)) for b in blocks)
    return resolve([len(side.ids) for side in sides], matched, policy)


def decided_pairs(rehearsal: Rehearsal, resolution: Resolution) -> tuple[list[Pair], list[Pair]]:
    """Return the auto pairs and the pairs for review, as record IDs."""
    decisions = resolution.decisions
    pairs = [
        (rehearsal.left.ids[left], rehearsal.right.ids[right])
        for left, right in zip(
            decisions.left_record.tolist(), decisions.right_record.tolist(), strict=True
        )
    ]
    is_auto = (decisions.band == Band.AUTO).tolist()
    return (
        [pair for pair, auto in zip(pairs, is_auto, strict=True) if auto],
        [pair for pair, auto in zip(pairs, is_auto, strict=True) if not auto],
    )


def agreed(auto: float, review: float, margin: float, solver: str = "one-to-one") -> AgreedPolicy:
    """Return a policy in plain-CLK units."""
    return AgreedPolicy.from_json(
        {
            "auto": _decimal(auto),
            "review": _decimal(review),
            "margin": _decimal(margin),
            "solver": solver,
            "max_pairs": 50_000_000,
        }
    )


def _decimal(number: float) -> str:
    return f"{float(Fraction(round(number * 1000), 1000)):.3f}".rstrip("0").rstrip(".") or "0"


def _clean_side(path: Path, layout: Layout, recipe: Recipe) -> Side:
    table = open_table(path, encoding=layout.text_encoding).select(
        [layout.id_column, *layout.inputs.values()]
    )
    rows: dict[tuple[str, ...], None] = {}
    for chunk in table.chunks():
        inputs = {name: chunk.columns[header] for name, header in layout.inputs.items()}
        derived = recipe.derive(inputs, date_format=layout.date_format, first_row=chunk.first_row)
        ids = [chunk.columns[layout.id_column][row] for row in derived.row_of]
        # Rows of one record that are cleaned alike are one encoding.
        rows.update(dict.fromkeys(zip(ids, *derived.columns.values(), strict=True)))
    record_ids, *columns = zip(*sorted(rows), strict=True)
    ids = list(dict.fromkeys(record_ids))
    number = {record_id: index for index, record_id in enumerate(ids)}
    record = np.array([number[record_id] for record_id in record_ids], dtype=np.uint32)
    names = recipe.spec.columns
    return Side(ids, record, dict(zip(names, map(list, columns), strict=True)))
