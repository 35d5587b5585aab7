"""Writes the vectors of reports of rounds; run by hand when the format changes.

PYTHONPATH=tests:. python -m vectors.round_report

Made with the rfc8785 package, not with the code under test; ranges are worked out with fractions.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isqrt
from typing import Any

import rfc8785
from samples.documents import PRIVACY, audit_of, changed
from vectors.file import write_vectors

GROUP: dict[str, Any] = {
    "label": "North", "groups": 1, "records": 812, "linked": 500, "least": 0, "most": 100,
}  # fmt: skip
HIDDEN = {**GROUP, "label": "all other groups", "groups": 3, "linked": None, "least": 95}
BEFORE: dict[str, Any] = {
    "round": 11, "day": "2026-11-20", "records": 1_990, "linked": 1_190, "ended": 4,
    "wrong": {"low": 0, "high": 9}, "missed": None,
}  # fmt: skip
REPORT: dict[str, Any] = {
    "version": "blindlink/round-report/2",
    "project": "foster-pupils",
    "party": "child-welfare",
    "made": "2026-11-28T06:00:00Z",
    "agreement": "ab" * 32,
    "purpose": "education-stability",
    "population": "foster-care-24h",
    "definition": "Children in 24-hour substitute care.",
    "floor": 10,
    "now": {**BEFORE, "round": 12, "day": "2026-11-27", "records": 2_010, "linked": 1_204},
    "former": [BEFORE],
    "links": {"linked": 1_204, "pending": 0, "new": 21, "ended": 7, "changed": 0},
    "rates": [
        {"of": "all", "rate": {**GROUP, "label": "all", "records": 2_010, "linked": 1_204}},
        {"of": "school-age", "rate": None},
    ],
    "pairs": [
        {
            "partner": "k12",
            "run": f"run-{'0' * 32}",
            "linked": 1_204,
            "expected_false": 210,
            "wrong": {"low": 0, "high": 11},
            "missed": {"low": 4, "high": 70},
            "concordance": [{"field": "birth-date", "apart": 31, "other": None, "missing": None}],
        }
    ],
    "faults": [{"what": "no-birth-date", "records": 41, "before": None}],
    "subgroups": [{"column": "county", "groups": [GROUP, HIDDEN]}, {"column": None, "groups": []}],
    "reviews": [
        {
            "partner": "k12", "role": "reviewer", "state": "answered", "asked": 40, "decided": 12,
            "has_release": False, "is_doubtful": True,
            "weeks": [
                {"week": "2026-11-16", "asked": 140, "accepted": 20, "rejected": 110},
                {"week": "2026-11-23", "asked": 10, "accepted": None, "rejected": None},
            ],
        }
    ],
    "disclosures": [
        {
            "giver": "k12", "receiver": "child-welfare", "what": "match-ids", "times": 1,
            "records": 1_204, "basis": "20 U.S.C. 1232g(b)(1)(L)", "citation": None, "entry": 61,
        }
    ],
    "lost": [{"round": 12, "release": 1, "code": "message-unreadable", "given_up": False}],
    "privacy_audit": audit_of("ab" * 32, "smaller", 2_010),
    "privacy_limits": PRIVACY,
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "second report": REPORT,
    "first report": {
        **changed(REPORT, "links.new", None), "former": [], "pairs": [],
        "faults": [], "subgroups": [], "reviews": [], "disclosures": [], "lost": [],
        "privacy_audit": None, "privacy_limits": None,
    },
}  # fmt: skip
BAD: dict[str, tuple[str, Any]] = {
    "another version": ("version", "blindlink/round-report/1"),
    "an unknown field": ("surprise", 1),
    "no definition": ("definition", None),
    "a round 0": ("now.round", 0),
    "a former round that is this one": ("former.0.round", 12),
    "a range that falls": ("now.wrong", {"low": 9, "high": 0}),
    "no match rate": ("rates", []),
    "a match rate twice": ("rates", [REPORT["rates"][0]] * 2),
    "denominators in another order": ("rates", REPORT["rates"][::-1]),
    "more linked than there are": ("subgroups.0.groups.0.linked", 813),
    "a share above all": ("subgroups.0.groups.0.most", 101),
    "bounds that fall": ("subgroups.0.groups.1.most", 90),
    "a label of two lines": ("subgroups.0.groups.0.label", "North\nSouth"),
    "a measure of the audit twice": ("privacy_audit.figures.1.measure", "shown"),
    "a limit above all": ("privacy_limits.named", "1.5"),
    "a fraction": ("floor", 0.5),
    "a negative number": ("links.linked", -1),
    "another part in a review": ("reviews.0.role", "watcher"),
    "a week of questions twice": ("reviews.0.weeks", [REPORT["reviews"][0]["weeks"][0]] * 2),
}


def at_least(mean: int) -> int:
    return max(0, mean - isqrt(400 * mean)) // 100


def at_most(mean: int) -> int:
    return (mean + isqrt(400 * mean) + 1 + 99) // 100 + 2


def wrong(expected: int) -> dict[str, int]:
    return {
        "expected_false": expected,
        "low": at_least(expected // 12),
        "high": at_most(2 * expected),
    }


def missed(linked: int, smaller: int, floor: int, apart: list[int | None]) -> dict[str, Any]:
    shown = 100 * sum(one or 0 for one in apart)
    hidden = shown + 100 * apart.count(None) * max(0, floor - 1)
    most = max(0, smaller - linked)
    return {
        "linked": linked,
        "smaller": smaller,
        "floor": floor,
        "apart": apart,
        "low": min(most, at_least(shown // 8)),
        "high": min(most, at_most(-(-5 * hidden // 4))),
    }


def matched(
    linked: int, records: int, whole: tuple[int, int], wrong: int, missed: int
) -> dict[str, Any]:
    all_linked, all_records = whole
    shares = (
        Fraction(linked, all_linked or 1),
        Fraction(records - linked, all_records - all_linked or 1),
    )
    expected = max(ceil(100 * missed * share) for share in shares)
    return {
        "linked": linked,
        "records": records,
        "all": {"linked": all_linked, "records": all_records},
        "wrong": wrong,
        "missed": missed,
        "low": max(0, linked - ceil(ceil(100 * wrong * shares[0]) / 100)),
        "high": min(records, linked + ceil((expected + isqrt(400 * expected)) / 100)),
    }


def round_report_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/round-report.md`."""
    return {
        "spec": "round-report",
        "good": [{"name": n, "text": rfc8785.dumps(body).decode()} for n, body in GOOD.items()],
        "bad": [
            {"name": name, "text": rfc8785.dumps(changed(REPORT, *change)).decode()}
            for name, change in BAD.items()
        ],
        "wrong": [wrong(expected) for expected in (0, 1, 33, 210, 4_999, 31_415_926)],
        "missed": [
            missed(230, 400, 10, [14, 17, None]),
            missed(1_204, 2_010, 10, [90, 112, 31]),
            missed(3, 4, 10, [None, None, None]),
            missed(40_000, 60_000, 10, [3_100, 4_400, 900]),
            missed(4, 3, 10, [None, None, None]),
            missed(20, 400, 1, [None, 5, None]),
        ],
        "matched": [
            matched(57, 100, (573, 1_019), 8, 68),
            matched(30, 100, (573, 1_019), 8, 68),
            matched(573, 1_019, (573, 1_019), 8, 68),
            matched(99, 100, (1_204, 2_010), 11, 70),
            matched(0, 12, (0, 12), 0, 5),
            matched(12, 12, (12, 12), 3, 0),
        ],
    }


if __name__ == "__main__":
    write_vectors("round-report", round_report_vectors())
