"""Makes the certificate of a destruction once its last key is gone, signs it, and logs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, cast

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, binding_terms
from app.agreements.signers import paper_of
from app.broker import Broker
from app.clock import parse_utc, utc_text
from app.decisions.ending import live_records
from app.deliveries.ending import live_deliveries
from app.destruction import repository
from app.destruction.models import Destruction, DestructionObject
from app.links.ending import holders_of_matches, live_releases
from app.matchlog.draft import EntryDraft
from app.matchlog.proofs import newest_checkpoint
from app.review.ending import live_reviews
from app.rounds.ending import live_messages
from app.sealed.ending import is_needed_key, shred
from app.shares.service import count_waiting
from app.uploads.ending import live_uploads
from app.version import SOFTWARE
from schemas.documents.canonical import JsonValue
from schemas.matchlog.destruction_kinds import DestructionCertified
from schemas.rounds.destruction import SIGNATURE_KIND, Certificate, Outstanding, Scope, owed_after

# As long as `backup-keys` keeps its copies.
KEY_COPIES: Final = timedelta(days=7)

WHY: Final = {
    "key-copies": "Copies of the keys are kept apart from all else, and for 7 days at most.",
    "match-log": "It proves what was done, and holds no encoding, handle or match ID.",
    "other-uploads": "They are no part of this destruction, and end at their own time.",
    "shares": "They are sealed to agencies that have yet to confirm the secret; the broker cannot open them.",
    "receipts": "Ids, digests, counts and times stay, so that receipts can be given again.",
}


def finish(broker: Broker, certificate: str) -> bool:
    """Destroy keys and pieces of a destruction that was begun, and certify it; tells whether it is certified.

    It may be killed anywhere and done again.
    """
    shred(broker)
    with broker.database.write() as session:
        return certify(session, broker, certificate)


def certify(session: Session, broker: Broker, certificate: str) -> bool:
    """Sign and log the certificate of a destruction if nothing of it is left; false: something is."""
    found = repository.get_destruction(session, certificate, lock=True)
    if found is None or found.sha256 is not None:
        return found is not None
    objects = repository.objects_of(session, certificate)
    for one in objects:
        if broker.keystore.holds(one.object) or is_needed_key(session, one.object):
            return False
    # First, so that a key to which the log was just handed over signs both the certificate and its entry.
    log_key = broker.log.follow_key(session)
    # Once: at midnight another one may bind, and the certificate goes by the one that its entry names.
    binding = binding_terms(session, found.project, broker.clock())
    made = _certificate(session, broker, found, objects, binding)
    found.certificate = made.to_canonical().decode("utf-8")
    found.sha256 = made.digest()
    found.log_key = log_key.text
    found.signature = broker.log.sign(SIGNATURE_KIND, made.to_json())
    draft = EntryDraft.about(
        DestructionCertified(sha256=found.sha256, objects=len(objects)),
        found,
        found.agreement if binding is None else binding.digest,
        object=found.id,
    )
    (appended,) = broker.log.append(session, [draft])
    found.entry, found.entry_size = appended.seq, appended.size
    return True


def _certificate(
    session: Session,
    broker: Broker,
    found: Destruction,
    objects: Sequence[DestructionObject],
    binding: TermsInForce | None,
) -> Certificate:
    return Certificate.from_json(
        {
            "version": "blindlink/destruction-certificate/1",
            "certificate": found.id,
            "log": broker.log.key.name,
            "operator": broker.settings.operator,
            "software": SOFTWARE,
            "project": found.project,
            "agreement": found.agreement,
            "paper": paper_of(session, found.project, found.agreement),
            "scope": found.scope,
            "subject": found.subject,
            "reason": found.reason,
            "asked_by": found.asked_by,
            "person": found.person,
            "asked": found.asked,
            # Never before the beginning, even if the clock was set back.
            "finished": utc_text(broker.log.now(session)),
            "objects": [_listed(one) for one in objects],
            "remains": _remains(session, broker, found),
            "outstanding": [
                one.model_dump() for one in _outstanding(session, found, objects, binding)
            ],
        }
    )


def _listed(one: DestructionObject) -> dict[str, JsonValue]:
    return {
        "object": one.object,
        "kind": one.kind,
        "party": one.party,
        "sha256": one.sha256,
        "count": one.count,
        "pieces": one.pieces,
        "created": one.created,
        "destroyed": one.destroyed,
        "entry": one.entry,
        "method": "crypto-erase",
    }


def _remains(session: Session, broker: Broker, found: Destruction) -> list[JsonValue]:
    project = found.project
    left = (
        len(live_uploads(session, project))
        + len(live_releases(session, project))
        + len(live_records(session, project))
        + len(live_messages(session, project))
        + len(live_reviews(session, project))
        + len(live_deliveries(session, project))
    )
    shares = count_waiting(session, project)
    size = newest_checkpoint(session).size
    until = utc_text(parse_utc(found.asked) + KEY_COPIES)
    counted: list[tuple[str, int | None, str | None]] = [
        ("key-copies", None, max(until, utc_text(broker.clock() + KEY_COPIES))),
        ("match-log", size, None),
        *([("other-uploads", left, None)] if left else []),
        ("receipts", None, None),
        *([("shares", shares, None)] if shares else []),
    ]
    return [
        {"what": what, "why": WHY[what], "count": count, "until": last}
        for what, count, last in counted
    ]


def _outstanding(
    session: Session,
    found: Destruction,
    objects: Sequence[DestructionObject],
    binding: TermsInForce | None,
) -> tuple[Outstanding, ...]:
    """Return what parties may hold themselves of what was destroyed."""
    releases = [one.object for one in objects if one.kind == "release"]
    among = None if found.scope == "project" else releases
    return owed_after(
        cast("Scope", found.scope),
        found.subject,
        providers=() if binding is None else binding.terms.providers,
        holders=holders_of_matches(session, found.project, among=among),
    )
