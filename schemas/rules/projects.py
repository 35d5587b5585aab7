"""Steps about parties, projects and their terms."""

from __future__ import annotations

from typing import cast

from schemas.documents.ids import BROKER
from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import KeyRotated, PartyEnrolled, RoleChanged
from schemas.rules.log_state import LogState
from schemas.rules.steps import break_off, days_of, project_of


def enrol_party(log: LogState, entry: Entry) -> None:
    """A party is enrolled once."""
    party, role = entry.body_as(PartyEnrolled).party, entry.body_as(PartyEnrolled).role
    if party in log.parties:
        break_off("enrolled-twice", "a party is enrolled twice", entry, log.parties[party])
    log.parties[party] = entry.seq
    log.roles[party] = role
    if role == "operator":
        log.operators.add(party)


def party_is_enrolled(log: LogState, entry: Entry) -> None:
    """A role or key is changed for the broker or for an enrolled party."""
    party = cast(RoleChanged | KeyRotated, entry.body).party
    if party != BROKER and party not in log.parties:
        break_off("stranger", "a role or key changes for a party that was never enrolled", entry)


def in_force(log: LogState, entry: Entry) -> None:
    """This happens within the dates of the terms, both included, in UTC, and no party halts it or has left."""
    project = project_of(log, entry)
    terms, (today, early) = project.terms, days_of(entry)
    if not (terms.start <= today <= terms.end or terms.start <= early <= terms.end):
        message = "this happened before the start or after the end of the terms"
        break_off("not-in-force", message, entry, project.seq)
    if project.binding.withdrawn is not None:
        message = "this happened after a party had left the agreement"
        break_off("withdrawn", message, entry, project.binding.withdrawn)
    for party in project.binding.agreement.names():
        if party in project.halted:
            message = "this happened while a party halted the linkage"
            break_off("suspended", message, entry, project.halted[party])
