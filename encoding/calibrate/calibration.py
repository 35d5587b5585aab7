"""From a sample of the file to a recommendation: copies with mistakes, strangers, each set of passes.

Mistakes may be estimated from people who are in the file twice, since two entries of one person differ as those
of two agencies do: how often in each field, beside copies with middling mistakes, says how much more or less
often such mistakes are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.values import ValueTables
from encoding.calibrate.mistakes import MISTAKE_LEVELS, Copyist, Mistakes, Rows
from encoding.calibrate.people import Copies, clean_rows, lane_columns
from encoding.calibrate.prediction import Prediction, Rehearsal, Setting
from encoding.calibrate.strangers import Strangers, enough_strangers
from encoding.errors import RecordCountError
from encoding.profiles.catalog import (
    SHIPPED,
    SIZES,
    ZIP_FIELD,
    Size,
    shipped_profile,
    size_of,
)
from encoding.progress import Progress, silent
from encoding.quality.duplicates import DuplicatePair
from encoding.recipe import Recipe
from encoding.recipe.dates import read_date_format
from encoding.records.sample import Sample
from schemas.linkage.fields import NUMBER_KINDS
from schemas.linkage.profile import EncodingProfile

FEWEST_PAIRS: Final = 30
SURE: Final = 0.9
"""Pairs below this probability are not counted: too many of them are two people."""

# So many pairs that differ as copies with middling mistakes do are added, so that few pairs decide little.
_PRIOR_PAIRS: Final = 20
_LEAST_FACTOR, _MOST_FACTOR = 0.1, 5.0
_NEVER: Final = 1e-4


def estimated_mistakes(pairs: Sequence[DuplicatePair], usual: dict[str, float]) -> Mistakes:
    """Return the mistakes that explain how duplicates differ."""
    sure = [pair for pair in pairs if pair.step >= SURE]
    if len(sure) < FEWEST_PAIRS:
        raise RecordCountError(
            f"fewer than {FEWEST_PAIRS} people are in the file twice, too few to estimate mistakes from",
            hint="choose a level of mistakes instead, such as --errors medium",
        )
    medium = MISTAKE_LEVELS["medium"]

    def factor(field: str) -> float:
        n_differing = sum(field in pair.differs for pair in sure)
        before = max(usual.get(field, 0.0), _NEVER)
        share = (n_differing + _PRIOR_PAIRS * before) / (len(sure) + _PRIOR_PAIRS)
        return float(np.clip(share / before, _LEAST_FACTOR, _MOST_FACTOR))

    # What one agency knows of where someone lives, or of numbers, says nothing of what another one knows.
    return replace(
        medium,
        errors=medium.errors.scaled(
            last=factor("surname"),
            first=factor("first-name"),
            middle=factor("middle-initial"),
            birth=factor("birth-date"),
            sex=factor("sex"),
            zip_code=1.0,
        ),
    )


def differing_shares(profile: EncodingProfile, people: Copies) -> dict[str, float]:
    """Return for each field the share of copies that have another value there than their original."""
    tables = ValueTables(profile)
    left, right = people.lines(tables)
    columns = lane_columns(tables)
    shares = {}
    for field in profile.fields:
        at = [columns.index(lane.column) for lane in field.lanes]
        differs = (left[:, at] != right[:, at]).any(axis=1)
        both = (left[:, at[0]] != 0) & (right[:, at[0]] != 0)
        shares[field.name] = float((differs & both).mean())
    return shares


ESTIMATED: Final = "estimated"
MEDIUM: Final = "medium"
FEWEST_RECORDS: Final = 200
N_COPIES: Final = 4_000
BLOCK_CAPS: Final = (2, 4, 8, 16)
# A larger cap shows the broker more and makes the smaller file longer: it must bring this much in recall.
WORTH_A_CAP: Final = 0.002
_SEED: Final = 20_260


@dataclass(frozen=True, slots=True)
class Passes:
    """A set of passes, and what is expected of each block cap.

    Attributes:
        profiles: name and block cap of each profile that has these passes, the smallest cap first.
        has_zip: whether the ZIP code is compared and brings records together.
        passes: their names, in order.
        keys: how many keys a record has.
        predictions: one for each block cap, the smallest first.
    """

    profiles: tuple[tuple[str, int], ...]
    has_zip: bool
    passes: tuple[str, ...]
    keys: int
    predictions: tuple[Prediction, ...]

    @property
    def best(self) -> Prediction:
        """The smallest cap, from a profile's own on, from which on a larger one brings hardly anything."""
        enough = max(one.ceiling for one in self.predictions) - WORTH_A_CAP
        smallest = self.profiles[0][1]
        return next(
            one for one in self.predictions if one.block_cap >= smallest and one.ceiling >= enough
        )

    @property
    def profile(self) -> tuple[str, int]:
        """The profile that has the best cap or the next larger one; if there is none, the last."""
        cap = self.best.block_cap
        return next((one for one in self.profiles if one[1] >= cap), self.profiles[-1])


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is expected of each set of passes.

    Attributes:
        setting: the two files.
        errors: the name of the mistakes.
        mistakes: how often each was made.
        n_copies: copies that were compared with their originals.
        sets: every set of passes.
        recommended: one of them; its `best` is the block cap.
    """

    setting: Setting
    errors: str
    mistakes: Mistakes
    n_copies: int
    sets: tuple[Passes, ...]
    recommended: Passes


def calibrate(
    sample: Sample,
    profile: EncodingProfile,
    setting: Setting,
    errors: str,
    *,
    columns: Mapping[str, str],
    date_format: str,
    duplicates: Sequence[DuplicatePair] = (),
    n_strangers: int | None = None,
    progress: Progress = silent,
) -> Calibration:
    """Predict what each set of passes does, and recommend one."""
    inputs = Recipe.load(profile.recipe).inputs
    rows = {name: sample.columns[columns[name]] for name in inputs if name in columns}
    candidates = _candidates(profile, size_of(setting.larger), has_zip="zip" in rows)
    widest = candidates[0][0]
    originals = clean_rows(rows, sample.record, widest, date_format)
    people = np.unique(originals.person)
    if len(people) < FEWEST_RECORDS:
        raise RecordCountError(
            f"fewer than {FEWEST_RECORDS} records of the file can be used, too few to predict anything",
            hint="use the shipped profile of your size, or rehearsal data: blindlink synth",
        )
    copied = np.tile(people, -(-N_COPIES // len(people)))[:N_COPIES]
    first_rows = _first_rows(rows, sample.record, copied)

    def with_copies(mistakes: Mistakes) -> Copies:
        rng = Random(_SEED)  # noqa: S311 - the same file, the same copies
        rows = Copyist(read_date_format(date_format), mistakes, rng).copy(first_rows)
        copies = clean_rows(rows, np.arange(len(copied)), widest, date_format)
        return Copies(originals, copies, copied)

    progress("copying with mistakes", 0.0, 0, "steps")
    mistakes = MISTAKE_LEVELS[MEDIUM if errors == ESTIMATED else errors]
    people_copied = with_copies(mistakes)
    if errors == ESTIMATED:
        usual = differing_shares(widest, people_copied)
        mistakes = estimated_mistakes(duplicates, usual)
        people_copied = with_copies(mistakes)
    strangers = Strangers.draw(
        originals, n_strangers or enough_strangers(setting.larger), np.random.default_rng(_SEED)
    )
    sets = []
    for number, profiles in enumerate(candidates, start=1):
        progress("trying passes", number / len(candidates), number, "steps")
        rehearsal = Rehearsal(profiles[0], people_copied, strangers, setting)
        sets.append(_predicted(profiles, rehearsal))
    return Calibration(setting, errors, mistakes, len(copied), tuple(sets), _recommended(sets))


def _predicted(profiles: Sequence[EncodingProfile], rehearsal: Rehearsal) -> Passes:
    """Return what is expected of profiles that differ in their block cap alone."""
    first = profiles[0]
    caps = sorted({*BLOCK_CAPS, *(one.block_cap for one in profiles)})
    return Passes(
        profiles=tuple((one.name, one.block_cap) for one in profiles),
        has_zip=any(field.name == ZIP_FIELD for field in first.fields),
        passes=tuple(one.name for one in first.passes),
        keys=first.keys,
        predictions=tuple(rehearsal.predict(cap) for cap in caps),
    )


def _candidates(
    profile: EncodingProfile, size: Size, *, has_zip: bool
) -> list[list[EncodingProfile]]:
    """Return the profiles to try, those with the same passes together; those with ZIP codes come first.

    Of a shipped one they are those of the files' size.
    """
    digest = profile.digest()
    either = (True, False)
    for name, sex, number, zip_code, of in product(
        SHIPPED, either, (None, *NUMBER_KINDS), either, SIZES
    ):
        own = partial(shipped_profile, name, sex=sex, number=number)
        if own(size=of, zip_code=zip_code).digest() == digest:
            return [
                [own(size=size, zip_code=uses).without_memory()]
                for uses in (either if has_zip else (False,))
            ]
    return [[profile.without_memory()]]


def _recommended(sets: Sequence[Passes]) -> Passes:
    """Return the set that links most without review; of nearly equal ones, that with the fewest keys."""
    return max(sets, key=lambda one: (round(one.best.recall / WORTH_A_CAP), -one.keys))


def _first_rows(rows: Rows, record: NDArray[np.intp], people: NDArray[np.intp]) -> Rows:
    """Return the first row of each of some people."""
    at = np.searchsorted(record, people).tolist()
    return {name: [cells[row] for row in at] for name, cells in rows.items()}
