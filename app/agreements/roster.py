"""Who acts for a party in a project: only whom the party lists in an agreement that all have signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.agreements import repository
from app.agreements.errors import WrongDutyError
from app.agreements.negotiation import agreement_of
from app.agreements.service import all_versions, binding_terms
from schemas.matchlog.entry import BROKER
from schemas.matchlog.kinds import KINDS
from schemas.roster import on_roster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.matchlog.draft import EntryDraft
    from schemas.identity import Duty

OFFERING = "nonces-offered"


def refuse_unlisted(session: Session, drafts: Sequence[EntryDraft], now: datetime) -> None:
    """Refuse entries in the name of a person whom their party's roster does not have for what they say.

    Raises:
        WrongDutyError: it does not.
    """
    for draft in drafts:
        _refuse_unlisted(session, draft, now)


def require_listed(
    session: Session, project: str, who: tuple[str, str], duties: Sequence[Duty], now: datetime
) -> None:
    """Check that a party's roster lists a person with one of these duties; where nothing binds yet, it may not.

    Args:
        who: the party, and the person.
    Raises:
        WrongDutyError: it does not.
    """
    bound = binding_terms(session, project, now)
    if bound is None:
        return
    digests = [one.digest for one in all_versions(session, project)]
    agreements = {
        digest: agreement_of(repository.require_agreement(session, digest)) for digest in digests
    }
    listed = on_roster(agreements.values(), agreements[bound.digest], *who)
    if listed is None or set(duties).isdisjoint(listed.duties):
        raise WrongDutyError(
            f"The agreement does not list this person with the duty {' or '.join(duties)}.",
            clause="parties",
            hint="the party's stewards list who acts for it in the next agreement",
        )


def _refuse_unlisted(session: Session, draft: EntryDraft, now: datetime) -> None:
    actor = draft.actor
    duties: Sequence[Duty] | None = (
        ("analyst",) if draft.kind == OFFERING else KINDS[draft.kind].duties
    )
    is_persons = actor.person is not None and actor.party != BROKER and actor.role != "operator"
    # Who proposes an agreement is listed in it, which is looked at there.
    is_asked = duties is not None and draft.kind != "agreement-proposed"
    if draft.project is not None and is_persons and is_asked and draft.outcome != "refused":
        require_listed(session, draft.project, (actor.party, actor.person or ""), duties or (), now)
