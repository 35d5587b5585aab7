"""Steps about rounds: opened when due, corrected by the next one, closed with the claims that were received."""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta

from schemas.documents.ids import utc_text
from schemas.matchlog.entry import Entry
from schemas.matchlog.round_kinds import RoundClosed, RoundOpened, RoundSuperseded
from schemas.rounds.timetable import next_day
from schemas.rules import claims, nonces, reviews
from schemas.rules.keeping import end_with_round
from schemas.rules.log_state import LogState
from schemas.rules.round_state import RoundState
from schemas.rules.steps import break_off, moment_before, project_of


def is_next(log: LogState, entry: Entry) -> None:
    """A round has the next number, no other is open, and it corrects exactly one that was superseded."""
    body, rounds = entry.body_as(RoundOpened), project_of(log, entry).rounds
    if rounds.open is not None:
        break_off("round-order", "a round opens while another is open", entry, rounds.open.seq)
    if body.round != rounds.last + 1:
        break_off("round-order", "a round does not have the next number", entry)
    if body.corrects != rounds.corrected:
        message = "a round corrects another one than was superseded, or does not say so"
        break_off("round-superseded", message, entry)


def is_due(log: LogState, entry: Entry) -> None:
    """A round that corrects no other opens when the terms' frequency lets it."""
    project = project_of(log, entry)
    terms, rounds = project.terms, project.rounds
    if entry.body_as(RoundOpened).corrects is not None or not rounds.regular:
        return
    due = next_day(terms, date.fromisoformat(rounds.regular))
    is_early = due is not None and due.isoformat() > entry.time[:10]
    if is_early or (terms.frequency == "once" and rounds.has_linked):
        break_off("round-due", "a round is opened before it is due", entry, project.seq)


def within_budget(log: LogState, entry: Entry) -> None:
    """No more rounds are opened than the terms allow, those that correct another one included."""
    project = project_of(log, entry)
    budget = project.terms.round_budget
    if budget is None:
        return
    first = date.fromisoformat(entry.time[:10]) - timedelta(days=budget.days - 1)
    recent = [day for day in project.rounds.days[-budget.rounds :] if day >= first.isoformat()]
    if len(recent) >= budget.rounds:
        message = "a round is opened beyond the number that the terms allow"
        break_off("round-budget", message, entry, project.seq)


def what_was_asked_is_over(log: LogState, entry: Entry) -> None:
    """A round opens when every review has ended, and every supplement is closed."""
    rounds = project_of(log, entry).rounds
    for review in reviews.open_reviews(log, entry.project):
        break_off("review-late", "a round opens while a review goes on", entry, review.seq)
    for supplement in rounds.supplements.values():
        message = "a round opens while a supplementary release is open"
        break_off("supplement-closing", message, entry, supplement.seq)
    for seq, batch in rounds.early.items():
        if batch != entry.batch:
            message = "a supplementary release was closed without its claims, and no round opened"
            break_off("supplement-closing", message, entry, seq)
    rounds.early.clear()


def open_round(log: LogState, entry: Entry) -> None:
    """A round waits as long as agreed, for pairs of the agreement, with a first unspent nonce of each party."""
    body, project = entry.body_as(RoundOpened), project_of(log, entry)
    terms, rounds = project.terms, project.rounds
    opened = datetime.fromisoformat(body.deadline) - timedelta(days=terms.round_days)
    if not moment_before(entry) <= utc_text(opened) <= entry.time:
        message = "a round's deadline is not as many days after its opening as the terms say"
        break_off("round-deadline", message, entry, project.seq)
    agreed = frozenset(terms.pairs)
    for pair in body.pairs:
        if pair.parties not in agreed:
            message = "a pair is not one of the agreement, or its sides are exchanged"
            break_off("round-pair", message, entry, project.seq)
        nonces.use(rounds, pair, entry)
    pairs = {
        (sys.intern(p.larger), sys.intern(p.smaller)): terms.common_space(*p.parties)
        for p in body.pairs
    }
    rounds.open = RoundState(body.round, utc_text(opened), body.deadline, pairs, entry.seq)
    rounds.last, rounds.corrected, rounds.releases = body.round, None, 1
    if body.corrects is None:
        rounds.regular = rounds.open.opened[:10]
    rounds.days.append(sys.intern(entry.time[:10]))


def supersede(log: LogState, entry: Entry) -> None:
    """The round that is open gives way to the next one, as long as nothing of it was fetched."""
    body, rounds = entry.body_as(RoundSuperseded), project_of(log, entry).rounds
    state = rounds.open
    if state is None or body.round != state.number or body.by != body.round + 1:
        message = "a round is superseded that is not open, or not by the next one"
        break_off("round-superseded", message, entry, None if state is None else state.seq)
    if state.is_fetched:
        message = "a round is superseded of which a release, or a file of a review, was fetched"
        break_off("round-superseded", message, entry, state.seq)
    end_with_round(log, entry, state)
    rounds.superseded.add(body.round)
    rounds.open, rounds.corrected = None, body.round


def close(log: LogState, entry: Entry) -> None:
    """A round closes with exactly the last messages received, and before its deadline only when all is done."""
    body, project = entry.body_as(RoundClosed), project_of(log, entry)
    state = project.rounds.open
    if state is None or body.round != state.number:
        break_off("round-order", "a round is closed that is not open", entry)
    listed = {(one.party, one.partner): one.sha256 for one in body.claims}
    stated = {(one.party, one.space): one.sha256 for one in body.statements}
    if (listed, stated) != (state.claims, state.statements):
        message = "a round is closed with other claims or statements than the last ones received"
        break_off("round-claims", message, entry, state.seq)
    if entry.time < state.deadline and not _is_done(log, state):
        message = "a round is closed before its deadline while something is still due"
        break_off("round-deadline", message, entry, state.seq)
    for run in state.runs.values():
        if log.runs[run].goes_on:
            message = "a round is closed while a run of it goes on"
            break_off("round-order", message, entry, log.runs[run].seq)
    linked = [frozenset(pair) for pair in state.pairs if claims.has_linked(log, state, pair)]
    project.rounds.has_linked |= bool(linked)
    project.rounds.linked.update(dict.fromkeys(linked, state.number))
    project.rounds.open = None


def _is_done(log: LogState, state: RoundState) -> bool:
    """Tell whether every pair has a run, none is under way, and all that is due has come."""
    return (
        state.runs.keys() == state.pairs.keys()
        and not any(log.runs[run].goes_on for run in state.runs.values())
        and claims.claims_due(log, state) <= state.claims.keys()
        and claims.statements_due(log, state) <= state.statements.keys()
    )
