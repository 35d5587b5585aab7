"""How good links are, measured against the truth: precision, recall, F1, subgroups, twins wrongly joined."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import MissingColumnError, TruthError
from encoding.records import open_table

Pair = tuple[str, str]
"""Record ID in the left file, record ID in the right file."""

# With fewer pairs, the interval of a recall is wider than any gap that matters.
MIN_SUBGROUP = 100
# Two-sided 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` with its 95 % interval (Wilson). Of nothing it is 0, and the interval 0 to 1."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Recall of each value of a truth column, and the largest difference between two of them.

    Values with fewer than MIN_SUBGROUP true pairs are shown and left out of the gap; `largest_gap` is 0
    where fewer than two values are left.
    """

    column: str
    recall: Mapping[str, Share]
    largest_gap: float


@dataclass(frozen=True, slots=True)
class WronglyJoined:
    """Pairs of look-alikes (twins, siblings) that were linked, out of all such pairs of records."""

    relation: str
    n_linked: int
    n_pairs: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What links are worth.

    Attributes:
        n_links: linked pairs of records, one in each file.
        n_true: true pairs.
        n_correct: links that are true pairs.
        precision: of the links, how many are true.
        recall: of the true pairs, how many are linked.
        f1: harmonic mean of the two.
        people: of the people who are in both files, how many have at least one true link; a person who
            stands in a file twice has more true pairs than one-to-one links can join.
        subgroups: one for each column asked for.
        wrongly_joined: one for each relation of the look-alikes, the truth files' "twin" first.
    """

    n_links: int
    n_true: int
    n_correct: int
    precision: Share
    recall: Share
    f1: Share
    people: Share
    subgroups: tuple[Subgroups, ...]
    wrongly_joined: tuple[WronglyJoined, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The true pairs, and what the file says about each; `columns` holds the cells of the other columns."""

    pairs: tuple[Pair, ...]
    columns: Mapping[str, tuple[str, ...]]


def evaluate(
    links: Sequence[Pair],
    truth: Truth,
    *,
    look_alikes: Mapping[Pair, str] | None = None,
    by: Sequence[str] = (),
) -> Evaluation:
    """Measure links against the truth.

    Args:
        links: linked pairs; a pair that occurs twice counts once.
        truth: every true pair; whatever is not there is wrong.
        look_alikes: pairs that are two people, with their relation; none means: not measured.
        by: columns of the truth whose values are subgroups.
    Raises:
        MissingColumnError: the truth has no such column.
    """
    linked, true = set(links), set(truth.pairs)
    correct = linked & true
    return Evaluation(
        n_links=len(linked),
        n_true=len(true),
        n_correct=len(correct),
        precision=share(len(correct), len(linked)),
        recall=share(len(correct), len(true)),
        f1=_f1(len(correct), len(linked | true)),
        people=_people(truth.pairs, correct),
        subgroups=tuple(_subgroups(truth, correct, column) for column in by),
        wrongly_joined=tuple(_wrongly_joined(look_alikes or {}, linked)),
    )


def share(n_yes: int, n: int) -> Share:
    """Return n_yes / n with its 95 % Wilson interval."""
    if n == 0:
        return Share(0.0, 0.0, 1.0, 0)
    p, z2 = n_yes / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Share(p, max(0.0, middle - half), min(1.0, middle + half), n)


def read_links(left: Path, right: Path) -> tuple[Pair, ...]:
    """Return the linked pairs of two agencies' link files (record_id, link_id).

    Records that share a link ID are linked; several in one file give all combinations.
    """
    at_left, at_right = _records_by_link(left), _records_by_link(right)
    return tuple(
        (one, other)
        for link, records in at_left.items()
        for one in records
        for other in at_right.get(link, ())
    )


def read_truth(path: Path, *, encoding: str = "utf-8-sig", delimiter: str = ",") -> Truth:
    """Return the truth: a record ID of the left file, one of the right file, then any other columns.

    Raises:
        TruthError: it has fewer columns.
        InputError: it cannot be read.
    """
    names, columns = _read_columns(path, encoding=encoding, delimiter=delimiter)
    if len(columns) < 2:
        raise TruthError(
            f"{path} needs two columns: record IDs of the first file, and of the second"
        )
    left, right, *others = columns
    return Truth(
        tuple(zip(left, right, strict=True)), dict(zip(names[2:], map(tuple, others), strict=True))
    )


def read_look_alikes(path: Path) -> dict[Pair, str]:
    """Return pairs of records that are two people, with their relation (third column).

    Raises:
        TruthError: it has fewer columns.
        InputError: it cannot be read.
    """
    _, columns = _read_columns(path)
    if len(columns) < 3:
        raise TruthError(
            f"{path} needs three columns: record IDs of the first file, of the second, and the relation"
        )
    left, right, relation, *_ = columns
    return dict(zip(zip(left, right, strict=True), relation, strict=True))


def _read_columns(path: Path, **how: str) -> tuple[tuple[str, ...], list[list[str]]]:
    table = open_table(path, **how)
    columns: dict[str, list[str]] = {name: [] for name in table.columns}
    for chunk in table.chunks():
        for name, cells in chunk.columns.items():
            columns[name] += cells
    return table.columns, list(columns.values())


def _records_by_link(path: Path) -> dict[str, list[str]]:
    records: dict[str, list[str]] = defaultdict(list)
    for chunk in open_table(path).select(["record_id", "link_id"]).chunks():
        for record, link in zip(chunk.columns["record_id"], chunk.columns["link_id"], strict=True):
            records[link].append(record)
    return records


def _f1(n_correct: int, n_either: int) -> Share:
    """Return F1 with the interval of the Jaccard index J, of which F1 = 2J / (1 + J) is a function."""
    jaccard = share(n_correct, n_either)
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Share(value, low, high, n_either)


def _people(pairs: Sequence[Pair], correct: set[Pair]) -> Share:
    """Return the share of people with a true link; true pairs that share a record are one person."""
    person: dict[tuple[int, str], tuple[int, str]] = {}

    def first_record(record: tuple[int, str]) -> tuple[int, str]:
        while (parent := person.setdefault(record, record)) != record:
            record = parent
        return record

    for left, right in pairs:
        person[first_record((1, right))] = first_record((0, left))
    everyone = {first_record((0, left)) for left, _ in pairs}
    found = {first_record((0, left)) for left, _ in correct}
    return share(len(found), len(everyone))


def _subgroups(truth: Truth, correct: set[Pair], column: str) -> Subgroups:
    if column not in truth.columns:
        raise MissingColumnError(f"the truth has no column {column}")
    n_all: Counter[str] = Counter()
    n_found: Counter[str] = Counter()
    for pair, value in zip(truth.pairs, truth.columns[column], strict=True):
        n_all[value] += 1
        n_found[value] += pair in correct
    recall = {value: share(n_found[value], n_all[value]) for value in sorted(n_all)}
    comparable = [group.value for group in recall.values() if group.n >= MIN_SUBGROUP]
    gap = max(comparable) - min(comparable) if comparable else 0.0
    return Subgroups(column, recall, gap)


def _wrongly_joined(look_alikes: Mapping[Pair, str], linked: set[Pair]) -> Iterator[WronglyJoined]:
    n_pairs = Counter(look_alikes.values())
    n_linked = Counter(relation for pair, relation in look_alikes.items() if pair in linked)
    for relation in sorted(n_pairs, key=lambda name: (name != "twin", name)):
        yield WronglyJoined(relation, n_linked[relation], n_pairs[relation])
