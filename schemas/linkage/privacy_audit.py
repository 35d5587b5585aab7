"""What a manifest states of the agency's privacy audit, the limits that are agreed for it, and when it counts.

The agency, the broker and the auditor ask this one function. Spec page: `schemas/spec/manifest.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, sqrt
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from schemas.documents.document import Model
from schemas.documents.ids import Sha256Hex
from schemas.documents.texts import Share
from schemas.linkage.profile import Side
from schemas.linkage.row_layout import MAX_RECORDS

# With fewer, a lucky guess already weighs more than the goals allow.
SMALLEST_AUDITED_FILE: Final = 500
# A figure is the mean of so many draws, so that no verdict hangs on one.
DRAWS: Final = 3
# An audit counts for files that differ by at most one in so many of its records.
_ONE_IN: Final = 4

Scope = Literal["full", "quick"]
Measure = Literal[
    "shown",
    "named",
    "named_partial",
    "named_mistaken",
    "followed_smaller",
    "followed_larger",
    "guessed_sex",
    "guessed_age",
    "guessed_name_length",
    "guessed_double_name",
]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
# What may be guessed of linked children, in shares beyond chance.
_GUESSED: Final = (
    "guessed_sex",
    "guessed_age",
    "guessed_name_length",
    "guessed_double_name",
)
AuditFault = Literal[
    "missing", "quick", "structure", "other-profile", "other-side", "other-size", "beyond"
]

# From this cap of a block on, passes are those of a nation.
_SMALLEST_NATION_CAP: Final = 8
_FEW_IN_CARE: Final = 4_000
_MOST_SHOWN: Final = 0.115
_STATE: Final = (0.01, 0.01, 0.006, 0.0025, 0.15, 0.006, 0.03, 0.03, 0.03, 0.12)
_NATION: Final = (_MOST_SHOWN, 0.08, 0.08, 0.02, 1.0, 0.06, 0.03, 0.03, 0.03, 0.12)
_WELL_ABOVE: Final = 3


_WORDS: Final[dict[Measure, str]] = {
    "shown": "seen though not in the smaller file",
    "named": "named by a perfect list",
    "named_partial": "named by a list 90% complete",
    "named_mistaken": "named by a list with mistakes",
    "followed_smaller": "followed to the next round, smaller file",
    "followed_larger": "followed to the next round, larger file",
    "guessed_sex": "sex guessed beyond chance",
    "guessed_age": "birth year guessed beyond chance",
    "guessed_name_length": "length of the name guessed beyond chance",
    "guessed_double_name": "double surname guessed beyond chance",
}


class PrivacyLimits(Model):
    """For each measure of the privacy audit the figure beyond which a file is not uploaded."""

    shown: Share
    named: Share
    named_partial: Share
    named_mistaken: Share
    followed_smaller: Share
    followed_larger: Share
    guessed_sex: Share
    guessed_age: Share
    guessed_name_length: Share
    guessed_double_name: Share

    def of(self, measure: Measure) -> Fraction:
        """Return the limit of one measure."""
        return Fraction(getattr(self, measure))


class Figure(Model):
    """What the draws of an audit found by one measure: their mean, the least and the most."""

    measure: Measure
    mean: Share
    least: Share
    most: Share


class PrivacyAudit(Model):
    """An agency's privacy audit of its file, as its manifest states it.

    `digest` is that of the report. `records` is how many the audited file had, `side` which file of the pair
    it was taken for, `structure` how many signs of structure the bytes showed, and `figures` are means of so
    many draws, in the order of the measures; one that could not be taken is left out.
    """

    digest: Sha256Hex
    scope: Scope
    profile: Sha256Hex
    side: Side
    records: Annotated[int, Field(ge=1, le=MAX_RECORDS)]
    structure: Annotated[int, Field(ge=0, le=10**6)]
    draws: Annotated[int, Field(ge=1, le=1_000)]
    figures: Annotated[tuple[Figure, ...], Field(max_length=len(MEASURES))]

    @model_validator(mode="after")
    def _figures_are_in_order(self) -> Self:
        places = [MEASURES.index(one.measure) for one in self.figures]
        if places != sorted(set(places)):
            raise ValueError("each measure stands once, in the order of the page")
        return self

    def beyond(self, limits: PrivacyLimits) -> tuple[Figure, ...]:
        """Return the figures that lie above their limits."""
        return tuple(one for one in self.figures if Fraction(one.mean) > limits.of(one.measure))


def decimal_text(share: float) -> str:
    """Return a share as the shortest decimal text of at most four digits; below 0 it is 0."""
    return f"{max(share, 0.0):.4f}".rstrip("0").rstrip(".")


def goals_of(block_cap: int, n_smaller: int) -> dict[Measure, float]:
    """Return what each measure shall not exceed, for the passes and the size of the smaller file."""
    goals = dict(
        zip(MEASURES, _STATE if block_cap < _SMALLEST_NATION_CAP else _NATION, strict=True)
    )
    # With more children more strangers meet one of them.
    goals["shown"] = min(goals["shown"] * max(1.0, n_smaller / _FEW_IN_CARE), _MOST_SHOWN)
    return goals


def proposed_limits(block_cap: int, least: int, most: int) -> PrivacyLimits:
    """Return limits well above the goals: three times, and what chance may add in so small a file.

    Args:
        block_cap: the profile's.
        least: how many records the smaller file has at least.
        most: how many it has at most.
    """

    def limit(measure: Measure, goal: float) -> str:
        share = min(_WELL_ABOVE * goal, 1.0)
        spread = 0.5 if measure in _GUESSED else sqrt(share * (1 - share))
        # Three standard errors.
        chance = 3 * spread / sqrt(max(least, SMALLEST_AUDITED_FILE))
        return decimal_text(min(ceil(1_000 * (share + chance)) / 1_000, 1.0))

    goals = goals_of(block_cap, most)
    return PrivacyLimits(**{name: limit(name, goal) for name, goal in goals.items()})


def audit_words(audit: PrivacyAudit | None) -> str:
    """Return what is stated of an audit, in plain words."""
    if audit is None:
        return f"none, fewer than {SMALLEST_AUDITED_FILE} records"
    named = next((one for one in audit.figures if one.measure == "named"), None)
    found = "" if named is None else f", {float(named.mean):.2%} named by a perfect register"
    return f"{audit.scope}, of {audit.records:,} records, {audit.draws} draws{found}"


def figure_rows(audit: PrivacyAudit, limits: PrivacyLimits | None) -> Iterator[tuple[str, ...]]:
    """Yield each figure in words: what is measured, its mean, least and most, and the agreed limit."""
    for one in audit.figures:
        limit = "not known" if limits is None else f"{float(limits.of(one.measure)):.2%}"
        shares = (f"{float(share):.2%}" for share in (one.mean, one.least, one.most))
        yield _WORDS[one.measure], *shares, limit


def figures_sentence(audit: PrivacyAudit, limits: PrivacyLimits | None) -> str:
    """Return an audit and all its figures in one sentence."""
    told = "; ".join(
        f"{what} {mean} ({least} to {most}; limit {limit})"
        for what, mean, least, most, limit in figure_rows(audit, limits)
    )
    return f"Privacy audit of the {audit.side} file ({audit.records:,} records, {audit.draws} draws): {told}."


def audit_fault(
    audit: PrivacyAudit | None,
    *,
    profile: str,
    side: Side,
    records: int,
    limits: PrivacyLimits | None,
) -> AuditFault | None:
    """Return why an audit does not count for an upload; None where it counts, or none is needed.

    Args:
        audit: what is stated; None: none.
        profile: digest of the upload's encoding profile.
        side: which file of the pair is uploaded.
        records: how many records are uploaded.
        limits: those of the agreement; None: it has none.
    """
    if audit is None:
        return "missing" if records >= SMALLEST_AUDITED_FILE else None
    stated = {one.measure for one in audit.figures}
    faults: tuple[tuple[AuditFault, bool], ...] = (
        ("structure", audit.structure > 0),
        (
            "quick",
            audit.scope != "full"
            or audit.draws < DRAWS
            or not stated.issuperset(set(MEASURES).difference(_GUESSED)),
        ),
        ("other-profile", audit.profile != profile),
        ("other-side", audit.side != side),
        ("other-size", _ONE_IN * abs(records - audit.records) > audit.records),
        ("beyond", limits is not None and bool(audit.beyond(limits))),
    )
    return next((fault for fault, is_so in faults if is_so), None)
