"""What the match log says of a round besides its opening: whether it counts, is due, has its nonces to itself.

The entries are those that the broker shows of the project, held to the pins. They count on without a gap, so
that none before the last one shown can be left out; what comes after it shows with the next receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from encoding.errors import LogError, RoundUnprovenError
from schemas.api import ProjectView
from schemas.matchlog.entry import Entry
from schemas.matchlog.review_kinds import ReviewEnded
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened, RoundSuperseded
from schemas.rounds import SupplementView
from schemas.timetable import next_day

_TELL: Final = (
    "nothing was encoded or stored; call the other agencies and the operator of the broker"
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An opening, the day of it in UTC, and the agreement under which it was."""

    body: RoundOpened
    day: date
    agreement: str | None


@dataclass(frozen=True, slots=True)
class RoundHistory:
    """The rounds of a project as the log shows them: openings in their order, and which rounds are over.

    `accepted` are the runs whose clerical review ended with a supplementary release, by round and its number.
    """

    openings: tuple[_Opened, ...]
    superseded: dict[int, int]
    closed: frozenset[int]
    accepted: dict[tuple[int, int], str]

    def refuse_superseded(self, number: int) -> None:
        """Refuse a round that was corrected, or that was opened more than once.

        Raises:
            RoundUnprovenError: it was.
        """
        by = self.superseded.get(number)
        if by is not None:
            raise RoundUnprovenError(
                f"the match log shows that round {number} was corrected: round {by} takes its place",
                hint="repeat the command; if it fails again, the broker shows a round that is not valid",
            )
        if sum(one.body.round == number for one in self.openings) != 1:
            raise RoundUnprovenError(
                f"the match log does not show exactly one opening of round {number}", hint=_TELL
            )

    def refuse_uncounted(self, number: int) -> None:
        """Refuse link IDs of a round that the log does not show as closed, or shows as corrected.

        Raises:
            RoundUnprovenError: it is one of these.
        """
        self.refuse_superseded(number)
        if number not in self.closed:
            raise RoundUnprovenError(
                f"the match log does not show that round {number} was closed", hint=_TELL
            )

    def refuse_unasked(self, number: int, supplement: SupplementView) -> None:
        """Refuse a supplementary release of a round that does not count, or that no review ended with.

        Raises:
            RoundUnprovenError: it is one of these.
        """
        self.refuse_uncounted(number)
        if self.accepted.get((number, supplement.release)) != supplement.run:
            raise RoundUnprovenError(
                "the match log does not show that a clerical review ended with this supplementary release",
                hint=_TELL,
            )

    def refuse_unfit(self, number: int, view: ProjectView, party: str) -> None:
        """Refuse to encode for a round that is over, not due, or uses a nonce of this party again.

        Raises:
            RoundUnprovenError: it is one of these, or not the newest.
        """
        self.refuse_superseded(number)
        *before, newest = self.openings
        if newest.body.round != number or number in self.closed:
            raise RoundUnprovenError(f"the match log shows that round {number} is over", hint=_TELL)
        own = _nonces(newest.body, party)
        if any(own & _nonces(one.body, party) for one in before):
            raise RoundUnprovenError(
                f"round {number} uses a random number that an earlier round has used", hint=_TELL
            )
        self._refuse_early(newest, before, view)

    def _refuse_early(self, newest: _Opened, before: Iterable[_Opened], view: ProjectView) -> None:
        body = newest.body
        if body.corrects is not None:
            if self.superseded.get(body.corrects) != body.round:
                raise RoundUnprovenError(
                    f"round {body.round} corrects one that the match log does not show as corrected",
                    hint=_TELL,
                )
            return
        regular = [one.day for one in before if one.body.corrects is None]
        # Under another agreement it may have been due.
        is_of_today = bool(regular) and newest.agreement == view.agreement
        due = next_day(view.terms, regular[-1]) if is_of_today else None
        if due is not None and newest.day < due:
            raise RoundUnprovenError(
                f"round {body.round} was opened before it was due by the agreement's schedule",
                hint=_TELL,
            )


def round_history(entries: Iterable[Entry], project: str) -> RoundHistory:
    """Return the rounds of a project.

    Args:
        entries: what the log shows of it, in order.
    Raises:
        LogError: an entry before the last one is not shown.
    """
    openings: list[_Opened] = []
    superseded: dict[int, int] = {}
    closed: set[int] = set()
    accepted: dict[tuple[int, int], str] = {}
    n_seen = 0
    for entry in entries:
        if entry.project != project:
            continue
        if entry.place != n_seen:
            raise LogError("the broker's copy of the match log lacks an entry of the project")
        n_seen += 1
        body = entry.body
        if isinstance(body, RoundOpened):
            openings.append(_Opened(body, date.fromisoformat(entry.time[:10]), entry.agreement))
        elif isinstance(body, RoundSuperseded):
            superseded[body.round] = body.by
        elif isinstance(body, RoundClosed):
            closed.add(body.round)
        elif isinstance(body, ReviewEnded) and body.release is not None:
            accepted.setdefault((body.round, body.release), entry.object or "")
    return RoundHistory(tuple(openings), superseded, frozenset(closed), accepted)


def _nonces(body: RoundOpened, party: str) -> set[str]:
    found = set()
    for pair in body.pairs:
        if party == pair.larger:
            found.add(pair.nonce_larger.nonce)
        elif party == pair.smaller:
            found.add(pair.nonce_smaller.nonce)
    return found
