"""Storing an upload's parts: each is checked as far as it goes alone, sealed, and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.agreements.service import terms_in_force
from app.agreements.signers import refuse_stranger, require_duty
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import RefusedError
from app.sealed.models import SealedPiece
from app.sealed.objects import digest_of, put_piece
from app.security.actor import Actor
from app.uploads.errors import PART_DIFFERS
from app.uploads.parts import ExpectedContainer, check_bytes, check_content, length_of
from app.uploads.service import PART_KIND, expected_of, refuse_closed, upload_for


@dataclass(frozen=True, slots=True)
class PartPlace:
    """Where a part belongs, and in what container; `is_stored` says that the same bytes are there already."""

    upload: str
    number: int
    expected: ExpectedContainer
    is_stored: bool


def place_of_part(
    session: Session, broker: Broker, actor: Actor, upload: str, *, number: int, sha256: str
) -> PartPlace:
    """Return where a part belongs, before its bytes are looked at."""
    found = upload_for(session, actor, upload)
    terms = terms_in_force(session, found.project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    stored = digest_of(session, upload, PART_KIND, number)
    if stored is not None and stored != sha256:
        raise RefusedError(PART_DIFFERS, "Different bytes are stored for this part already.")
    if stored is None:
        refuse_closed(found, utc_text(broker.clock()))
    expected = expected_of(found, terms)
    length_of(expected.parts, number)
    return PartPlace(upload, number, expected, is_stored=stored is not None)


def check_part(place: PartPlace, body: bytes, sha256: str) -> None:
    """Check a part against its place, as far as that goes without the other parts."""
    check_bytes(body, length_of(place.expected.parts, place.number), sha256)
    check_content(place.number, body, place.expected)


def seal_part(broker: Broker, place: PartPlace, body: bytes, sha256: str) -> SealedPiece:
    """Store a part sealed, and return it: it is durable, but no row names it yet."""
    return put_piece(broker, place.upload, PART_KIND, place.number, body, sha256=sha256)


def keep_part(
    session: Session, broker: Broker, actor: Actor, place: PartPlace, piece: SealedPiece
) -> bool:
    """Record a sealed part, or return False where the same part came twice at once: the first one stays."""
    found = upload_for(session, actor, place.upload, lock=True)
    refuse_closed(found, utc_text(broker.clock()))
    stored = digest_of(session, place.upload, PART_KIND, place.number)
    if stored is None:
        insert_rows(session, piece)
    elif stored != piece.sha256:
        raise RefusedError(PART_DIFFERS, "Different bytes are stored for this part already.")
    return stored is None
