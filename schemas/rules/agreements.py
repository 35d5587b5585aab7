"""Steps about agreements: proposed in a project that was opened, consented to by all, halted, left."""

from __future__ import annotations

from typing import NoReturn

from schemas.agreement.amendment import newcomer_fault, stewards_before, succession_fault
from schemas.matchlog.agreement_kinds import (
    AgreementInForce,
    AgreementProposed,
    ProjectOpened,
)
from schemas.matchlog.entry import Entry
from schemas.rules.breach import BreachError
from schemas.rules.log_state import LogState
from schemas.rules.project_state import AgreementState, ProjectState
from schemas.rules.steps import break_off, days_of, listed_by, signer_of
from schemas.signing.identity import PublicIdentity


def open_project(log: LogState, entry: Entry) -> None:
    """A project is opened once, for parties that are enrolled."""
    parties, name = entry.body_as(ProjectOpened).parties, entry.of_project
    known = log.projects.get(name)
    if known is not None:
        break_off("project-twice", "a project is opened twice", entry, known.made)
    if any(party not in log.parties for party in parties):
        break_off("stranger", "a project is opened for a party that was never enrolled", entry)
    log.projects[name] = ProjectState(entry.seq)


def propose(log: LogState, entry: Entry) -> None:
    """An agreement is proposed once, in its log, by a steward whom it lists, and follows the one before."""
    agreement = entry.body_as(AgreementProposed).agreement
    project = log.projects[entry.of_project]
    if (agreement.project, agreement.digest()) != (entry.project, entry.agreement):
        break_off("agreement", "an agreement is not the one that its entry names", entry)
    if agreement.log != log.origin:
        break_off("agreement", "an agreement is proposed that was made for another log", entry)
    known = project.agreements.get(agreement.digest())
    if known is not None:
        break_off("agreement-twice", "an agreement is proposed twice", entry, known.seq)
    proposer = agreement.person(entry.actor.person or "")
    is_steward = proposer is not None and "steward" in proposer.duties
    if proposer is None or not is_steward or proposer.party != entry.actor.party:
        message = "an agreement is proposed by someone who is not a steward in it"
        break_off("agreement-proposer", message, entry)
    # A party that no agreement in force names has no list of authorized users but the one that it is proposed
    # with.
    if any(one.agreement.party(entry.actor.party) for one in project.bindings):
        _is_steward_now(project, entry)
    state = AgreementState(agreement, agreement.digest(), agreement.terms(), entry.seq)
    _is_next(project, state, entry)
    project.agreements[state.digest] = state


def consent(log: LogState, entry: Entry) -> None:
    """A party consents once, through a steward with enrolled keys, while the agreement is the next."""
    project, state = _agreement_of(log, entry)
    signer = signer_of(log, entry, state.agreement)
    _is_next(project, state, entry)
    _is_no_newcomer(log, project, state, signer, entry)
    earlier = state.consents.get(entry.actor.party)
    if earlier is not None:
        break_off("agreement-signed-twice", "a party consents twice", entry, earlier)
    state.consents[entry.actor.party] = entry.seq
    if set(state.consents) == set(state.agreement.signers):
        log.consented = entry


def begins_at_once(log: LogState, entry: Entry) -> None:
    """What the last party has consented to comes into force by the next entry, in the same batch."""
    last, log.consented = log.consented, None
    if last is None:
        return
    begun = (entry.kind, entry.project, entry.agreement, entry.batch)
    if begun != ("agreement-in-force", last.project, last.agreement, last.batch):
        message = "all have consented to an agreement, and it did not come into force at once"
        break_off("agreement-withheld", message, entry, last.seq)


def all_begun(log: LogState) -> None:
    """After the last entry, no agreement that all have consented to waits to come into force."""
    if log.consented is not None:
        raise BreachError(
            "agreement-withheld",
            "all have consented to an agreement, and it did not come into force",
            index=log.consented.seq,
        )


def come_into_force(log: LogState, entry: Entry) -> None:
    """An agreement comes into force when every party that it asks has consented, once, as the next."""
    project, state = _agreement_of(log, entry)
    body = entry.body_as(AgreementInForce)
    if (body.number, body.start) != (state.agreement.number, state.agreement.start):
        break_off(
            "agreement", "an agreement comes into force otherwise than it says", entry, state.seq
        )
    _is_next(project, state, entry)
    if set(state.consents) != set(state.agreement.signers):
        message = "an agreement comes into force that a party has not consented to"
        break_off("agreement-unsigned", message, entry, state.seq)
    # All are enrolled by now: who signs was, and who does not is named in the agreement before.
    if log.operators.intersection(state.agreement.names()) != {state.agreement.operator.name}:
        message = "an agreement names another operator than the party that was enrolled as one"
        break_off("agreement-operator", message, entry, state.seq)
    state.days, state.in_force = days_of(entry), entry.seq
    project.bindings.append(state)
    project.purposes.add(state.terms.purpose)


def suspend(log: LogState, entry: Entry) -> None:
    """A party that does not halt the linkage halts it."""
    project = _notice(log, entry)
    party = entry.actor.party
    if party in project.halted:
        message = "a party halts what it has halted already"
        break_off("notice-out-of-place", message, entry, project.halted[party])
    project.halted[party] = entry.seq


def resume(log: LogState, entry: Entry) -> None:
    """A party lifts its own halt."""
    project = _notice(log, entry)
    if project.halted.pop(entry.actor.party, None) is None:
        break_off("notice-out-of-place", "a party lifts a halt that it has not made", entry)


def withdraw(log: LogState, entry: Entry) -> None:
    """A party leaves: the agreements that all had consented to end, and its other consents are void."""
    project = _notice(log, entry)
    party = entry.actor.party
    for state in project.agreements.values():
        if not state.days:
            state.consents.pop(party, None)
            state.newcomers.discard(party)
        elif state.withdrawn is None and party in state.agreement.names():
            state.withdrawn = entry.seq


def _notice(log: LogState, entry: Entry) -> ProjectState:
    """Check a notice: signed by a steward of the agreement that was consented to last, and not played again."""
    project, state = _agreement_of(log, entry)
    if not state.days or state.withdrawn is not None:
        message = "a notice is about an agreement that binds nobody"
        break_off("notice-out-of-place", message, entry, state.seq)
    signer_of(log, entry, state.agreement)
    _is_steward_now(project, entry)
    return project


def _is_steward_now(project: ProjectState, entry: Entry) -> None:
    """Who acts is on their party's list of authorized users as a steward, whatever an older version, or a new
    one, says.
    """
    # At midnight there are two days, and what begins on the later one counts on the earlier one, too.
    bound = project.binding_on(min(days_of(entry)))
    if "steward" not in listed_by(project, bound, entry).duties:
        message = (
            "someone acts for a party whom its list of authorized users does not list as a steward"
        )
        break_off("person-duty", message, entry, None if bound is None else bound.seq)


def _agreement_of(log: LogState, entry: Entry) -> tuple[ProjectState, AgreementState]:
    project = log.projects[entry.of_project]
    state = project.agreements.get(entry.of_agreement)
    if state is None:
        break_off("agreement-unknown", "an entry is about an agreement that nobody proposed", entry)
    return project, state


def _is_next(project: ProjectState, state: AgreementState, entry: Entry) -> None:
    last = project.last_complete()
    fault = succession_fault(None if last is None else last.agreement, state.agreement)
    if fault is not None:
        _break_order(fault, entry, None if last is None else last.seq)
    if state.agreement.amends is not None and last is not None and last.withdrawn is not None:
        _break_order("a party has left the one that it amends", entry, last.withdrawn)


def _is_no_newcomer(
    log: LogState,
    project: ProjectState,
    state: AgreementState,
    signer: PublicIdentity,
    entry: Entry,
) -> None:
    """Who signs for a party was its steward before, by keys that are theirs: nobody lists themselves."""
    earlier = [one.agreement for one in reversed(project.bindings)]
    stewards = stewards_before(earlier, signer.party)
    own = log.persons[signer.person].history
    if stewards is None or any(
        one.person == signer.person and one.key_sha256() in own for one in stewards
    ):
        return
    state.newcomers.add(signer.party)
    fault = newcomer_fault(earlier, state.agreement, state.newcomers)
    if fault is not None:
        message = f"someone signs for a party who was not its steward before: {fault}"
        break_off("agreement-newcomer", message, entry, project.bindings[-1].seq)


def _break_order(fault: str, entry: Entry, other_index: int | None) -> NoReturn:
    break_off("agreement-order", f"an agreement is out of order: {fault}", entry, other_index)
