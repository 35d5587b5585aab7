"""Every way to break a rule about destruction and holds, done by a broker that signs what it did.

Each function takes a log in which a project `foster` exists, and returns the entry that breaks its rule.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from breaks.rules import Break, ways
from samples.log import SampleLog
from samples.parties import CW, K12, OPERATOR, STRANGER
from samples.reviewed_log import SIGHT, ReviewedProject

from schemas.agreement.clauses import Finality
from schemas.matchlog import log_kinds, person_kinds
from schemas.matchlog.destruction_kinds import (
    DestructionBegun,
    DestructionCertified,
    DestructionCountersigned,
    DestructionStated,
    LegalHoldLifted,
    LegalHoldSet,
    RecordWithdrawn,
)
from schemas.matchlog.entry import Entry

FOSTER = "foster"
CERTIFICATE = "crt-" + "1" * 32
HOLD = "hld-" + "1" * 32


def begin(log: SampleLog, scope: str = "project", **fields: Any) -> Entry:
    """Begin a destruction."""
    stated = {"party": None, "upload": None, "reason": "asked"}
    given = {name: fields.pop(name) for name in stated if name in fields}
    body = DestructionBegun.model_validate({"scope": scope, **stated, **given})
    actor = CW if scope in ("party", "upload") else OPERATOR
    written = {"project": FOSTER, "actor": actor, "object": CERTIFICATE, **fields}
    return log.append(body, **written)


def certify(log: SampleLog, **fields: Any) -> Entry:
    """Certify it."""
    body = DestructionCertified(sha256="a" * 64, objects=0)
    return log.append(body, **{"project": FOSTER, "object": CERTIFICATE, **fields})


def countersign(log: SampleLog, **fields: Any) -> Entry:
    """Counter-sign its certificate."""
    body = DestructionCountersigned(sha256="a" * 64, signed_sha256="b" * 64)
    written = {"project": FOSTER, "actor": CW, "object": CERTIFICATE, **fields}
    return log.append(body, **written)


def state(log: SampleLog, **fields: Any) -> Entry:
    """State what a party has deleted."""
    body = DestructionStated(signed_sha256="b" * 64)
    written = {"project": FOSTER, "actor": K12, "object": CERTIFICATE, **fields}
    return log.append(body, **written)


def hold(log: SampleLog, **fields: Any) -> Entry:
    """Set a hold."""
    body = LegalHoldSet(order="Order of the court", signed_sha256=None)
    written = {"project": FOSTER, "actor": OPERATOR, "object": HOLD, **fields}
    return log.append(body, **written)


def lift(log: SampleLog, **fields: Any) -> Entry:
    """Lift it."""
    body = LegalHoldLifted(signed_sha256=None)
    written = {"project": FOSTER, "actor": OPERATOR, "object": HOLD, **fields}
    return log.append(body, **written)


def withdraw(log: SampleLog, actor: Any = CW, project: str = FOSTER) -> Entry:
    """Withdraw a record."""
    return log.append(RecordWithdrawn(commitment="c" * 64), project=project, actor=actor)


def note(log: SampleLog) -> None:
    """Let an entry of no project tell the day."""
    log.append(
        person_kinds.RoleChanged(
            party="county-cw", person=CW.person, role="agency", change="granted"
        )
    )


def everything_destroyed(log: SampleLog, project: str = "undone") -> None:
    """Add an honest story in which every kind of entry about destruction occurs, in each scope."""
    log.create_project(project)
    withdraw(log, project=project)
    hold(log, project=project, actor=CW)
    lift(log, project=project, actor=CW)
    uploads = [log.upload(project, CW)]
    log.moment += timedelta(days=log.terms[project].round_days)
    log.rounds(project).close()
    log.rounds(project).open()
    uploads += [log.upload(project, CW), log.upload(project, K12)]
    scopes: list[tuple[str, dict[str, Any]]] = [
        ("expired", {}),
        ("upload", {"upload": uploads[0].object}),
        ("party", {"party": "county-cw"}),
        ("project", {}),
    ]
    for number, (scope, named) in enumerate(scopes):
        certificate = f"crt-{number:032x}"
        begin(log, scope, project=project, object=certificate, **named)
        if number:
            log.destroy(uploads[number - 1])
        certify(log, project=project, object=certificate)
        countersign(log, project=project, object=certificate)
    state(log, project=project, object=None)
    state(log, project=project, object="crt-" + "0" * 32)


def begun_twice(log: SampleLog) -> Entry:
    begin(log)
    return begin(log)


def certified_twice(log: SampleLog) -> Entry:
    begin(log, "expired")
    certify(log)
    return certify(log)


def countersigned_under_another_certificate(log: SampleLog) -> Entry:
    begin(log, "expired")
    certify(log)
    body = DestructionCountersigned(sha256="c" * 64, signed_sha256="b" * 64)
    return log.append(body, project=FOSTER, actor=CW, object=CERTIFICATE)


def begun_of_a_destroyed_upload(log: SampleLog) -> Entry:
    received = log.upload(FOSTER, CW)
    log.destroy(received)
    return begin(log, "upload", upload=received.object)


def _destroy_all(log: SampleLog, entries: list[Entry], releases: list[Entry]) -> None:
    for received in entries:
        log.destroy(received)
    for prepared in releases:
        log.destroy_release(prepared)


def started_after_a_withdrawal(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    asked = log.ask(log.specification(FOSTER, uploads))
    withdraw(log, K12)
    return log.start(asked)


def finished_after_a_withdrawal(log: SampleLog) -> Entry:
    uploads = [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]
    asked = log.ask(log.specification(FOSTER, uploads))
    log.start(asked)
    withdraw(log)
    return log.append(log.finished(asked), project=FOSTER, object=asked.object)


def _reviewed(log: SampleLog, scope: str, **named: Any) -> Entry:
    """Destroy what came for a run and was made of it, and certify that, while its review goes on."""
    project = ReviewedProject(log)
    project.linked()
    upload = next(one for one in reversed(log.entries) if one.kind == "upload-received")
    finished = next(one for one in reversed(log.entries) if one.kind == "run-finished")
    if scope == "upload":
        named = {"upload": upload.object, "actor": K12}
    begin(log, scope, project=SIGHT, **named)
    project.destroy()
    log.destroy_match_record(finished)
    return certify(log, project=SIGHT)


def never_certified(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    begun = begin(log)
    log.moment += timedelta(days=2) - early
    note(log)
    return begun


def begun_under_a_hold(log: SampleLog) -> Entry:
    hold(log)
    return begin(log)


def destroyed_under_held_terms(log: SampleLog) -> Entry:
    log.create_project("held", has_legal_hold=True)
    return log.destroy(log.upload("held", CW))


def hold_twice(log: SampleLog) -> Entry:
    hold(log)
    return hold(log)


def lifted_by_a_request_from_before(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    hold(log, actor=CW)
    # One request lifts all holds of its party, and names none of them.
    actor = log.draft(
        LegalHoldLifted(signed_sha256="d" * 64), project=FOSTER, actor=CW, object=HOLD
    ).actor
    log.moment += timedelta(seconds=61) - early
    other = "hld-" + "2" * 32
    hold(log, actor=CW, object=other)
    log.add(LegalHoldLifted(signed_sha256="d" * 64), project=FOSTER, object=HOLD, actor=actor)
    lifted = LegalHoldLifted(signed_sha256="d" * 64)
    broken = log.add(lifted, project=FOSTER, object=other, actor=actor)
    log.close()
    return broken


def lifted_by_another_party(log: SampleLog) -> Entry:
    hold(log, actor=CW)
    return lift(log, actor=K12)


def withdrawn_by_a_stranger(log: SampleLog) -> Entry:
    log.enrol(STRANGER)
    return withdraw(log, STRANGER)


def left_after_a_hold(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    received = log.upload(FOSTER, CW)
    hold(log)
    log.moment += timedelta(days=60)
    lift(log)
    log.moment += timedelta(days=2) - early
    note(log)
    return received


def left_while_another_project_is_held(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    log.upload(FOSTER, CW)
    hold(log)
    return left_after_the_last_day(log, early)


def left_after_the_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    last = (log.moment + timedelta(days=4)).date().isoformat()
    log.create_project("short", end=last, destroy_by=last)
    received = log.upload("short", CW)
    log.moment += timedelta(days=6) - early
    body = log_kinds.Exported(what="log")
    log.append(body, project="short", actor=CW)
    return received


def _linked_for_a_week(log: SampleLog) -> tuple[list[Entry], list[Entry]]:
    log.create_project("brief", keep_links_days=7)
    return log.linked("brief")


def release_kept_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    uploads, releases = _linked_for_a_week(log)
    _destroy_all(log, uploads, releases[1:])
    log.destroy_match_record(log.entries[releases[0].seq - 1])
    log.moment += timedelta(days=9) - early
    note(log)
    return releases[0]


def match_record_kept_too_long(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    uploads, releases = _linked_for_a_week(log)
    _destroy_all(log, uploads, releases)
    log.moment += timedelta(days=9) - early
    note(log)
    return log.entries[releases[0].seq - 1]


def fetched_after_its_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    uploads, releases = _linked_for_a_week(log)
    log.moment += timedelta(days=9) - early
    fetched = log.fetch(releases[0], CW)
    _destroy_all(log, uploads, releases)
    log.destroy_match_record(log.entries[releases[0].seq - 1])
    return fetched


def match_record_left_after_the_last_day(log: SampleLog, early: timedelta = timedelta()) -> Entry:
    last = (log.moment + timedelta(days=4)).date().isoformat()
    log.create_project("short", end=last, destroy_by=last)
    uploads, releases = log.linked("short")
    _destroy_all(log, uploads, releases)
    log.moment += timedelta(days=6) - early
    note(log)
    return log.entries[releases[0].seq - 1]


def _to_be_cosigned(log: SampleLog) -> Entry:
    log.create_project("final", finality=Finality(cosigners=2, delays_release=True))
    return log.linked("final")[1][0]


DESTRUCTION_BREAKS: dict[str, dict[str, Break]] = {
    "destruction-twice": ways(begun_twice, certified_twice),
    "destruction-unknown": ways(certified_unbegun=certify, stated_of_no_certificate=state),
    "upload-unknown": ways(
        begun_of_an_unknown_upload=lambda log: begin(log, "upload", upload=log.id("upl"))
    ),
    "upload-destroyed": ways(begun_of_a_destroyed_upload),
    "destruction-unfinished": ways(
        project_with_a_review_left=lambda log: _reviewed(log, "project"),
        party_with_a_review_left=lambda log: _reviewed(log, "party", party=CW.party),
    ),
    "destruction-digest": ways(countersigned_under_another_certificate),
    "fetch-late": ways(fetched_after_its_last_day),
    "release-not-final": ways(
        fetched_that_nobody_cosigned=lambda log: log.fetch(_to_be_cosigned(log), CW)
    ),
    "destruction-missing": ways(never_certified),
    "hold-broken": ways(begun_under_a_hold, destroyed_under_held_terms),
    "hold-twice": ways(hold_twice),
    "hold-unknown": ways(lifted_by_a_request_from_before, lifted_unset=lift),
    "hold-by-stranger": ways(lifted_by_another_party),
    "record-withdrawn": ways(started_after_a_withdrawal, finished_after_a_withdrawal),
    "withdrawal-by-stranger": ways(withdrawn_by_a_stranger),
    "destruction-overdue": ways(
        left_after_a_hold, release_kept_too_long, match_record_kept_too_long
    ),
    "destroy-by": ways(
        left_after_the_last_day,
        left_while_another_project_is_held,
        match_record_left_after_the_last_day,
    ),
}
