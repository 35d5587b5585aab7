"""Rounds as the match log shows them, against one that a broker would like an agency to take part in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples.refusals import raises

from encoding.errors import LogError, RoundUnprovenError
from encoding.rounds.history import round_history
from schemas.api import ProjectView
from schemas.document import Model
from schemas.matchlog.entry import Actor, Entry
from schemas.matchlog.kinds import KIND_OF_BODY
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened, RoundSuperseded
from schemas.rounds import RoundPair, UsedNonce

PARTY = "welfare"


def opened(number: int, *, corrects: int | None = None, nonce: int | None = None) -> RoundOpened:
    def used(side: int) -> UsedNonce:
        drawn = (nonce or number) if side else number
        return UsedNonce(number=number, nonce=f"{side}{drawn:063}")

    pair = RoundPair(larger="schools", smaller=PARTY, nonce_larger=used(0), nonce_smaller=used(1))
    deadline = "2026-12-01T00:00:00Z"
    return RoundOpened(round=number, deadline=deadline, corrects=corrects, pairs=(pair,))


def closed(number: int) -> RoundClosed:
    return RoundClosed(round=number, claims=(), statements=())


def superseded(number: int) -> RoundSuperseded:
    return RoundSuperseded(round=number, by=number + 1, reason="wrong-file")


def log_of(view: ProjectView, *bodies: tuple[int, Model]) -> list[Entry]:
    """Return entries of bodies, each with the day of November on which it was made."""
    return [
        Entry(
            kind=KIND_OF_BODY[type(body)], seq=7 * n, batch=n, place=n,
            time=f"2026-11-{day:02}T10:00:00Z", request="req-" + "1" * 32,
            actor=Actor(party="schools", person=None, role="agency", signed=None), project=view.project,
            agreement=view.agreement, purpose=None, object=None, outcome="done", body=body,
        )
        for n, (day, body) in enumerate(bodies)
    ]  # fmt: skip


@pytest.fixture
def fit(view: ProjectView) -> Callable[..., None]:
    def check(number: int, *bodies: tuple[int, Model]) -> None:
        history = round_history(log_of(view, *bodies), view.project)
        history.refuse_unfit(number, view, PARTY)

    return check


def test_rounds_in_their_order_are_fit(fit: Callable[..., None]) -> None:
    fit(1, (1, opened(1)))
    fit(2, (1, opened(1)), (2, closed(1)), (8, opened(2)))
    fit(2, (1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)))
    # A correction does not put off the next round.
    three = (1, opened(1)), (2, superseded(1)), (2, opened(2, corrects=1)), (4, closed(2))
    fit(3, *three, (8, opened(3)))


@pytest.mark.parametrize(
    ("number", "bodies", "reason"),
    [
        (1, [(1, opened(1)), (2, superseded(1))], "was corrected: round 2"),
        (1, [(1, opened(1)), (2, closed(1))], "is over"),
        (1, [(1, opened(1)), (8, opened(2))], "is over"),
        (1, [], "exactly one opening"),
        (1, [(1, opened(1)), (8, opened(1, nonce=5))], "exactly one opening"),
        (2, [(1, opened(1)), (2, closed(1)), (8, opened(2, nonce=1))], "an earlier round has used"),
        (2, [(1, opened(1)), (2, closed(1)), (7, opened(2))], "before it was due"),
        (2, [(1, opened(1)), (2, opened(2, corrects=1))], "does not show as corrected"),
    ],
)  # fmt: skip
def test_a_round_that_breaks_the_order_is_refused(
    fit: Callable[..., None], number: int, bodies: list[Any], reason: str
) -> None:
    with raises(RoundUnprovenError, match=reason):
        fit(number, *bodies)


def test_a_schedule_of_another_agreement_is_not_held_against_a_round(view: ProjectView) -> None:
    entries = log_of(view, (1, opened(1)), (2, closed(1)), (3, opened(2)))
    entries[2] = entries[2].model_copy(update={"agreement": "0" * 64})
    round_history(entries, view.project).refuse_unfit(2, view, PARTY)


def test_an_entry_that_is_left_out_shows(view: ProjectView) -> None:
    entries = log_of(view, (1, opened(1)), (2, superseded(1)), (2, closed(1)))
    with pytest.raises(LogError, match="lacks an entry"):
        round_history([entries[0], entries[2]], view.project)


def test_link_ids_need_a_round_that_was_closed(view: ProjectView) -> None:
    entries = log_of(view, (1, opened(1)), (2, closed(1)))
    round_history(entries, view.project).refuse_uncounted(1)
    with raises(RoundUnprovenError, match="does not show that round 1 was closed"):
        round_history(entries[:1], view.project).refuse_uncounted(1)
