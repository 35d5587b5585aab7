"""Whether a person of an agency has asked for the correction of a round, as the match log shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from encoding.errors import RoundUnprovenError
from encoding.project.agreement.agreements import agreements_kept, agreements_to_come
from schemas.agreement.roster import on_roster
from schemas.api.logged_requests import asked_for, is_in_place, is_under_agreement
from schemas.documents.errors import SignatureError
from schemas.signing.signed_times import is_timely

if TYPE_CHECKING:
    from encoding.agreement.kept_agreements import KeptAgreements
    from encoding.project.context import Context
    from encoding.rounds.history import RoundHistory
    from schemas.matchlog.entry import Entry
    from schemas.signing.identity import PublicIdentity
    from schemas.signing.signed_request import Request


def require_asked(context: Context, history: RoundHistory, correction: Entry) -> None:
    """Refuse a correction that no person has asked for: the file would be encoded once more for nothing."""
    signed, log = correction.actor.signed, context.trust.keys.present.name
    if signed is not None and _is_request_for(correction, signed.request, log):
        for listed in _actors(context, correction):
            with suppress(SignatureError):
                signed.require_signature(history.keys_at(correction, listed).verifier())
                return
    raise RoundUnprovenError(
        "the match log does not show that a person of an agency has asked for the correction of the round",
        hint="nothing was encoded; call the other agencies and the operator of the broker",
    )


def _is_request_for(correction: Entry, request: Request, log: str) -> bool:
    """Tell whether a request is for what an entry says, here and now: no rehearsal's, and none held back."""
    is_it = asked_for(correction).is_what(request) and is_in_place(request, log, correction.project)
    is_now = is_timely(request.at, datetime.fromisoformat(correction.time))
    return is_it and is_now and is_under_agreement(correction, request)


def _actors(context: Context, entry: Entry) -> Iterator[PublicIdentity]:
    """Yield who acts as the agreements list them, if the roster of their party has them as an analyst."""
    known = agreements_kept(context.session)
    if not _is_analyst(known, entry):
        # A version that begins later lists who acts by then, and its roster counts at once.
        known = agreements_to_come(context.session, context.client)
        if not _is_analyst(known, entry):
            return
    actor = entry.actor
    for agreement in known.signed().values():
        listed = agreement.person(actor.person or "")
        if listed is not None and listed.party == actor.party:
            yield listed


def _is_analyst(known: KeptAgreements, entry: Entry) -> bool:
    signed = [*reversed(known.signed().values())]
    bound = next((one for one in signed if one.digest() == entry.agreement), None)
    if bound is None:
        return False
    listed = on_roster(signed, bound, entry.actor.party, entry.actor.person or "")
    return listed is not None and "analyst" in listed.duties
