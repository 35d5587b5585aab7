"""A reading copy of `schemas/spec/matching.md` from section 5 on: match weights to bands, and what a run says.

Rows come to weights in `block_matching`, by loops over whole numbers and fractions, without numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from twins.block_matching import Meeting, Pattern, least_weight, match_probability
from twins.doubles import exact_sum, times

from schemas.linkage.profile import EncodingProfile


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
