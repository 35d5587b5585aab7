"""Legal holds: set and lifted by a party's steward or the operator; while one stands, nothing is destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agencies.persons import keys_of
from app.agreements import repository
from app.agreements.models import LegalHold
from app.agreements.service import all_versions, binding_terms, is_listed, lock_rounds, project_for
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows, reading_ahead
from app.errors import HOLD_REFUSED, LEGAL_HOLD, STATEMENT_REFUSED, NotFoundError, RefusedError
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.security.actor import Actor
from schemas.api.destruction import HoldView
from schemas.documents.document import Model
from schemas.documents.errors import SignatureError
from schemas.documents.ids import HOLD_PREFIX
from schemas.matchlog.destruction_kinds import LegalHoldLifted, LegalHoldSet
from schemas.rounds.destruction import HoldNotice, SignedDestruction

# Their statements stay for good; one hold keeps everything.
MAX_HOLDS_A_DAY: Final = 16


def set_hold(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    order: str,
    *,
    signed: SignedDestruction | None = None,
) -> LegalHold:
    """Forbid destruction in a project, and log it.

    Args:
        order: on what ground, such as a court's order; shown to all parties.
        signed: the statement of a party's steward; None where the operator's command acts.
    """
    project_for(session, actor, project)
    _wait_for_destructions(session, project)
    a_day_ago = utc_text(broker.clock() - timedelta(days=1))
    earlier = repository.holds_of(session, project)
    if sum(one.party == actor.party and one.made > a_day_ago for one in earlier) >= MAX_HOLDS_A_DAY:
        raise RefusedError(
            HOLD_REFUSED, f"The party has set {MAX_HOLDS_A_DAY} legal holds within a day."
        )
    hold = LegalHold(
        id=new_id(HOLD_PREFIX),
        project=project,
        party=actor.party,
        person=actor.person,
        order=order,
        made=utc_text(broker.clock()),
        lifted=None,
        document=None if signed is None else signed.to_canonical().decode("utf-8"),
        lifting=None,
    )
    insert_rows(session, hold)
    body = LegalHoldSet(order=order, signed_sha256=None if signed is None else signed.digest())
    _log(session, broker, actor, [hold], body)
    return hold


def lift_holds(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    *,
    signed: SignedDestruction | None = None,
) -> int:
    """Lift all holds that the actor's party has set in a project, and log it; returns how many."""
    _sees_all(session, actor, project)
    _wait_for_destructions(session, project)
    mine = [
        hold for hold in repository.standing_holds(session, project) if hold.party == actor.party
    ]
    if not mine:
        raise RefusedError(HOLD_REFUSED, "There is no legal hold of this party.")
    for hold in mine:
        hold.lifted = utc_text(broker.clock())
        hold.lifting = None if signed is None else signed.to_canonical().decode("utf-8")
    body = LegalHoldLifted(signed_sha256=None if signed is None else signed.digest())
    _log(session, broker, actor, mine, body)
    return len(mine)


def receive_notice(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedDestruction
) -> Sequence[LegalHold]:
    """Set or lift a hold as a party's steward has signed; returns the project's holds, the newest first."""
    _sees_all(session, actor, project)
    said = signed.said
    if not isinstance(said, HoldNotice) or said.project != project:
        raise RefusedError(HOLD_REFUSED, "The statement is not about a legal hold of this project.")
    require_own(session, actor, signed)
    _wait_for_destructions(session, project)
    document = signed.to_canonical().decode("utf-8")
    # The log shows when the request was signed, and not the statement.
    at = said.at if actor.signed is None else min(said.at, actor.signed.request.at)
    for hold in holds_of(session, actor, project):
        if document in (hold.document, hold.lifting):
            return holds_of(session, actor, project)
        if hold.party == said.party and at < (hold.lifted or hold.made):
            raise RefusedError(HOLD_REFUSED, "The statement is older than the party's last one.")
    if said.act == "set":
        set_hold(session, broker, actor, project, said.order, signed=signed)
    else:
        lift_holds(session, broker, actor, project, signed=signed)
    return holds_of(session, actor, project)


def require_own(session: Session, actor: Actor, signed: SignedDestruction) -> None:
    """Check that what was signed is signed by the person who sends it, with the keys that they have
    enrolled.
    """
    try:
        identity = signed.verify()
    except SignatureError as exc:
        raise RefusedError(STATEMENT_REFUSED, "The signature is not valid for this.") from exc
    if (identity.party, identity.person) != (actor.party, actor.person):
        raise RefusedError(STATEMENT_REFUSED, "The statement is another person's.")
    if keys_of(session, actor) != identity:
        raise RefusedError(
            STATEMENT_REFUSED,
            "The statement is not signed with the keys that its person has enrolled.",
        )


def holds_of(session: Session, actor: Actor, project: str) -> Sequence[LegalHold]:
    """Return the holds of a project that the actor may see, newest first: who has left, their party's own."""
    sees_all = _sees_all(session, actor, project)
    found = repository.holds_of(session, project)
    return [hold for hold in found if sees_all or hold.party == actor.party]


def hold_view(hold: LegalHold) -> HoldView:
    """Return what the wire says of a hold."""
    return HoldView(
        hold=hold.id, party=hold.party, order=hold.order, made=hold.made, lifted=hold.lifted
    )


def is_held(session: Session, project: str, now: datetime) -> bool:
    """Tell whether nothing of a project may be destroyed: by a hold, or by what binds it."""
    if repository.standing_holds(session, project):
        return True
    binding = binding_terms(session, project, now)
    return binding is not None and binding.terms.has_legal_hold


def all_projects(session: Session) -> Sequence[str]:
    """Return the names of all projects, for the broker itself."""
    return repository.project_names(session)


def held_projects(session: Session, now: datetime) -> frozenset[str]:
    """Return the projects of which nothing may be destroyed."""
    projects = all_projects(session)
    with reading_ahead(session, projects):
        return frozenset(name for name in projects if is_held(session, name, now))


def refuse_held(session: Session, project: str, now: datetime) -> None:
    """Raise legal-hold where nothing of a project may be destroyed."""
    if is_held(session, project, now):
        raise RefusedError(
            LEGAL_HOLD,
            "A legal hold forbids destroying anything of this project.",
            clause="legal-hold",
            hint="anyone who set the hold can lift it",
        )


def _sees_all(session: Session, actor: Actor, project: str) -> bool:
    """Tell whether the actor may see the project; False: their party, which set a hold, has left it since.

    Nobody else may lift that.
    """
    try:
        project_for(session, actor, project)
    except NotFoundError:
        has_set = repository.has_set_hold(session, project, actor.party)
        if not has_set or not is_listed(all_versions(session, project), actor):
            raise
        return False
    return True


def _wait_for_destructions(session: Session, project: str) -> None:
    """Let what looked at the holds before commit first: none is under way once a hold is acknowledged."""
    lock_rounds(session, project)


def _log(
    session: Session, broker: Broker, actor: Actor, holds: Sequence[LegalHold], body: Model
) -> None:
    """Log that holds of one project were set or lifted, in one batch: one request is for all."""
    binding = binding_terms(session, holds[0].project, broker.clock())
    if binding is None:
        raise RefusedError(
            HOLD_REFUSED, "No agreement binds the project yet, so there is nothing to hold."
        )
    broker.log.append(
        session,
        [
            EntryDraft.about(body, binding.terms, binding.digest, actor, object=hold.id)
            for hold in holds
        ],
    )
