"""Errors of the matching engine.

MatchingError
├── EncodingWidthError    encodings of different widths, or not packed as words
├── DatasetError          a dataset or a block breaks its own rules
├── ThresholdError        a threshold that cannot be used
├── PairCapError          more pairs above the threshold than were allowed
└── KernelError           a kernel was asked for that this machine cannot run
"""

from __future__ import annotations

from fractions import Fraction

from schemas.documents.errors import FormatError


class MatchingError(FormatError):
    """The matching engine was given something that it cannot match."""

    code = "matching"


class EncodingWidthError(MatchingError):
    """Encodings have different widths, or are not C-contiguous uint64 words."""

    code = "encoding-width"


class DatasetError(MatchingError):
    """A dataset or a block contradicts itself, or another one."""

    code = "matching-dataset"


class ThresholdError(MatchingError):
    """A threshold is out of its range."""

    code = "matching-threshold"


class PairCapError(MatchingError):
    """More pairs reach the threshold than the caller allowed; nothing was kept."""

    code = "pair-cap"

    @classmethod
    def above(cls, max_pairs: int, threshold: Fraction) -> PairCapError:
        """Return the error for a cap of `max_pairs` at a threshold on what is compared."""
        return cls(
            f"more than {max_pairs:,} pairs reach the threshold {float(threshold):.4g}; "
            "raise it, or the cap if the files really hold that many"
        )


class KernelError(MatchingError):
    """The kernel that was asked for is not known, not built, or not supported by this processor."""

    code = "matching-kernel"
