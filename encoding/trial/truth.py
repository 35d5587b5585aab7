"""The outcome of a trial held against the true pairs, where they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoding.errors import TruthError
from encoding.quality.evaluation import Evaluation, Truth, evaluate, read_truth
from encoding.trial.guess import guess_reading
from encoding.trial.outcome import Outcome


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """A trial held against the truth: what it is worth, and why true pairs were missed, the commonest first."""

    evaluation: Evaluation
    missed: Mapping[str, int]


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
