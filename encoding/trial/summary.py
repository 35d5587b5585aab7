"""A trial in numbers and in sentences, for the terminal, for programs and for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from encoding.quality.evaluation import Share
from encoding.sharing.unmatched_records import Unmatched
from encoding.trial.guess import Guess
from encoding.trial.outcome import MISSED, FileSide
from encoding.trial.trial import Measured, Trial
from encoding.trial.words import UNPROTECTED
from schemas.linkage.link_quality import Interval


def headline(trial: Trial) -> str:
    """Return the outcome in one sentence."""
    outcome = trial.outcome
    return f"{outcome.n_linked:,} pairs are linked, and {outcome.n_review:,} more are for a person to decide"


def summary_lines(trial: Trial) -> Iterator[str]:
    """Yield what a person wants to know first, a line each."""
    outcome = trial.outcome
    yield from not_compared_lines(trial)
    yield f"{headline(trial)}."
    for name, side in trial.sides:
        yield f"  linked of {len(side.records.ids):,} records of {name}: {_share(outcome.n_linked, side)}"
    yield f"  likely wrong, of two different people: {range_words(outcome.wrong)} of the links"
    yield f"  likely in both files and not linked: {range_words(outcome.missed)} people"
    if trial.measured is not None:
        yield from truth_lines(trial.measured)


def not_compared_lines(trial: Trial) -> Iterator[str]:
    """Yield what no number about the links tells of: records that cannot be compared, a line a file."""
    for which, (name, side) in zip("ab", trial.sides, strict=True):
        if n_left_out := side.looks.n_not_compared:
            yield (
                f"{n_left_out:,} of {len(side.records.ids):,} records of {name} cannot be compared;"
                f" unmatched-{which}.csv says why"
            )


def truth_lines(measured: Measured) -> Iterator[str]:
    """Yield how the links fare against the truth."""
    found = measured.evaluation
    yield (
        f"against the truth: precision {percent(found.precision)}, recall {percent(found.recall)},"
        f" F1 {percent(found.f1)}"
    )
    yield f"  {found.n_correct:,} of {found.n_links:,} links are right, of {found.n_true:,} true pairs"
    for reason, n in measured.missed.items():
        yield f"  missed {n:,}: {MISSED[reason]}"


def trial_document(trial: Trial) -> dict[str, Any]:
    """Return a trial of two files of people as JSON; counts and names of columns, no record ID and no cell."""
    files = [
        _file(guess, name, side)
        for guess, (name, side) in zip(trial.guesses, trial.sides, strict=True)
    ]
    outcome, measured = trial.outcome, trial.measured
    return {
        "profile": trial.profile.name,
        "files": files,
        "linked": outcome.n_linked,
        "review": outcome.n_review,
        "likely_wrong": [outcome.wrong.low, outcome.wrong.high],
        "likely_missed": [outcome.missed.low, outcome.missed.high],
        "truth": None
        if measured is None
        else {
            "true_pairs": measured.evaluation.n_true,
            "right": measured.evaluation.n_correct,
            "precision": measured.evaluation.precision.value,
            "recall": measured.evaluation.recall.value,
            "f1": measured.evaluation.f1.value,
            "missed": dict(measured.missed),
        },
        "remark": UNPROTECTED,
    }


def _file(guess: Guess, name: str, side: FileSide) -> dict[str, Any]:
    reading = guess.layout.input
    return {
        "file": name,
        "rows": len(side.records.of_row),
        "rows_without_record_id": side.records.n_rows_without_id,
        "records": len(side.records.ids),
        "readable_records": int(side.looks.has_rows.sum()),
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "id_column": reading.id_column,
        "date_format": reading.date_format,
        "other_date_format": guess.dates.other if guess.dates else None,
        "columns": dict(guess.layout.columns),
        "read": {one.name: round(one.share, 4) for one in guess.meanings},
    }


def reasons_of(unmatched: list[Unmatched]) -> Counter[str]:
    """Return how many records have each reason, the commonest first; one may have several."""
    return Counter(reason for one in unmatched for reason in one.reasons)


def range_words(found: Interval) -> str:
    """Return an interval as people read it; one number where it holds no other."""
    if found.low == found.high:
        return f"{found.low:,}"
    return found.words() if found.low else f"at most {found.high:,}"


def percent(share: Share) -> str:
    """Return a share in percent; of nothing it is unknown."""
    return f"{share.value:.2%}" if share.n else "unknown"


def _share(n: int, side: FileSide) -> str:
    return f"{n:,} ({n / max(1, len(side.records.ids)):.1%})"
