"""The weights of a run: how likely its candidate pairs are matches, and by which weights it decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Final

from app.matching.blocks.weights import UNIT, least_weight
from app.runs.counts import Step
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import MatchingPolicy
from schemas.rounds.match_record import MatchRecordHeader
from schemas.shared.page import Column, Markup, column_chart

AUTO: Final = "linked"
AT_AUTO: Final = "sent to review or linked"
REVIEW: Final = "sent to review"
AT_REVIEW: Final = "not linked or sent to review"
BELOW: Final = "not linked"
KINDS: Final = {
    AUTO: "auto",
    AT_AUTO: "review",
    REVIEW: "review",
    AT_REVIEW: "reject",
    BELOW: "reject",
}


# Units of the small picture in which a bar is drawn.
BAR_WIDTH: Final = 200
START: Final = "start"
# Below it, one decimal shows no difference.
_EVEN: Final = 1.05


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One step: from and to, in bits; how many pairs, None if not shown; what becomes of them."""

    start: int
    end: int
    pairs: int | None
    place: str

    @property
    def probability(self) -> str:
        """The match probability from which on the step is."""
        return probability_words(self.start)


def weight_rows(steps: Sequence[Step], policy: MatchingPolicy) -> tuple[WeightRow, ...]:
    """Return the steps as rows."""
    return tuple(
        WeightRow(step.bits, step.bits + 1, step.pairs, _place(step, policy)) for step in steps
    )


def probability_words(bits: float) -> str:
    """Return the match probability of a total match weight, to as many digits as tell it from 0 and 1."""
    likely, odds = bits >= 0, 2.0 ** -abs(bits)
    rest = odds / (1 + odds)
    digits = max(2, 1 - floor(log10(rest)))
    return f"{1 - rest if likely else rest:.{digits}f}"


def table_rows(rows: Sequence[WeightRow]) -> tuple[WeightRow, ...]:
    """Return the rows for reading: neighbouring steps that are not shown, and become the same, are one row."""
    joined: list[WeightRow] = []
    for row in rows:
        last = joined[-1] if joined else None
        if last and last.pairs is None and row.pairs is None and last.place == row.place:
            joined[-1] = replace(last, end=row.end)
        else:
            joined.append(row)
    return tuple(joined)


def weight_chart(steps: Sequence[Step], policy: MatchingPolicy, least: int) -> Markup | None:
    """Return the chart of these steps with both bounds; None where no step may be shown."""
    if all(step.pairs is None for step in steps):
        return None
    return column_chart(
        "Pairs by match weight",
        [Column(str(step.bits), step.pairs, KINDS[_place(step, policy)]) for step in steps],
        words=(
            f"Candidate pairs in steps of one bit of total match weight from {steps[0].bits} on. "
            f"A frame stands for a number below {least} or one that would reveal it. "
            "The numbers are in the table."
        ),
        axis="total match weight, in bits; the bounds are match probabilities",
        marks=_marks(steps, policy),
    )


def _marks(steps: Sequence[Step], policy: MatchingPolicy) -> list[tuple[str, float]]:
    found = []
    for name, bound in (("sent to review", policy.review), ("linked", policy.auto)):
        share = (least_weight(bound) / UNIT - steps[0].bits) / len(steps)
        if 0 <= share <= 1:
            found.append((f"{name} from {bound}", share))
    return found


def _place(step: Step, policy: MatchingPolicy) -> str:
    auto, review = least_weight(policy.auto), least_weight(policy.review)
    first, last = step.bits * UNIT, (step.bits + 1) * UNIT - 1
    if last >= auto:
        return AUTO if first >= auto else AT_AUTO
    if last >= review:
        return REVIEW if first >= review else AT_REVIEW
    return BELOW


@dataclass(frozen=True, slots=True)
class WeightBar:
    """One level of a field: its weight in bits, by what it multiplies the odds, and its bar.

    `kind` is a class of the style sheet: `auto` speaks for a match, `review` against one. `x` and `width` are
    in units of `BAR_WIDTH`, and `zero` is where no weight would stand.
    """

    field: str
    level: str
    bits: float
    odds: str
    kind: str
    x: float
    width: float
    zero: float


def waterfall(header: MatchRecordHeader, profile: EncodingProfile) -> tuple[WeightBar, ...]:
    """Return a bar for the start, and for each level of each field, nearest first."""
    rows = list(_weights(header, profile))
    lowest = min(0, *(weight for _, _, weight in rows))
    highest = max(0, *(weight for _, _, weight in rows))
    scale = BAR_WIDTH / max(1, highest - lowest)
    zero = -lowest * scale
    return tuple(
        WeightBar(
            field=field,
            level=level,
            bits=weight / 1000,
            odds=odds_words(weight),
            kind="auto" if weight >= 0 else "review",
            x=round(zero + min(0, weight) * scale, 1),
            width=round(abs(weight) * scale, 1),
            zero=round(zero, 1),
        )
        for field, level, weight in rows
    )


def level_note(profile: EncodingProfile) -> str:
    """Return what the level names of a profile mean that are not words; empty if it has none of these."""
    is_near = any(
        condition.within
        for field in profile.fields
        for level in field.levels
        for conditions in level.any_of
        for condition in conditions
    )
    if not is_near:
        return ""
    return (
        "The number in a level's name, as in near 17, is how many of 64 bits two encoded values may differ in: "
        "the fewer, the more alike they are. Other levels are named by what is equal; the last one of a field "
        "is any greater difference."
    )


def bound_rows(policy: MatchingPolicy) -> tuple[tuple[str, str, str], ...]:
    """Return what the sum of a pair's weights leads to, from likeliest on: as probability, and in bits."""
    auto, review = (f"{least_weight(one) / UNIT:+.3f}" for one in (policy.auto, policy.review))
    return (
        (f"{policy.auto} or more", f"{auto} or more", "linked, unless another rule holds it back"),
        (
            f"{policy.review} or more, below {policy.auto}",
            f"{review} or more, below {auto}",
            "sent to clerical review",
        ),
        (f"below {policy.review}", f"below {review}", "not linked"),
    )


def odds_words(weight: int) -> str:
    """Return by what a weight in thousandths of a bit multiplies the odds, as a person takes it in."""
    times = 2.0 ** (abs(weight) / 1000)
    if times < _EVEN:
        return "about as likely"
    number = f"{times:,.1f}" if times < 1000 else f"{times:,.0f}"
    return f"{number} times as likely" if weight >= 0 else f"{number} times less likely"


def _weights(header: MatchRecordHeader, profile: EncodingProfile) -> Iterator[tuple[str, str, int]]:
    yield START, "before anything is compared", header.prior
    names = {field.name: [level.name for level in field.levels] for field in profile.fields}
    for found in header.weights:
        levels = names.get(found.field, [])
        for number, weight in enumerate(found.levels):
            # A profile that the record does not fit: levels are then told by their number.
            name = levels[number] if number < len(levels) else f"level {number + 1}"
            yield found.field, name, weight
