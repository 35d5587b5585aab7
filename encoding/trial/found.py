"""What any trial gives: the outcome of two files by name, held against the truth where somebody knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import TruthError
from encoding.quality.evaluation import Evaluation, Truth, evaluate, read_truth
from encoding.trial.guess import guess_reading
from encoding.trial.outcome import FileSide, Outcome


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """A trial held against the truth: what it is worth, and why true pairs were missed, the commonest first."""

    evaluation: Evaluation
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Found:
    """What a trial has found, whatever was compared.

    Attributes:
        names: of the two files.
        outcome: what was found.
        measured: against the truth; None where none was given.
    """

    names: tuple[str, str]
    outcome: Outcome
    measured: Measured | None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person has to know of these two files before using the links."""
        return ()

    @property
    def sides(self) -> tuple[tuple[str, FileSide], tuple[str, FileSide]]:
        """The name and the records of each file."""
        return (self.names[0], self.outcome.a), (self.names[1], self.outcome.b)


def read_true_pairs(path: Path, names: Sequence[str], ids: Sequence[Sequence[str]]) -> Truth:
    """Read the true pairs of two files, by their names and record IDs."""
    how = guess_reading(path)
    truth = read_truth(path, encoding=how.encoding, delimiter=how.delimiter)
    require_known(truth, str(path), names, ids)
    return truth


def require_known(
    truth: Truth, path: str, names: Sequence[str], ids: Sequence[Sequence[str]]
) -> None:
    """Make sure that true pairs are of record IDs of the two files.

    Raises:
        TruthError: they are not.
    """
    known = [{*some} for some in ids]
    sides = [[pair[place] for pair in truth.pairs] for place in (0, 1)]
    unknown = [
        len({one for one in side if one not in ids}) for side, ids in zip(sides, known, strict=True)
    ]
    if not any(unknown):
        return
    turned = all({*side} <= ids for side, ids in zip(sides, reversed(known), strict=True))
    said = " and ".join(
        f"{n:,} record IDs that {name} does not have"
        for n, name in zip(unknown, names, strict=True)
        if n
    )
    raise TruthError(
        f"{path} names {said}",
        hint="its two columns are in the opposite order: name the files in that order"
        if turned
        else "its first column must have record IDs of the first file, and its second those of the second",
    )


def measure(outcome: Outcome, truth: Truth) -> Measured:
    """Hold what was linked against the true pairs."""
    links = [(one.id_a, one.id_b) for one in outcome.pairs if one.band == "linked"]
    missed = outcome.missed_by_reason({*truth.pairs} - {*links})
    return Measured(evaluate(links, truth), dict(missed.most_common()))
