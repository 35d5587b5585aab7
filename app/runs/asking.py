"""Asking for a run, within what the terms in force allow, and cancelling it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from app.agreements.receivers import receivers_of
from app.agreements.service import agreement_now, hold_budget, project_for, terms_in_force
from app.agreements.signers import require_duty
from app.clock import parse_utc, utc_text
from app.db import add_if_alone
from app.ids import new_id
from app.matchlog.draft import EntryDraft, entry_actor
from app.runs import repository
from app.runs.errors import (
    AsOfGapError,
    OtherPolicyError,
    OtherPurposeError,
    RunBudgetError,
    RunOverError,
    UploadsMissingError,
)
from app.runs.models import Run
from app.runs.service import keys_of, run_for
from app.runs.standing import take_up
from app.uploads.commit import refuse_misfit
from app.uploads.errors import KeyReusedError
from app.uploads.service import manifest_of, newest_of_providers, refuse_stranger
from app.uploads.withdrawals import count_withdrawn
from schemas.api import RunRequest
from schemas.canonical import canonical_digest
from schemas.errors import PolicyError
from schemas.ids import RUN_PREFIX
from schemas.matchlog.kinds import RunAsked, RunCancelled
from schemas.run import MatchingPolicy, RunSpecification, RunUpload, encoded_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.security.actor import Actor
    from schemas.upload import Manifest


def ask_run(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    request: RunRequest,
    *,
    idempotency_key: str | None = None,
) -> Run:
    """Queue a run on the newest upload of each provider, or return the one there is on the same inputs.

    A run that has succeeded is the one as long as its releases are kept, so that parties who ask one after
    the other get link IDs of the same run; with `request.again` it does not count.

    Where the terms ask for approvals, a new run waits for those that standing approvals do not give it.

    Raises:
        NotFoundError: no such project, or not the caller's.
        NotInForceError, NotProviderError, OtherPurposeError, OtherPolicyError, UploadsMissingError,
        AsOfGapError, RunBudgetError: the terms, or what was uploaded, do not allow it now.
        PopulationDiffersError, TooFewRecordsError, TooManyRecordsError: nor does an upload that fitted before.
        NobodyReceivesError: nobody could open what would be sealed to a recipient.
        WrongDutyError: the caller is not an analyst.
        KeyReusedError: the Idempotency-Key came with another request before.
    """
    project_for(session, actor, project)
    answered = _answered_before(session, actor, project, request, idempotency_key)
    if answered is not None:
        return answered
    # First, so that of two who ask at once the second one counts the first one's run.
    hold_budget(session, project)
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, terms, "analyst")
    _refuse_unopenable(session, terms)
    if request.purpose not in (None, terms.terms.purpose):
        raise OtherPurposeError("The terms name another purpose.", clause="purpose")
    specification = _specify(session, broker, actor, terms, _policy_of(terms, request))
    withdrawn = count_withdrawn(session, project, specification.epoch)
    inputs = _inputs_digest(specification, withdrawn)
    earlier = repository.find_pending(session, project, inputs)
    if earlier is None and not request.again:
        earlier = _kept_result(session, broker, terms, inputs)
    if earlier is not None:
        return earlier
    _refuse_beyond_budget(session, broker, terms)
    run = _waiting(broker, actor, terms, specification, inputs)
    run.idempotency_key, run.request_sha256 = idempotency_key, request.digest()
    # The keys are durable before the row that needs them.
    for key in keys_of(specification):
        broker.keystore.create(key)
    if add_if_alone(session, run):
        asked = RunAsked(specification_sha256=specification.digest(), specification=specification)
        entry = _entry(actor, terms, terms.digest, run.id, asked)
        broker.log.append(session, [entry, *take_up(session, terms, run, broker.clock())])
        return run
    for key in keys_of(specification):
        broker.keystore.destroy(key)
    return _winner(session, actor, project, request, key=idempotency_key, inputs=inputs)


def cancel_run(session: Session, broker: Broker, actor: Actor, run: str) -> Run:
    """End a run that waits or is under way: its worker finds that it holds it no longer.

    Raises:
        NotFoundError: no such run, or not the caller's.
        NotProviderError: an agency that does not provide records.
        WrongDutyError: a person of an agency who is neither analyst nor approver.
        RunOverError: the run has ended otherwise; one that was cancelled before stays cancelled.
    """
    found, terms = run_for(session, actor, run)
    if actor.role == "agency":
        refuse_stranger(terms, actor.party)
        require_duty(actor, terms, "analyst", "approver")
    locked = repository.get_run(session, found.id, lock=True)
    if locked is None or locked.state == "cancelled":
        return found
    if locked.state not in repository.PENDING:
        raise RunOverError(f"The run has {locked.state}.")
    locked.state = "cancelled"
    locked.stage = "done"
    locked.finished = utc_text(broker.clock())
    locked.lease_token = locked.lease_until_ms = None
    reason = RunCancelled(reason=f"by-{actor.role}")
    bound = agreement_now(session, found.project, broker.clock())
    broker.log.append(session, [_entry(actor, terms, bound, run, reason)])
    return locked


def _kept_result(session: Session, broker: Broker, terms: TermsInForce, inputs: str) -> Run | None:
    """Return the run that has succeeded on these inputs, if its releases are still kept."""
    found = repository.find_succeeded(session, terms.terms.project, inputs)
    if found is None or found.finished is None:
        return None
    keep_until = parse_utc(found.finished) + timedelta(days=terms.terms.keep_links_days)
    return found if broker.clock() < keep_until else None


def _answered_before(
    session: Session, actor: Actor, project: str, request: RunRequest, key: str | None
) -> Run | None:
    """Return the run that the same request with the same Idempotency-Key got; None if it is new."""
    if key is None:
        return None
    earlier = repository.find_by_idempotency_key(session, project, actor.party, key)
    if earlier is not None and earlier.request_sha256 != request.digest():
        raise KeyReusedError("This Idempotency-Key came with another request before.")
    return earlier


def _winner(
    session: Session,
    actor: Actor,
    project: str,
    request: RunRequest,
    *,
    key: str | None,
    inputs: str,
) -> Run:
    """Return the run that another request queued while this one was looking."""
    winner = _answered_before(session, actor, project, request, key)
    winner = winner or repository.find_pending(session, project, inputs)
    if winner is None:
        raise RunOverError("Another run was asked for at the same moment, and has ended.")
    return winner


def _policy_of(terms: TermsInForce, request: RunRequest) -> MatchingPolicy:
    policy = request.policy or terms.terms.policy
    if not terms.terms.allows(policy):
        raise OtherPolicyError(
            "The terms do not leave room for this matching policy.", clause="policy-range"
        )
    try:
        encoded_thresholds(policy, terms.profile)
    except PolicyError as exc:
        raise OtherPolicyError(f"The matching policy is refused: {exc}.", clause="policy") from exc
    return policy


def _refuse_beyond_budget(session: Session, broker: Broker, terms: TermsInForce) -> None:
    budget = terms.terms.run_budget
    if budget is None:
        return
    # As the log's verifier counts: whole days in UTC, today among them.
    first = broker.clock().date() - timedelta(days=budget.days - 1)
    if repository.count_since(session, terms.terms.project, first.isoformat()) >= budget.runs:
        raise RunBudgetError(
            f"The terms allow {budget.runs} runs within {budget.days} days.", clause="run-budget"
        )


def _refuse_unopenable(session: Session, terms: TermsInForce) -> None:
    for recipient in terms.terms.recipients:
        if recipient.mode == "blind":
            receivers_of(session, recipient.party)


def _refuse_gap(terms: TermsInForce, manifests: Iterable[Manifest]) -> None:
    most = terms.terms.as_of_max_gap_days
    days = sorted(date.fromisoformat(one.as_of) for one in manifests)
    if most is not None and days and (days[-1] - days[0]).days > most:
        raise AsOfGapError(
            f"The files describe days more than {most} days apart.", clause="as-of-max-gap-days"
        )


def _specify(
    session: Session,
    broker: Broker,
    actor: Actor,
    terms: TermsInForce,
    policy: MatchingPolicy,
) -> RunSpecification:
    agreed = terms.terms
    now = utc_text(broker.clock())
    uploads = newest_of_providers(session, terms, now)
    missing = [party for party in agreed.providers if party not in uploads]
    if missing:
        raise UploadsMissingError(f"There is no upload yet of {', '.join(missing)}.")
    manifests = [one for upload in uploads.values() if (one := manifest_of(upload)) is not None]
    for manifest in manifests:
        # An amendment may ask for more than what bound when it was uploaded.
        refuse_misfit(manifest, agreed)
    _refuse_gap(terms, manifests)
    return RunSpecification(
        run=new_id(RUN_PREFIX),
        project=agreed.project,
        epoch=agreed.epoch,
        agreement=terms.digest,
        uploads=tuple(
            RunUpload(
                party=party,
                upload=uploads[party].id,
                container_sha256=uploads[party].container_sha256,
                manifest_sha256=uploads[party].manifest_sha256 or "",
            )
            for party in agreed.providers
        ),
        profile=agreed.profile,
        policy=policy,
        recipients=agreed.recipients,
        spaces=agreed.spaces,
        floor=agreed.floor,
        asked_by=actor.party,
        asked_at=now,
    )


def _inputs_digest(specification: RunSpecification, withdrawn: int) -> str:
    """Return the digest of all that decides the result: not of who asked, and when.

    Args:
        withdrawn: how many records have been withdrawn by now; none ever comes back.
    """
    return canonical_digest(
        {
            "withdrawn": withdrawn,
            **{
                name: value
                for name, value in specification.to_json().items()
                if name not in ("run", "asked_by", "asked_at")
            },
        }
    )


def _waiting(
    broker: Broker,
    actor: Actor,
    terms: TermsInForce,
    specification: RunSpecification,
    inputs: str,
) -> Run:
    return Run(
        id=specification.run,
        project=specification.project,
        party=actor.party,
        person=actor.person,
        state="queued" if terms.terms.approvals is None else "awaiting",
        purpose=terms.terms.purpose,
        specification=specification.to_canonical().decode(),
        specification_sha256=specification.digest(),
        inputs_sha256=inputs,
        created=specification.asked_at,
        block_pairs=broker.settings.block_pairs,
    )


def _entry(
    actor: Actor,
    terms: TermsInForce,
    agreement: str | None,
    run: str,
    body: RunAsked | RunCancelled,
) -> EntryDraft:
    return EntryDraft(
        body=body,
        actor=entry_actor(actor),
        project=terms.terms.project,
        agreement=agreement,
        purpose=terms.terms.purpose,
        object=run,
        request=actor.request_id,
    )
