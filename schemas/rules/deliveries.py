"""Steps about deliveries: of agreed columns, by link IDs that are there, to their recipient, then gone."""

from __future__ import annotations

import sys
from typing import Final

from schemas.matchlog.delivery_kinds import (
    DeliveryDestroyed,
    DeliveryFetched,
    DeliveryOpened,
    DeliveryReceived,
)
from schemas.matchlog.entry import Entry
from schemas.rules.keeping import is_handed_out_in_time, last_day, note_destroyed
from schemas.rules.log_state import DeliveryState, LogState
from schemas.rules.project_state import ProjectState
from schemas.rules.steps import break_off, project_of
from schemas.signing.identity import Duty

SENDING: Final[tuple[Duty, ...]] = ("analyst", "recipient")
RECEIVING: Final[tuple[Duty, ...]] = ("recipient",)
REPLACED: Final = "replaced"
EXPIRED: Final = "expired"


def receive(log: LogState, entry: Entry) -> None:
    """Columns go where the agreement lets them, by the newest link IDs of both, and are numbered on."""
    body, project = entry.body_as(DeliveryReceived), project_of(log, entry)
    sides = (sys.intern(entry.actor.party), sys.intern(body.recipient))
    _acts(log, entry, sides[0], SENDING)
    pairs, linked = _agreed_pairs(project, sides, entry), project.rounds.linked
    if max(linked.get(pair, 0) for pair in pairs) != body.round:
        message = (
            "a delivery is of another round than the newest that was closed with matches for it"
        )
        break_off("delivery-round", message, entry)
    earlier, number, last = project.rounds.delivered.get(sides, ("", 0, 0))
    if (
        entry.of_object in log.deliveries
        or body.number != (last if number == body.round else 0) + 1
    ):
        break_off("delivery-order", "a delivery is out of number, or comes twice", entry)
    if earlier:
        before = log.deliveries[earlier]
        before.is_current = False
        before.due = min(before.due, last_day(entry, 0))
    delivery = sys.intern(entry.of_object)
    project.rounds.delivered[sides] = (delivery, body.round, body.number)
    log.deliveries[delivery] = DeliveryState(
        project=sys.intern(entry.of_project),
        round=body.round,
        sender=sides[0],
        recipient=sides[1],
        sha256=body.sha256,
        due=last_day(entry, project.terms.keep_links_days),
        seq=entry.seq,
    )


def fetch(log: LogState, entry: Entry) -> None:
    """The newest delivery is handed to its recipient alone, as it was received, as long as the terms let it."""
    body = entry.body_as(DeliveryFetched)
    delivery = _of_recipient(log, entry, body)
    _agreed_pairs(project_of(log, entry), (delivery.sender, delivery.recipient), entry)
    if not delivery.is_current:
        message = "a delivery is fetched though a later one has taken its place"
        break_off("delivery-order", message, entry, delivery.seq)
    is_handed_out_in_time(delivery, entry)
    delivery.is_fetched = True


def open_up(log: LogState, entry: Entry) -> None:
    """Who has fetched a delivery says whether it could be used; nothing more once it could."""
    body = entry.body_as(DeliveryOpened)
    delivery = _of_recipient(log, entry, body)
    is_failed = body.fault is not None
    if not delivery.is_fetched or delivery.is_opened or is_failed != (entry.outcome == "failed"):
        message = "a delivery is said to be opened that nobody fetched, or that was opened before"
        break_off("delivery-unopened", message, entry, delivery.seq)
    delivery.is_opened = not is_failed


def destroy(log: LogState, entry: Entry) -> None:
    """What is destroyed was there, is what was received, and goes for the reason that is given."""
    body, delivery = entry.body_as(DeliveryDestroyed), _delivery_of(log, entry)
    _has_digest(delivery, body.sha256, entry)
    is_replaced = body.reason == REPLACED
    if is_replaced == delivery.is_current or (body.reason == EXPIRED and delivery.is_fetched):
        message = "a delivery is destroyed for a reason that does not hold"
        break_off("delivery-reason", message, entry, delivery.seq)
    note_destroyed(log, entry, "delivery", delivery)
    delivery.destroyed = entry.seq


def _agreed_pairs(
    project: ProjectState, sides: tuple[str, str], entry: Entry
) -> frozenset[frozenset[str]]:
    pairs = project.binding.agreement.delivering(*sides)
    if not pairs:
        message = "columns are delivered where the agreement lets none go"
        break_off("delivery-unagreed", message, entry, project.seq)
    return pairs


def _of_recipient(
    log: LogState, entry: Entry, body: DeliveryFetched | DeliveryOpened
) -> DeliveryState:
    delivery = _delivery_of(log, entry)
    if body.recipient != delivery.recipient:
        message = "a delivery is used by another party than the one that it is for"
        break_off("delivery-by-stranger", message, entry, delivery.seq)
    _acts(log, entry, delivery.recipient, RECEIVING)
    _has_digest(delivery, body.sha256, entry)
    return delivery


def _acts(log: LogState, entry: Entry, party: str, duties: tuple[Duty, ...]) -> None:
    """Check that a person of this party acts, who has one of these duties and may still act."""
    person = log.persons.get(entry.actor.person or "")
    fits = (
        person is not None
        and entry.actor.party == person.party == party
        and person.revoked is None
        and not set(duties).isdisjoint(person.duties)
    )
    if not fits:
        message = "someone sends or uses a delivery who may not"
        break_off("delivery-by-stranger", message, entry, None if person is None else person.seq)


def _delivery_of(log: LogState, entry: Entry) -> DeliveryState:
    delivery = log.deliveries.get(entry.of_object)
    if delivery is None or delivery.project != entry.project:
        break_off("delivery-unknown", "a delivery is used that never came", entry)
    if delivery.destroyed is not None:
        message = "a delivery is used after it was destroyed"
        break_off("delivery-destroyed", message, entry, delivery.destroyed)
    return delivery


def _has_digest(delivery: DeliveryState, sha256: str, entry: Entry) -> None:
    if sha256 != delivery.sha256:
        message = "what was fetched, opened or destroyed is not what was received"
        break_off("delivery-digest", message, entry, delivery.seq)
