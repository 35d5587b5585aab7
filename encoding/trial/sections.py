"""What the page of any trial says: match rates, how sure the links are, the truth, records without a link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from encoding.trial.outcome import MISSED, TRIAL_SENTENCES
from encoding.trial.summary import (
    headline,
    not_compared_lines,
    percent,
    range_words,
    reasons_of,
)
from encoding.trial.trial import Trial
from encoding.trial.truth import Measured
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
    render_page,
    table,
)

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


def render_trial(
    found: Trial,
    doubts: Iterable[tuple[Standing, str]],
    sections: Iterable[Section],
) -> str:
    """Return the page of a trial as one self-contained HTML file."""
    return render_page(
        f"Trial: {' and '.join(found.names)}",
        f"{headline(found)}.",
        [
            *_of_outcome(found, doubts),
            *sections,
            Section("The same with a broker", [paragraph(one) for one in _WITH_A_BROKER]),
        ],
        f"{UNPROTECTED} This page holds counts, names of columns and invented people; no record of the files.",
    )


def _of_outcome(found: Trial, doubts: Iterable[tuple[Standing, str]]) -> Iterator[Section]:
    yield Section("In short", [_picture(found), findings([*_in_short(found), *doubts])])
    yield Section("Match rate", list(_rates(found)))
    if found.measured is not None:
        yield Section("Against the truth", list(_truth(found.measured)))
    yield Section("Records without a link", list(_unmatched(found)))


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
