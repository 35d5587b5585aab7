"""What an encoding profile gives away about the people of this very file: the lint, on a sample of it."""

from __future__ import annotations

import json

import numpy as np

from encoding.lint import Finding, lint_hardening, lint_people, lint_schema
from encoding.quality.counting import Counted
from encoding.secret import new_secret
from encoding.specimen import clean_sample, encode_cleaned
from schemas.profile import EncodingProfile

# In fewer records the measures move by more than their limits allow.
_FEWEST_RECORDS = 200
_MISREAD_SHARE = 0.1


def weak_settings(
    profile: EncodingProfile, counted: Counted, date_format: str | None
) -> tuple[Finding, ...]:
    """Return what is too weak in a profile, by itself and on the sampled records."""
    by_itself = (
        *lint_hardening(profile.hardening.kind),
        *lint_schema(json.loads(profile.linkage_schema)),
    )
    counts = counted.counts
    # What is left of a file that was read wrongly says nothing about its people.
    is_misread = counts.rows_refused > counts.rows * _MISREAD_SHARE
    if counted.sample.n_records < _FEWEST_RECORDS or is_misread:
        return by_itself
    cleaned = clean_sample(counted.sample, profile, counted.header_of, date_format or "")
    specimen = encode_cleaned(cleaned, profile, new_secret())
    first = np.flatnonzero(specimen.cleaned.is_first)
    if len(first) < _FEWEST_RECORDS:
        return by_itself
    of_people = lint_people(
        specimen.filters[first],
        specimen.encodings[first],
        clk_bits=profile.clk_bits,
        bits=profile.encoding_bits,
    )
    return (*by_itself, *of_people)
