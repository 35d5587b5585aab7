"""Rehearsal files linked by block-salted rows: what the benchmarks of quality and of priors share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.matching.blocks.levels import LevelNumbers, LevelRules
from app.matching.blocks.weights import probability
from encoding.blocks.assembly import Randomness
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import without_shared
from encoding.records import open_table
from encoding.synth import (
    CHILD_WELFARE_LAYOUT,
    ERROR_LEVELS,
    K12_LAYOUT,
    Layout,
    RehearsalFiles,
    write_rehearsal,
)
from encoding.trial.linkage import Encoded, encode
from encoding.trial.linkage import link as link_files
from schemas.linkage.counts import FileCounts
from schemas.linkage.profile import EncodingProfile, Side

BENCH = Path(__file__).resolve().parent.parent / ".bench"
LEVELS = tuple(ERROR_LEVELS)
# The files as they are written; without anybody who is in both; ZIP codes of the smaller file shuffled; a fifth
# of the clients there twice, under another record ID.
CASES = ("plain", "strangers", "zip", "clones")
CLONED = 0.2
GROUPS = ("race_ethnicity", "surname_form")
# A throw-away round key: pairs and weights do not hang on it, but for chance.
_KEY = b"k" * 32
_AT_ONCE = 20_000
# From this match probability on a pair is linked without review, unless an agreement says otherwise.
AUTO = "0.9"


@dataclass(frozen=True, eq=False)
class File:
    """One agency's file, cleaned: all spellings, sorted by record."""

    ids: list[str]
    record: NDArray[np.uint32]
    columns: Mapping[str, list[str]]


@dataclass(frozen=True, eq=False)
class Truth:
    """Who is who.

    Attributes:
        person: the person of each true pair of record numbers.
        groups: for each column of GROUPS, the value of each person.
    """

    person: Mapping[tuple[int, int], int]
    groups: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Two cleaned files, child welfare and schools, and the truth."""

    left: File
    right: File
    truth: Truth


@dataclass(frozen=True, eq=False)
class Scored:
    """Pairs of record numbers, each once, with a score; `chance` is their match probability."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]
    chance: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Linked:
    """What the broker finds: pairs, the levels of each, and what the larger file's agency counted."""

    scored: Scored
    levels: LevelNumbers
    counts: FileCounts


def rehearsal_files(
    seed: int, n_children: int, n_students: int, errors: str, *, known_numbers: bool = False
) -> RehearsalFiles:
    """Return the files of a rehearsal, written under .bench if they are not there yet."""
    numbered = "-numbers" if known_numbers else ""
    folder = BENCH / f"rehearsal-{n_children}-{n_students}-{errors}-{seed}{numbered}"
    files = RehearsalFiles.of(folder)
    # It is written after the others that are read here.
    if files.look_alikes.exists():
        return files
    return write_rehearsal(
        folder,
        seed=seed,
        n_children=n_children,
        n_students=n_students,
        error_level=errors,
        known_numbers=known_numbers,
    )


def clean(files: RehearsalFiles, profile: EncodingProfile) -> Rehearsal:
    """Read and clean both files by the profile's recipe."""
    left = _clean_file(files.child_welfare, CHILD_WELFARE_LAYOUT, profile)
    right = _clean_file(files.k12, K12_LAYOUT, profile)
    return Rehearsal(left, right, _read_truth(files.truth, left, right))


def hard_case(rehearsal: Rehearsal, case: str, seed: int) -> Rehearsal:
    """Return the rehearsal with what one of CASES does to its files."""
    rng = np.random.default_rng(seed)
    left, right, truth = rehearsal.left, rehearsal.right, rehearsal.truth
    if case == "strangers":
        partners = np.array(sorted({other for _, other in truth.person}))
        kept = np.flatnonzero(~np.isin(right.record, partners))
        return Rehearsal(left, _rows_of(right, kept), Truth({}, {name: {} for name in GROUPS}))
    if case == "zip":
        zips = rng.permutation(np.array(left.columns["zip"])).tolist()
        spoilt = File(left.ids, left.record, {**left.columns, "zip": zips})
        return Rehearsal(spoilt, right, truth)
    if case == "clones":
        n = len(left.ids)
        twice = np.sort(rng.choice(n, size=int(CLONED * n), replace=False))
        clone = dict(zip(twice.tolist(), range(n, n + len(twice)), strict=True))
        again = np.flatnonzero(np.isin(left.record, twice))
        record = [clone[one] for one in left.record[again].tolist()]
        both = _rows_of(left, np.concatenate([np.arange(len(left.record)), again]))
        more = File(
            left.ids + [f"{left.ids[one]} again" for one in twice.tolist()],
            np.concatenate([left.record, np.array(record, dtype=np.uint32)]),
            both.columns,
        )
        person = dict(truth.person)
        for (one, other), who in truth.person.items():
            if one in clone:
                person[clone[one], other] = who
        return Rehearsal(more, right, Truth(person, truth.groups))
    return rehearsal


def _rows_of(file: File, rows: NDArray[np.intp]) -> File:
    columns = {name: [cells[at] for at in rows.tolist()] for name, cells in file.columns.items()}
    return File(file.ids, file.record[rows], columns)


def link(rehearsal: Rehearsal, profile: EncodingProfile) -> Linked:
    """Encode both files and match them, as agencies and broker do."""
    smaller = encoded_file(rehearsal.left, profile, "smaller")
    larger = encoded_file(rehearsal.right, profile, "larger")
    found = link_files(profile, smaller, larger)
    pairs = found.rows()
    total = pairs["total"]
    distinct, at = np.unique(total, return_inverse=True)
    chance = np.array([probability(int(one)) for one in distinct])[at]
    left, right = pairs["smaller"].astype(np.int64), pairs["larger"].astype(np.int64)
    levels = LevelRules(profile).levels_of(pairs["code"])
    return Linked(Scored(left, right, total.astype(float), chance), levels, larger.counts)


def mains(file: File) -> NDArray[np.intp]:
    """Return the place of the first spelling of each record that has one."""
    return np.unique(file.record, return_index=True)[1]


def encoded_file(file: File, profile: EncodingProfile, side: Side, *, key: bytes = _KEY) -> Encoded:
    """Return a file as the broker gets it, and what the larger one's agency counts in it."""
    own = side.encode().ljust(32, b".")
    slices = (slice(at, at + _AT_ONCE) for at in range(0, len(file.record), _AT_ONCE))
    return encode(
        profile,
        key,
        side,
        (
            ({name: cells[here] for name, cells in file.columns.items()}, file.record[here])
            for here in slices
        ),
        repeated=np.ones(len(file.ids), dtype=bool),
        # The same each time, so that a benchmark can be repeated; never that of the other side, whose
        # padding would meet it.
        randomness=Randomness(order=own, fill=own, padding=own),
    )


def _clean_file(path: Path, layout: Layout, profile: EncodingProfile) -> File:
    table = open_table(path, encoding=layout.text_encoding)
    cleaner = RowCleaner(
        profile,
        columns={name: header for name, header in layout.inputs.items() if header in table.columns},
        available=table.columns,
        date_format=layout.date_format,
    )
    number: dict[str, int] = {}
    records: list[int] = []
    columns: dict[str, list[str]] = {}
    for chunk in table.select([layout.id_column, *cleaner.headers]).chunks():
        cleaned = cleaner.clean(chunk)
        ids = chunk.columns[layout.id_column]
        for row in (cleaned.rows - chunk.first_row).tolist():
            records.append(number.setdefault(ids[row], len(number)))
        for name, cells in cleaned.columns.items():
            columns.setdefault(name, []).extend(cells)
    order = np.argsort(np.array(records), kind="stable")
    ordered = {name: [cells[at] for at in order.tolist()] for name, cells in columns.items()}
    record = np.array(records, dtype=np.uint32)[order]
    return File(list(number), record, without_shared(ordered, record))


def _read_truth(path: Path, left: File, right: File) -> Truth:
    """Return the true pairs of records that could be cleaned; pairs that share a record are one person."""
    numbers = [{one: at for at, one in enumerate(file.ids)} for file in (left, right)]
    person: dict[tuple[int, int], int] = {}
    groups: dict[str, dict[int, str]] = {name: {} for name in GROUPS}
    of_left: dict[int, int] = {}
    of_right: dict[int, int] = {}
    for one, other, values in _true_rows(path):
        if one not in numbers[0] or other not in numbers[1]:
            continue
        pair = numbers[0][one], numbers[1][other]
        # The records of a person follow each other in the file, all pairs of them.
        who = of_left.get(pair[0], of_right.get(pair[1], len(person)))
        person[pair] = of_left[pair[0]] = of_right[pair[1]] = who
        for name in GROUPS:
            groups[name][who] = values[name]
    return Truth(person, groups)


def _true_rows(path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    for chunk in open_table(path).chunks():
        names = list(chunk.columns)
        for cells in zip(*chunk.columns.values(), strict=True):
            yield cells[0], cells[1], dict(zip(names[2:], cells[2:], strict=True))
