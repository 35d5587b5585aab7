"""A reading copy of `schemas/spec/matching.md`, rows to match weights: loops over fractions, no numpy.

Each operation on doubles is done on fractions and rounded once by `float`. Logarithms are not worked out at
all: that a weight is the nearest whole number is decided by comparing powers of whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from twins.doubles import divided, exact_sum, plus, power_of_two, times

from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import EncodingProfile

Pattern = tuple[int, ...]
Numbers = list[list[float]]  # a number a field and level, the first level at place 0


class Row(NamedTuple):
    token: bytes
    record: int
    sealed: bytes


class Meeting(NamedTuple):
    smaller: int
    larger: int
    levels: Pattern
    row_smaller: int
    row_larger: int
    is_unsteady: bool = False


# Section 1: candidate pairs and levels


def meet(smaller: Sequence[Row], larger: Sequence[Row], profile: EncodingProfile) -> list[Meeting]:
    return [
        Meeting(a.record, b.record, pattern_of(a.sealed, b.sealed, profile), at, place)
        for at, a in enumerate(smaller)
        for place, b in enumerate(larger)
        if a.token == b.token
    ]


def pattern_of(a: bytes, b: bytes, profile: EncodingProfile) -> Pattern:
    distance: dict[str, int] = {}
    at = 0

    def differing(size: int) -> int:
        nonlocal at
        here = slice(at, at + size)
        at += size
        return (int.from_bytes(a[here]) ^ int.from_bytes(b[here])).bit_count()

    for kind, size in (("filter", 8), ("tag", 2)):
        for field in profile.fields:
            for lane in field.lanes:
                if lane.kind == kind:
                    distance[lane.column] = differing(size)
    pattern = []
    for field in profile.fields:
        level = 0
        if field.memory is not None or differing(2) == 0:
            level = 1
            for one in field.levels[:-1]:
                if any(all(distance[c.lane] <= c.within for c in choice) for choice in one.any_of):
                    break
                level += 1
        pattern.append(level)
    return tuple(pattern)


def pattern_number(levels: Pattern, profile: EncodingProfile) -> int:
    number = 0
    for level, field in zip(levels, profile.fields, strict=True):
        number = number * (len(field.levels) + 1) + level
    return number


def candidates(
    meetings: Iterable[Meeting], profile: EncodingProfile, counts: FileCounts
) -> list[Meeting]:
    """Return each pair once, but those that a reviewer rejected before."""
    kinds = [field.memory for field in profile.fields]
    found = best_meetings(meetings, profile, counts)
    return [
        one
        for one in found
        if not any(
            k == "rejected-before" and n == 1 for k, n in zip(kinds, one.levels, strict=True)
        )
    ]


def best_meetings(
    meetings: Iterable[Meeting], profile: EncodingProfile, counts: FileCounts
) -> list[Meeting]:
    m, u = shipped_m(profile), strangers_u(counts)
    score = field_weights(m, u)

    def rank(one: Meeting) -> tuple[int, int]:
        total = sum(score[f][level - 1] for f, level in enumerate(one.levels) if level)
        return -total, pattern_number(one.levels, profile)

    of_pair: dict[tuple[int, int], list[Meeting]] = {}
    for one in meetings:
        of_pair.setdefault((one.smaller, one.larger), []).append(one)
    found = []
    for _, each in sorted(of_pair.items()):
        # Rows are in order of tokens, so that the first ones are of the smallest.
        first = min(each, key=lambda one: one.row_smaller)
        found.append(
            min(each, key=rank)._replace(
                row_smaller=first.row_smaller,
                row_larger=first.row_larger,
                is_unsteady=any(
                    len({one.levels[at] for one in each}) > 1 for at in of_tags(profile)
                ),
            )
        )
    return found


def are_linked_twice(pairs: Iterable[Meeting], profile: EncodingProfile) -> bool:
    """Tell whether a record has two pairs that were linked before: link IDs are unique."""
    places = [at for at, field in enumerate(profile.fields) if field.memory == "linked-before"]
    before = [one for one in pairs for at in places if one.levels[at] == 1]
    return any(
        len({getattr(one, side) for one in before}) < len(before) for side in ("smaller", "larger")
    )


def of_tags(profile: EncodingProfile) -> list[int]:
    """Return the fields that are compared by tags alone, and remember nothing."""
    return [
        at
        for at, field in enumerate(profile.fields)
        if not field.memory and {lane.kind for lane in field.lanes} == {"tag"}
    ]


# Section 2: what is known beforehand


def shipped_m(profile: EncodingProfile) -> Numbers:
    return [[float(Fraction(one.m, 10**6)) for one in field.levels] for field in profile.fields]


def strangers_u(counts: FileCounts) -> Numbers:
    return [
        [
            float(Fraction(10 * s + 3, 10 * sum(field.strangers) + 3 * len(field.strangers)))
            for s in field.strangers
        ]
        for field in counts.fields
    ]


def twins_t(counts: FileCounts) -> Numbers:
    return [[float(Fraction(t, 10**6)) for t in field.twins] for field in counts.fields]


# Section 3: the fit


class Fit(NamedTuple):
    m: Numbers
    rate: float
    rounds: int


def fit(
    patterns: Mapping[Pattern, int],
    profile: EncodingProfile,
    counts: FileCounts,
    n_smaller: int,
    n_larger: int,
    share: Fraction,
) -> Fit:
    n_pairs = n_smaller * n_larger
    m_0, u = shipped_m(profile), strangers_u(counts)
    m, rate = m_0, divided(float(share * n_smaller), n_pairs)
    order = sorted(patterns, key=lambda levels: pattern_number(levels, profile))
    taken = [taken_off(levels, profile, counts, n_larger) for levels in order]
    rounds = 0
    while rounds < 200:
        rounds += 1
        shares = []
        for levels, off in zip(order, taken, strict=True):
            odds = divided(times(rate, ratio(m, u, levels)), off)
            shares.append(times(patterns[levels], divided(odds, plus(1, odds))))
        m = [
            refit(field, m_0[field], order, shares, profile.strength)
            for field in range(len(profile.fields))
        ]
        before, rate = rate, divided(max(exact_sum(shares), 0.5), n_pairs)
        if abs(plus(rate, -before)) <= times(1e-9, rate):
            break
    return Fit(m, rate, rounds)


def refit(
    field: int, m_0: list[float], order: list[Pattern], shares: list[float], strength: int
) -> list[float]:
    found = [
        exact_sum(
            share for levels, share in zip(order, shares, strict=True) if levels[field] == level
        )
        for level in range(1, len(m_0) + 1)
    ]
    whole = plus(exact_sum(found), strength)
    return [divided(plus(n, times(strength, m)), whole) for n, m in zip(found, m_0, strict=True)]


def twins_factor(levels: Pattern, counts: FileCounts, n_larger: int) -> float:
    rate = float(Fraction(2 * counts.twin_pairs, n_larger**2))
    return plus(1, times(rate, ratio(twins_t(counts), strangers_u(counts), levels)))


def taken_off(
    levels: Pattern, profile: EncodingProfile, counts: FileCounts, n_larger: int
) -> float:
    twins = twins_factor(levels, counts, n_larger)
    depends = is_dependent(levels, profile)
    return times(twins, power_of_two(counts.dependence)) if depends else twins


def is_dependent(levels: Pattern, profile: EncodingProfile) -> bool:
    if profile.dependence is None:
        return False
    reached = {
        field.name: field.levels[level - 1].name if level else None
        for field, level in zip(profile.fields, levels, strict=True)
    }
    return all(reached[one.field] in one.levels for one in profile.dependence.levels)


def ratio(p: Numbers, q: Numbers, levels: Pattern) -> float:
    product = 1.0
    for field, level in enumerate(levels):
        if level:
            product = times(product, divided(max(p[field][level - 1], 1e-9), q[field][level - 1]))
    return product


# Section 4: weights


def field_weights(m: Numbers, u: Numbers) -> list[list[int]]:
    return [
        [weight(divided(max(a, 1e-9), b)) for a, b in zip(m_f, u_f, strict=True)]
        for m_f, u_f in zip(m, u, strict=True)
    ]


def total_weight(
    levels: Pattern, fitted: Fit, profile: EncodingProfile, counts: FileCounts, n_larger: int
) -> int:
    fields = field_weights(fitted.m, strangers_u(counts))
    found = sum(fields[field][level - 1] for field, level in enumerate(levels) if level)
    found += weight(fitted.rate) - weight(twins_factor(levels, counts, n_larger))
    return found - (counts.dependence if is_dependent(levels, profile) else 0)


@cache
def weight(x: float) -> int:
    """Return the whole number w nearest to 1000 log2 x: 2^(2w - 1) <= x^2000 < 2^(2w + 1); never half way."""
    top, bottom = x.as_integer_ratio()
    # A double is a whole number times or over a power of two, so that the length of top^2000 says it all.
    e = (top**2000).bit_length() - 1 - 2000 * (bottom.bit_length() - 1)
    return (e + 1) // 2


def least_weight(probability: str) -> int:
    """Return the least whole number w with 2^w >= (p / (1 - p))^1000."""
    p = Fraction(probability)
    power = (p / (1 - p)) ** 1000
    w = power.numerator.bit_length() - power.denominator.bit_length() - 2
    while Fraction(2) ** w < power:
        w += 1
    return w


def match_probability(total: int) -> float:
    return divided(1, plus(1, power_of_two(-total)))
