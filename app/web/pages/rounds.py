"""The rounds of a project, and one round: its pairs, nonces, containers, runs, messages and proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from app.db import LIST_LIMIT
from app.http.paths import ProjectPath, RoundPath
from app.rounds.service import round_for
from app.rounds.views import round_list, round_view
from app.web.answer import WiredPage, page_route
from app.web.project_words import STATE_MARKS, round_due_sentence, round_sentence
from app.web.table import Cell, Table
from app.wired import WiredBroker
from schemas.rounds.rounds import PairProgress, RoundPair, RoundView, SupplementView
from schemas.shared.page import Bar, Markup, bar_chart

router = APIRouter()

COLUMNS: Final = (
    "round", "state", "opened", "deadline", "superseded_by", "larger", "smaller", "nonce_larger",
    "nonce_smaller", "root_larger", "root_smaller", "first", "run", "claims_larger", "claims_smaller",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairLine:
    """A pair of a round with how far it is; the digests of claims are None where none has come."""

    pair: RoundPair
    progress: PairProgress

    @property
    def claims_larger(self) -> str | None:
        """The claims of the party with the larger file."""
        return self._claims(self.pair.larger)

    @property
    def claims_smaller(self) -> str | None:
        """The claims of the other party."""
        return self._claims(self.pair.smaller)

    def _claims(self, party: str) -> str | None:
        return next((one.sha256 for one in self.progress.claims if one.party == party), None)


@page_route(router, "/projects/{project}/rounds")
def list_rounds(
    broker: WiredBroker,
    page: WiredPage,
    project: ProjectPath,
    below: Annotated[int | None, Query(ge=1, le=10**6)] = None,
) -> Response:
    """Show the project's rounds, newest first, and whether one is due; the twins have all of them."""
    limit = LIST_LIMIT if page.twin == "html" else None
    with broker.database.read() as session:
        document = round_list(session, page.actor, project, below, broker.clock(), limit=limit)
    rounds = document.rounds
    last = rounds[-1].round if rounds else 1
    return page.answer(
        "rounds.html",
        title="Rounds",
        document=document,
        table=Table(COLUMNS, _rows(rounds)),
        project=project,
        query="" if below is None else f"below={below}",
        rounds=[(view, line) for view in rounds for line in _lines(view)],
        marks=STATE_MARKS,
        due=round_due_sentence(document),
        newer=f"{page.path}" if below is not None else None,
        older=f"{page.path}?below={last}" if last > 1 else None,
    )


@page_route(router, "/projects/{project}/rounds/{round}")
def show_round(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, number: RoundPath
) -> Response:
    """Show one round."""
    with broker.database.read() as session:
        found = round_for(session, page.actor, project, number)
        view, opening, closing = round_view(session, found), found.entry, found.closing
    return page.answer(
        "round.html",
        title=f"Round {number}",
        document=view,
        table=Table(COLUMNS, _rows([view])),
        project=project,
        view=view,
        lines=_lines(view),
        marks=STATE_MARKS,
        sentence=round_sentence(view),
        picture=_picture(view),
        supplements=[(one, _claims_of(one)) for one in view.supplements],
        opening=opening,
        closing=closing,
    )


def _picture(view: RoundView) -> Markup:
    """Return bars that say how far a round is; who has to send claims depends on the release modes."""
    n_pairs, progress = len(view.pairs), view.progress
    uploads = sum(
        (one.root_larger is not None) + (one.root_smaller is not None) for one in progress
    )
    runs, claims = (
        sum(one.run is not None for one in progress),
        sum(len(one.claims) for one in progress),
    )
    return bar_chart(
        "How far the round is",
        [
            Bar("uploads", uploads / (2 * n_pairs), f"{uploads:,} of {2 * n_pairs:,}"),
            Bar("runs begun", runs / n_pairs, f"{runs:,} of {n_pairs:,}"),
            Bar("claims received", claims / (2 * n_pairs), f"{claims:,}"),
        ],
    )


def _claims_of(supplement: SupplementView) -> list[str | None]:
    """Return the digests of a supplement's claims, those of the party with the larger file first."""
    found = {one.party: one.sha256 for one in supplement.claims}
    return [found.get(party) for party in (supplement.larger, supplement.smaller)]


def _lines(view: RoundView) -> list[PairLine]:
    progress = {(one.larger, one.smaller): one for one in view.progress}
    return [PairLine(pair, progress[pair.parties]) for pair in view.pairs]


def _rows(views: Sequence[RoundView]) -> Iterator[tuple[Cell, ...]]:
    for view in views:
        for line in _lines(view):
            pair, progress = line.pair, line.progress
            yield (
                view.round, view.state, view.opened, view.deadline, view.superseded_by, pair.larger,
                pair.smaller, pair.nonce_larger.number, pair.nonce_smaller.number, progress.root_larger,
                progress.root_smaller, progress.earlier, progress.run, line.claims_larger,
                line.claims_smaller,
            )  # fmt: skip
