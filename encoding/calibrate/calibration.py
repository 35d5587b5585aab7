"""Measures on a sample of the file what the recommendation needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np
from numpy.typing import NDArray

from app.matching.exhaustive import Candidates
from encoding.calibrate.copies import CellCopyist, Copyist
from encoding.calibrate.decoys import make_decoys
from encoding.calibrate.groups import Rows, column_groups
from encoding.calibrate.recommendation import (
    Evidence,
    Forecast,
    Recommendation,
    Setting,
    forecast,
    recommend,
)
from encoding.calibrate.similarities import affordable_sweep, dataset, similar_pairs
from encoding.encoder.linkage_schema import read_linkage_schema
from encoding.errors import RecordCountError
from encoding.progress import Progress, silent
from encoding.recipe.dates import read_date_format
from encoding.sample import Sample
from encoding.secret import AnySecret, new_secret
from encoding.specimen import Specimen, clean_sample, encode_cleaned
from schemas.profile import EncodingProfile

FEWEST_RECORDS = 200
MAX_COPIED = 2_000
MAX_DECOYS = 200_000
# Hardly any strangers are this alike before hardening, and nearly all of one family who share a date of birth.
RELATED = Fraction(3, 4)
_SEED = 20_260
# Beyond this the real strangers are relatives and people who are in the file twice, not chance.
_MAX_LIKENESS = 5.0
_COMPARED_PAIRS = 100
_NO_KEY = "0" * 64


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration:
    """The recommendation, and what it rests on.

    Attributes:
        setting: the files that are to be linked.
        recommendation: thresholds and what is expected of them.
        forecast: what each threshold alone would do.
        evidence: what was measured.
        n_copied: records that were linked with their copies.
        n_decoys: decoys that they were compared with.
        n_alike: records of the sample that look like another record of the file at the auto threshold.
    """

    setting: Setting
    recommendation: Recommendation
    forecast: Forecast
    evidence: Evidence
    n_copied: int
    n_decoys: int
    n_alike: int


def calibrate_sample(
    sample: Sample,
    profile: EncodingProfile,
    setting: Setting,
    *,
    columns: Mapping[str, str],
    date_format: str,
    n_decoys: int = MAX_DECOYS,
    secret: AnySecret | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Link a part of the sample with a corrupted copy of itself, and compare it with decoys made of the rest.

    Args:
        sample: rows of the file; a fifth of its records, at most 2,000, is copied.
        profile: the encoding profile.
        setting: the files that are to be linked.
        columns: names of the recipe or linkage schema to headers of the sample.
        date_format: how the file writes dates.
        n_decoys: how many decoys to make.
        secret: keys to encode with; None draws them anew. Never the secret of a project.
        progress: told before each step.
    Raises:
        RecordCountError: fewer than 200 records.
    """
    if sample.n_records < FEWEST_RECORDS:
        raise RecordCountError(
            f"the file has fewer than {FEWEST_RECORDS} records, too few to find thresholds with",
            hint="use the thresholds of docs/calibrate.md, or rehearsal data: blindlink synth",
        )
    named = {name: sample.columns[header] for name, header in columns.items()}
    n_copied = min(MAX_COPIED, sample.n_records // 2)
    originals, donors = (
        _rows(named, sample.record < n_copied),
        _rows(named, sample.record >= n_copied),
    )
    keep = sample.record[sample.record < n_copied]
    groups = column_groups(named, has_recipe=profile.recipe is not None)
    keys = secret or new_secret()

    def encoded(rows: Rows, record: NDArray[np.intp]) -> Specimen:
        texts = Sample(record, {name: list(cells) for name, cells in rows.items()})
        as_named = {name: name for name in rows}
        return encode_cleaned(clean_sample(texts, profile, as_named, date_format), profile, keys)

    progress("copying with mistakes", 0.0, 0, "steps")
    copies = _copyist(profile, date_format).copy(originals)
    original = encoded(originals, keep)
    left = dataset(original, n_copied)
    right = dataset(encoded(copies, keep), n_copied)
    progress("making strangers", 0.2, 1, "steps")
    n_others = sample.n_records - n_copied
    other_record = sample.record[sample.record >= n_copied] - n_copied
    other = encoded(donors, other_record)
    others = dataset(other, n_others)
    # A relative or second entry of a copied person would lend the decoys that very person's names.
    related = similar_pairs(
        dataset(original, n_copied, hardened=False),
        dataset(other, n_others, hardened=False),
        RELATED,
    ).right
    unrelated = _rows(donors, ~np.isin(other_record, related))
    decoys = make_decoys(unrelated, groups, n_decoys, _SEED)
    strangers = dataset(encoded(decoys, np.arange(n_decoys)), n_decoys)
    progress("comparing", 0.6, 2, "steps")
    sweep = affordable_sweep(profile, left, strangers)
    size = len(sweep.plain)
    partner = similar_pairs(left, right, sweep.encoded[0])
    found = similar_pairs(left, strangers, sweep.encoded[0])
    real = similar_pairs(left, others, sweep.encoded[0])
    by_decoys = _reaching(sweep.levels(found), size)
    # Relatives do not become more with the size of the other file.
    by_others = _reaching(sweep.levels(real)[~np.isin(real.right, related)], size)
    evidence = Evidence(
        plain=sweep.plain,
        partner_levels=_partner_levels(partner, sweep.levels(partner), n_copied),
        stranger_pairs=by_decoys,
        n_stranger_pairs=n_copied * n_decoys,
        likeness_factor=_likeness(by_decoys / n_decoys, by_others / n_others, by_others),
    )
    recommendation = recommend(evidence, setting)
    at = sweep.plain.index(recommendation.auto)
    alike = real.left[sweep.levels(real) > at]
    return Calibration(
        setting, recommendation, forecast(evidence, setting), evidence, n_copied, n_decoys,
        len(np.unique(alike)),
    )  # fmt: skip


def _copyist(profile: EncodingProfile, date_format: str) -> Copyist | CellCopyist:
    rng = Random(_SEED)  # noqa: S311 - the same file, the same copy
    if profile.recipe is not None:
        return Copyist(read_date_format(date_format), rng)
    schema = read_linkage_schema(json.loads(profile.linkage_schema), _NO_KEY)
    return CellCopyist({field.identifier: field.format.read for field in schema.fields}, rng)


def _rows(named: Rows, is_taken: NDArray[np.bool_]) -> dict[str, list[str]]:
    at = np.flatnonzero(is_taken).tolist()
    return {name: [cells[row] for row in at] for name, cells in named.items()}


def _partner_levels(pairs: Candidates, levels: NDArray[np.intp], n_copied: int) -> NDArray[np.intp]:
    """Return the level of each record with its own copy; 0 where it reaches no threshold."""
    own = np.zeros(n_copied, dtype=np.intp)
    is_own = pairs.left == pairs.right
    own[pairs.left[is_own]] = levels[is_own]
    return own


def _reaching(levels: NDArray[np.intp], size: int) -> NDArray[np.int64]:
    """Return the number of pairs at or above each threshold."""
    at = np.bincount(levels, minlength=size + 1)[1:]
    summed: NDArray[np.int64] = np.cumsum(at[::-1])[::-1].astype(np.int64)
    return summed


def _likeness(
    decoys: NDArray[np.float64], others: NDArray[np.float64], n_pairs: NDArray[np.int64]
) -> float:
    """Return how much more often real strangers are alike than decoys, where both are many."""
    at = np.flatnonzero((n_pairs >= _COMPARED_PAIRS) & (decoys > 0))
    if not len(at):
        return 1.0
    return float(np.clip(others[at[-1]] / decoys[at[-1]], 1.0, _MAX_LIKENESS))
