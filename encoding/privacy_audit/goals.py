"""What the draws of an audit found by each measure, in plain words, and whether that lies above a goal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from encoding.privacy_audit.results import Audit
from schemas.linkage.privacy_audit import MEASURES, Measure, goals_of
from schemas.linkage.profile import EncodingProfile

_REGISTERS: Final[tuple[Measure, ...]] = ("named", "named_partial", "named_mistaken")
_TRAITS: Final[dict[str, Measure]] = {
    "sex": "guessed_sex",
    "birth year": "guessed_age",
    "name length": "guessed_name_length",
    "double surname": "guessed_double_name",
}
_MOST_KNOWN: Final = 1_000
_BY_REGISTER: Final = (
    "By a list of everybody ({}), someone could name {{}} of the children in care, even when up to 1,000 are"
    " already known."
)
_GUESS: Final = (
    "The broker guesses the {} of linked children rightly for {{}} more than chance would."
)
# What is said of a share; the braces are for it, in children where there is someone to count.
_SENTENCES: Final[dict[Measure, str]] = {
    "shown": "The broker sees something of {} of the larger file's records though they are not in the smaller"
    " one; the rest are random bits to it.",
    "named": _BY_REGISTER.format("a perfect one"),
    "named_partial": _BY_REGISTER.format("90% complete, with 10% strangers"),
    "named_mistaken": _BY_REGISTER.format("the same, with mistakes"),
    "followed_smaller": "From one round to the next, {} of the smaller file's records can be recognized by whom"
    " they meet.",
    "followed_larger": "From one round to the next, {} of the larger file's records that are not in the smaller"
    " one can be recognized by whom they meet.",
    "guessed_sex": _GUESS.format("sex"),
    "guessed_age": _GUESS.format("birth year"),
    "guessed_name_length": _GUESS.format("length of the first name"),
    "guessed_double_name": _GUESS.format("number of surnames"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measure and what the draws found.

    Attributes:
        name: the measure, or `structure`.
        sentence: what was found, in plain words.
        value: the mean of the draws; of `structure` the sum.
        least: the least of the draws.
        most: the most of the draws.
        goal: what it should not exceed.
    """

    name: str
    sentence: str
    value: float
    least: float
    most: float
    goal: float

    @property
    def is_reached(self) -> bool:
        """Whether the goal was reached."""
        return self.value <= self.goal


def judge_audit(draws: Sequence[Audit], profile: EncodingProfile) -> tuple[Outcome, ...]:
    """Return what all draws of an audit found by each measure; empty if the file has too few records."""
    if not draws[0].n_larger:
        return ()
    goals = goals_of(profile.block_cap, draws[0].n_smaller)
    found = [dict(_measured(one)) for one in draws]
    outcomes = [_structure(draws)]
    for measure in MEASURES:
        values = [one[measure] for one in found if measure in one]
        if values:
            outcomes.append(_outcome(measure, values, goals[measure], draws[0]))
    return tuple(outcomes)


def _structure(draws: Sequence[Audit]) -> Outcome:
    sealed = [result for audit in draws for result in audit.sealed]
    found, n_rows = sum(one.n_found for one in sealed), sum(one.n_rows for one in sealed)
    signs = f"{found or 'no'} signs of structure were found; none is allowed."
    sentence = f"In the bytes of {n_rows:,} rows, {signs}"
    return Outcome("structure", sentence, float(found), float(found), float(found), 0.0)


def _outcome(measure: Measure, values: Sequence[float], goal: float, audit: Audit) -> Outcome:
    mean = fmean(values)
    of = audit.n_larger if measure in ("shown", "followed_larger") else audit.n_smaller
    told = f"{mean:.2%} (about {mean * of:,.0f} of {of:,})"
    if measure in _TRAITS.values():
        told = f"{100 * mean:.1f} in 100"
    drawn = (
        f" {min(values):.2%} to {max(values):.2%} in {len(values)} draws;"
        if len(values) > 1
        else ""
    )
    sentence = f"{_SENTENCES[measure].format(told)}{drawn} the goal is at most {goal:.2%}."
    return Outcome(measure, sentence, mean, min(values), max(values), goal)


def _measured(audit: Audit) -> Iterator[tuple[Measure, float]]:
    """Yield what one draw found, as shares that are not below 0."""
    # That records of both files meet is what they are sent for, however large a part of a small file they are.
    yield "shown", audit.shown_larger - audit.shown_linked
    for measure, kind in zip(_REGISTERS, audit.naming, strict=False):
        shares = [one.share for one in kind.results if one.n_known <= _MOST_KNOWN]
        if shares:
            yield measure, max(shares)
    if audit.followed is not None:
        # Who is in both is counted in the smaller file, however large a part of a small larger file they are.
        yield "followed_smaller", audit.followed.smaller
        yield "followed_larger", audit.followed.strangers
    for result in audit.attributes:
        if result.name in _TRAITS:
            yield _TRAITS[result.name], max(result.gain, 0.0)
