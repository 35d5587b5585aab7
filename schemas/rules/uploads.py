"""Steps about uploads: received within the terms, once, and destroyed in time."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import Final

from schemas.linkage.privacy_audit import AuditFault, audit_fault
from schemas.linkage.profile import Side
from schemas.matchlog.entry import Entry
from schemas.matchlog.upload_kinds import UploadDestroyed, UploadReceived
from schemas.rules.keeping import last_day, note_destroyed
from schemas.rules.log_state import LogState, UploadState
from schemas.rules.steps import (
    break_off,
    days_of,
    is_in_time,
    project_of,
    signed_with_own_key,
    upload_of,
)


def fits_terms(log: LogState, entry: Entry) -> None:
    """An upload comes from a provider, of the size, profile, population and epoch that the terms say."""
    body, project = entry.body_as(UploadReceived), project_of(log, entry)
    terms = project.terms
    if entry.actor.party not in terms.providers:
        message = "an upload comes from a party that the terms do not ask for one"
        break_off("upload-by-stranger", message, entry, project.seq)
    if body.profile != terms.profile or body.epoch != terms.epoch:
        message = "an upload has another encoding profile or epoch than the terms"
        break_off("upload-profile", message, entry, project.seq)
    if body.population != terms.population:
        message = "an upload is of another population than the terms"
        break_off("upload-population", message, entry, project.seq)
    size = terms.file_size(entry.actor.party)
    if not size.least <= body.records <= size.most:
        message = "an upload has fewer or more records than the terms allow its party"
        break_off("upload-size", message, entry, project.seq)
    # The agency's day may be ahead of UTC's.
    newest = date.fromisoformat(entry.time[:10]) + timedelta(days=1)
    if body.as_of > newest.isoformat():
        break_off("upload-as-of", "an upload describes a day to come", entry)
    if terms.as_of_max_age_days is not None:
        oldest = date.fromisoformat(days_of(entry)[1]) - timedelta(days=terms.as_of_max_age_days)
        if body.as_of < oldest.isoformat():
            message = "an upload describes an older day than the terms allow"
            break_off("upload-as-of", message, entry, project.seq)


def of_one_secret(log: LogState, entry: Entry) -> None:
    """All uploads of an epoch are made with one secret, which the first one names, and none of others."""
    body, project = entry.body_as(UploadReceived), project_of(log, entry)
    for epoch, (known, seq) in project.secrets.items():
        if epoch != body.epoch and known == body.key_id:
            message = "an upload is made with the secret of another epoch"
            break_off("upload-key", message, entry, seq)
    key_id, seq = project.secrets.setdefault(body.epoch, (sys.intern(body.key_id), entry.seq))
    if body.key_id != key_id:
        message = "an upload is made with another secret than the epoch's first one"
        break_off("upload-key", message, entry, seq)


def is_signed(log: LogState, entry: Entry) -> None:
    """The person who acts has signed the manifest."""
    signed_with_own_key(log, entry, entry.body_as(UploadReceived).signature, "upload-signer")


def belongs_to_round(log: LogState, entry: Entry) -> None:
    """An upload is for a pair of the open round, once; the second one states the first one's root."""
    body, rounds = entry.body_as(UploadReceived), project_of(log, entry).rounds
    state = rounds.open
    own = (sys.intern(entry.actor.party), sys.intern(body.partner))
    if state is None or body.round != state.number or state.pair_of(*own) is None:
        message = "an upload is received for a round that is not open, or a pair that it has not"
        break_off("upload-round", message, entry, None if state is None else state.seq)
    is_in_time(state, entry)
    if own in state.roots:
        message = "a party's container for a partner is received twice in one round"
        break_off("upload-twice", message, entry, state.seq)
    if body.partner_root != state.roots.get(own[::-1]):
        message = "a manifest does not state the root of the container that came before it"
        break_off("upload-side", message, entry, state.seq)
    state.roots[own] = body.root


_AUDIT_FAULTS: Final[dict[AuditFault, str]] = {
    "missing": "an upload states no privacy audit",
    "quick": "an upload's privacy audit is a quick one",
    "structure": "an upload's privacy audit found signs of structure in the bytes of rows",
    "beyond": "an upload's privacy audit found more than the agreement allows",
    "other-profile": "an upload's privacy audit is of another encoding profile",
    "other-side": "an upload's privacy audit is of the other file of the pair",
    "other-size": "an upload's privacy audit is of a number of records that differs by more than a quarter",
}


def is_audited(log: LogState, entry: Entry) -> None:
    """An upload of so many records, for its side of the pair, states a privacy audit that counts."""
    project = project_of(log, entry)
    body, state = entry.body_as(UploadReceived), project.rounds.open
    pair = None if state is None else state.pair_of(entry.actor.party, body.partner)
    side: Side = "larger" if pair is not None and entry.actor.party == pair[0] else "smaller"
    fault = audit_fault(
        body.privacy_audit,
        profile=body.profile,
        side=side,
        records=body.records,
        limits=project.terms.privacy,
    )
    if fault is not None:
        break_off("upload-audit", _AUDIT_FAULTS[fault], entry)


def receive(log: LogState, entry: Entry) -> None:
    """An upload is received once."""
    body, upload = entry.body_as(UploadReceived), entry.of_object
    if upload in log.uploads or upload in log.destroyed:
        break_off("upload-twice", "an upload is received twice", entry)
    terms = project_of(log, entry).terms
    log.uploads[upload] = UploadState(
        project=terms.project,
        round=body.round,
        party=sys.intern(entry.actor.party),
        partner=sys.intern(body.partner),
        terms=terms,
        records=body.records,
        container_sha256=body.container_sha256,
        manifest_sha256=body.manifest_sha256,
        person=entry.actor.person,
        request=entry.request,
        as_of=sys.intern(body.as_of),
        day=sys.intern(entry.time[:10]),
        due=sys.intern(last_day(entry, terms.keep_encodings_days)),
        seq=entry.seq,
    )


def destroy(log: LogState, entry: Entry) -> None:
    """What is destroyed was there, and is what was received."""
    upload = entry.of_object
    state = upload_of(log, entry, upload)
    if state.container_sha256 != entry.body_as(UploadDestroyed).container_sha256:
        message = "what was destroyed is not what was received"
        break_off("upload-digest", message, entry, state.seq)
    note_destroyed(log, entry, "upload", state)
    del log.uploads[upload]
    log.destroyed[upload] = entry.seq
