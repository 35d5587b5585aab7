"""Clerical reviews of a project, and one of them: how much was decided, by whom, how fast, how much alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from app.agreements.service import project_for
from app.clock import parse_utc
from app.http.paths import ProjectPath, RunPath
from app.review.models import Review
from app.review.results import Results, Reviewer, agreements_of, results_of, reviewers_of
from app.review.service import review_for, reviews_for, view_of
from app.security.actor import Actor
from app.web.answer import WiredPage, page_route
from app.web.paging import WiredPaging
from app.web.table import Cell, Table
from app.wired import WiredBroker
from schemas.rounds.review import ReviewState, ReviewView
from schemas.shared.page import Column, Markup, column_chart

# A class of the style sheet: no state is told by it alone.
STATE_MARKS: Final[dict[ReviewState, tuple[str, str]]] = {
    "asked": ("wait", "waits for cards"),
    "answered": ("wait", "under way"),
    "ended": ("good", "ended"),
}
REASON_WORDS: Final = {
    "decided": "It ended when everything was decided that the reviewers could decide.",
    "deadline": "It ended at its deadline.",
    "round-over": "It ended because the next round was opened.",
    "destroyed": "It ended because what it was about was destroyed.",
}


router = APIRouter()

COLUMNS: Final = (
    "run", "round", "reviewer", "asked", "state", "created", "answered", "deadline", "ended", "reason",
    "questions", "accepted", "rejected", "open", "accept_rate", "release",
)  # fmt: skip
# As many bars as can be told apart.
_CHARTED: Final = 26


def review_sentence(review: Review) -> str:
    """Return in a sentence what a review waits for, or how it ended."""
    if review.reason is not None:
        outcome = (
            "Nothing was released." if review.release is None else "What was accepted was released."
        )
        return f"{REASON_WORDS[review.reason]} {outcome}"
    if review.answered is None:
        return f"{review.asked} has not sent its cards yet."
    return f"Reviewers of {review.reviewer} decide, with the cards of {review.asked}."


def steps_of(
    review: Review, reviewers: Iterable[Reviewer]
) -> Iterator[tuple[str, str, int | None]]:
    """Yield what happened and when, each with the seconds since the step before; None for the first."""
    first = min((one.first for one in reviewers), default=None)
    before: str | None = None
    named = (
        ("Pairs were put to reviewers", review.created),
        (f"{review.asked} sent its cards", review.answered),
        ("A reviewer decided for the first time", first),
        ("It ended", review.ended),
    )
    happened = sorted((at, what) for what, at in named if at is not None)
    for at, what in happened:
        yield what, at, None if before is None else seconds_between(before, at)
        before = at


def seconds_between(start: str, end: str) -> int:
    """Return the seconds from one time of the broker's to another."""
    return int((parse_utc(end) - parse_utc(start)).total_seconds())


def decided_words(reviewer: Reviewer, floor: int) -> str:
    """Return how many pairs a reviewer decided, as far as that is shown."""
    return f"{reviewer.at_least:,} or more" if reviewer.at_least else f"fewer than {floor:,}"


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review as these pages show it."""

    review: Review
    view: ReviewView
    results: Results

    @property
    def seconds(self) -> int | None:
        """How long it took; None while it goes on."""
        ended = self.review.ended
        return None if ended is None else seconds_between(self.review.created, ended)

    @property
    def row(self) -> tuple[Cell, ...]:
        """The line of the CSV twins."""
        review, results = self.review, self.results
        return (
            review.run, review.round, review.reviewer, review.asked, review.state, review.created,
            review.answered, review.deadline, review.ended, review.reason, self.view.questions,
            results.accepted, results.rejected, results.open, results.accept_rate, review.release,
        )  # fmt: skip

    @property
    def document(self) -> dict[str, Any]:
        """What the JSON twins say of it."""
        return dict(zip(COLUMNS, self.row, strict=True))


@page_route(router, "/projects/{project}/reviews")
def list_reviews(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show the project's reviews, newest first, and how the share that is accepted changes over rounds."""
    with broker.database.read() as session:
        terms = project_for(session, page.actor, project).terms
        found = reviews_for(session, page.actor, project, paging.window)
        lines = [_line(session, review, page.actor) for review in found]
        turned = paging.turn(lines, [line.review.run for line in lines])
        return page.answer(
            "reviews.html",
            title="Reviews",
            document={"reviews": [line.document for line in lines]},
            table=Table(COLUMNS, [line.row for line in lines]),
            project=project,
            query=paging.query,
            turned=turned,
            charts=list(_charts(turned.rows, terms.floor)),
            marks=STATE_MARKS,
            floor=terms.floor,
            clause=terms.review,
        )


@page_route(router, "/reviews/{run}")
def show_review(broker: WiredBroker, page: WiredPage, run: RunPath) -> Response:
    """Show one review."""
    with broker.database.read() as session:
        review = review_for(session, page.actor, run)
        line = _line(session, review, page.actor)
        reviewers = reviewers_of(session, review)
        agreements = agreements_of(review)
        return page.answer(
            "review.html",
            title=f"Review of round {review.round}",
            document={
                **line.document,
                "reviewers": [asdict(one) for one in reviewers],
                "agreement": [
                    {"first": one.first, "second": one.second, "kappa": one.kappa}
                    for one in agreements
                ],
            },
            table=Table(COLUMNS, [line.row]),
            project=review.project,
            line=line,
            review=review,
            mark=STATE_MARKS[line.view.state],
            sentence=review_sentence(review),
            came=list(_came(line)),
            steps=list(steps_of(review, reviewers)),
            reviewers=[(one, decided_words(one, review.floor)) for one in reviewers],
            agreements=agreements,
        )


def _came(line: ReviewLine) -> Iterator[tuple[str, int | None]]:
    """Yield the pairs by what was decided; before the end of a review, its questions alone."""
    yield "Pairs asked about", line.view.questions
    if line.review.ended:
        yield "Settled: accepted as one person", line.results.accepted
        yield "Settled: rejected", line.results.rejected
        yield "Left open, or withdrawn meanwhile", line.results.open
        yield "Accepted of 100 settled pairs", line.results.accept_rate


def _line(session: Session, review: Review, actor: Actor) -> ReviewLine:
    return ReviewLine(review, view_of(session, review, actor), results_of(review))


def _charts(lines: Sequence[ReviewLine], floor: int) -> Iterator[Markup]:
    """Yield a chart for each pair of agencies of which two reviews or more have ended, oldest review first."""
    by_pair: dict[tuple[str, str], list[ReviewLine]] = {}
    for line in lines:
        if line.review.ended is not None:
            by_pair.setdefault((line.review.reviewer, line.review.asked), []).append(line)
    for (reviewer, asked), found in sorted(by_pair.items()):
        newest = found[:_CHARTED][::-1]
        if len(newest) < 2:
            continue
        yield column_chart(
            f"Accepted of 100 pairs that {reviewer} and {asked} settled, round by round",
            [Column(str(line.review.round), line.results.accept_rate) for line in newest],
            words=(
                f"Of 100 settled pairs, how many were accepted in the newest {len(newest)} reviews that "
                f"ended, oldest first. A frame stands for a share that would reveal a number below {floor}, or "
                "for a review that settled nothing. The numbers are in the table."
            ),
            axis="round",
        )
