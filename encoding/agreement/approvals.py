"""Whether a run, and the release of what it found, was approved as the agreement asks, by real signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from encoding.errors import AgreementUntrustedError, OthersWaitedForError
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import RunApprovals, StandingList
from schemas.agreement.statement import (
    RunApproval,
    SignedStatement,
    StandingApproval,
    Step,
    may_say,
)
from schemas.documents.errors import SignatureError
from schemas.linkage.run import RunSpecification


def approving_parties(
    versions: Sequence[Agreement],
    specification: RunSpecification,
    shown: RunApprovals,
    standing: StandingList,
    step: Step,
) -> frozenset[str]:
    """Return the parties that have approved a step of a run, by statements that count."""
    found = {approval.party for approval in _single(versions[0], specification, shown, step)}
    if step == "run":
        found |= {
            approval.party for approval in _standing(versions, specification, shown, standing)
        }
    return frozenset(found)


def require_approved(
    versions: Sequence[Agreement],
    specification: RunSpecification,
    shown: RunApprovals,
    standing: StandingList,
) -> None:
    """Make sure that all whom the agreement asks have approved a run that has succeeded.

    Raises:
        AgreementUntrustedError: an approval is missing or forged.
    """
    for party in _missing(versions, specification, shown, standing, "run"):
        raise AgreementUntrustedError(
            f"the broker started the run although {party} has not approved it"
        )


def require_let_go(
    versions: Sequence[Agreement],
    specification: RunSpecification,
    shown: RunApprovals,
    standing: StandingList,
) -> None:
    """Make sure, before it is fetched, that all whom the agreement asks have approved a run's release.

    Raises:
        OthersWaitedForError: an approval is missing.
        AgreementUntrustedError: one is forged.
    """
    if not versions[0].approvals.releases:
        return
    lacking = tuple(_missing(versions, specification, shown, standing, "release"))
    if lacking:
        raise OthersWaitedForError(
            f"the release of what the run found is not approved yet by {', '.join(lacking)}",
            hint=f"an approver types: blindlink approve --release {specification.run}",
        )


def _missing(
    versions: Sequence[Agreement],
    specification: RunSpecification,
    shown: RunApprovals,
    standing: StandingList,
    step: Step,
) -> Iterator[str]:
    approving = approving_parties(versions, specification, shown, standing, step)
    yield from (party for party in versions[0].approvals.parties if party not in approving)


def _single(
    agreement: Agreement, specification: RunSpecification, shown: RunApprovals, step: Step
) -> Iterator[RunApproval]:
    for signed in shown.approvals:
        stated = signed.statement
        if not isinstance(stated, RunApproval):
            raise AgreementUntrustedError(
                "the broker shows a different statement in place of an approval"
            )
        _verify(signed, agreement)
        about = (stated.run, stated.specification_sha256)
        if about != (specification.run, specification.digest()):
            raise AgreementUntrustedError(f"the approval of {stated.party} is for a different run")
        if stated.step == step:
            yield stated


def _standing(
    versions: Sequence[Agreement],
    specification: RunSpecification,
    shown: RunApprovals,
    standing: StandingList,
) -> Iterator[StandingApproval]:
    for state in standing.approvals:
        stated = state.signed.statement
        if not isinstance(stated, StandingApproval) or stated.approval not in shown.standing:
            continue
        given = next((one for one in versions if one.digest() == stated.agreement), versions[0])
        _verify(state.signed, given)
        if not may_say(stated, versions[0]):
            raise AgreementUntrustedError(
                f"the standing approval of {stated.party} is by a person who may no longer approve"
            )
        # One that is taken back later ends the runs that wait or are under way, and none that has ended.
        if state.revoked is not None and state.revoked < specification.asked_at:
            raise AgreementUntrustedError(
                f"the standing approval of {stated.party} was taken back before the run was asked for"
            )
        if stated.policy_sha256 != specification.policy.digest():
            raise AgreementUntrustedError(
                f"the standing approval of {stated.party} is for different probabilities from the run's"
            )
        if stated.until < specification.asked_at[:10] or state.used > stated.runs:
            raise AgreementUntrustedError(
                f"the standing approval of {stated.party} had ended, or was used too often"
            )
        yield stated


def _verify(signed: SignedStatement, agreement: Agreement) -> None:
    try:
        signed.verify(agreement)
    except SignatureError as exc:
        raise AgreementUntrustedError(
            f"the broker shows an approval of {signed.statement.party} that does not count: {exc}"
        ) from exc
