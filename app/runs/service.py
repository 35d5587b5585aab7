"""Asking for a run, cancelling it, and what others may see of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.agreements.service import project_for, terms_in_force
from app.clock import parse_utc, utc_text
from app.db import add_if_alone
from app.errors import NotFoundError
from app.ids import new_id
from app.matchlog.draft import EntryDraft, entry_actor
from app.runs import repository
from app.runs.errors import (
    OtherPurposeError,
    RunOverError,
    UploadsMissingError,
)
from app.runs.models import Run
from app.uploads.errors import KeyReusedError
from app.uploads.service import newest_of_providers, refuse_stranger
from schemas.api import RunRequest
from schemas.canonical import canonical_digest
from schemas.ids import RUN_PREFIX
from schemas.matchlog.kinds import RunAsked, RunCancelled
from schemas.run import RunSpecification, RunUpload

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.security.actor import Actor

LIST_LIMIT: Final = repository.LIST_LIMIT


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

    Raises:
        NotFoundError: no such project, or not the caller's.
        NotInForceError, NotProviderError, OtherPurposeError, UploadsMissingError:
            the terms, or what was uploaded, do not allow it now.
        KeyReusedError: the Idempotency-Key came with another request before.
    """
    project_for(session, actor, project)
    answered = _answered_before(session, actor, project, request, idempotency_key)
    if answered is not None:
        return answered
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    if request.purpose not in (None, terms.terms.purpose):
        raise OtherPurposeError("The terms name another purpose.", clause="purpose")
    specification = _specify(session, broker, actor, terms)
    inputs = _inputs_digest(specification)
    earlier = repository.find_pending(session, project, inputs)
    if earlier is None and not request.again:
        earlier = _kept_result(session, broker, terms, inputs)
    if earlier is not None:
        return earlier
    run = _queued(broker, actor, terms, specification, inputs)
    run.idempotency_key, run.request_sha256 = idempotency_key, request.digest()
    # The keys are durable before the row that needs them.
    for key in keys_of(specification):
        broker.keystore.create(key)
    if add_if_alone(session, run):
        asked = RunAsked(specification_sha256=specification.digest(), specification=specification)
        broker.log.append(session, [_entry(actor, terms, run.id, asked)])
        return run
    for key in keys_of(specification):
        broker.keystore.destroy(key)
    return _winner(session, actor, project, request, key=idempotency_key, inputs=inputs)


def run_for(session: Session, actor: Actor, run: str) -> tuple[Run, TermsInForce]:
    """Return a run of a project that the actor may see, and the project's terms.

    Raises:
        NotFoundError: there is none, or it is not the caller's to see: both alike.
    """
    found = repository.get_run(session, run)
    if found is None:
        raise NotFoundError("There is nothing here.")
    return found, project_for(session, actor, found.project)


def runs_for(session: Session, actor: Actor, project: str) -> Sequence[Run]:
    """Return the runs of a project that the actor may see, newest first."""
    project_for(session, actor, project)
    return repository.runs_of_project(session, project)


def cancel_run(session: Session, broker: Broker, actor: Actor, run: str) -> Run:
    """End a run that waits or is under way: its worker finds that it holds it no longer.

    Raises:
        NotFoundError: no such run, or not the caller's.
        NotProviderError: an agency that does not provide records.
        RunOverError: the run has ended otherwise; one that was cancelled before stays cancelled.
    """
    found, terms = run_for(session, actor, run)
    if actor.role == "agency":
        refuse_stranger(terms, actor.party)
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
    broker.log.append(session, [_entry(actor, terms, run, reason)])
    return locked


def keys_of(specification: RunSpecification) -> tuple[str, ...]:
    """Return the names under which the key store holds a run's keys: its blocks', then each ID space's."""
    spaces = (space_key(specification.run, space.name) for space in specification.spaces)
    return (specification.run, *spaces)


def space_key(run: str, space: str) -> str:
    """Return the name of the key from which a run draws the link IDs of one ID space."""
    return f"{run}.{space}"


def specification_of(run: Run) -> RunSpecification:
    """Return the specification as it was asked for."""
    return RunSpecification.from_canonical(run.specification.encode())


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


def _specify(
    session: Session, broker: Broker, actor: Actor, terms: TermsInForce
) -> RunSpecification:
    agreed = terms.terms
    now = utc_text(broker.clock())
    uploads = newest_of_providers(session, terms, now)
    missing = [party for party in agreed.providers if party not in uploads]
    if missing:
        raise UploadsMissingError(f"There is no upload yet of {', '.join(missing)}.")
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
        policy=agreed.policy,
        recipients=agreed.recipients,
        spaces=agreed.spaces,
        floor=agreed.floor,
        asked_by=actor.party,
        asked_at=now,
    )


def _inputs_digest(specification: RunSpecification) -> str:
    """Return the digest of all that decides the result: not of who asked, and when."""
    return canonical_digest(
        {
            name: value
            for name, value in specification.to_json().items()
            if name not in ("run", "asked_by", "asked_at")
        }
    )


def _queued(
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
        state="queued",
        purpose=terms.terms.purpose,
        specification=specification.to_canonical().decode(),
        specification_sha256=specification.digest(),
        inputs_sha256=inputs,
        created=specification.asked_at,
        block_pairs=broker.settings.block_pairs,
    )


def _entry(
    actor: Actor, terms: TermsInForce, run: str, body: RunAsked | RunCancelled
) -> EntryDraft:
    return EntryDraft(
        body=body,
        actor=entry_actor(actor),
        project=terms.terms.project,
        agreement=terms.digest,
        purpose=terms.terms.purpose,
        object=run,
        request=actor.request_id,
    )
