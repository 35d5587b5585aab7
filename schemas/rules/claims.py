"""Steps about what recipients tell each other, sealed: claims of a pair, chain statements of a link-ID set."""

from __future__ import annotations

import sys
from collections import defaultdict

from schemas.agreement.agreement import ProjectTerms
from schemas.matchlog.entry import Entry
from schemas.matchlog.round_kinds import ClaimsReceived, StatementReceived
from schemas.rules.log_state import LogState
from schemas.rules.round_state import Pair, RoundState, SupplementState
from schemas.rules.steps import break_off, project_of


def receive_claims(log: LogState, entry: Entry) -> None:
    """Claims are of the round or supplement that is open, of a pair that owes them, and numbered on."""
    body, project = entry.body_as(ClaimsReceived), project_of(log, entry)
    sides = (sys.intern(entry.actor.party), sys.intern(body.partner))
    state: RoundState | SupplementState
    if body.release == 1:
        state = _open_round(log, entry, body)
        due = claims_due(log, state)
        space = state.space_of(*sides)
    else:
        state = _open_supplement(log, entry, body)
        due, space = pair_owes(state), state.space
    if sides not in due:
        message = "claims are received of a pair that owes none"
        break_off("claims-round", message, entry, state.seq)
    if space != project.terms.common_space(*sides):
        message = "claims are received of a pair that shares no link-ID set by the terms in force"
        break_off("claims-round", message, entry, project.seq)
    _count(project.rounds.sequences, sides, body, entry)
    state.claims[sides] = body.sha256


def receive_statement(log: LogState, entry: Entry) -> None:
    """A chain statement is of the round that is open, for a space that it is owed to, and numbered on."""
    body, project = entry.body_as(StatementReceived), project_of(log, entry)
    state = _open_round(log, entry, body)
    place = (sys.intern(entry.actor.party), sys.intern(body.space))
    if place not in statements_due(log, state):
        message = "a chain statement is received for a space that it is not owed to"
        break_off("claims-round", message, entry, state.seq)
    if place[0] not in _still_of_space(project.terms, state, body.space):
        message = (
            "a chain statement is received of a party that shares no link-ID set with another now"
        )
        break_off("claims-round", message, entry, project.seq)
    _count(project.rounds.statements, place, body, entry)
    state.statements[place] = body.sha256


def claims_due(log: LogState, state: RoundState) -> frozenset[Pair]:
    """Return who owes claims to whom: both sides of a pair that was linked and has a link-ID set."""
    linked = (pair for pairs in _linked_by_space(log, state).values() for pair in pairs)
    return frozenset(sides for pair in linked for sides in (pair, pair[::-1]))


def statements_due(log: LogState, state: RoundState) -> frozenset[Pair]:
    """Return which party owes which space a chain statement: where more than one pair of it was linked."""
    return frozenset(
        (party, space)
        for space, pairs in _linked_by_space(log, state).items()
        if len(pairs) > 1
        for pair in pairs
        for party in pair
    )


def has_linked(log: LogState, state: RoundState, pair: Pair) -> bool:
    """Tell whether a run of a pair in this round has succeeded."""
    return pair in state.runs and log.runs[state.runs[pair]].stage == "finished"


def pair_owes(state: SupplementState) -> frozenset[Pair]:
    """Return who owes claims of a supplement to whom: both sides of its pair, where that has a link-ID set."""
    return frozenset() if state.space is None else frozenset((state.pair, state.pair[::-1]))


def _linked_by_space(log: LogState, state: RoundState) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair, space in state.pairs.items():
        if space is not None and has_linked(log, state, pair):
            found[space].append(pair)
    return found


def _still_of_space(terms: ProjectTerms, state: RoundState, space: str) -> frozenset[str]:
    """Return the parties of a round's pairs that have had a link-ID set since it opened, and have it now."""
    return frozenset(
        party
        for pair, of_pair in state.pairs.items()
        if space == of_pair == terms.common_space(*pair)
        for party in pair
    )


def _open_supplement(log: LogState, entry: Entry, body: ClaimsReceived) -> SupplementState:
    state = project_of(log, entry).rounds.supplements.get((body.round, body.release))
    if state is None:
        message = "claims are received for a supplementary release that is not open"
        break_off("claims-round", message, entry)
    return state


def _open_round(
    log: LogState, entry: Entry, body: ClaimsReceived | StatementReceived
) -> RoundState:
    state = project_of(log, entry).rounds.open
    if state is None or body.round != state.number:
        message = "claims or a statement are received for a round that is not open"
        break_off("claims-round", message, entry, None if state is None else state.seq)
    return state


def _count(
    sequences: dict[Pair, int], place: Pair, body: ClaimsReceived | StatementReceived, entry: Entry
) -> None:
    if body.sequence != sequences.get(place, 0) + 1:
        message = "claims or a statement are not numbered on from the last ones"
        break_off("claims-order", message, entry)
    sequences[place] = body.sequence
