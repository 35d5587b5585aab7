"""A trial from two files to what was found, with what its checks say of each file."""

from __future__ import annotations

import filecmp
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from app.matching.blocks.levels import LevelRules
from app.matching.blocks.weights import UNIT, Model, model_of
from encoding.blocks.assembly import Randomness
from encoding.blocks.keys import KEY_BYTES
from encoding.errors import GuessError, TrialFilesError, TruthError
from encoding.profiles.catalog import SEX_FIELD, shipped_profile
from encoding.progress import Progress, silent
from encoding.quality.evaluation import Evaluation, Truth, evaluate, read_truth
from encoding.quality.last_check import KeptCheck, check_file
from encoding.quality.report import Report
from encoding.quality.tally import Ask
from encoding.recipe.spec import read_spec
from encoding.records.read_once import KeptTable, Readings, reading_once
from encoding.trial.examples import Step, WeighedExample, weigh_examples, weigh_levels
from encoding.trial.guess import Guess, guess_reading
from encoding.trial.layout import Source, about_file
from encoding.trial.linkage import Encoded, encode, link
from encoding.trial.outcome import FileSide, Outcome, TrialPair
from encoding.trial.records import Looks, RecordIds, cleaned_rows, read_record_ids, read_rows
from schemas.linkage.fields import NUMBER_INPUTS, NumberKind
from schemas.linkage.profile import EncodingProfile, Side


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


_MOST_OUTSIDE: Final = 0.2


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trial:
    """Everything that a trial of two files of people reports.

    Attributes:
        names: of the two files.
        outcome: what was found.
        measured: against the truth; None where none was given.
        profile: the encoding profile.
        sources: the two files.
        guesses: how each file was read.
        reports: the check of each file.
        model: what weights were fitted from.
        tables: the rows of each file, in memory.
    """

    names: tuple[str, str]
    outcome: Outcome
    measured: Measured | None
    profile: EncodingProfile
    sources: tuple[Source, Source]
    guesses: tuple[Guess, Guess]
    reports: tuple[Report, Report]
    model: Model
    tables: tuple[KeptTable, KeptTable]

    @property
    def sides(self) -> tuple[tuple[str, FileSide], tuple[str, FileSide]]:
        """The name and the records of each file."""
        return (self.names[0], self.outcome.a), (self.names[1], self.outcome.b)

    @property
    def examples(self) -> tuple[WeighedExample, ...]:
        """Invented pairs, weighed."""
        return weigh_examples(self.profile, self.model, self.outcome.run)

    def steps(self, pair: TrialPair) -> tuple[Step, ...]:
        """Return what each field adds to the weight of a pair, and what is taken off; no value of a record."""
        row = self.outcome.rows[pair.at : pair.at + 1]
        levels = LevelRules(self.profile).levels_of(row["code"])[0].tolist()
        steps = weigh_levels(self.profile, self.model, self.outcome.run, levels)
        rest = pair.weight - sum(round(step.bits * UNIT) for step in steps) / UNIT
        doubt = Step("known number in doubt", ("", ""), "", rest)
        return (*steps, doubt) if round(rest * UNIT) else steps


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


def refuse_faults(guesses: Sequence[Guess], correction: Callable[[], str]) -> None:
    """Refuse files that cannot be linked as they stand; `correction` says how to name the right columns.

    Raises:
        GuessError: there is one.
    """
    faults = [fault for guess in guesses for fault in guess.faults]
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        remedy = next((one.remedy for one in faults if one.remedy), None)
        raise GuessError(f"{faults[0].sentence}{more}", hint=remedy or correction())


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
    """Link two files under a key that is made of their rows and kept nowhere: the same ones link alike.

    Raises:
        InputError: a file or the truth cannot be used.
    """
    tables = []
    for source in sources:
        with about_file(source.path):
            tables.append(read_rows(source, progress))
    keys = {source.file.reading: table for source, table in zip(sources, tables, strict=True)}
    with reading_once(Readings(keys)):
        trial = _linked(
            profile,
            sources,
            guesses,
            (tables[0], tables[1]),
            as_of=as_of,
            truth=truth,
            progress=progress,
        )
    for table in tables:
        table.kept.derived.clear()
    return trial


def _linked(
    profile: EncodingProfile,
    sources: tuple[Source, Source],
    guesses: tuple[Guess, Guess],
    tables: tuple[KeptTable, KeptTable],
    *,
    as_of: date,
    truth: Path | None,
    progress: Progress,
) -> Trial:
    records, reports = [], []
    for source in sources:
        with about_file(source.path):
            records.append(read_record_ids(source, profile))
    names = (sources[0].name, sources[1].name)
    ids = [one.ids for one in records]
    true = None if truth is None else read_true_pairs(truth, names, ids)
    for source in sources:
        with about_file(source.path):
            reports.append(check_source(profile, source, as_of, progress))
    job = _Job(profile, _key_of(tables), as_of, progress)
    a_is_smaller = len(records[0].ids) <= len(records[1].ids)
    sides: tuple[Side, Side] = ("smaller", "larger") if a_is_smaller else ("larger", "smaller")
    (a, of_a), (b, of_b) = map(job.encoded, sources, records, sides)
    smaller, larger = (of_a, of_b) if a_is_smaller else (of_b, of_a)
    progress("comparing", 0.0, 0, "pairs")
    run = link(profile, smaller, larger)
    progress("comparing", 1.0, run.n_candidates, "pairs")
    outcome = Outcome(len(profile.without_memory().passes), a, b, a_is_smaller, run)
    return Trial(
        names,
        outcome,
        None if true is None else measure(outcome, true),
        profile,
        sources,
        guesses,
        (reports[0], reports[1]),
        model_of(profile, larger.counts, larger.n_records),
        tables,
    )


@dataclass(frozen=True, slots=True, repr=False)
class _Job:
    """What both files are encoded with."""

    profile: EncodingProfile
    key: bytes
    as_of: date
    progress: Progress

    def encoded(self, source: Source, records: RecordIds, side: Side) -> tuple[FileSide, Encoded]:
        looks = Looks.of(len(records.ids))
        rows = cleaned_rows(
            source, self.profile, records, looks, as_of=self.as_of, progress=self.progress
        )
        order, fill, padding = (
            hashlib.blake2b(f"{side} {use}".encode(), digest_size=KEY_BYTES, key=self.key).digest()
            for use in ("order", "fill", "padding")
        )
        encoded = encode(
            self.profile,
            self.key,
            side,
            rows,
            repeated=records.repeated,
            randomness=Randomness(order, fill, padding),
            progress=self.progress,
        )
        return FileSide(records, looks, encoded.met), encoded


def _key_of(tables: Sequence[KeptTable]) -> bytes:
    """Return a key by the rows of both files: anyone who has it has the files."""
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for table in tables:
        for name, cells in table.kept.cells.items():
            digest.update(json.dumps([name, len(cells)]).encode())
            digest.update("\n".join(cells).encode("utf-8", "surrogatepass"))
    return digest.digest()


def check_source(
    profile: EncodingProfile, source: Source, as_of: date, progress: Progress = silent
) -> Report:
    """Look a file through as `blindlink check` does, with nothing kept of a check before."""
    layout = source.layout
    ask = Ask(profile, source.file, layout.columns, layout.input.date_format, as_of)
    return check_file(ask, KeptCheck(), progress).report
