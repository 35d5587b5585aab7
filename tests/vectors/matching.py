"""Writes the vectors of matching; run by hand when they change.

Everything comes from the slow twin in `twins.block_matching`. Doubles are written in hexadecimal, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import product
from typing import Any

from samples.matching_profiles import block_profile, memory_field, number_field
from twins import block_matching as twin
from twins import decision
from vectors.file import write_vectors

from schemas.linkage.counts import FieldCounts, FileCounts, published_counts

PROBABILITIES = [
    "0.000000001", "0.01", "0.05", "0.1", "0.2", "0.25", "0.333", "0.5", "0.50001", "0.8", "0.9", "0.95",
    "0.99", "0.999", "0.9999", "0.999999999999",
]  # fmt: skip
RATIOS = [
    1.0, 2.0, 0.5, 1e-9, 1e9, 3.0, 1 / 3, 0.88 / 0.004, 1.0000000000000002, 0.9999999999999999,
    1.0003466341189547, 1.0003466341189545, 5e-324, 1.7976931348623157e308,
]  # fmt: skip
TOTALS = [-60_000, -3_171, -1_000, -1, 0, 1, 999, 1_000, 3_170, 4_248, 9_966, 60_000]
PROFILE = block_profile()
DEPENDENT = block_profile(
    dependence={
        "levels": [
            {"field": "first-name", "levels": ["exact"]},
            {"field": "surname", "levels": ["both"]},
        ],
        "published": 640,
    }
)
LIGHT = block_profile(strength=1)
# As an agency with 200,000 records counts: zeros among them, and middle levels that nobody reached.
COUNTED = FileCounts(
    fields=(
        FieldCounts(
            field="first-name",
            strangers=(5_912, 1_204, 22_841, 1_470_043),
            twins=(4_100, 900, 15_000, 980_000),
        ),
        FieldCounts(
            field="surname",
            strangers=(4_377, 0, 0, 1_495_623),
            twins=(870_000, 40_000, 20_000, 70_000),
        ),
        FieldCounts(
            field="birth-date", strangers=(301, 96_112, 1_403_587), twins=(950_000, 10_000, 40_000)
        ),
        FieldCounts(field="sex", strangers=(749_804, 750_196), twins=(500_000, 500_000)),
    ),
    dependence=631,
    twin_pairs=950,
)
NUMBERED = block_profile(
    fields=[
        *(PROFILE.to_json()["fields"][at] for at in (0, 2)),
        number_field({"first-name": ["far"], "birth-date": ["year", "none"]}),
        memory_field("linked-before"),
    ]
)
PROFILES = {"plain": PROFILE, "dependent": DEPENDENT, "light": LIGHT, "numbered": NUMBERED}
MANY = {
    (1, 1, 1, 1): 1_701,
    (1, 2, 1, 1): 122,
    (2, 1, 1, 1): 77,
    (3, 3, 1, 1): 9,
    (1, 1, 2, 1): 41,
    (1, 4, 1, 1): 180,
    (4, 1, 1, 1): 210,
    (4, 1, 1, 2): 154,
    (4, 4, 1, 2): 903,
    (1, 1, 1, 0): 25,
    (1, 1, 0, 1): 33,
    (0, 1, 1, 1): 12,
    (0, 0, 0, 0): 3,
    (4, 4, 3, 2): 1_300,
}


def matching_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/matching.md`."""
    return {
        "spec": "matching",
        "weights": [{"ratio": x.hex(), "weight": twin.weight(x)} for x in RATIOS],
        "bounds": [{"probability": p, "weight": twin.least_weight(p)} for p in PROBABILITIES],
        "probabilities": [
            {"total": total, "probability": twin.match_probability(total).hex()} for total in TOTALS
        ],
        "profiles": {name: one.to_json() for name, one in PROFILES.items()},
        "fits": list(_fits()),
        "bands": list(_bands()),
        "doubts": _doubts(),
        "caps": list(_caps()),
    }


def _fits() -> Iterator[dict[str, Any]]:
    yield _fit("as an agency counts", "dependent", COUNTED, MANY)
    yield _fit("the same without dependence", "plain", COUNTED, MANY)
    yield _fit("published counts of a small file", "dependent", None, MANY, n_larger=1_999)
    yield _fit("no pair at all", "dependent", COUNTED, {})
    yield _fit("one pair that agrees", "dependent", COUNTED, {(1, 1, 1, 1): 1})
    yield _fit("one pair that does not", "plain", COUNTED, {(4, 4, 3, 2): 1})
    yield _fit("one pair of which nothing is compared", "plain", COUNTED, {(0, 0, 0, 0): 1})
    without = {(a, b, 0, d): n for (a, b, c, d), n in MANY.items() if c == 1}
    yield _fit("a field missing everywhere", "dependent", COUNTED, without)
    unreached = {(1, 2, 1, 1): 50, (1, 3, 1, 1): 50}
    yield _fit("levels that no stranger was counted at", "plain", COUNTED, unreached)
    yield _fit("least expected share", "dependent", COUNTED, MANY, share="0.000001")
    yield _fit("every record expected", "dependent", COUNTED, MANY, share="1")
    yield _fit("files of one record", "plain", None, {(1, 1, 1, 1): 1}, n_smaller=1, n_larger=1)
    nation = {"n_smaller": 60_000_000, "n_larger": 60_000_000}
    yield _fit(
        "levels that no match reaches", "light", COUNTED, {(1, 1, 1, 1): 50_000_000}, **nation
    )
    yield _fit(
        "millions",
        "dependent",
        COUNTED,
        {one: 1_000 * n for one, n in MANY.items()},
        n_larger=6_000_000,
    )


def _fit(
    name: str,
    profile_name: str,
    counts: FileCounts | None,
    patterns: dict[twin.Pattern, int],
    *,
    n_smaller: int = 4_000,
    n_larger: int = 200_000,
    share: str = "0.4",
) -> dict[str, Any]:
    profile = PROFILES[profile_name]
    used = counts or published_counts(profile, n_larger)
    fitted = twin.fit(patterns, profile, used, n_smaller, n_larger, Fraction(share))
    order = sorted(patterns, key=lambda one: twin.pattern_number(one, profile))
    totals = [twin.total_weight(one, fitted, profile, used, n_larger) for one in order]
    return {
        "name": name,
        "profile": profile_name,
        "counts": used.model_dump(mode="json"),
        "records": {"smaller": n_smaller, "larger": n_larger},
        "expected_share": share,
        "patterns": [
            {
                "levels": list(one),
                "number": twin.pattern_number(one, profile),
                "pairs": patterns[one],
                "total": total,
                "twins": twin.weight(twin.twins_factor(one, used, n_larger)),
            }
            for one, total in zip(order, totals, strict=True)
        ],
        "rounds": fitted.rounds,
        "rate": fitted.rate.hex(),
        "m": [[value.hex() for value in field] for field in fitted.m],
        "prior": twin.weight(fitted.rate),
        "fields": twin.field_weights(fitted.m, twin.strangers_u(used)),
    }


def _doubts() -> dict[str, list[list[int]]]:
    """Return the patterns of which the number is in doubt, and those of which it is not."""
    patterns = list(product(*(range(len(field.levels) + 1) for field in NUMBERED.fields)))
    named = {"in doubt": True, "not in doubt": False}
    return {
        name: [list(one) for one in patterns if decision.is_doubtful(one, NUMBERED) == wanted]
        for name, wanted in named.items()
    }


def _caps() -> Iterator[dict[str, Any]]:
    policy = decision.Policy(auto="0.9", review="0.05", lead=0, twin_limit=None)
    for levels in (
        (1, 1, 1, 2),
        (4, 1, 1, 2),
        (0, 1, 1, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 2),
        (0, 0, 1, 2),
        (0, 0, 1, 1),
    ):
        for total in (-5_000, -4_248, -4_247, 3_169, 3_170, 40_000):
            one = twin.Meeting(0, 0, levels, 0, 0)
            found = decision.candidate(one, total, 0, NUMBERED, policy)
            yield {"levels": list(levels), "total": total, "capped": found.total}


def _bands() -> Iterator[dict[str, Any]]:
    policy = decision.Policy(auto="0.9", review="0.05", lead=2_000, twin_limit=1_500)
    lonely = [(0, 0, 3_170, 0), (1, 1, 3_169, 0), (2, 2, -4_247, 0), (3, 3, -4_248, 0)]
    yield _band("each bound, and one below it", policy, lonely)
    rivals = [
        (0, 0, 9_000, 0),
        (0, 1, 7_000, 0),
        (1, 0, 7_001, 0),
        (1, 1, 6_000, 0),
        (2, 2, 5_000, 0),
    ]
    yield _band("rivals on both sides", policy, rivals)
    yield _band(
        "a rival below review still shortens the lead", policy, [(0, 0, 3_500, 0), (0, 1, 1_501, 0)]
    )
    yield _band("lead as agreed", policy, [(0, 0, 9_000, 0), (0, 1, 7_000, 0)])
    ties = [(1, 0, 8_000, 0), (0, 1, 8_000, 0), (0, 0, 8_000, 0), (1, 1, 8_000, 0)]
    yield _band("equal weights go by record numbers", policy._replace(lead=0), ties)
    twins = [(0, 0, 9_000, 1_500), (1, 1, 9_000, 1_501), (2, 2, 3_000, 1_501)]
    yield _band("twin guard", policy, twins)
    yield _band("no twin guard", policy._replace(twin_limit=None), twins)
    many = [(at, at, 1_000 - at, 0) for at in range(4)] + [(3, 9, 0, 0)]
    yield _band("many are held back", policy, many)
    capped = [(0, 0, 3_169, 0, True), (1, 1, 3_169, 0, False), (0, 2, 3_168, 0, False)]
    yield _band("a known number in doubt", policy, capped)
    yield _band(
        "a known number in doubt, and no bound of review", policy._replace(review="0.9"), capped
    )
    yield _band("no pair", policy, [])


def _band(name: str, policy: decision.Policy, pairs: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    candidates = [decision.Candidate(*pair) for pair in pairs]
    decided = decision.decide(candidates, policy)
    written = [
        {
            **one._asdict(),
            **dict(zip(("band", "rule"), decided[one.smaller, one.larger], strict=True)),
        }
        for one in candidates
    ]
    linked = [one["total"] for one in written if one["band"] == "auto"]
    return {
        "name": name,
        "policy": policy._asdict(),
        "pairs": written,
        "expected_false_matches": decision.expected_false(linked).hex(),
    }


if __name__ == "__main__":
    write_vectors("matching", matching_vectors())
