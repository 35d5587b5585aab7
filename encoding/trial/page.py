"""The page of a trial: what it found, how sure it is, and what to do next; it names nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from encoding.quality.page import VERDICTS
from encoding.trial.examples import Step, WeighedExample
from encoding.trial.guess import RECORD_ID, WORDS
from encoding.trial.outcome import MISSED, TRIAL_SENTENCES
from encoding.trial.summary import (
    headline,
    not_compared_lines,
    percent,
    range_words,
    reasons_of,
)
from encoding.trial.trial import Measured, Trial
from encoding.trial.words import UNPROTECTED
from schemas.agreement.policy_words import linked_sentence, review_sentence
from schemas.linkage.run import RECOMMENDED_POLICY
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    counts_chart,
    findings,
    paragraph,
    prose_table,
    render_page,
    table,
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


_WITH_A_BROKER: Final = (
    "Two agencies that may not show each other their files would each encode its own, with a secret that only"
    " the agencies share, and a broker would compare the encodings without names, dates or record IDs:"
    " docs/first-linkage.md.",
    "Nothing would be uploaded, compared or handed out before all of them have signed an agreement, and an"
    " auditor could prove afterwards what was done: docs/agreement.md and docs/auditor.md.",
    "Each agency would get link IDs that last from round to round beside its own record IDs, and pairs in doubt"
    " would be decided by reviewers, who see only the columns that were agreed on: docs/every-week.md and"
    " docs/review.md.",
)
_REHEARSED: Final = (
    "Expected numbers add up the match probabilities of the pairs; the likely ones held the true number in at"
    " least 90 of 100 rehearsals with invented people."
)
WEIGHTS: Final = "A weight of 0 is as likely as not, and one more doubles the odds."


def trial_page(trial: Trial) -> str:
    """Return the trial as one self-contained HTML file."""
    sections = [
        Section("In short", [_picture(trial), findings([*_in_short(trial), *_doubts(trial)])]),
        Section("Match rate", list(_rates(trial))),
        Section("Records without a link", list(_unmatched(trial))),
        Section("What to mend in the files first", list(_mending(trial))),
        Section("How a pair is weighed", list(_weighing(trial))),
        Section("How the files were read", list(_reading(trial))),
        Section("The same with a broker", [paragraph(one) for one in _WITH_A_BROKER]),
    ]
    if trial.measured is not None:
        sections.insert(2, Section("Against the truth", list(_truth(trial.measured))))
    return render_page(
        f"Trial: {' and '.join(trial.names)}",
        f"{headline(trial)}.",
        sections,
        f"{UNPROTECTED} This page holds counts, names of columns and invented people; no record of the files.",
    )


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


def _picture(found: Trial) -> Markup:
    """Return what became of the smaller file's records; the other's cannot all have a partner."""
    outcome = found.outcome
    name, side = min(found.sides, key=lambda one: len(one[1].records.ids))
    n, linked, left_out = len(side.records.ids), outcome.n_linked, side.looks.n_not_compared
    counts = [
        ("cannot be compared", left_out, left_out),
        ("linked", linked, linked),
        ("of these, likely wrong", outcome.wrong.low, outcome.wrong.high),
        ("compared and not linked", n - linked - left_out, n - linked - left_out),
        ("likely in both, not linked", outcome.missed.low, outcome.missed.high),
    ]
    return counts_chart(f"What became of {n:,} records of {name}", n, counts[not left_out :])


def _in_short(found: Trial) -> Iterator[tuple[Standing, str]]:
    outcome = found.outcome
    yield "warn", UNPROTECTED
    yield from (("warn", f"{one}.") for one in not_compared_lines(found))
    yield (
        "note",
        f"Likely wrong, of two different people: {range_words(outcome.wrong)} of the links.",
    )
    yield (
        "note",
        f"Likely in both files and not linked: {range_words(outcome.missed)} people.",
    )


def _rates(found: Trial) -> Iterator[Markup]:
    outcome = found.outcome
    rows = []
    for name, side in found.sides:
        for of, n in (
            (f"all records of {name}", len(side.records.ids)),
            ("of these, those that can be compared", int(side.looks.has_rows.sum())),
        ):
            rate = f"{outcome.n_linked / max(1, n):.1%}"
            rows.append((of, f"{n:,}", f"{outcome.n_linked:,}", rate))
    yield table(
        "Linked records, and of which records they are a part",
        ("of which records", "records", "linked", "rate"),
        rows,
    )
    columns = (
        ("links", f"{outcome.n_linked:,}"),
        ("expected wrong", f"{outcome.run.expected_false_matches:,.1f}"),
        ("likely wrong", f"{range_words(outcome.wrong)} of the links"),
        ("expected missed, at least", f"{outcome.run.expected_missed:,.1f}"),
        ("likely missed", range_words(outcome.missed)),
    )
    yield table(
        "How sure the links are",
        tuple(name for name, _ in columns),
        [tuple(cell for _, cell in columns)],
    )
    yield paragraph(f"{linked_sentence(RECOMMENDED_POLICY)} {review_sentence(RECOMMENDED_POLICY)}")
    yield paragraph(
        f"Nobody knows the truth here. {_REHEARSED}"
        if found.measured is None
        else "These numbers were worked out without the truth, as a run with a broker does."
    )


def _truth(measured: Measured) -> Iterator[Markup]:
    found = measured.evaluation
    yield table(
        f"{found.n_true:,} true pairs",
        ("", "share", "95 % interval", "counted"),
        [
            (name, percent(one), f"{one.low:.1%} to {one.high:.1%}", counted)
            for name, one, counted in (
                ("precision", found.precision, f"{found.n_correct:,} of {found.n_links:,} links"),
                ("recall", found.recall, f"{found.n_correct:,} of {found.n_true:,} true pairs"),
                ("F1", found.f1, ""),
                ("people found", found.people, f"of {found.people.n:,} people"),
            )
        ],
    )
    if measured.missed:
        yield table(
            "True pairs that were missed",
            ("why", "pairs"),
            [(MISSED[reason], f"{n:,}") for reason, n in measured.missed.items()],
        )


def _unmatched(found: Trial) -> Iterator[Markup]:
    for which, (name, _) in zip(("a", "b"), found.sides, strict=True):
        listed = found.outcome.unmatched("a" if which == "a" else "b")
        if not listed:
            yield paragraph(f"Every record of {name} is linked.")
            continue
        yield table(
            f"{len(listed):,} records of {name}; a record may have several reasons",
            ("reason", "records"),
            [(TRIAL_SENTENCES[reason], f"{n:,}") for reason, n in reasons_of(listed).most_common()],
        )
    yield paragraph("unmatched-a.csv and unmatched-b.csv list them by record ID.")
