"""From the agency's rows to what may leave: cleaned, encoded, hardened, under one encoding profile."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.diffusion import DiffusionMatrix, diffuse, diffusion_matrix, outside_window
from encoding.encoder import Encoder
from encoding.errors import ConfigError, LinkageSchemaError, MissingColumnError
from encoding.lint import lint_hardening
from encoding.problems import RowProblem
from encoding.recipe import INPUTS, Recipe
from encoding.records import Chunk
from encoding.secret import AnySecret
from schemas.profile import EncodingProfile, weight_window

TOO_SPARSE: Final = "too little is in this row to encode it safely"

Encodings = NDArray[np.uint8]
"""Packed encodings, shape (n, encoding_bits / 8)."""


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Encodings of some rows and of their variants.

    Attributes:
        rows: number of the row that each encoding was made from, shape (n,).
        ordinals: 0 for the row itself, from 1 for the variants that the recipe made of it, shape (n,).
        encodings: shape (n, encoding_bits / 8).
        problems: why rows are missing, by row; columns as the agency's file calls them.
    """

    rows: NDArray[np.int64]
    ordinals: NDArray[np.uint8]
    encodings: Encodings
    problems: tuple[RowProblem, ...]


class RowEncoder:
    """Encodes rows of one file under one profile; what it remembers between chunks is bounded.

    Attributes:
        header_of: the recipe's or schema's name of each column that is read, to the file's name for it.
        headers: the columns of the file that are read, in the order of the recipe or schema.
        warnings: sentences that the agency must see before it encodes.
    Args:
        columns: names of the recipe (or, without one, of the linkage schema) to headers of the file; a name
            that is not there is looked for under itself.
        available: the headers of the file.
        date_format: how the file writes dates; needed where the profile has a recipe.
    Raises:
        ConfigError: a mapped name that nobody asks for, or no date format.
        MissingColumnError: a column that is needed is not in the file.
        LinkageSchemaError, RecipeError, PassphraseError: profile or secret cannot be used.
    """

    def __init__(
        self,
        profile: EncodingProfile,
        secret: AnySecret,
        *,
        columns: Mapping[str, str],
        available: Sequence[str],
        date_format: str | None,
    ) -> None:
        self._encoder = Encoder(json.loads(profile.linkage_schema), secret.clk_key)
        self._recipe = None if profile.recipe is None else Recipe.load(profile.recipe)
        if self._recipe is not None and date_format is None:
            raise ConfigError(
                "the date format of the file is not given",
                hint='set date_format in the section [input], such as "MM/DD/YYYY"',
            )
        self._date_format = date_format or ""
        self._matrix = _matrix(profile, secret)
        self._window = weight_window(profile)
        self.header_of: Mapping[str, str] = self._find_headers(columns, available)
        self.headers = tuple(self.header_of.values())
        self.warnings = (*_warnings(profile), *secret.warnings, *self._encoder.warnings)

    def clear(self) -> None:
        """Forget the cells that were read: they are as sensitive as the rows."""
        self._encoder.clear()
        if self._recipe is not None:
            self._recipe.clear()

    def encode(self, chunk: Chunk) -> EncodedRows:
        """Encode the rows of a chunk that has at least the columns `headers`."""
        columns = {name: chunk.columns[header] for name, header in self.header_of.items()}
        if self._recipe is None:
            return self._encode(
                columns, chunk.first_row + np.arange(chunk.n_rows, dtype=np.int64), ()
            )
        derived = self._recipe.derive(
            columns, date_format=self._date_format, first_row=chunk.first_row
        )
        row_of = np.array(derived.row_of, dtype=np.int64)
        return self._encode(derived.columns, chunk.first_row + row_of, derived.problems)

    def _encode(
        self,
        columns: Mapping[str, list[str]],
        rows: NDArray[np.int64],
        problems: Sequence[RowProblem],
    ) -> EncodedRows:
        """Encode derived rows; one that the recipe made as a variant may fail without a word."""
        ordinals = _ordinals(rows)
        encoded = self._encoder.encode(columns, first_row=0)
        failed = {problem.row: problem for problem in reversed(encoded.problems)}
        encodings = encoded.filters
        if self._matrix is not None:
            encodings = diffuse(encodings, self._matrix)
        for index in outside_window(encodings, self._window).tolist():
            failed.setdefault(index, RowProblem(index, "", TOO_SPARSE))
        found = [
            RowProblem(int(rows[index]), problem.column, problem.rule)
            for index, problem in failed.items()
            if ordinals[index] == 0
        ]
        # A row that cannot be encoded as it stands has no variants either.
        unusable = np.isin(rows, [problem.row for problem in found])
        unusable[list(failed)] = True
        kept = ~unusable
        named = [self._in_words_of_file(problem) for problem in (*problems, *found)]
        in_order = tuple(sorted(named, key=lambda problem: problem.row))
        return EncodedRows(rows[kept], ordinals[kept], encodings[kept], in_order)

    def _in_words_of_file(self, problem: RowProblem) -> RowProblem:
        header = self.header_of.get(problem.column, problem.column)
        return RowProblem(problem.row, header, problem.rule)

    def _find_headers(self, columns: Mapping[str, str], available: Sequence[str]) -> dict[str, str]:
        known, required = self._known_and_required()
        for name in columns:
            if name not in known and name not in self._not_encoded():
                raise ConfigError(
                    f"the section [columns] names {name}, which the encoding profile does not have",
                    hint=f"it has: {', '.join(known)}",
                )
        found = {}
        for name in known:
            header = columns.get(name, name)
            if header in available:
                found[name] = header
            elif name in required or name in columns:
                # The mapped header may be told: it is from the settings, not from the file.
                raise MissingColumnError(
                    f"the file has no column {header}"
                    + ("" if header == name else f", which stands for {name}"),
                    hint="say in the section [columns] what your file calls it",
                )
        return found

    def _not_encoded(self) -> Collection[str]:
        """Return the names that a mapping may hold although this profile does not encode them.

        A preset names every input there is; a recipe of an older version does not read all of them.
        """
        return self._encoder.ignored if self._recipe is None else INPUTS

    def _known_and_required(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self._recipe is None:
            return self._encoder.columns, self._encoder.columns
        return self._recipe.inputs, self._recipe.required


def _warnings(profile: EncodingProfile) -> tuple[str, ...]:
    if profile.hardening.kind == "none":
        # Published attacks re-identify 97 to 100 % of plain CLKs (docs/encoding.md).
        return (
            "these encodings are not hardened: whoever gets them can find out most people in them",
        )
    broken = lint_hardening(profile.hardening.kind)
    return tuple(f"{finding.message}; do not use real records" for finding in broken)


def _matrix(profile: EncodingProfile, secret: AnySecret) -> DiffusionMatrix | None:
    hardening = profile.hardening
    if hardening.salt != "none" and (profile.recipe or {}).get("salt") != hardening.salt:
        raise LinkageSchemaError(
            "the encoding profile promises a salt that its recipe does not make"
        )
    if hardening.output_bits is None or hardening.taps is None:
        return None
    return diffusion_matrix(
        secret.sub_key("diffusion"),
        clk_bits=profile.clk_bits,
        output_bits=hardening.output_bits,
        taps=hardening.taps,
    )


def _ordinals(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Number the derived rows of each row from 0; they stand after each other."""
    starts = np.flatnonzero(np.diff(rows, prepend=rows[:1] - 1))
    lengths = [after - before for before, after in pairwise([*starts.tolist(), len(rows)])]
    numbers = np.arange(len(rows)) - np.repeat(starts, lengths)
    return numbers.astype(np.uint8)
