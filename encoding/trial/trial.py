"""A trial from two files to what was found, with what its checks say of each file."""

from __future__ import annotations

import filecmp
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from app.matching.blocks.weights import model_of
from encoding.blocks.keys import KEY_BYTES
from encoding.errors import GuessError, TrialFilesError, TruthError
from encoding.profiles.catalog import SEX_FIELD, shipped_profile
from encoding.progress import Progress, silent
from encoding.quality.evaluation import Evaluation, Truth, evaluate, read_truth
from encoding.quality.file_check import check_file
from encoding.quality.last_check import KeptCheck
from encoding.quality.report import Report
from encoding.quality.tally import Ask
from encoding.recipe.spec import read_spec
from encoding.trial.examples import WeighedExample, weigh_examples
from encoding.trial.guess import Guess, guess_reading
from encoding.trial.layout import Source, about_file
from encoding.trial.linkage import encode, link
from encoding.trial.outcome import FileSide, Outcome
from encoding.trial.records import Looks, RecordIds, cleaned_rows, read_record_ids
from schemas.fields import NUMBER_INPUTS, NumberKind
from schemas.profile import EncodingProfile, Side

_MOST_OUTSIDE: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measured:
    """A trial held against the truth: what it is worth, and why true pairs were missed, the commonest first."""

    evaluation: Evaluation
    missed: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trial:
    """Everything that a trial reports.

    Attributes:
        guesses: how each file was read.
        sources: the two files.
        outcome: what was found.
        reports: the check of each file.
        examples: invented pairs, weighed.
        measured: against the truth; None where none was given.
    """

    sources: tuple[Source, Source]
    guesses: tuple[Guess, Guess]
    outcome: Outcome
    reports: tuple[Report, Report]
    examples: tuple[WeighedExample, ...]
    measured: Measured | None


def refuse_one_file(a: Path, b: Path) -> None:
    """Refuse to link a file with itself, or with a copy of it.

    Raises:
        TrialFilesError: it is that.
    """
    if a.is_file() and b.is_file() and filecmp.cmp(a, b, shallow=False):
        raise TrialFilesError(
            f"{a} and {b} are the same file, byte for byte",
            hint="to find people who are in one file twice: blindlink check --duplicates duplicates.csv",
        )


def refuse_other_years(profile: EncodingProfile, sources: Sequence[tuple[str, Guess]]) -> None:
    """Refuse a profile of children for files of adults.

    Raises:
        GuessError: many dates of birth are of years that the profile does not take.
    """
    for name, guess in sources:
        if guess.outside > _MOST_OUTSIDE:
            first, last = read_spec(profile.recipe).birth_years
            raise GuessError(
                f"{guess.outside:.0%} of the dates of birth in {name} are outside {first} to {last},"
                f" the years that the profile {profile.name} takes",
                hint="for people of any age: --profile generic-person",
            )


def profile_for(name: str, guesses: Sequence[Guess]) -> EncodingProfile:
    """Return a shipped profile for what both files have: with a known number, and with sex, if both have it."""
    kinds: dict[str, NumberKind] = {column: kind for kind, column in NUMBER_INPUTS.items()}
    shared = [column for column in kinds if _have(guesses, column)]
    number = kinds[shared[0]] if shared else None
    return shipped_profile(name, sex=_have(guesses, "sex"), number=number)


def is_without_sex(profile: EncodingProfile) -> bool:
    """Tell whether a profile does not compare the sex."""
    return all(field.name != SEX_FIELD for field in profile.fields)


def _have(guesses: Sequence[Guess], name: str) -> bool:
    return all(name in guess.layout.columns for guess in guesses)


def run_trial(
    profile: EncodingProfile,
    sources: tuple[Source, Source],
    guesses: tuple[Guess, Guess],
    *,
    as_of: date,
    truth: Path | None = None,
    progress: Progress = silent,
) -> Trial:
    """Link two files under a key that is drawn here and kept nowhere.

    Raises:
        InputError: a file or the truth cannot be used.
    """
    records, reports = [], []
    for source in sources:
        with about_file(source.path):
            records.append(read_record_ids(source, profile, progress))
    true = None if truth is None else _read_truth(truth, sources, records)
    for source in sources:
        with about_file(source.path):
            reports.append(_checked(profile, source, as_of, progress))
    job = _Job(profile, secrets.token_bytes(KEY_BYTES), as_of, progress)
    a_is_smaller = len(records[0].ids) <= len(records[1].ids)
    sides: tuple[Side, Side] = ("smaller", "larger") if a_is_smaller else ("larger", "smaller")
    a, b = map(job.encoded, sources, records, sides)
    smaller, larger = (a.encoded, b.encoded) if a_is_smaller else (b.encoded, a.encoded)
    progress("comparing", 0.0, 0, "pairs")
    run = link(profile, smaller, larger)
    progress("comparing", 1.0, len(run.pairs), "pairs")
    outcome = Outcome(profile, a, b, a_is_smaller, run)
    model = model_of(profile, larger.counts, larger.n_records)
    return Trial(
        sources,
        guesses,
        outcome,
        (reports[0], reports[1]),
        weigh_examples(profile, model, run),
        None if true is None else _measured(outcome, true),
    )


@dataclass(frozen=True, slots=True, repr=False)
class _Job:
    """What both files are encoded with."""

    profile: EncodingProfile
    key: bytes
    as_of: date
    progress: Progress

    def encoded(self, source: Source, records: RecordIds, side: Side) -> FileSide:
        looks = Looks.of(len(records.ids))
        rows = cleaned_rows(
            source, self.profile, records, looks, as_of=self.as_of, progress=self.progress
        )
        encoded = encode(
            self.profile, self.key, side, rows, repeated=records.repeated, progress=self.progress
        )
        return FileSide(records, looks, encoded)


def _checked(profile: EncodingProfile, source: Source, as_of: date, progress: Progress) -> Report:
    layout = source.layout
    ask = Ask(profile, source.file, layout.columns, layout.input.date_format, as_of)
    return check_file(ask, KeptCheck(), progress).report


def _read_truth(path: Path, sources: Sequence[Source], records: Sequence[RecordIds]) -> Truth:
    how = guess_reading(path)
    try:
        truth = read_truth(path, encoding=how.encoding, delimiter=how.delimiter)
    except ValueError:
        raise TruthError(
            f"{path} needs two columns: record IDs of {sources[0].name}, and of {sources[1].name}"
        ) from None
    known = [{*one.ids} for one in records]
    sides = [[pair[place] for pair in truth.pairs] for place in (0, 1)]
    unknown = [
        len({one for one in side if one not in ids}) for side, ids in zip(sides, known, strict=True)
    ]
    if not any(unknown):
        return truth
    turned = all({*side} <= ids for side, ids in zip(sides, reversed(known), strict=True))
    said = " and ".join(
        f"{n:,} record IDs that {source.name} does not have"
        for n, source in zip(unknown, sources, strict=True)
        if n
    )
    raise TruthError(
        f"{path} names {said}",
        hint="its two columns stand in the other order: name the files in that order"
        if turned
        else "its first column must hold record IDs of the first file, its second those of the second",
    )


def _measured(outcome: Outcome, truth: Truth) -> Measured:
    links = [(one.id_a, one.id_b) for one in outcome.pairs if one.band == "linked"]
    missed = outcome.missed_by_reason({*truth.pairs} - {*links})
    return Measured(evaluate(links, truth), dict(missed.most_common()))
