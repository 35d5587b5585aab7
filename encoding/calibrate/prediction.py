"""What a set of passes would do: who meets, and what the weights would then decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.doubts import capped
from app.matching.blocks.levels import Codes, LevelRules
from app.matching.blocks.weights import (
    PatternTable,
    fit_weights,
    least_weight,
    model_of,
    probability,
)
from encoding.blocks.clear import ClearLevels, LevelNumbers
from encoding.blocks.counts import count_strangers, name_dependence
from encoding.blocks.values import ValueTables
from encoding.calibrate.people import Copies, PersonKeys, keys_of, lane_columns
from encoding.calibrate.strangers import (
    Strangers,
    chance_to_be_kept,
    group_of,
    meet_strangers,
)
from encoding.quality.keys import KeyHasher
from schemas.linkage.counts import (
    SMALLEST_COUNTED_FILE,
    FieldCounts,
    FileCounts,
    published_counts,
    published_twins,
)
from schemas.linkage.fields import MILLION
from schemas.linkage.profile import EncodingProfile

AUTO: Final = "0.9"
REVIEW: Final = "0.05"
_STRANGER_PAIRS: Final = 500_000
_SEED: Final = 20_260

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setting:
    """The two files: how many records each has, and which part of the smaller one is in both."""

    own_records: int
    partner_records: int
    expected_share: float = 0.5

    @property
    def larger(self) -> int:
        """Records of the larger file."""
        return max(self.own_records, self.partner_records)

    @property
    def smaller(self) -> int:
        """Records of the smaller file."""
        return min(self.own_records, self.partner_records)

    @property
    def expected_matches(self) -> float:
        """How many records are expected to have a partner."""
        return self.expected_share * self.smaller


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected of one block cap.

    Attributes:
        ceiling: share of true pairs that meet; no matching finds more.
        neighbours: strangers that a record of the smaller file meets.
        review: pairs that are sent to review, for 1,000 records of the smaller file.
        wrong: links that are wrong, of 1,000 made without review.
        recall: share of true pairs that are linked without review.
    """

    block_cap: int
    ceiling: float
    neighbours: float
    review: float
    wrong: float
    recall: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Pairs:
    """Pairs, each once: the chance that they meet, or how often they do, and their comparison pattern."""

    weight: Floats
    code: Codes


class Rehearsal:
    """Records, copies of them with mistakes, and strangers, under one set of passes."""

    def __init__(
        self, profile: EncodingProfile, people: Copies, strangers: Strangers, setting: Setting
    ) -> None:
        self._profile, self._setting = profile, setting
        self._rules = LevelRules(profile)
        self._scale = setting.larger / len(strangers.donors)
        hasher = KeyHasher(profile)
        self._keys = keys_of(people.originals, hasher, profile.alias_keys.smaller)
        others = keys_of(people.copies, hasher, profile.alias_keys.smaller)
        self._shared = _shared_keys(self._keys, others, people.copied)
        self._met = meet_strangers(self._keys, people.originals, strangers, hasher)
        self._n_people, self._n_copies = len(people.originals.mains), len(people.copied)
        self._compare(people, strangers)

    def predict(self, block_cap: int) -> Prediction:
        """Return what is expected if a block holds so many rows of the larger file."""
        kept = self._kept(block_cap)
        met = self._chance_to_meet(kept)
        strangers = self._strangers(kept)
        ceiling = float(met.mean())
        n_matches = self._setting.expected_matches
        true = _Pairs(met[self._compared] * n_matches / len(met), self._true_codes)
        per_record = self._setting.smaller / self._n_people
        false = _Pairs(strangers.weight * per_record, strangers.code)
        recall, review, wrong = self._decided(true, false)
        neighbours = float(strangers.weight.sum()) / self._n_people
        return Prediction(block_cap, ceiling, neighbours, review, wrong, recall)

    def _compare(self, people: Copies, strangers: Strangers) -> None:
        """Compare copies with their originals, and people with the strangers that they meet."""
        tables = ValueTables(self._profile)
        left, right = people.lines(tables)
        own = tables.lines(people.originals.columns)
        draw = np.random.default_rng(_SEED)
        levels = ClearLevels(self._profile, tables, seed=_SEED, of_two_files=True)
        columns = lane_columns(tables)
        self._counts = self._file_counts(levels, own[people.originals.mains], columns, draw)
        self._compared = people.copies.person[people.copies.mains]
        self._true_codes = self._rules.codes(levels.compare(left, right, draw))
        donors = strangers.donors[self._met.stranger]
        taken = [own[donors[:, group_of(name)], at] for at, name in enumerate(columns)]
        person = self._keys.person[self._met.entry]
        mains = own[people.originals.main_of(person)]
        found = levels.compare(mains, np.stack(taken, axis=1), draw)
        self._stranger_codes = self._rules.codes(found)
        # Strangers were made without it: first names go with surnames.
        more = 2.0 ** (self._counts.dependence / 1000)
        self._weight = self._met.weight * np.where(self._agree_on_names(found), more, 1.0)

    def _file_counts(
        self,
        levels: ClearLevels,
        lines: NDArray[np.int32],
        columns: list[str],
        draw: np.random.Generator,
    ) -> FileCounts:
        """Return how often strangers agree, as the manifest of the larger file would state it."""
        if self._setting.own_records < SMALLEST_COUNTED_FILE:
            return published_counts(self._profile, self._setting.larger)
        people = np.arange(len(lines), dtype=np.uint32)
        counts = count_strangers(levels, lines, people, draw, _STRANGER_PAIRS)
        fields = tuple(
            FieldCounts(
                field=one.name,
                # As in a manifest: of a column that the file lacks the profile says what could be expected.
                strangers=tuple(
                    count.tolist() if one.is_counted and count.any() else (u.u for u in one.levels)
                ),
                twins=published_twins(one),
            )
            for one, count in zip(self._profile.fields, counts, strict=True)
        )
        twins = max(1, self._profile.twins_per_million * self._setting.larger // MILLION)
        dependence = min(name_dependence(self._profile, lines, columns), 30_000)
        return FileCounts(fields=fields, dependence=dependence, twin_pairs=twins)

    def _agree_on_names(self, found: LevelNumbers) -> NDArray[np.bool_]:
        model = model_of(self._profile, self._counts, self._setting.larger)
        agree = np.full(len(found), bool(model.dependent))
        for number, wanted in model.dependent:
            agree &= np.isin(found[:, number], sorted(wanted))
        return agree

    def _kept(self, block_cap: int) -> Floats:
        """Return for each key of the people how likely a row of the larger file is within the cap."""
        kept = np.ones(len(self._keys.key))
        for number in range(len(self._profile.passes)):
            here = self._keys.pass_number == number
            if here.any():
                n = self._met.n_in_block[here]
                kept[here] = chance_to_be_kept(n, self._scale, block_cap)
        return kept

    def _chance_to_meet(self, kept: Floats) -> Floats:
        """Return for each copy how likely it shares a cell with its original."""
        copy, entry = self._shared
        missed = np.ones(self._n_copies)
        np.multiply.at(missed, copy, 1 - kept[entry])
        return 1 - missed

    def _strangers(self, kept: Floats) -> _Pairs:
        """Return the strangers that people meet, each pair once, by its likeliest cell."""
        met = self._met
        weight = self._weight * self._scale * kept[met.entry]
        person = self._keys.person[met.entry].astype(np.int64)
        pair = person << 32 | met.stranger.astype(np.int64)
        order = np.lexsort((-weight, pair))
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = pair[order][1:] != pair[order][:-1]
        chosen = order[is_first]
        return _Pairs(weight[chosen], self._stranger_codes[chosen])

    def _decided(self, true: _Pairs, false: _Pairs) -> tuple[float, float, float]:
        """Return recall without review, pairs in review and wrong links, the last two of 1,000."""
        setting = self._setting
        codes = np.unique(np.concatenate([true.code, false.code]))
        n_true, n_false = (
            np.bincount(np.searchsorted(codes, one.code), one.weight, minlength=len(codes))
            for one in (true, false)
        )
        # Whole pairs, whose sums are right wherever one stops.
        pairs = np.diff(np.rint(np.cumsum(n_true + n_false)), prepend=0).astype(int)
        levels = tuple(map(tuple, self._rules.levels_of(codes).tolist()))
        table = PatternTable(tuple(codes.tolist()), levels, tuple(pairs.tolist()))
        model = model_of(self._profile, self._counts, setting.larger)
        weights = fit_weights(
            model,
            table,
            n_pairs=setting.own_records * setting.partner_records,
            prior_matches=setting.expected_matches,
        )
        auto, review = least_weight(AUTO), least_weight(REVIEW)
        patterns, weight = self._rules.levels_of(codes), np.array(weights.total)
        total, _ = capped(self._profile, patterns, weight, auto=auto, review=review)
        is_auto = total >= auto
        in_review = (total >= review) & ~is_auto
        recall = float(n_true[is_auto].sum()) / setting.expected_matches
        # A stranger of a record that is linked stands behind a better pair.
        is_free = 1 - recall * setting.expected_share
        held = float(n_true[in_review].sum() + is_free * n_false[in_review].sum())
        doubt = np.array([1 - probability(int(one)) for one in total])
        n_links = n_true + is_free * n_false
        wrong = float((n_links * doubt)[is_auto].sum() / max(n_links[is_auto].sum(), 1e-9))
        return recall, 1000 * held / setting.smaller, 1000 * wrong


def _shared_keys(
    own: PersonKeys, other: PersonKeys, copied: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each key that a copy shares with its original: the copy, and the place among `own`."""
    places = np.arange(len(own.key))
    known = {
        (person, key): place
        for person, key, place in zip(
            own.person.tolist(), own.key.tolist(), places.tolist(), strict=True
        )
    }
    original = copied[other.person].tolist()
    found = [known.get(pair, -1) for pair in zip(original, other.key.tolist(), strict=True)]
    entry = np.array(found, dtype=np.intp)
    return other.person[entry >= 0], entry[entry >= 0]
