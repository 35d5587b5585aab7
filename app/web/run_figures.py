"""What a run found, as numbers that add up: its pairs, its rates, and the same of the round before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.orm import Session

from app.runs.counts import NOTHING_SHOWN, NotLinked, above_floor, shown_not_linked
from app.runs.models import Run
from app.runs.service import found_by, result_before, view_of
from app.security.actor import Actor
from app.uploads.service import upload_in
from schemas.api.runs import RunCounts, RunFinality, RunView
from schemas.linkage.link_quality import missed_matches, wrong_links
from schemas.shared.amounts import NOT_SHOWN, shown


@dataclass(frozen=True, slots=True)
class RunFigures:
    """A run as an auditor or operator may see it, why pairs are not linked, and the records of both files."""

    view: RunView
    not_linked: NotLinked
    larger: int
    smaller: int

    @property
    def links(self) -> int | None:
        """How many pairs are linked; None before the run has succeeded, and where that is not shown."""
        return None if self.view.counts is None else self.view.counts.auto_pairs

    @property
    def missed(self) -> int | None:
        """How many matches are missed at most; None where that is not known, or small."""
        # Of the links no number below the floor is left here, and a rest that is small says who has none.
        floor = self.view.specification.floor
        return None if self.links is None else above_floor(self.smaller - self.links, floor)


Value: TypeAlias = Callable[[RunFigures, "RunCounts"], str]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One line of a table of figures: `depth` is how many lines above it that it is a part of.

    `values` are of this run, then of the one before, if there is one.
    """

    words: str
    depth: int
    values: tuple[str, ...]


def figures_of(
    session: Session, actor: Actor, run: Run, finality: RunFinality | None = None
) -> RunFigures:
    """Return the figures of a run that the actor may see."""
    view = view_of(run, actor, finality)
    larger, smaller = (
        upload_in(session, actor, run.project, upload.upload).records
        for upload in view.specification.uploads
    )
    found = found_by(run)
    floor = view.specification.floor
    not_linked = NOTHING_SHOWN if found is None else shown_not_linked(found, floor)
    return RunFigures(view, not_linked, larger, smaller)


def figures_before(session: Session, actor: Actor, run: Run) -> RunFigures | None:
    """Return the figures of the run that linked the same pair in the last round before; None: none did."""
    before = result_before(session, run)
    return None if before is None else figures_of(session, actor, before)


def pair_rows(run: RunFigures, before: RunFigures | None, *, has_review: bool) -> list[FigureRow]:
    """Return the pairs of a run: each line is the sum of those below it that are one step further in."""
    specification = run.view.specification
    policy = specification.policy
    larger, smaller = (upload.party for upload in specification.uploads)
    rows: list[tuple[str, int, Value]] = [
        (
            f"Possible pairs: records of {larger} times records of {smaller}",
            0,
            lambda one, _: f"{one.larger * one.smaller:,}",
        ),
        ("Not compared: no blocking key in common" + (
            ", or rejected by reviewers before" if has_review else ""
        ), 1, _not_compared),
        ("Candidate pairs", 1, lambda _, counts: shown(counts.candidate_pairs)),
        ("Linked", 2, lambda _, counts: shown(counts.auto_pairs)),
        ("Not linked", 2, lambda one, _: shown(one.not_linked.pairs)),
        (
            "Sent to clerical review",
            3,
            lambda _, counts: shown(counts.review_pairs),
        ),
        (
            f"Below the bound of review: a match probability under {policy.review}",
            3,
            lambda one, _: shown(one.not_linked.below_review),
        ),
        (
            "Behind a better pair of one of their records",
            3,
            lambda one, _: shown(one.not_linked.better_rival),
        ),
    ]  # fmt: skip
    if has_review:
        rejected = "Rejected by reviewers in an earlier round"
        rows.insert(2, (rejected, 2, lambda _, counts: shown(counts.rejected_before)))
    return [FigureRow(words, depth, _values(value, run, before)) for words, depth, value in rows]


def rate_rows(run: RunFigures, before: RunFigures | None) -> list[FigureRow]:
    """Return the rates of a run, each with what it is a share of, and how sure its links are."""
    larger, smaller = (upload.party for upload in run.view.specification.uploads)
    rows: list[tuple[str, Value]] = [
        (
            f"Link rate: linked, of all records of {smaller} (the smaller file)",
            lambda one, counts: rate_words(counts.auto_pairs, one.smaller),
        ),
        (
            f"Linked, of all records of {larger} (the larger file)",
            lambda one, counts: rate_words(counts.auto_pairs, one.larger),
        ),
        (
            f"Sent to review, of all records of {smaller}",
            lambda one, counts: rate_words(counts.review_pairs, one.smaller),
        ),
        (
            "Expected to be wrong, of all linked pairs",
            lambda _, counts: rate_words(counts.expected_false, counts.auto_pairs, of_hundred=True),
        ),
        ("Wrong links, most likely", _wrong),
        ("Missed matches, most likely", _missed),
        (
            f"Missed matches, at most: records of {smaller} that are not linked",
            lambda one, _: shown(one.missed),
        ),
        (
            "Missed matches among the candidate pairs, at least",
            lambda _, counts: _hundredths(counts.expected_missed),
        ),
    ]
    return [FigureRow(words, 0, _values(value, run, before)) for words, value in rows]


def rate_words(part: int | None, whole: int | None, *, of_hundred: bool = False) -> str:
    """Return a share in percent to one decimal; `part` may be in hundredths. None: one is not shown."""
    if part is None or not whole:
        return NOT_SHOWN
    share = 100 * part / whole / (100 if of_hundred else 1)
    return f"{share:.2f}%" if of_hundred else f"{share:.1f}%"


def change_words(run: RunFigures, before: RunFigures | None) -> str:
    """Return how a run's link rate differs from the one before, in points; empty where that is not known."""
    if before is None or run.links is None or before.links is None:
        return ""
    points = round(100 * run.links / run.smaller - 100 * before.links / before.smaller, 1)
    number = before.view.specification.round
    if not points:
        return f"as in round {number}"
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'} than in round {number}"


def table_cells(run: RunFigures) -> Sequence[int | None]:
    """Return the cells of the CSV twin that say why pairs are not linked."""
    found = run.not_linked
    return (found.pairs, found.below_review, found.better_rival)


def _values(value: Value, run: RunFigures, before: RunFigures | None) -> tuple[str, ...]:
    return tuple(_value_of(value, run, before))


def _value_of(value: Value, *runs: RunFigures | None) -> Iterator[str]:
    for one in runs:
        if one is not None:
            yield NOT_SHOWN if one.view.counts is None else value(one, one.view.counts)


def _not_compared(run: RunFigures, counts: RunCounts) -> str:
    if counts.candidate_pairs is None:
        return NOT_SHOWN
    return f"{run.larger * run.smaller - counts.candidate_pairs:,}"


def _wrong(_: RunFigures, counts: RunCounts) -> str:
    return (
        NOT_SHOWN if counts.expected_false is None else wrong_links(counts.expected_false).words()
    )


def _missed(run: RunFigures, counts: RunCounts) -> str:
    if run.links is None or run.missed is None:
        return NOT_SHOWN
    floor = run.view.specification.floor
    return missed_matches(run.links, run.smaller, counts.concordance or (), floor).words()


def _hundredths(count: int | None) -> str:
    return NOT_SHOWN if count is None else f"{count / 100:,.0f}"
