"""The goals of the encoding, and whether an audit reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final

from encoding.privacy_audit.attributes import AttributeResult
from encoding.privacy_audit.results import Audit
from schemas.linkage.profile import EncodingProfile

# What may be guessed of linked children beyond chance.
_ATTRIBUTE_GAIN: Final = 0.03
# Double surnames are common ones, and in larger files their bearers meet more people; no passes hide more.
SURNAME_GAIN: Final = 0.12
_JUDGED: Final = ("sex", "birth year", "name length", "double surname")
_OF_TWO_KINDS: Final = ("sex", "double surname")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an attacker may reach.

    Attributes:
        shown: part of the larger file's records that may be seen though they are not in the smaller file, where
            that has up to 4,000 records; with more, more strangers meet one of them, to the limit of a nation.
        named: part of the children in care who may be named with each kind of register.
        followed: part of the smaller and of the larger file that may be followed by shape; of the larger one
            those that are not in the smaller one.
    """

    shown: float
    named: tuple[float, float, float]
    followed: tuple[float, float]


STATE: Final = Limits(0.01, (0.01, 0.006, 0.0025), (0.15, 0.006))
NATION: Final = Limits(0.115, (0.08, 0.08, 0.02), (1.0, 0.06))
"""Files of several millions have more neighbours; what is not limited is said."""
_FEW_IN_CARE: Final = 4_000
_SMALLEST_NATION_CAP: Final = 8
# Eleven goals are judged at once, some by the worst of three results.
_STANDARD_ERRORS: Final = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """One goal and what was measured.

    Attributes:
        name: stable name, kebab-case.
        sentence: what was found, in plain words.
        value: what was measured.
        limit: what it must not exceed.
    """

    name: str
    sentence: str
    value: float
    limit: float

    @property
    def is_reached(self) -> bool:
        """Whether the goal was reached."""
        return self.value <= self.limit


def limits_of(profile: EncodingProfile) -> Limits:
    """Return the limits for the size of files that a profile is made for."""
    return STATE if profile.block_cap < _SMALLEST_NATION_CAP else NATION


def judge_audit(audit: Audit, profile: EncodingProfile) -> tuple[Outcome, ...]:
    """Return each goal with what was measured; empty if the file has too few records."""
    if not audit.n_larger:
        return ()
    limits = limits_of(profile)
    return (
        *_bytes(audit),
        *_shown(audit, limits),
        *_named(audit, limits),
        *_followed(audit, limits),
        *_guessed(audit),
    )


def _bytes(audit: Audit) -> Iterator[Outcome]:
    found = sum(result.n_found for result in audit.sealed)
    looked_at = sum(result.n_rows for result in audit.sealed)
    yield Outcome(
        "secret-structure",
        f"In the bytes of {looked_at:,} rows, {found or 'no'} signs of structure were found; none is allowed.",
        float(found),
        0.0,
    )


def _shown(audit: Audit, limits: Limits) -> Iterator[Outcome]:
    limit = min(limits.shown * max(1.0, audit.n_smaller / _FEW_IN_CARE), NATION.shown)
    # That records of both files meet is what they are sent for, however large a part of a small file they are.
    strangers = audit.shown_larger - audit.shown_linked
    # Of the parts as they are shown, so that they add up.
    shown = round(audit.shown_linked, 3) + round(strangers, 3)
    yield Outcome(
        "shows-anything",
        f"The broker sees something about {shown:.1%} of the larger file's records:"
        f" {audit.shown_linked:.1%} are in the smaller file too, {strangers:.1%} are not, and at most"
        f" {limit:.1%} of that kind is allowed. The rest are random bits to it.",
        strangers,
        limit,
    )


def _named(audit: Audit, limits: Limits) -> Iterator[Outcome]:
    names = ("named-perfect", "named-partial", "named-mistaken")
    for name, kind, limit in zip(names, audit.naming, limits.named, strict=False):
        if kind.results:
            tried = (result for result in kind.results if result.n_known <= 1_000)
            worst = max(tried, key=lambda result: result.share)
            # A share of so few children is off by chance: so many standard errors are allowed.
            allowed = limit + _STANDARD_ERRORS * sqrt(limit * (1 - limit) / max(1, worst.n))
            yield Outcome(
                name,
                f"Someone with a list of everybody ({kind.register}) can name {worst.share:.2%} of the"
                f" children in care, even when up to 1,000 are already known; at most {limit:.2%} is allowed,"
                f" and {allowed - limit:.2%} for chance.",
                worst.share,
                allowed,
            )


def _followed(audit: Audit, limits: Limits) -> Iterator[Outcome]:
    found = audit.followed
    if found is None:
        return
    # Who is in both is counted in the smaller file, however large a part of a small larger file they are.
    sides = (
        ("smaller", "smaller file's records", found.smaller),
        ("larger", "larger file's records that are not in the smaller one", found.strangers),
    )
    for (side, whose, share), limit in zip(sides, limits.followed, strict=True):
        yield Outcome(
            f"followed-{side}",
            f"From one round to the next, {share:.2%} of the {whose} can be recognized by whom they meet;"
            f" at most {limit:.1%} is allowed.",
            share,
            limit,
        )


def _guessed(audit: Audit) -> Iterator[Outcome]:
    for result in audit.attributes:
        if result.name not in _JUDGED:
            continue
        gain = SURNAME_GAIN if result.name == "double surname" else _ATTRIBUTE_GAIN
        # As above.
        limit = gain + _STANDARD_ERRORS * result.error
        yield Outcome(
            f"guessed-{result.name.replace(' ', '-')}",
            f"{_told(result)} At most {100 * limit:.1f} points more is allowed.",
            result.gain,
            limit,
        )


def _told(result: AttributeResult) -> str:
    if result.name in _OF_TWO_KINDS:
        return (
            f"Shown one linked child of each kind, the broker guesses rightly {result.share:.1%} of the time"
            f" which is which by {result.name}; chance alone reaches 50%."
        )
    return (
        f"The broker guesses the {result.name} of {result.share:.1%} of linked children rightly; always naming"
        f" the most frequent one reaches {result.chance:.1%}."
    )
