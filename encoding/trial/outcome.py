"""What a trial found: pairs, and for each record without one a reason that its owner can act on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import Rows
from app.matching.blocks.decisions import Band, Rule
from app.matching.blocks.resolution import Resolution
from app.matching.blocks.weights import UNIT, probability
from encoding.blocks.assembly import MetPasses
from encoding.packing.snapshot import is_mostly_dropped
from encoding.sharing.unmatched_records import FAULT_REASONS, SENTENCES, Unmatched
from encoding.trial.records import Looks, RecordIds
from schemas.linkage.link_quality import Interval, missed_matches, shown_concordance, wrong_links

PairBand = Literal["linked", "review"]
BANDS: Final[Mapping[int, PairBand]] = {Band.AUTO: "linked", Band.REVIEW: "review"}

_RULES: Final[Mapping[int, str]] = {
    Rule.MATCH_PROBABILITY: "likely enough to be linked",
    Rule.REVIEW_BAND: "likely enough to be reviewed, not enough to be linked",
    Rule.CONTRADICTED: "names or dates contradict the number that they share",
    Rule.TWIN_GUARD: "twins would explain it as well",
    Rule.LEAD_TOO_SMALL: "another pair of one of its records is nearly as likely",
}

TRIAL_SENTENCES: Final[Mapping[str, str]] = {
    **SENTENCES,
    "unreadable-birth-date": "the date of birth cannot be read: another format, or an impossible year",
    "unreadable-sex": "the sex is a code that the recipe does not know",
    "no-name": "first and last name are both missing",
    "held-for-review": "a likely pair of it is in pairs.csv, for a person to decide",
    "nearer-rival": "the record of the other file that it is like is nearer to another one",
    "not-likely": "records of the other file came near, and none is likely enough to be the same person",
    "none-near": "no record of the other file came near",
}
"""Each reason in words; `none-near` and the like stand where nothing is wrong with the record."""

_OF_UNREAD: Final = {
    "birth_date": "unreadable-birth-date",
    "sex": "unreadable-sex",
    "last_name": "no-name",
}
NOT_OF_DATA: Final = frozenset({"held-for-review", "nearer-rival", "not-likely", "none-near"})
"""Reasons that lie in no fault of the record."""


@dataclass(frozen=True, slots=True)
class TrialPair:
    """Two records, one of each file in the order in which they were given, and how sure the pair is.

    `weight` is the total match weight in bits; 0 means as likely as not. `at` is its place in `Outcome.rows`.
    """

    id_a: str = field(repr=False)
    id_b: str = field(repr=False)
    chance: float
    band: PairBand
    weight: float
    at: int = field(repr=False)


@dataclass(frozen=True, eq=False, repr=False)
class FileSide:
    """One file of the trial: its records, what they are like, and by which passes each can be found."""

    records: RecordIds
    looks: Looks
    met: MetPasses


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """What was found of two files; `a` and `b` in the order in which they were given.

    Attributes:
        n_passes: how many passes bring records together.
        a: the first file.
        b: the second file.
        a_is_smaller: whether the first one was the smaller file of the pair.
        run: what the broker's engine decided.
    """

    n_passes: int
    a: FileSide
    b: FileSide
    a_is_smaller: bool
    run: Resolution

    @cached_property
    def pairs(self) -> tuple[TrialPair, ...]:
        """The pairs that are linked, then those for review, the likeliest first."""
        rows, found = self.rows, []
        left, right = self._numbers()
        for at in np.flatnonzero(rows["band"] != Band.REJECT).tolist():
            total, band = int(rows["total"][at]), int(rows["band"][at])
            one, other = self.a.records.ids[left[at]], self.b.records.ids[right[at]]
            found.append((band, -total, one, other, at))
        return tuple(
            TrialPair(one, other, probability(-total), BANDS[band], -total / UNIT, at)
            for band, total, one, other, at in sorted(found)
        )

    @cached_property
    def rows(self) -> Rows:
        """All pairs that were compared, as the engine decided them."""
        return self.run.rows()

    def why(self, pair: TrialPair) -> str:
        """Return why a pair is in its band."""
        return _RULES[int(self.rows["rule"][pair.at])]

    @cached_property
    def n_linked(self) -> int:
        """Pairs that are linked."""
        return self.run.n_in_band(Band.AUTO)

    @property
    def n_review(self) -> int:
        """Pairs that are held for a person to decide."""
        return self.run.n_in_band(Band.REVIEW)

    @property
    def wrong(self) -> Interval:
        """How many links are likely of two people; no more than there are."""
        found = wrong_links(round(100 * self.run.expected_false_matches))
        return Interval(min(found.low, self.n_linked), min(found.high, self.n_linked))

    @property
    def missed(self) -> Interval:
        """How many people are likely in both files and not linked; at most all, where no field tells.

        Each record that was never compared may be one of them.
        """
        n_smaller = min(len(self.a.records.ids), len(self.b.records.ids))
        fields = shown_concordance(self.n_linked, self.run.concordance, floor=0)
        found = missed_matches(self.n_linked, n_smaller, fields, floor=0)
        if fields:
            most = found.high + self.a.looks.n_not_compared + self.b.looks.n_not_compared
            return Interval(found.low, min(most, max(found.high, n_smaller - self.n_linked)))
        # Of a record with a wrong link the right one is missed, too.
        return Interval(0, min(n_smaller, found.high + self.wrong.high))

    def unmatched(self, which: Literal["a", "b"]) -> list[Unmatched]:
        """Return the records of a file that are not linked, each with at least one reason."""
        side = self.a if which == "a" else self.b
        stands = self._standings(which)
        keyed, sent = (np.bitwise_count(one) for one in (side.met.keyed, side.met.sent))
        return [
            Unmatched(
                side.records.ids[at],
                int(sent[at]),
                self.n_passes,
                tuple(_reasons(side.looks, at, int(keyed[at]), int(sent[at]), stands[at])),
            )
            for at in np.flatnonzero(stands != _LINKED).tolist()
        ]

    def _standings(self, which: Literal["a", "b"]) -> NDArray[np.uint8]:
        """Return how far each record of a file came: the best of its pairs."""
        side = self.a if which == "a" else self.b
        numbers = self._numbers()[0 if which == "a" else 1]
        rows, standing = self.rows, np.zeros(len(side.records.ids), dtype=np.uint8)
        of_pair = np.full(len(rows), _NOT_LIKELY, dtype=np.uint8)
        of_pair[rows["rule"] == Rule.BETTER_RIVAL] = _RIVAL
        of_pair[rows["band"] == Band.REVIEW] = _HELD
        of_pair[rows["band"] == Band.AUTO] = _LINKED
        np.maximum.at(standing, numbers, of_pair)
        return standing

    def _numbers(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the record of the first and of the second file in each candidate pair."""
        names = ("smaller", "larger") if self.a_is_smaller else ("larger", "smaller")
        return self.rows[names[0]], self.rows[names[1]]

    def missed_by_reason(self, missed: Iterable[tuple[str, str]]) -> Counter[str]:
        """Return why true pairs of record IDs are not linked, counted by the first reason that fits.

        What is wrong with either record's data comes first, then how far the pair came.
        """
        reasons = [
            {one.record_id: one.reasons for one in self.unmatched(which)} for which in ("a", "b")
        ]
        left, right = self._numbers()
        ids = self.a.records.ids, self.b.records.ids
        met = {
            (ids[0][one], ids[1][other]): (int(band), int(rule))
            for one, other, band, rule in zip(
                left.tolist(), right.tolist(), self.rows["band"], self.rows["rule"], strict=True
            )
        }  # fmt: skip
        return Counter(
            _why_missed(met.get(pair), reasons[0].get(pair[0], ()), reasons[1].get(pair[1], ()))
            for pair in missed
        )


_NONE_NEAR, _NOT_LIKELY, _RIVAL, _HELD, _LINKED = range(5)
_OF_STANDING: Final = {
    _NONE_NEAR: "none-near",
    _NOT_LIKELY: "not-likely",
    _RIVAL: "nearer-rival",
    _HELD: "held-for-review",
}
MISSED: Final[Mapping[str, str]] = {
    **TRIAL_SENTENCES,
    "held-for-review": "it is held for a person to decide",
    "nearer-rival": "one of the two records is linked or held with another one",
    "not-likely": "the two records came near, and differ in too much",
    "none-near": "nothing brought the two records together",
}
"""Why a true pair is not linked, in words."""


def _reasons(looks: Looks, at: int, keyed: int, sent: int, standing: int) -> Iterator[str]:
    if not looks.has_rows[at]:
        yield from (_OF_UNREAD[name] for name in sorted(looks.unread.get(at, ())))
        return
    if standing == _HELD:
        yield "held-for-review"
    faults = int(looks.faults[at])
    if faults:
        yield from (reason for fault, reason in FAULT_REASONS.items() if faults & fault)
    if not keyed:
        yield "no-key"
    elif is_mostly_dropped(keyed, sent):
        yield "block-too-large"
    if standing != _HELD:
        yield _OF_STANDING[standing]


def _why_missed(decided: tuple[int, int] | None, *reasons: Sequence[str]) -> str:
    if decided is not None and decided[0] == Band.REVIEW:
        return "held-for-review"
    of_data = [one for some in reasons for one in some if one not in NOT_OF_DATA]
    if of_data:
        return of_data[0]
    if decided is None:
        return "none-near"
    return "nearer-rival" if decided[1] == Rule.BETTER_RIVAL else "not-likely"
