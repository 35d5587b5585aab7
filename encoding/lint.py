"""Find settings under which encodings give more away than they must.

Under `eld1` a finding refuses, under `none` it warns. That `eld1` is broken is a finding of its own: it stops
`schema check` and warns everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from encoding.diffusion import PackedBits, weights
from encoding.encoder.linkage_schema import parse_linkage_schema
from encoding.errors import WeakSettingsError

# One diffused bit leaks (1 - 2 fill)^(t - 1) of a linear relation to the filter: at half, nothing; and
# published graph matching still re-identifies 51 to 87 % at fill 0.17 and t = 4.
FILL_RANGE = (0.45, 0.50)
# With fewer fields, the values of one are guessed from few encodings.
MIN_FIELDS = 4
# Published attacks on hardened encodings re-identify 3.5 % at V = 0.46 and 0.2 % at most at V = 0.04.
MAX_STRUCTURE_VARIANCE = 0.05
# Hardly any two strangers are this alike, and nearly every two records of one person are.
COPY_SIMILARITY = 0.8
# 2 million pairs place the variance within some thousandths; more rows cost time quadratically.
_MAX_SAMPLE = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A setting that is too weak.

    Attributes:
        rule: stable name of the rule, kebab-case.
        message: one sentence, without any value of a record.
    """

    rule: str
    message: str


def lint_hardening(hardening: Literal["none", "eld1"]) -> tuple[Finding, ...]:
    """Return whether the hardening can be undone by whoever holds encodings; `none` has nothing to undo."""
    if hardening == "none":
        return ()
    return (
        Finding(
            "broken-hardening",
            f"the hardening {hardening} is broken: whoever holds these encodings can find out who is in them",
        ),
    )


def lint_schema(linkage_schema: Mapping[str, object]) -> tuple[Finding, ...]:
    """Return what is weak in a linkage schema by itself.

    Raises:
        LinkageSchemaError: it is not a linkage schema.
    """
    specs = [
        spec for spec in parse_linkage_schema(linkage_schema).fields if spec.hashing_properties
    ]
    findings = []
    if len(specs) < MIN_FIELDS:
        findings.append(
            Finding(
                "few-fields",
                f"the linkage schema encodes {len(specs)} fields, not {MIN_FIELDS} or more",
            )
        )
    doubles = [s.identifier for s in specs if s.hashing_properties.hash_type == "doubleHash"]
    if doubles:
        # Kroll and Steinmetzer (2015): double hashing leaves only l^2 patterns a token, which are found.
        findings.append(
            Finding("double-hashing", f"double hashing is easily broken: {', '.join(doubles)}")
        )
    return tuple(findings)


def lint_fill(filters: PackedBits, clk_bits: int) -> tuple[Finding, ...]:
    """Return whether the CLKs of an agency's file, before hardening, are too empty or too full."""
    found = fill(filters, clk_bits)
    low, high = FILL_RANGE
    if low <= found <= high:
        return ()
    return (
        Finding(
            "fill",
            f"{found:.1%} of the bits are set, where {low:.0%} to {high:.0%} give the least away",
        ),
    )


def lint_structure(encodings: PackedBits, bits: int) -> tuple[Finding, ...]:
    """Return whether the encodings of an agency's file, as uploaded, let structure show."""
    found = structure_variance(encodings, bits)
    if found <= MAX_STRUCTURE_VARIANCE:
        return ()
    return (
        Finding(
            "structure-variance",
            f"the encodings show too much of who resembles whom: {found:.2f},"
            f" where {MAX_STRUCTURE_VARIANCE} is allowed",
        ),
    )


def lint_people(
    filters: PackedBits, encodings: PackedBits, *, clk_bits: int, bits: int
) -> tuple[Finding, ...]:
    """Return whether fill and structure of some people's encodings are too weak; copies of a person left out.

    Args:
        filters: before hardening, one for each record, at most some thousand.
        encodings: as uploaded, in the same order.
        clk_bits: length of a filter.
        bits: length of an encoding.
    """
    return (*lint_fill(filters, clk_bits), *lint_structure(encodings[~is_copy(filters)], bits))


def warnings_or_refusal(
    findings: Sequence[Finding], hardening: Literal["none", "eld1"]
) -> tuple[str, ...]:
    """Return the findings as warnings under `none`, which promises nothing.

    Raises:
        WeakSettingsError: there are findings, and the hardening is eld1.
    """
    messages = tuple(finding.message for finding in findings)
    if messages and hardening != "none":
        raise WeakSettingsError("; ".join(messages))
    return messages


def fill(filters: PackedBits, clk_bits: int) -> float:
    """Return the share of set bits, from 0 to 1, over all filters; 0 if there are none."""
    return float(weights(filters).sum()) / (len(filters) * clk_bits) if len(filters) else 0.0


def is_copy(filters: PackedBits) -> NDArray[np.bool_]:
    """Return which CLKs are much like an earlier one: the same person twice, or a twin.

    A few copies among hundreds of records raise V more than all that an attack on thousands could use: at
    1,024 bits one pair in 20,000 of the same person adds 0.05.

    Args:
        filters: before hardening, at most some thousand: every two are compared.
    """
    bits = np.unpackbits(filters, axis=1).astype(np.float32)
    total = bits.sum(axis=1)
    # Dice similarity of at least COPY_SIMILARITY, without a division by nothing.
    alike = 2 * (bits @ bits.T) >= COPY_SIMILARITY * np.add.outer(total, total)
    found: NDArray[np.bool_] = np.triu(alike, k=1).any(axis=0)
    return found


def structure_variance(encodings: PackedBits, bits: int) -> float:
    """Return by how much the similarities of record pairs vary more than those of random vectors would.

    V is the variance, over pairs of records, of <x, y> / sqrt(bits), with bits as +1 and -1, minus 1.
    Random vectors have V = 0, whatever their number and length. At most 2,000 encodings are looked at,
    spread evenly over all.

    Args:
        encodings: one for each person, since copies of a record raise V.
        bits: length of an encoding.
    """
    if len(encodings) < 2:
        return 0.0
    chosen = np.linspace(0, len(encodings) - 1, min(len(encodings), _MAX_SAMPLE)).astype(np.intp)
    signs = np.unpackbits(encodings[chosen], axis=1, count=bits).astype(np.float32) * 2 - 1
    # Sums of at most 2^16 terms of +-1 are exact in float32.
    products = (signs @ signs.T)[np.triu_indices(len(chosen), k=1)]
    return float(products.astype(np.float64).var()) / bits - 1
