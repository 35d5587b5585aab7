"""Holds a certificate of destruction against the match log: what it says must be there, and nothing be left.

Whether the log itself is in order is for others to say. The broker's software, what remains, and of objects the
pieces and the time at which they were made are the broker's word alone: the log says nothing of them.
Spec page: `schemas/spec/destruction.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.documents.ids import BROKER, utc_text
from schemas.matchlog.agreement_kinds import AgreementProposed
from schemas.matchlog.delivery_kinds import DeliveryDestroyed, DeliveryReceived
from schemas.matchlog.destruction_kinds import (
    DestructionBegun,
    DestructionCertified,
    DestructionCountersigned,
    DestructionStated,
)
from schemas.matchlog.entry import Entry
from schemas.matchlog.release_kinds import (
    BlindReleasePrepared,
    ReleaseDestroyed,
    ReleaseFetched,
    ReleasePrepared,
)
from schemas.matchlog.review_kinds import ReviewEnded
from schemas.matchlog.run_kinds import MatchRecordDestroyed, RunAsked, RunFinished
from schemas.matchlog.upload_kinds import UploadDestroyed, UploadReceived
from schemas.rounds.destruction import Countersignature, owed_after

if TYPE_CHECKING:
    from schemas.agreement.agreement import Agreement
    from schemas.reports.certificate import CertificateFile
    from schemas.rounds.destruction import (
        Certificate,
        DestroyedObject,
        Outstanding,
        SignedDestruction,
    )

_MADE: Final = (UploadReceived, ReleasePrepared, BlindReleasePrepared, DeliveryReceived)
_ENDINGS: Final = (UploadDestroyed, ReleaseDestroyed, MatchRecordDestroyed, DeliveryDestroyed)
# Sealed messages and reviews end without an entry of their own.
_UNLOGGED: Final = frozenset({"claims", "review"})
# The certificate is written a moment before its entry is.
_MOMENT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a certificate, or what is signed about it, says and the log does not; `evidence` names it."""

    message: str
    evidence: dict[str, str]


def contradictions(
    file: CertificateFile, certified: Entry, entries: Sequence[Entry]
) -> Iterator[Contradiction]:
    """Yield all that a certificate or its signatures say otherwise than the match log.

    Args:
        file: a certificate that verifies by itself.
        certified: the entry that vouches for it.
        entries: the log's entries of the project, in order.
    """
    certificate = file.certificate
    for name in unlogged_fields(certificate, certified, entries):
        yield Contradiction(
            "the log does not say of the destruction what the certificate says", {"field": name}
        )
    for name in unlogged_objects(certificate, entries):
        yield Contradiction(
            "the log does not say of an object what the certificate says", {"object": name}
        )
    for name in left_objects(certificate, certified.seq, entries):
        yield Contradiction(
            "something that was to be destroyed is not said to be, neither in the log nor here",
            {"object": name},
        )
    for signed in (*file.countersignatures, *file.statements):
        if not any(_logs(entry, signed) for entry in entries):
            yield Contradiction(
                "something that was signed about the certificate is not in the log",
                {"party": signed.said.party, "sha256": signed.digest()},
            )


def unlogged_fields(
    certificate: Certificate, certified: Entry, entries: Sequence[Entry]
) -> tuple[str, ...]:
    """Return the fields of a certificate of which the entries say another thing."""
    begun = next((one for one in entries if _begins(one, certificate)), None)
    if begun is None or not isinstance(begun.body, DestructionBegun):
        return ("certificate",)
    asked_by = None if begun.actor.party == BROKER else begun.actor.party
    agreed = {
        entry.agreement: entry.body.agreement
        for entry in entries
        if isinstance(entry.body, AgreementProposed)
    }
    before = [entry for entry in entries if entry.seq < certified.seq]
    then, now = agreed.get(begun.agreement), agreed.get(certified.agreement)
    paper = None if then is None else then.paper
    logged = {
        "agreement": begun.agreement,
        "scope": begun.body.scope,
        "subject": begun.body.party or begun.body.upload,
        "reason": begun.body.reason,
        "asked_by": asked_by,
        "person": None if asked_by is None else begun.actor.person,
        "asked": begun.time,
        "operator": None if now is None else now.operator.name,
        "paper": None if paper is None else paper.number,
        "outstanding": _owed(certificate, now, before),
    }
    wrong = [name for name, value in logged.items() if getattr(certificate, name) != value]
    a_moment_before = utc_text(datetime.fromisoformat(certified.time) - _MOMENT)
    if not a_moment_before <= certificate.finished <= certified.time:
        wrong.append("finished")
    body = certified.body
    if not isinstance(body, DestructionCertified) or body.objects != len(certificate.objects):
        wrong.append("objects")
    return tuple(wrong)


def unlogged_objects(certificate: Certificate, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the listed objects whose entries in the match log are missing, or say another thing of them."""
    by_index = {entry.seq: entry for entry in entries}
    made = {entry.object: entry for entry in by_index.values() if isinstance(entry.body, _MADE)}
    named = Counter(one.entry for one in certificate.objects if one.entry is not None)
    return tuple(
        one.object
        for one in certificate.objects
        if one.destroyed < certificate.asked
        or (one.entry is not None and named[one.entry] > 1)
        or not _is_logged(one, by_index, made.get(one.object))
    )


def left_objects(
    certificate: Certificate, certified: int, entries: Iterable[Entry]
) -> tuple[str, ...]:
    """Return what was there at the beginning, the scope means, and the log does not end by the certificate.

    What comes while the rest is destroyed is not meant. The verifier of logs asks the same, of what it keeps
    instead of entries.
    """
    left: dict[tuple[str, str], None] = {}
    runs: set[str] = set()
    has_begun = False
    for entry in entries:
        if entry.seq >= certified:
            break
        has_begun = has_begun or _begins(entry, certificate)
        name, body = entry.object or "", entry.body
        if isinstance(body, RunAsked) and _is_run_meant(certificate, body):
            runs.add(name)
        if isinstance(body, _ENDINGS):
            left.pop((name, _root(body)), None)
        elif not has_begun and _is_meant(certificate, entry, runs):
            left[name, _root(body)] = None
    return tuple(name for name, _ in left)


def _owed(
    certificate: Certificate, agreement: Agreement | None, entries: Iterable[Entry]
) -> tuple[Outstanding, ...]:
    """Return what parties may hold themselves, by what they fetched and by the agreement that binds."""
    listed = {one.object for one in certificate.objects if one.kind == "release"}
    sealed_to: dict[str | None, str] = {}
    holders: set[str] = set()
    for entry in entries:
        body = entry.body
        if isinstance(body, BlindReleasePrepared):
            sealed_to[entry.object] = body.recipient
        elif (
            isinstance(body, ReleaseFetched)
            and entry.outcome == "done"
            and (certificate.scope == "project" or entry.object in listed)
        ):
            holders |= {body.recipient, sealed_to.get(entry.object, body.recipient)}
    return owed_after(
        certificate.scope,
        certificate.subject,
        providers=() if agreement is None else agreement.names("agency"),
        holders=holders,
    )


def _begins(entry: Entry, certificate: Certificate) -> bool:
    return isinstance(entry.body, DestructionBegun) and entry.object == certificate.certificate


def _is_logged(one: DestroyedObject, by_index: dict[int, Entry], made: Entry | None) -> bool:
    if one.kind in _UNLOGGED:
        return one.entry is None
    entry = None if one.entry is None else by_index.get(one.entry)
    if entry is None or (entry.kind, entry.time) != (f"{one.kind}-destroyed", one.destroyed):
        return False
    body = entry.body
    if isinstance(body, MatchRecordDestroyed):
        # A match record is known by its run.
        return (body.root, one.party, one.count) == (one.sha256, None, None)
    if entry.object != one.object or made is None or not _was_made(one, made):
        return False
    if isinstance(body, UploadDestroyed):
        return body.container_sha256 == one.sha256
    return isinstance(body, (ReleaseDestroyed, DeliveryDestroyed)) and body.sha256 == one.sha256


def _was_made(one: DestroyedObject, made: Entry) -> bool:
    """Tell whether an object is whose, and of the count that, the entry says by which it came or was made."""
    body = made.body
    if isinstance(body, UploadReceived):
        return (one.party, one.count) == (made.actor.party, body.records)
    if isinstance(body, ReleasePrepared):
        return (one.party, one.count) == (body.recipient, body.matches)
    if isinstance(body, BlindReleasePrepared):
        return one.party == body.recipient
    return one.party == made.actor.party


def _is_run_meant(certificate: Certificate, body: RunAsked) -> bool:
    uploads = body.specification.uploads
    return certificate.subject in {
        *(one.party for one in uploads),
        *(one.upload for one in uploads),
    }


def _is_meant(certificate: Certificate, entry: Entry, runs: set[str]) -> bool:
    body, subject = entry.body, certificate.subject
    if isinstance(body, (RunFinished, ReviewEnded)):
        is_made = body.match_record_root is not None
        return is_made and (certificate.scope == "project" or entry.object in runs)
    if certificate.scope == "project":
        return isinstance(body, _MADE)
    if isinstance(body, ReleasePrepared):
        return body.run in runs or body.recipient == subject
    if isinstance(body, BlindReleasePrepared):
        return body.run in runs or body.agency == subject
    if isinstance(body, DeliveryReceived):
        return subject in (entry.actor.party, body.recipient)
    return isinstance(body, UploadReceived) and subject in (entry.actor.party, entry.object)


def _root(body: object) -> str:
    """Return the root of a match record, which tells those of one run apart; empty for all else."""
    if isinstance(body, (RunFinished, ReviewEnded)):
        return body.match_record_root or ""
    return body.root if isinstance(body, MatchRecordDestroyed) else ""


def _logs(entry: Entry, signed: SignedDestruction) -> bool:
    """Tell whether an entry is the one of what a person signed: by that person, about the same certificate."""
    said, body = signed.said, entry.body
    if isinstance(said, Countersignature):
        fits = isinstance(body, DestructionCountersigned) and body.sha256 == said.sha256
    else:
        fits = isinstance(body, DestructionStated)
    if not fits or not isinstance(body, (DestructionCountersigned, DestructionStated)):
        return False
    return (
        body.signed_sha256 == signed.digest()
        and entry.object == getattr(said, "certificate", None)
        and (entry.actor.party, entry.actor.person) == (said.party, said.person)
    )
