"""The slow, obvious twin of `schemas/spec/matching.md`: loops over whole numbers and fractions, no numpy.

Each operation on doubles is done on fractions and rounded once by `float`. Logarithms are not worked out at
all: that a weight is the nearest whole number is decided by comparing powers of whole numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

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


# Section 5: bands


class Policy(NamedTuple):
    auto: str
    review: str
    lead: int
    twin_limit: int | None


class Candidate(NamedTuple):
    smaller: int
    larger: int
    total: int
    twins: int
    is_capped: bool = False


def candidate(
    one: Meeting, total: int, twins: int, profile: EncodingProfile, policy: Policy
) -> Candidate:
    """Return a pair with its total weight: below the review bound if bare, below that of auto if in doubt."""
    if is_bare(one.levels, profile):
        return Candidate(
            one.smaller, one.larger, min(total, least_weight(policy.review) - 1), twins
        )
    most = least_weight(policy.auto) - 1
    is_capped = total > most and is_doubtful(one.levels, profile)
    return Candidate(one.smaller, one.larger, most if is_capped else total, twins, is_capped)


def is_bare(levels: Pattern, profile: EncodingProfile) -> bool:
    """Tell whether too few of names, date, and number are compared, and the pair was not linked before."""
    level_of = {field.name: level for field, level in zip(profile.fields, levels, strict=True)}
    before = [field.name for field in profile.fields if field.memory == "linked-before"]
    if any(level_of[name] == 1 for name in before):
        return False
    missing = [name for name in ("first-name", "surname", "birth-date") if level_of.get(name) == 0]
    shares_number = any(f.contradicted_by and level_of[f.name] == 1 for f in profile.fields)
    return len(missing) > 1 or bool(missing and not shares_number)


def is_doubtful(levels: Pattern, profile: EncodingProfile) -> bool:
    reached = {
        field.name: field.levels[level - 1].name if level else None
        for field, level in zip(profile.fields, levels, strict=True)
    }
    if any(
        f.memory == "linked-before" and reached[f.name] == f.levels[0].name for f in profile.fields
    ):
        return not any(
            Fraction(level.m, 10**6) >= 32 * Fraction(level.u, 10**9)
            for field in profile.fields
            for level in field.levels
            if field.memory is None and reached[field.name] == level.name
        )
    for field in profile.fields:
        if field.contradicted_by and reached[field.name] == field.levels[0].name:
            found = [reached[one.field] for one in field.contradicted_by]
            if all(name is None for name in found):
                return True
            return any(reached[one.field] in one.levels for one in field.contradicted_by)
    return False


def decide(pairs: Sequence[Candidate], policy: Policy) -> dict[tuple[int, int], tuple[str, str]]:
    """Return band and rule of each pair."""
    decided: dict[tuple[int, int], tuple[str, str]] = {}
    before: list[Candidate] = []
    for pair in sorted(pairs, key=lambda one: (-one.total, one.smaller, one.larger)):
        rule = _rule(pair, pairs, before, policy)
        band = {"match-probability": "auto", "below-review": "reject", "better-rival": "reject"}
        found = band.get(rule, "review")
        if rule not in ("below-review", "better-rival"):
            before.append(pair)
        decided[pair.smaller, pair.larger] = found, rule
    return decided


def _rule(
    pair: Candidate, pairs: Sequence[Candidate], before: Sequence[Candidate], policy: Policy
) -> str:
    def is_rival(other: Candidate) -> bool:
        return other != pair and (other.smaller == pair.smaller or other.larger == pair.larger)

    if pair.total < least_weight(policy.review) and not pair.is_capped:
        return "below-review"
    if any(is_rival(other) for other in before):
        return "better-rival"
    if pair.is_capped:
        return "contradicted"
    if pair.total < least_weight(policy.auto):
        return "review-band"
    if policy.twin_limit is not None and pair.twins > policy.twin_limit:
        return "twin-guard"
    if any(is_rival(other) and pair.total - other.total < policy.lead for other in pairs):
        return "lead-too-small"
    return "match-probability"


# Section 6: what a run says of itself


def expected_false(linked: Iterable[int]) -> float:
    return expected_matches(-total for total in linked)


def expected_matches(totals: Iterable[int]) -> float:
    each = Counter(totals)
    return exact_sum(times(n, match_probability(total)) for total, n in each.items())


def concordance(
    linked: Sequence[tuple[int, ...]], profile: EncodingProfile
) -> list[tuple[str, int, int, int]]:
    """Return of each field that is not remembered how many links are apart, wholly other, and missing in it."""
    found = []
    for at, field in enumerate(profile.fields):
        levels = [one[at] for one in linked]
        if field.memory is None:
            apart = sum(level > 1 for level in levels)
            found.append((field.name, apart, levels.count(len(field.levels)), levels.count(0)))
    return found


def missed(pairs: Sequence[Candidate], decided: Mapping[tuple[int, int], tuple[str, str]]) -> float:
    """Return expected matches among free pairs."""
    linked = [one for one in pairs if decided[one.smaller, one.larger][0] == "auto"]
    free = [
        one
        for one in pairs
        if all(one.smaller != other.smaller and one.larger != other.larger for other in linked)
    ]
    return expected_matches(one.total for one in free)


# Doubles, each operation rounded by itself


def times(a: float, b: float) -> float:
    return float(Fraction(a) * Fraction(b))


def divided(a: float, b: float) -> float:
    return float(Fraction(a) / Fraction(b))


def plus(a: float, b: float) -> float:
    return float(Fraction(a) + Fraction(b))


def exact_sum(values: Iterable[float]) -> float:
    return float(sum(map(Fraction, values), Fraction(0)))


@cache
def power_of_two(thousandths: int) -> float:
    """Return the double nearest to 2^(n / 1000): middles between doubles, to the power of 1000, against 2^n."""
    found = 2.0 ** (thousandths / 1000)
    while not _is_above(found, math.nextafter(found, math.inf), thousandths):
        found = math.nextafter(found, math.inf)
    while _is_above(math.nextafter(found, 0), found, thousandths):
        found = math.nextafter(found, 0)
    return found


def _is_above(a: float, b: float, thousandths: int) -> bool:
    """Tell whether the middle of two doubles is above 2^(n / 1000)."""
    middle = (Fraction(a) + Fraction(b)) / 2
    left = 1000 * (middle.denominator.bit_length() - 1) + thousandths
    return (middle.numerator**1000).bit_length() - 1 >= left
