"""Runs of a pair: the first one starts with the commit that completes it, others are asked for by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.agreements.service import (
    TermsInForce,
    binding_terms,
    lock_rounds,
    project_for,
    terms_in_force,
)
from app.agreements.signers import receivers_of, refuse_stranger, require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import add_if_alone
from app.errors import OTHER_PAIR, OTHER_POLICY, RUN_OVER, UPLOADS_MISSING, RefusedError
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.rounds.models import RoundPairing
from app.rounds.service import note_run, open_pair
from app.runs import repository
from app.runs.ending import mark_cancelled
from app.runs.models import Run
from app.runs.service import keys_of, run_for
from app.runs.standing_approvals import use_standing
from app.sealed.objects import NewObject
from app.security.actor import Actor
from app.uploads.errors import KEY_REUSED
from app.uploads.manifests import refuse_gap, refuse_misfit
from app.uploads.models import Upload
from app.uploads.service import has_committed, manifest_of, pair_uploads
from schemas.agreement.agreement import ProjectTerms
from schemas.api.runs import RunRequest
from schemas.documents.ids import RUN_PREFIX
from schemas.linkage.run import IdSpace, MatchingPolicy, RunSpecification, RunUpload
from schemas.matchlog.run_kinds import RunAsked, RunCancelled
from schemas.rounds.upload import Manifest


@dataclass(frozen=True, slots=True)
class NewRun:
    """The id of a run that may come, and its keys, drawn before the unit of work that may ask for it."""

    id: str
    keys: Mapping[str, NewObject]

    def key(self, broker: Broker, name: str) -> NewObject:
        """Return one of the run's keys; where the terms have changed meanwhile, it may have yet to be drawn."""
        return self.keys.get(name) or NewObject(broker, name)


@contextmanager
def new_run(broker: Broker, spaces: Collection[IdSpace] | None) -> Iterator[NewRun]:
    """Give a run's id, and its keys for these link-ID sets; what no row names in the end is destroyed."""
    run = new_id(RUN_PREFIX)
    names = () if spaces is None else keys_of(run, spaces)
    with ExitStack() as stack:
        yield NewRun(run, {one: stack.enter_context(NewObject(broker, one)) for one in names})


def spaces_to_come(
    session: Session, broker: Broker, manifest: Manifest
) -> Collection[IdSpace] | None:
    """Return the link-ID sets of the run that comes with a commit; None: the pair's other one is not there
    yet.
    """
    pair = (manifest.partner, manifest.party)
    if not has_committed(session, manifest.project, manifest.round, *pair):
        return None
    return terms_in_force(session, manifest.project, broker.clock()).terms.spaces


def start_if_complete(
    session: Session, broker: Broker, actor: Actor, pair: RoundPairing, new: NewRun
) -> Run | None:
    """Ask for a pair's run in the name of the party that completed the pair; None where it is not complete."""
    uploads = pair_uploads(session, pair.project, pair.round, pair.larger, pair.smaller)
    if uploads is None or pair.run is not None:
        return None
    terms = terms_in_force(session, pair.project, broker.clock())
    specification = _specify(broker, actor, terms, pair, uploads, new=new)
    return _queue(session, broker, actor, terms, specification, pair=pair, new=new)


def ask_again(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    request: RunRequest,
    *,
    new: NewRun,
    idempotency_key: str | None = None,
) -> Run:
    """Ask once more for the run of a pair, or return the one that waits, is under way or has succeeded.

    A new run waits for the approvals that standing ones do not give it.
    """
    project_for(session, actor, project)
    answered = _answered_before(session, actor, project, request, idempotency_key)
    if answered is not None:
        return answered
    # First, so that of two who ask at once the second one finds the first one's run.
    lock_rounds(session, project)
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    policy = request.policy or terms.terms.policy
    if not terms.terms.allows(policy):
        raise RefusedError(
            OTHER_POLICY, "The terms do not allow this matching policy.", clause="policy-range"
        )
    now = broker.clock()
    pair = open_pair(session, project, request.round, actor.party, request.partner, now=now)
    newest = None if pair.run is None else repository.get_run(session, pair.run)
    if newest is not None and newest.state not in repository.WITHOUT_RESULT:
        return newest
    uploads = pair_uploads(session, project, pair.round, pair.larger, pair.smaller)
    if uploads is None:
        raise RefusedError(UPLOADS_MISSING, "The pair's two parties have not both uploaded yet.")
    specification = _specify(broker, actor, terms, pair, uploads, new=new, policy=policy)
    run = _queue(session, broker, actor, terms, specification, pair=pair, new=new)
    run.idempotency_key, run.request_sha256 = idempotency_key, request.digest()
    session.flush()
    return run


def cancel_run(session: Session, broker: Broker, actor: Actor, run: str) -> Run:
    """End a run that waits or is under way: its worker finds that it holds it no longer."""
    found, terms = run_for(session, actor, run)
    if actor.role == "agency":
        require_duty(actor, "analyst", "approver")
    locked = repository.get_run(session, found.id, lock=True)
    # Midnight may have passed while this waited: who may do it is decided by the terms that the entry names.
    now = broker.clock()
    terms = binding_terms(session, found.project, now) or terms
    if actor.role == "agency":
        refuse_stranger(terms, actor.party)
        if actor.party not in (found.larger, found.smaller):
            raise RefusedError(OTHER_PAIR, "Only the agencies that a run links can cancel it.")
    if locked is None or locked.state == "cancelled":
        return found
    if locked.state not in repository.PENDING:
        raise RefusedError(RUN_OVER, f"The run has {locked.state}.")
    mark_cancelled(session, locked, now)
    reason = RunCancelled(reason=f"by-{actor.role}")
    broker.log.append(session, [_entry(actor, terms, run, reason)])
    return locked


def _answered_before(
    session: Session, actor: Actor, project: str, request: RunRequest, key: str | None
) -> Run | None:
    """Return the run that the same request with the same Idempotency-Key got; None if it is new."""
    if key is None:
        return None
    earlier = repository.find_by_idempotency_key(session, project, actor.party, key)
    if earlier is not None and earlier.request_sha256 != request.digest():
        raise RefusedError(
            KEY_REUSED, "This Idempotency-Key was already used for a different request."
        )
    return earlier


def _queue(
    session: Session,
    broker: Broker,
    actor: Actor,
    terms: TermsInForce,
    specification: RunSpecification,
    *,
    pair: RoundPairing,
    new: NewRun,
) -> Run:
    """Queue a run of a pair of which none waits or is under way, and log it."""
    _refuse_unopenable(session, terms)
    run = _waiting(broker, actor, terms, specification)
    names = keys_of(specification.run, specification.spaces)
    objects = [new.key(broker, name) for name in names]
    if not add_if_alone(session, run):
        raise RefusedError(RUN_OVER, "Another run of this pair was asked for at the same moment.")
    for one in objects:
        one.keep(session)
    note_run(session, pair, run.id, run.state)
    asked = RunAsked(specification_sha256=specification.digest(), specification=specification)
    entry = _entry(actor, terms, run.id, asked)
    broker.log.append(session, [entry, *use_standing(session, terms, run, broker.clock())])
    return run


def _refuse_unopenable(session: Session, terms: TermsInForce) -> None:
    for recipient in terms.terms.recipients:
        if recipient.mode == "blind":
            receivers_of(session, terms.agreement, recipient.party)


def _specify(
    broker: Broker,
    actor: Actor,
    terms: TermsInForce,
    pair: RoundPairing,
    uploads: tuple[Upload, Upload],
    *,
    new: NewRun,
    policy: MatchingPolicy | None = None,
) -> RunSpecification:
    """Return the specification of a new run; without `policy`, by the agreed one."""
    agreed = terms.terms
    _refuse_misfits(agreed, uploads)
    larger, smaller = map(_named, uploads)
    return RunSpecification.from_row(
        agreed,
        run=new.id,
        round=pair.round,
        agreement=terms.digest,
        uploads=(larger, smaller),
        policy=policy or agreed.policy,
        asked_by=actor.party,
        asked_at=utc_text(broker.clock()),
    )


def _refuse_misfits(agreed: ProjectTerms, uploads: tuple[Upload, Upload]) -> None:
    """Check uploads against the terms in force: an amendment may ask for more than what bound before."""
    if any((one.epoch, one.profile) != (agreed.epoch, agreed.profile) for one in uploads):
        raise RefusedError(
            UPLOADS_MISSING,
            "An upload of the round was made for another epoch or profile.",
            hint="a correction opens the next round",
        )
    manifests = [one for upload in uploads if (one := manifest_of(upload)) is not None]
    for manifest in manifests:
        refuse_misfit(manifest, agreed)
    larger, smaller = manifests
    refuse_gap(larger, smaller, agreed)


def _named(upload: Upload) -> RunUpload:
    return RunUpload(
        party=upload.party,
        upload=upload.id,
        container_sha256=upload.container_sha256,
        manifest_sha256=upload.manifest_sha256 or "",
    )


def _waiting(
    broker: Broker, actor: Actor, terms: TermsInForce, specification: RunSpecification
) -> Run:
    larger, smaller = specification.uploads
    return Run(
        id=specification.run,
        project=specification.project,
        round=specification.round,
        larger=larger.party,
        smaller=smaller.party,
        party=actor.party,
        person=actor.person,
        state="awaiting",
        purpose=terms.terms.purpose,
        specification=specification.to_canonical().decode(),
        specification_sha256=specification.digest(),
        created=specification.asked_at,
        range_rows=broker.settings.range_rows,
    )


def _entry(
    actor: Actor, terms: TermsInForce, run: str, body: RunAsked | RunCancelled
) -> EntryDraft:
    return EntryDraft.about(body, terms.terms, terms.digest, actor, object=run)
