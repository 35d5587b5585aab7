"""Holds a certificate of destruction against the match log: what it lists must be there, and nothing be left.

Whether the log itself is in order is for others to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.destruction import Certificate, DestroyedObject
from schemas.matchlog.delivery_kinds import DeliveryDestroyed, DeliveryReceived
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import (
    BlindReleasePrepared,
    MatchRecordDestroyed,
    ReleaseDestroyed,
    ReleasePrepared,
    UploadDestroyed,
    UploadReceived,
)

_ENDINGS: Final = (UploadDestroyed, ReleaseDestroyed, MatchRecordDestroyed, DeliveryDestroyed)


def unlogged_objects(certificate: Certificate, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the listed objects whose entry in the match log is missing, or about something else.

    Args:
        certificate: whose objects are looked for; those that name no entry are of a kind that has none.
        entries: the log's entries of the project, in whatever order.
    """
    by_index = {entry.seq: entry for entry in entries}
    return tuple(
        one.object
        for one in certificate.objects
        if one.entry is not None and not _is_logged(one, by_index.get(one.entry))
    )


def left_objects(
    certificate: Certificate, certified: int, entries: Iterable[Entry]
) -> tuple[str, ...]:
    """Return uploads, releases and deliveries that the scope means and that the log does not end by then.

    Args:
        certificate: of the scope `project`, `party` or `upload`; of what fell due nothing can be said.
        certified: the index of its entry in the log; what came later is not meant.
        entries: the log's entries of the project, in order.
    """
    left: dict[str, None] = {}
    for entry in entries:
        if entry.seq >= certified:
            break
        name, body = entry.object or "", entry.body
        if isinstance(body, _ENDINGS):
            left.pop(name, None)
        elif _is_meant(certificate, entry):
            left[name] = None
    return tuple(left)


def _is_logged(one: DestroyedObject, entry: Entry | None) -> bool:
    if entry is None or entry.kind != f"{one.kind}-destroyed":
        return False
    body = entry.body
    if isinstance(body, UploadDestroyed):
        return (entry.object, body.container_sha256) == (one.object, one.sha256)
    if isinstance(body, (ReleaseDestroyed, DeliveryDestroyed)):
        return (entry.object, body.sha256) == (one.object, one.sha256)
    # A match record is known by its run.
    return isinstance(body, MatchRecordDestroyed) and body.root == one.sha256


def _is_meant(certificate: Certificate, entry: Entry) -> bool:
    body = entry.body
    if certificate.scope == "project":
        made = (UploadReceived, ReleasePrepared, BlindReleasePrepared, DeliveryReceived)
        return isinstance(body, made)
    if certificate.scope == "party":
        is_own = entry.actor.party == certificate.subject
        if isinstance(body, DeliveryReceived):
            return is_own or body.recipient == certificate.subject
        return isinstance(body, UploadReceived) and is_own
    if certificate.scope == "upload":
        return isinstance(body, UploadReceived) and entry.object == certificate.subject
    return False
