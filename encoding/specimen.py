"""The encodings of a sample as they would be uploaded, under keys that are thrown away.

What checks, audits and calibrates encodings works on these; the secret of a project is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoding.diffusion import PackedBits, diffuse, diffusion_matrix, outside_window
from encoding.encoder import Encoder
from encoding.recipe import Recipe
from encoding.sample import Sample
from encoding.secret import AnySecret
from schemas.profile import EncodingProfile, weight_window


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cleaned:
    """Rows and their variants as the linkage schema sees them, each once a record; without what is refused.

    Attributes:
        record: number of the record of each row in the sample, never decreasing.
        is_first: whether the row is the record's own first row.
        columns: the columns that the linkage schema encodes.
    """

    record: NDArray[np.intp]
    is_first: NDArray[np.bool_]
    columns: Mapping[str, list[str]]

    def __len__(self) -> int:
        return len(self.record)

    def take(self, rows: NDArray[np.intp]) -> Cleaned:
        """Return some of the rows, in their order here."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Cleaned(self.record[rows], self.is_first[rows], columns)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Specimen:
    """Cleaned rows with their encodings.

    Attributes:
        cleaned: the rows.
        filters: their CLKs before hardening, shape (n, clk_bits / 8).
        encodings: as uploaded, shape (n, encoding_bits / 8).
    """

    cleaned: Cleaned
    filters: PackedBits
    encodings: PackedBits


def clean_sample(
    sample: Sample, profile: EncodingProfile, columns: Mapping[str, str], date_format: str
) -> Cleaned:
    """Clean a sample by the profile's recipe.

    Args:
        sample: rows of the file.
        profile: its recipe may be null; the columns are then the file's own.
        columns: names of the recipe or linkage schema to headers of the sample.
        date_format: how the file writes dates; not looked at without a recipe.
    """
    inputs = {name: sample.columns[header] for name, header in columns.items()}
    if profile.recipe is None:
        return _each_once(sample.record, inputs)
    derived = Recipe.load(profile.recipe).derive(inputs, date_format=date_format)
    return _each_once(sample.record[np.array(derived.row_of, dtype=np.intp)], derived.columns)


def encode_cleaned(cleaned: Cleaned, profile: EncodingProfile, secret: AnySecret) -> Specimen:
    """Encode cleaned rows; those that the encoder would refuse are left out."""
    with Encoder(json.loads(profile.linkage_schema), secret.clk_key) as encoder:
        encoded = encoder.encode(cleaned.columns, first_row=0)
    encodings = harden(encoded.filters, profile, secret)
    is_kept = np.ones(len(cleaned), dtype=bool)
    is_kept[[problem.row for problem in encoded.problems]] = False
    is_kept[outside_window(encodings, weight_window(profile))] = False
    kept = np.flatnonzero(is_kept)
    return Specimen(cleaned.take(kept), encoded.filters[kept], encodings[kept])


def harden(filters: PackedBits, profile: EncodingProfile, secret: AnySecret) -> PackedBits:
    """Return the encodings of CLKs under the profile's hardening."""
    hardening = profile.hardening
    if hardening.output_bits is None or hardening.taps is None:
        return filters
    matrix = diffusion_matrix(
        secret.sub_key("diffusion"),
        clk_bits=profile.clk_bits,
        output_bits=hardening.output_bits,
        taps=hardening.taps,
    )
    return diffuse(filters, matrix)


def _each_once(record: NDArray[np.intp], columns: Mapping[str, list[str]]) -> Cleaned:
    rows = dict.fromkeys(zip(record.tolist(), *columns.values(), strict=True))
    numbers = np.array([row[0] for row in rows], dtype=np.intp)
    # The rows of one record stand after each other, so its own first row is the first of them.
    is_first = np.diff(numbers, prepend=-1) != 0
    by_name = zip(*(row[1:] for row in rows), strict=True) if rows else ((),) * len(columns)
    return Cleaned(numbers, is_first, dict(zip(columns, map(list, by_name), strict=True)))
