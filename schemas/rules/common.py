"""Steps that every entry goes through, and the one that makes exports complete."""

from __future__ import annotations

from collections.abc import Collection

from schemas.documents.ids import BROKER
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_kinds import LogStarted
from schemas.rules.log_state import LogState
from schemas.rules.steps import break_off, days_of
from schemas.signing.identity import role_of


def log_starts_once(log: LogState, entry: Entry) -> None:
    """The first entry starts the log, and no other does."""
    if (entry.kind == "log-started") != (entry.seq == 0):
        break_off("log-start", "a log begins with its start, and has no other", entry)
    if isinstance(entry.body, LogStarted):
        log.origin = entry.body.origin


def time_never_runs_back(log: LogState, entry: Entry) -> None:
    """No entry is older than the one before it."""
    if entry.time < log.time:
        break_off("time-runs-back", "an entry is older than the one before it", entry)
    log.time = entry.time


def chain_follows(log: LogState, entry: Entry) -> None:
    """Each entry names the one before it of its project, and the newest of none: so none is withheld."""
    own, broker_wide = log.leaves[entry.project], log.leaves[None]
    names = (entry.place, entry.previous, entry.broker_wide)
    if names != (len(own), own.newest(), broker_wide.newest() if entry.project else None):
        message = "entries that its reader may see are missing before this one, or it is repeated"
        break_off("place", message, entry)


def project_is_known(log: LogState, entry: Entry) -> None:
    """An entry about a project names one that was opened, and the terms that bind it."""
    if entry.kind == "project-opened" and entry.agreement is not None:
        break_off(
            "agreement", "a project is opened under terms that nobody has proposed yet", entry
        )
    if entry.project is None or entry.kind == "project-opened":
        return
    project = log.projects.get(entry.project)
    if project is None:
        break_off("project-unknown", "an entry is about a project that was never opened", entry)
    # Entries about an agreement name that one, whether or not it binds; their own steps look it up.
    if entry.kind.startswith("agreement-"):
        return
    for day in days_of(entry):
        bound = project.binding_on(day)
        if (None if bound is None else bound.digest) == entry.agreement:
            # At midnight, what was asked for before anything bound may come after what was asked for then.
            project.bound = bound or project.bound
            return
    break_off("agreement", "an entry names other terms than its project's", entry, project.made)


def actor_is_enrolled(log: LogState, entry: Entry) -> None:
    """Anyone who acts was enrolled before."""
    if entry.actor.party != BROKER and entry.actor.party not in log.parties:
        break_off("stranger", "a party acts that was never enrolled", entry)


def broker_acts_itself(log: LogState, entry: Entry) -> None:
    """What the broker does of itself, or its operator by commands, stands in nobody else's name."""
    by = KINDS[entry.kind].by
    if by is None or entry.actor.party == BROKER or (by == "operator" and is_operator(log, entry)):
        return
    break_off("broker-only", "something that the broker alone does is in another's name", entry)


def is_operator(log: LogState, entry: Entry) -> bool:
    """Tell whether the party acts that runs the broker, by someone who does that for it."""
    # The role is looked at by `actor_has_role`.
    return entry.actor.party in log.operators and entry.actor.role == "operator"


def purpose_is_agreed(log: LogState, entry: Entry) -> None:
    """What data are used for is what an agreement says that came into force in the project."""
    if entry.purpose not in _purposes(log, entry):
        break_off("purpose", "an entry has a purpose that no agreement of its project has", entry)


def _purposes(log: LogState, entry: Entry) -> Collection[str | None]:
    """Return what an entry may have as its purpose; None: it may have none."""
    if entry.project is None or entry.kind == "project-opened":
        return {None}
    kind, project = KINDS[entry.kind], log.projects[entry.project]
    if isinstance(entry.body, AgreementProposed):
        return {entry.body.agreement.purpose.code}
    if entry.kind.startswith("agreement-"):
        about = project.agreements.get(entry.agreement or "")
        # One that was never proposed has a step of its own.
        return {entry.purpose if about is None else about.terms.purpose}
    agreed = project.purposes
    return {*agreed, None} if kind.is_unbound or kind.in_project is None else agreed


def actor_has_role(log: LogState, entry: Entry) -> None:
    """Anyone who acts does so in the role that their duties give them, else in their party's."""
    actor = entry.actor
    person = log.persons.get(actor.person or "")
    roles = {"broker", "operator"} if actor.party == BROKER else {log.roles[actor.party]}
    if person is not None and person.party == actor.party:
        roles = {role_of(person.duties)}
    if actor.role not in roles:
        message = "someone acts in a role that they do not have"
        break_off("actor-role", message, entry, None if person is None else person.seq)
