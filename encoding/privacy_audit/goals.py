"""The goals that encodings must reach, and whether an audit reached them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from encoding.lint import MAX_STRUCTURE_VARIANCE
from encoding.privacy_audit.audit import Audit
from encoding.privacy_audit.linear_code import LinearCodeResult
from schemas.profile import EncodingProfile

# Share of the others that may be named, by the number of known people.
_KNOWN_DEFAULT = {50: 0.01, 200: 0.01, 1_000: 0.05, 3_000: 0.20}
_KNOWN_STRICT = {50: 0.01, 200: 0.01, 1_000: 0.01, 3_000: 0.01}
_STRICT_VARIANCE = 0.01
_BY_RESEMBLANCE = 0.01
# Two outputs of a random matrix may share most of their positions: a few pairs in a million go together by the
# draw of the keys, and nothing follows from so few. Plain CLKs have about one in a hundred.
_LINKED_PAIRS = 1e-5


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


def judge_audit(audit: Audit, profile: EncodingProfile) -> tuple[Outcome, ...]:
    """Return each goal with what was measured; empty if the file has too few records and nothing is hardened.

    Every eld1 profile misses: the hardening is broken, also where this sample is too small to show it.
    """
    is_strict = (profile.recipe or {}).get("salt", "none") != "none"
    return (
        *_broken(audit, profile),
        *_known(audit, is_strict=is_strict),
        *_resembling(audit),
        *_shown(audit, profile, is_strict=is_strict),
    )


def _broken(audit: Audit, profile: EncodingProfile) -> Iterator[Outcome]:
    if profile.hardening.kind == "none":
        return
    code, near = audit.linear_code, audit.near_duplicates
    if code is not None and code.n_found:
        yield Outcome("secret-structure", _found(code), code.found_share, 0.0)
    else:
        yield Outcome(
            "secret-structure",
            "this hardening is broken: it gives its secret structure away to whoever has enough encodings,"
            " even where a sample as small as this one does not show it",
            1.0,
            0.0,
        )
    if near is not None:
        yield Outcome(
            "near-duplicates",
            f"from {near.n_pairs:,} pairs of nearly equal encodings, {near.share:.0%} of the secret structure"
            f" was found in {_seconds(near.seconds)}; nothing is allowed",
            near.share,
            0.0,
        )


def _found(code: LinearCodeResult) -> str:
    spent = _seconds(code.seconds)
    if code.n_opened == code.n_encodings:
        return f"the secret structure was found from the encodings alone in {spent}; every encoding is open"
    return (
        f"{_part(code.found_share)} of the secret structure was found from the encodings alone in {spent};"
        f" {_part(code.opened_share)} of the encodings are open"
    )


def _part(share: float) -> str:
    # Not all of it is never said as 100 %.
    return f"{math.floor(share * 1_000) / 10:.1f}%"


def _seconds(spent: float) -> str:
    return f"{max(round(spent), 1)} second{'s' if round(spent) > 1 else ''}"


def _known(audit: Audit, *, is_strict: bool) -> Iterator[Outcome]:
    limits = _KNOWN_STRICT if is_strict else _KNOWN_DEFAULT
    for result in audit.known_pairs:
        limit = limits[result.n_known]
        yield Outcome(
            f"known-people-{result.n_known}",
            f"someone who knows which encodings belong to {result.n_known:,} people can name"
            f" {result.share:.1%} of the others; at most {limit:.0%} is allowed",
            result.share,
            limit,
        )


def _resembling(audit: Audit) -> Iterator[Outcome]:
    found = audit.resemblance
    if found is not None:
        yield Outcome(
            "resemblance-attack",
            f"someone who knows nobody's encoding, but has a list of all {found.n_people:,} people, can name"
            f" {found.share:.1%} of them; at most {_BY_RESEMBLANCE:.0%} is allowed",
            found.share,
            _BY_RESEMBLANCE,
        )


def _shown(audit: Audit, profile: EncodingProfile, *, is_strict: bool) -> Iterator[Outcome]:
    scan = audit.structure
    if scan is None:
        return
    code = audit.linear_code
    opened = ", opened," if code is not None and code.is_mostly_open else ""
    limit = _STRICT_VARIANCE if is_strict else MAX_STRUCTURE_VARIANCE
    yield Outcome(
        "resemblance",
        f"the encodings{opened} show who resembles whom to a degree of {scan.variance:.3f}, where 0 is nothing;"
        f" at most {limit} is allowed",
        scan.variance,
        limit,
    )
    allowed = int(_LINKED_PAIRS * math.comb(profile.encoding_bits, 2))
    yield Outcome(
        "bits-together",
        f"{scan.n_linked_bits:,} pairs of positions in the encodings{opened} go together;"
        f" at most {allowed} are allowed",
        float(scan.n_linked_bits),
        float(allowed),
    )
