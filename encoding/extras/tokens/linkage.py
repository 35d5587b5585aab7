"""Two files of exact tokens linked: each rule is a pass, and the rules that agree are a pair's pattern.

Rules share attributes, so that one seldom agrees alone: weights are those of whole patterns, not sums over
rules. Pairs of records within the larger file show how often two people have a pattern by chance; what the two
files have beyond that are matches. ADR 0073.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.decisions import weighed
from app.matching.blocks.pairs import MEETING, Met
from app.matching.blocks.ranges import Sizes
from app.matching.blocks.resolution import Resolution, link_policy, settle_pairs
from app.matching.blocks.rivals import Totals
from app.matching.blocks.weights import PatternTable, Weights, weight
from encoding.blocks.assembly import MetPasses
from encoding.extras.tokens.files import MOST_RULES, Tokens
from schemas.linkage.run import RECOMMENDED_POLICY

Pattern = tuple[int, int]
"""The rules on which two records agree, and those that both have, a bit each."""
_Codes = NDArray[np.int64]
_Code = TypeVar("_Code", int, _Codes)

# A token that more records of a file share is one of a common name: it brings nobody together.
_MOST_ALIKE: Final = 100
PUBLISHED: Final = frozenset({"T1", "T2", "T3", "T4", "T5"})
"""The rules of OpenLinkToken; what others of these names mean is unknown."""
# The date of birth with a full name or a Social Security number: two records of a file that agree on one may be
# one person twice, which says nothing of strangers.
_IDENTIFYING: Final = frozenset({"T2", "T3", "T4"})
_SOCIAL_SECURITY: Final = frozenset({"T4"})
# A record with so many equally likely pairs is told apart from others by nothing: a placeholder, a newborn.
_CROWD: Final = 3
# Of 300,000 invented pupils at most 5 in 10^10 pairs of two people agree on T3, spread over several patterns.
_RARE: Final = 1e-10
_SMOOTHING: Final = 0.3
_LEAST_ODDS: Final = 0.001
_AT_ONCE: Final = 1 << 14
SAME: Final = 1
APART: Final = 2


def link_tokens(
    rules: Sequence[str], smaller: Tokens, larger: Tokens, *, are_published: bool = True
) -> tuple[Resolution, MetPasses, MetPasses, float]:
    """Link two files by the policy that drafts of agreements propose."""
    mine, theirs = _without_crowds(smaller, larger)
    pairs = np.concatenate([*_met(smaller, larger, mine, theirs)])
    alike = np.concatenate([*_met(larger, larger, theirs, theirs, within=True)])
    codes, n_each = np.unique(pairs["code"], return_counts=True)
    patterns = [_pattern(code) for code in codes.tolist()]
    found = dict(zip(patterns, n_each.tolist(), strict=True))
    known = rules if are_published else ()
    chance = _Chance(known, alike["code"], found, smaller, larger)
    matches, totals = _weigh(found, {one: chance.pairs(*one) for one in patterns})
    of_pattern = np.array(totals, dtype=np.int64)
    total = of_pattern[np.searchsorted(codes, pairs["code"])]
    # Tokens have no distances: records of one person tie nearly always, and each of them is right.
    bands = replace(link_policy(RECOMMENDED_POLICY).bands, lead=0)
    no_twins = (0,) * len(patterns)
    none = np.zeros(len(pairs), dtype=np.int64)
    is_crowded = _are_crowded(pairs, total) & (total >= bands.review)
    rows = weighed(pairs, total, none, is_crowded)
    prior = weight(max(matches, _LEAST_ODDS) / (len(smaller) * len(larger)))
    levels = tuple(_levels(one, len(rules)) for one in patterns)
    run = settle_pairs(
        [pairs],
        lambda _: rows,
        sizes=Sizes(len(smaller), len(larger)),
        shelf=MemoryShelf(),
        table=PatternTable(tuple(codes.tolist()), levels, tuple(n_each.tolist())),
        weights=Weights((), prior, tuple(totals), no_twins, (), matches, 0),
        bands=bands,
        n_meetings=len(pairs),
    )
    as_links = alike[np.isin(alike["code"], codes[of_pattern >= bands.auto])]
    return (
        run,
        MetPasses(_held(smaller), _held(mine)),
        MetPasses(_held(larger), _held(theirs)),
        chance.links(as_links),
    )


class _Chance:
    """How many pairs of two people have a pattern, by the pairs of records within the larger file."""

    def __init__(
        self,
        rules: Sequence[str],
        alike: _Codes,
        found: Mapping[Pattern, int],
        smaller: Tokens,
        larger: Tokens,
    ) -> None:
        self._identifying = _bits_of(rules, _IDENTIFYING)
        self._social_security = _bits_of(rules, _SOCIAL_SECURITY)
        codes, n_each = np.unique(alike, return_counts=True)
        counted = dict(zip(map(_pattern, codes.tolist()), n_each.tolist(), strict=True))
        twice, once = (
            sum(n for one, n in some.items() if self._is_whole(one)) for some in (counted, found)
        )
        self._alike = {
            one: self._of_two_people(one, n, found.get(one, 0), twice / max(1, once))
            for one, n in counted.items()
        }
        self._larger = Counter(_held(larger).tolist())
        self._across = _pairs_by_rules(Counter(_held(smaller).tolist()), self._larger)

    def pairs(self, same: int, both: int) -> float:
        """Return how many pairs of strangers agree on the rules `same`, of those that both have."""
        # Rules that a pair has besides say nothing here, so that all pairs which have `both` are asked.
        n_alike = math.fsum(n for one, n in self._alike.items() if _restricted(one, both) == same)
        n_with = sum(n for held, n in self._larger.items() if held & both == both)
        if same & self._identifying:
            share = max(_RARE, n_alike / max(1, math.comb(n_with, 2)))
        else:
            share = (n_alike + _SMOOTHING) / max(1, math.comb(n_with, 2))
        return share * self._across[both]

    def links(self, alike: Met) -> float:
        """Return how many links would be of strangers if no pair within the larger file were one person twice.

        One pair more is taken than there are. Left out are records of crowds, which are not linked either, and
        pairs that agree on the Social Security number and something else, which are one person twice.
        """
        same, both = _pattern(alike["code"])
        is_person = (same & self._social_security != 0) & (same != self._social_security)
        alike, both = alike[~is_person], both[~is_person]
        n_each = np.bincount(np.concatenate([alike["smaller"], alike["larger"]]))
        is_crowded = np.maximum(n_each[alike["smaller"]], n_each[alike["larger"]]) >= _CROWD - 1
        within = _pairs_by_rules(self._larger, self._larger)
        n_larger = self._larger.total()
        one_more = self._across.total() / max(1, math.comb(n_larger, 2))
        return one_more + math.fsum(
            n * self._across[held] * 2 / (within[held] - self._larger[held])
            for held, n in Counter(both[~is_crowded].tolist()).items()
        )

    def _is_whole(self, pattern: Pattern) -> bool:
        same, both = pattern
        return same == both and bool(same & self._identifying)

    def _of_two_people(self, pattern: Pattern, n: int, n_found: int, twice: float) -> float:
        """Return how many of `n` pairs within the file are surely not one person twice.

        Where all agrees they are taken to be that, `twice` for each such pair of the two files. Then so many
        are expected with a part that differs, too, as the two files have; chance is allowed for.
        """
        if not pattern[0] & self._identifying:
            return n
        if self._is_whole(pattern):
            return 0.0
        expected = twice * n_found
        return max(0.0, n - expected - 2 * math.sqrt(n + twice * expected))


def _weigh(
    found: Mapping[Pattern, int], strangers: Mapping[Pattern, float]
) -> tuple[float, list[int]]:
    """Return how many pairs are matches, and the total weight of each pattern.

    How matches agree is taken from all pairs that have the rules, what they have besides left aside: of a rare
    combination of missing tokens there are too few. With the pattern for a level, and u counted, this is where
    the EM of a run ends.
    """
    beyond = {one: max(0.0, n - strangers[one]) for one, n in found.items()}
    totals = []
    for same, both in found:
        alike = {one: n for one, n in beyond.items() if _restricted(one, both)}
        n_like = math.fsum(n for one, n in alike.items() if _restricted(one, both) == same)
        n_here = math.fsum(n for one, n in beyond.items() if one[1] == both)
        share = n_like / (math.fsum(alike.values()) or 1.0)
        totals.append(weight(max(n_here * share / strangers[same, both], _LEAST_ODDS)))
    return math.fsum(beyond.values()), totals


def _pairs_by_rules(one: Mapping[int, int], other: Mapping[int, int]) -> Counter[int]:
    """Return how many pairs of two files have which rules in common, by how many records have which."""
    found: Counter[int] = Counter()
    for held, n in one.items():
        for others, m in other.items():
            found[held & others] += n * m
    return found


def _are_crowded(pairs: Met, total: Totals) -> NDArray[np.bool_]:
    """Tell in which pairs a record has so many that are as likely that nothing tells which one is right."""
    is_crowded = np.zeros(len(pairs), dtype=bool)
    for side in ("smaller", "larger"):
        order = np.lexsort((total, pairs[side]))
        keys = np.stack([pairs[side][order], total[order]])
        starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
        n_each = np.diff(np.r_[starts, len(order)])
        is_crowded[order] |= np.repeat(n_each, n_each) >= _CROWD
    return is_crowded


def _restricted(pattern: Pattern, both: int) -> int:
    """Return on which of some rules a pair agrees; 0 too where it does not have them all."""
    return pattern[0] & both if pattern[1] & both == both else 0


def _met(
    one: Tokens, other: Tokens, sparse: Tokens, others: Tokens, *, within: bool = False
) -> Iterator[Met]:
    """Yield the pairs of records that share a token of the sparse ones, each once, with its pattern.

    With `within` both are the same file.
    """
    order = np.argsort(others, axis=0, kind="stable")
    ordered = np.take_along_axis(others, order, axis=0)
    for start in range(0, len(one), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        for rule in range(one.shape[1]):
            wanted = sparse[some, rule]
            first = np.searchsorted(ordered[:, rule], wanted, side="left")
            last = np.searchsorted(ordered[:, rule], wanted, side="right")
            n_each = np.where(wanted != 0, last - first, 0)
            left = np.repeat(np.arange(len(wanted)), n_each) + start
            behind = np.arange(len(left)) - np.repeat(np.cumsum(n_each) - n_each, n_each)
            right = order[np.repeat(first, n_each) + behind, rule]
            agreed = _bits((sparse[left] == others[right]) & (sparse[left] != 0))
            is_new = agreed & -agreed == 1 << rule
            if within:
                is_new &= left < right
            left, right = left[is_new], right[is_new]
            held = _bits((one[left] != 0) & (other[right] != 0))
            met = np.zeros(len(left), dtype=MEETING)
            met["smaller"], met["larger"] = left, right
            met["code"] = held << MOST_RULES | held & _bits(one[left] == other[right])
            yield met


def _without_crowds(one: Tokens, other: Tokens) -> tuple[Tokens, Tokens]:
    """Return the tokens of both files without those that too many records of one of them share."""
    sparse = one.copy(), other.copy()
    for rule in range(one.shape[1]):
        counted = [np.unique(some[:, rule], return_counts=True) for some in (one, other)]
        crowds = np.concatenate([values[n_each > _MOST_ALIKE] for values, n_each in counted])
        for some in sparse:
            some[np.isin(some[:, rule], crowds), rule] = 0
    return sparse


def _bits(flags: NDArray[np.bool_]) -> _Codes:
    bits: _Codes = flags @ (1 << np.arange(flags.shape[1], dtype=np.int64))
    return bits


def _held(tokens: Tokens) -> NDArray[np.uint16]:
    return _bits(tokens != 0).astype(np.uint16)


def _bits_of(rules: Sequence[str], some: Collection[str]) -> int:
    return sum(1 << at for at, rule in enumerate(rules) if rule in some)


def _pattern(code: _Code) -> tuple[_Code, _Code]:
    return code & (1 << MOST_RULES) - 1, code >> MOST_RULES


def _levels(pattern: Pattern, n_rules: int) -> tuple[int, ...]:
    """Return of each rule whether it is missing, the same or apart."""
    same, both = pattern
    return tuple(
        0 if not both >> at & 1 else SAME if same >> at & 1 else APART for at in range(n_rules)
    )
