"""Attack A3: what the encodings show by themselves, to someone who knows nobody in them.

After Vidanage et al. (2023), "A Vulnerability Assessment Framework for Privacy-preserving Record Linkage":
frequency, length, co-occurrence and similarity. What graph matching on large files can use is told by the
structure variance, which does not depend on the size of the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.diffusion import weights
from encoding.lint import is_copy, structure_variance
from encoding.privacy_audit.tokens import TokenSets
from encoding.specimen import Specimen

# A correlation of two bits that pattern mining can use; in few records chance alone reaches more.
_LINKED_BITS = 0.3
_CHANCE_DEVIATIONS = 6.0
_MAX_RECORDS = 4_000


@dataclass(frozen=True, slots=True)
class StructureScan:
    """What was found in one encoding of each person.

    Attributes:
        n_records: people that were looked at, copies left out.
        variance: structure variance V; 0 for random bits.
        n_repeated: records whose encoding another record has too.
        weight_correlation: correlation of the number of set bits with the number of tokens, from -1 to 1.
        n_linked_bits: pairs of bits that go together.
        bit_correlation: root mean square correlation of two bits, in units of what chance gives; 1 is chance.
    """

    n_records: int
    variance: float
    n_repeated: int
    weight_correlation: float
    n_linked_bits: int
    bit_correlation: float


def scan_structure(specimen: Specimen, tokens: TokenSets, bits: int) -> StructureScan:
    """Look at the first encoding of each record; at most 4,000 records, and every two bits of them."""
    first = np.flatnonzero(specimen.cleaned.is_first)[:_MAX_RECORDS]
    people = first[~is_copy(specimen.filters[first])]
    encodings = specimen.encodings[people]
    correlation = _bit_correlations(encodings, bits)
    above = max(_LINKED_BITS, _CHANCE_DEVIATIONS / np.sqrt(max(len(people), 1)))
    n_tokens = np.array([len(tokens[row]) for row in people], dtype=np.float64)
    return StructureScan(
        n_records=len(people),
        variance=structure_variance(encodings, bits),
        n_repeated=_repeated(specimen.encodings[first]),
        weight_correlation=_correlation(weights(encodings).astype(np.float64), n_tokens),
        n_linked_bits=int((np.abs(correlation) > above).sum()),
        bit_correlation=float(np.sqrt((correlation**2).mean() * len(people)))
        if len(people)
        else 0.0,
    )


def _bit_correlations(encodings: NDArray[np.uint8], bits: int) -> NDArray[np.float32]:
    """Return the correlation of every two bits; bits that are always alike have none."""
    values = np.unpackbits(encodings, axis=1, count=bits).astype(np.float32)
    values -= values.mean(axis=0) if len(values) else 0
    length = np.sqrt((values**2).sum(axis=0))
    values /= np.where(length > 0, length, np.inf)
    together: NDArray[np.float32] = (values.T @ values)[np.triu_indices(bits, k=1)]
    return together


def _repeated(encodings: NDArray[np.uint8]) -> int:
    _, counts = np.unique(encodings, axis=0, return_counts=True)
    return int(counts[counts > 1].sum())


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    if len(x) < 2 or not x.std() or not y.std():
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
