"""The page of a trial: what it found, how sure it is, and what to do next; it names nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.quality.page import VERDICTS
from encoding.trial.examples import Step, WeighedExample
from encoding.trial.guess import RECORD_ID, WORDS
from encoding.trial.sections import WEIGHTS, render_trial
from encoding.trial.trial import Trial
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    findings,
    paragraph,
    prose_table,
    waterfall_chart,
)

_MOST_FINDINGS: Final = 8
_NEARLY_SURE: Final = 0.9999
FIELD_WORDS: Final = {
    "first-name": "first name", "surname": "last name", "birth-date": "date of birth", "sex": "sex",
    "middle-initial": "middle initial", "zip": "ZIP code", "known-number": "known number",
}  # fmt: skip
LEVEL_WORDS: Final = {
    "exact": "the same", "both": "the same", "same": "the same", "part": "the same in part",
    "near-11": "very similar", "near-17": "similar", "near-22": "somewhat similar",
    "near-26": "slightly similar", "far": "different", "other": "different", "none": "different",
    "swapped": "day and month swapped", "year-month": "year and month the same",
    "year-day": "year and day the same", "month-day": "month and day the same", "year": "year the same",
}  # fmt: skip


def trial_page(trial: Trial) -> str:
    """Return the trial as one self-contained HTML file."""
    sections = (
        Section("What to mend in the files first", list(_mending(trial))),
        Section("How a pair is weighed", list(_weighing(trial))),
        Section("How the files were read", list(_reading(trial))),
    )
    return render_trial(trial, _doubts(trial), sections)


def _doubts(trial: Trial) -> Iterator[tuple[Standing, str]]:
    for guess, (name, _) in zip(trial.guesses, trial.sides, strict=True):
        if guess.dates is not None and guess.dates.other is not None:
            yield (
                "warn",
                f"Day and month cannot be told apart in {name}: its dates were read as {guess.dates.format},"
                f" and {guess.dates.other} would do as well.",
            )


def _mending(trial: Trial) -> Iterator[Markup]:
    for report, (name, side) in zip(trial.reports, trial.sides, strict=True):
        listed = [(VERDICTS[one.standing], one.sentence()) for one in report.findings]
        if side.records.n_on_several_rows:
            listed.append(
                (
                    "note",
                    "record IDs that stand on several rows, taken for spellings of one person:"
                    f" {side.records.n_on_several_rows:,}",
                )
            )
        yield paragraph(f"{name}:")
        if len(listed) > _MOST_FINDINGS:
            listed[_MOST_FINDINGS:] = [("note", f"and {len(listed) - _MOST_FINDINGS} things more")]
        yield findings(listed or [("good", "nothing that is worth a look")])
    yield paragraph("blindlink check says more about a file: docs/check.md.")


def _weighing(trial: Trial) -> Iterator[Markup]:
    yield paragraph(
        "The people below are invented; the weights are those of this trial. Each field adds to the weight of"
        f" a pair what it says for one person, or takes off what it says against. {WEIGHTS}"
    )
    for example in trial.examples:
        yield from _example(example)


def _example(example: WeighedExample) -> Iterator[Markup]:
    chance = f"{example.chance:.4f}" if example.chance < _NEARLY_SURE else f"above {_NEARLY_SURE}"
    yield prose_table(
        f"{example.title}: match probability {chance}",
        ("field", "the two records", "weight"),
        [
            (FIELD_WORDS.get(step.name, step.name), _compared(step), f"{step.bits:+.1f}")
            for step in example.steps
        ],
    )
    steps = [(FIELD_WORDS.get(step.name, step.name), step.bits) for step in example.steps]
    yield waterfall_chart(f"{example.title}, as a waterfall", steps, total="match weight")


def _compared(step: Step) -> str:
    if not step.level:
        return "any two"
    return f"{' and '.join(dict.fromkeys(step.values))}: {LEVEL_WORDS[step.level]}"


def _reading(trial: Trial) -> Iterator[Markup]:
    for guess, (name, side) in zip(trial.guesses, trial.sides, strict=True):
        reading = guess.layout.input
        yield prose_table(
            f"{name}: {len(side.records.of_row):,} rows",
            ("column", "meaning", "rows that could be read"),
            [(one.header, meaning_words(one.name), f"{one.share:.1%}") for one in guess.meanings],
        )
        said = f"Dates as {reading.date_format}. "
        if reading.id_column is None:
            said += "It has no column of record IDs: a record ID is the number of its row. "
        if guess.unused:
            said += f"{len(guess.unused):,} columns were not used. "
        yield paragraph(said + f"The shares are of the first {guess.n_rows:,} rows.")


def meaning_words(name: str) -> str:
    """Return an input of the recipe as people call it."""
    return name if name == RECORD_ID else WORDS[name]
