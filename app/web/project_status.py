"""Where a project stands: its last round, what that waits for, and how much was linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.rounds.views import newest_round_stand
from app.runs.service import newest_result
from app.web.round_words import STATE_MARKS, round_sentence
from app.web.run_figures import change_words, figures_before, figures_of, rate_words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.rounds.views import RoundStand
    from app.security.actor import Actor


@dataclass(frozen=True, slots=True)
class PairRate:
    """How much the last run of a pair linked, and how that differs from the round before."""

    larger: str
    smaller: str
    run: str
    round: int
    rate: str
    change: str


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The last round of a project, None before its first, and the last link rate of each pair that has one."""

    round: RoundStand | None
    rates: tuple[PairRate, ...]

    @property
    def mark(self) -> tuple[str, str]:
        """The round's state: a class of the style sheet, and a word."""
        return ("plain", "none yet") if self.round is None else STATE_MARKS[self.round.state]

    @property
    def sentence(self) -> str:
        """What the round waits for; a closed one waits for nothing."""
        if self.round is None or self.round.state == "closed":
            return ""
        return round_sentence(self.round)


def project_status(session: Session, actor: Actor, found: TermsInForce) -> ProjectStatus:
    """Return where a project stands that the actor may see."""
    terms = found.terms
    rates = []
    for larger, smaller in terms.pairs:
        run = newest_result(session, actor, terms.project, (larger, smaller))
        if run is not None:
            figures, before = figures_of(session, actor, run), figures_before(session, actor, run)
            rate = rate_words(figures.links, figures.smaller)
            change = change_words(figures, before)
            rates.append(PairRate(larger, smaller, run.id, run.round, rate, change))
    return ProjectStatus(newest_round_stand(session, actor, terms.project), tuple(rates))
