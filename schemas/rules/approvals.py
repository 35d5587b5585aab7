"""Steps about approvals: who approved which run or release, in advance or not, and whether it sufficed."""

from __future__ import annotations

from typing import TypeVar

from schemas.agreement.amendment import of_same_clauses
from schemas.agreement.statement import ApprovalRevocation, RunApproval, StandingApproval, may_say
from schemas.matchlog.agreement_kinds import StandingUsed
from schemas.matchlog.entry import Entry
from schemas.rules.log_state import LogState, RunState
from schemas.rules.project_state import ProjectState, StandingState
from schemas.rules.steps import break_off, moment_before, project_of, run_of, signer_of, stated_in

_Approval = TypeVar("_Approval", RunApproval, StandingApproval)


def approve_run(log: LogState, entry: Entry) -> None:
    """An approver of a party that the agreement asks approves a step of a run, in time, once, as specified."""
    run, project = run_of(log, entry), project_of(log, entry)
    approval = _signed_approval(log, entry, project, RunApproval)
    if (approval.run, approval.specification_sha256) != (entry.object, run.specification_sha256):
        message = "an approval is of another run or specification than was asked for"
        break_off("approval-specification", message, entry, run.seq)
    if approval.expires <= moment_before(entry):
        break_off("approval-expired", "an approval is used after it expired", entry, run.seq)
    if approval.is_too_long:
        break_off("approval-too-long", "an approval counts for longer than 30 days", entry, run.seq)
    if approval.step == "run":
        _approve_start(run, entry)
        run.approved_until = min(run.approved_until, approval.expires)
    else:
        _approve_release(project, run, entry, approval.expires)


def approve_standing(log: LogState, entry: Entry) -> None:
    """An approver approves runs in advance, where the agreement lets them."""
    project = project_of(log, entry)
    approval = _signed_approval(log, entry, project, StandingApproval)
    if project.terms.approvals.runs != "standing":
        message = "runs are approved in advance, which the agreement does not provide for"
        break_off("standing-not-agreed", message, entry, project.seq)
    project.standing[approval.approval] = StandingState(approval, entry.seq)


def revoke_standing(log: LogState, entry: Entry) -> None:
    """A party takes back a standing approval of its own, once."""
    project = project_of(log, entry)
    signer_of(log, entry, project.binding.agreement)
    revocation = stated_in(entry, ApprovalRevocation)
    standing = project.standing.get(revocation.approval)
    if (
        standing is None
        or standing.approval.party != revocation.party
        or standing.revoked is not None
    ):
        break_off(
            "standing-unknown", "a standing approval is taken back that does not stand", entry
        )
    standing.revoked = entry.seq


def use_standing(log: LogState, entry: Entry) -> None:
    """A standing approval stands for its party's approval of a run of its policy, within its limits."""
    run, project = run_of(log, entry), project_of(log, entry)
    body = entry.body_as(StandingUsed)
    standing = project.standing.get(body.approval)
    if standing is None or standing.revoked is not None or standing.approval.party != body.party:
        break_off("standing-unknown", "a standing approval is used that does not stand", entry)
    if run.stage != "asked" or body.party in run.approved:
        break_off("approval-out-of-place", "an approval is used where none is due", entry, run.seq)
    _others_hold(run, entry)
    approval = standing.approval
    holds = (
        _stands_under(project, approval)
        and approval.policy_sha256 == run.policy.digest()
        and run.day <= approval.until
        and len(standing.used) < approval.runs
    )
    if not holds:
        message = (
            "a standing approval is used beyond its policy, its last day or its number of runs"
        )
        break_off("standing-beyond", message, entry, standing.seq)
    standing.used.add(entry.of_object)
    run.approved[body.party] = body.approval


def start_is_approved(log: LogState, entry: Entry) -> None:
    """A run starts when every party that the agreement asks has approved it, and no approval was taken back."""
    run, project = run_of(log, entry), project_of(log, entry)
    for party in project.terms.approvals.parties:
        standing = project.standing.get(run.approved.get(party, ""))
        if party not in run.approved or (standing is not None and standing.revoked is not None):
            break_off(
                "run-unapproved", "a run starts that a party has not approved", entry, run.seq
            )


def fetch_is_approved(log: LogState, entry: Entry, run: RunState) -> None:
    """What a run made is handed out, and reviewed, when every party that is asked has approved that, too."""
    rule = project_of(log, entry).terms.approvals
    if rule.releases and not run.release_approved.keys() >= set(rule.parties):
        message = (
            "what a run made is handed out or reviewed, and a party has not approved its release"
        )
        break_off("release-unapproved", message, entry, run.seq)


def forget_uses(project: ProjectState, run: str) -> None:
    """Give back the uses of standing approvals by a run that has failed or was cancelled."""
    for standing in project.standing.values():
        standing.used.discard(run)


def _signed_approval(
    log: LogState, entry: Entry, project: ProjectState, kind: type[_Approval]
) -> _Approval:
    signer_of(log, entry, project.binding.agreement)
    approval = stated_in(entry, kind)
    if approval.party not in project.terms.approvals.parties:
        message = "a party approves that the agreement does not ask"
        break_off("approver", message, entry, project.seq)
    if approval.approval in project.approvals:
        break_off("approval-twice", "an approval is used twice", entry)
    project.approvals.add(approval.approval)
    return approval


def _approve_start(run: RunState, entry: Entry) -> None:
    if run.stage != "asked" or entry.actor.party in run.approved:
        break_off("approval-out-of-place", "an approval is given where none is due", entry, run.seq)
    _others_hold(run, entry)
    run.approved[entry.actor.party] = ""


def _others_hold(run: RunState, entry: Entry) -> None:
    if run.approved_until <= moment_before(entry):
        message = "an approval comes when another one of the run has expired"
        break_off("approval-expired", message, entry, run.seq)


def _approve_release(project: ProjectState, run: RunState, entry: Entry, expires: str) -> None:
    rule, given = project.terms.approvals, run.release_approved
    if not given.keys() >= set(rule.parties):
        lapsed = moment_before(entry)
        for party in [one for one, until in given.items() if until <= lapsed]:
            del given[party]
    # One that expired within the last minute may have lapsed for the broker: its party approves anew rightly.
    if given.get(entry.actor.party, "9999") <= entry.time:
        del given[entry.actor.party]
    if not rule.releases or run.stage != "finished" or entry.actor.party in given:
        break_off("approval-out-of-place", "an approval is given where none is due", entry, run.seq)
    if entry.actor.person in run.uploaders:
        message = "the release is approved by a person who uploaded for the run"
        break_off("approval-by-uploader", message, entry, run.seq)
    given[entry.actor.party] = expires


def _stands_under(project: ProjectState, approval: StandingApproval) -> bool:
    """Tell whether an approval is of what binds now, or of a version that differs in persons alone."""
    bound = project.binding.agreement
    versions = [one for one in reversed(project.bindings) if one.agreement.number <= bound.number]
    n_same = len(list(of_same_clauses(one.agreement for one in versions)))
    is_same = approval.agreement in {one.digest for one in versions[:n_same]}
    return is_same and may_say(approval, bound)
