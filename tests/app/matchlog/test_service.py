"""Appending: places, times, one transaction with the caller's change, keys, exports; on both databases."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from breaks.false_log import root_of
from rigs.independent_verdict import why_refused
from rigs.linkage import either_database
from rigs.refused_calls import refuses
from samples.log import SampleLog, everything_else, story
from samples.log_drafts import NEXT_SIGNER, ORIGIN, SIGNER, MovedClock, batches_of, enrolment
from samples.parties import CW, OPERATOR
from sqlalchemy import text

from app.auditor.verify import verify_bundle
from app.clock import utc_text
from app.db import Database
from app.errors import (
    ConfigurationError,
    LogAheadError,
    LogKeyMismatchError,
    LogNotStartedError,
    LogStartedError,
    NotInLogError,
)
from app.matchlog.draft import SOFTWARE, EntryDraft, entry_actor
from app.matchlog.export import export_bundle
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.models import append_only_ddl
from app.matchlog.proofs import newest_checkpoint
from app.matchlog.repository import find_entry, first_entries_from
from app.matchlog.service import MatchLog
from app.security.actor import Actor
from schemas.documents.errors import EntryError
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.checkpoint import open_checkpoint
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_kinds import Exported
from schemas.matchlog.upload_kinds import UploadRejected
from schemas.signing.note import NoteSigner

__all__ = ["either_database"]


def stored(database: Database) -> list[Entry]:
    with database.read() as session:
        size = newest_checkpoint(session).size
        return [parse_entry(find_entry(session, seq) or b"", KINDS) for seq in range(size)]


def bundle_of(database: Database, project: str | None = None, size: int | None = None) -> bytes:
    with database.read() as session:
        return b"".join(export_bundle(session, project, size))


def verified(raw: bytes) -> set[str]:
    """Verify a bundle by both verifiers and return the caveats."""
    verdict = verify_bundle(io.BytesIO(raw))
    assert why_refused(raw) is None
    return {caveat.code for caveat in verdict.caveats}


def test_a_log_starts_with_its_name_and_key(database: Database, log: MatchLog) -> None:
    (first,) = stored(database)
    assert (first.kind, first.seq, first.batch, first.place) == ("log-started", 0, 0, 0)
    assert first.body.model_dump() == {
        "origin": ORIGIN,
        "key": log.key.text,
        "software": "blindlink-0.1.0",
    }
    assert first.actor == SOFTWARE
    with pytest.raises(LogStartedError), database.write() as session:
        log.start(session, "blindlink-0.1.0")


def test_the_first_entry_of_a_project_from_an_index_on_is_found(
    database: Database, log: MatchLog
) -> None:
    projects = "aa", "bb"
    with database.write() as session:
        for name in ("aa", None, "bb", "aa", "aa", None, "bb", None):
            log.append(session, [EntryDraft(Exported(what="log"), project=name)])
    entries = stored(database)
    for size in range(len(entries) + 2):
        firsts = {
            project: entry.seq
            for project in projects
            for entry in reversed(entries[size:])
            if entry.project == project
        }
        with database.read() as session:
            found = first_entries_from(session, dict.fromkeys({*projects, "nothing"}, size))
        assert {name: parse_entry(raw, KINDS).seq for name, raw in found.items()} == firsts


def test_what_was_decided_by_a_clock_behind_the_log_is_decided_again(
    database: Database, log: MatchLog, clock: MovedClock
) -> None:
    # Another process, of which this one has heard nothing yet.
    other = MatchLog(SIGNER, clock=clock)
    with database.read() as session:
        other.follow_clock(session)
    for seconds, is_taken in ((60, True), (61, False)):
        clock.move(seconds)
        with database.write() as session:
            (newest,) = log.append(session, [enrolment(seconds)])
        clock.move(-seconds)
        outcome = nullcontext() if is_taken else pytest.raises(LogAheadError)
        with outcome, database.write() as session:
            other.append(session, [enrolment(1)])
        assert (utc_text(log.clock()), utc_text(other.clock())) == (newest.time, newest.time)
        with database.write() as session:
            assert other.append(session, [enrolment(2)])[0].time == newest.time
        clock.move(seconds)


def test_what_was_decided_before_this_process_heard_of_a_later_time_is_decided_again(
    database: Database, log: MatchLog, clock: MovedClock
) -> None:
    """The other request of this process that has heard of it was refused already."""
    for seconds, is_taken in ((60, True), (122, False)):
        later = utc_text(clock() + timedelta(seconds=seconds))
        outcome = nullcontext() if is_taken else pytest.raises(LogAheadError)
        with outcome, database.write() as session:
            log.clock.follow(later)
            log.append(session, [enrolment(seconds)])
        with database.write() as session:
            assert log.append(session, [enrolment(seconds + 1)])[0].time == later


def test_an_append_that_is_rolled_back_moves_no_clock(
    database: Database, log: MatchLog, clock: MovedClock
) -> None:
    clock.move(3600)
    with database.write() as session:
        log.append(session, [enrolment(1)])
        session.rollback()
    clock.move(-3600)
    assert log.clock() == clock()


def test_entries_are_numbered_in_the_log_in_their_batch_and_in_their_project(
    database: Database, log: MatchLog
) -> None:
    rejected = EntryDraft(
        UploadRejected(rule="x-y"), project="foster", agreement="0" * 64, outcome="refused"
    )
    with database.write() as session:
        first = log.append(session, [enrolment(1), rejected, enrolment(2), rejected])
    # Two appends in one transaction are two batches, and one of no drafts is none.
    with database.write() as session:
        second = log.append(session, [rejected, enrolment(3)])
        assert log.append(session, []) == ()
        third = log.append(session, [enrolment(4)])
    entries = stored(database)
    assert [entry.seq for entry in entries] == list(range(8))
    assert [entry.batch for entry in entries] == [0, 1, 1, 1, 1, 2, 2, 3]
    assert [entry.place for entry in entries] == [0, 1, 0, 2, 1, 2, 3, 4]
    assert [appended.seq for appended in (*first, *second, *third)] == [1, 2, 3, 4, 5, 6, 7]
    assert [{one.size for one in some} for some in (first, second, third)] == [{5}, {7}, {8}]


def test_each_batch_ends_with_a_checkpoint_over_its_entries(
    database: Database, log: MatchLog
) -> None:
    hashes = []
    for number in range(9):
        with database.write() as session:
            hashes += [a.leaf_hash for a in log.append(session, [enrolment(number)] * 3)]
        with database.read() as session:
            newest = newest_checkpoint(session)
        checkpoint = open_checkpoint(newest.note, [log.key])
        assert checkpoint.size == newest.size == 1 + len(hashes)
    first = hash_leaf(stored(database)[0].to_canonical())
    assert checkpoint.root == root_of([first, *hashes])


def test_an_entry_and_the_change_it_records_are_there_together_or_not_at_all(
    database: Database, log: MatchLog
) -> None:
    with database.write() as session:
        session.execute(text("CREATE TABLE business (n INTEGER)"))
    with database.write() as session:
        session.execute(text("INSERT INTO business VALUES (1)"))
        log.append(session, [enrolment(1)])
        session.rollback()
    with database.write() as session:
        session.execute(text("INSERT INTO business VALUES (2)"))
        for number in (2, 3):
            log.append(session, [enrolment(number)])
    with database.read() as session:
        assert session.execute(text("SELECT n FROM business")).scalars().all() == [2]
    assert [entry.body for entry in stored(database)][1:] == [enrolment(2).body, enrolment(3).body]
    assert "no-pin" in verified(bundle_of(database))


@pytest.mark.campaign("clocks")
def test_times_never_run_back_even_if_the_clock_does(
    database: Database, log: MatchLog, clock: MovedClock
) -> None:
    for seconds in (10, -60, 20, 0.5):
        clock.move(seconds)
        with database.write() as session:
            log.append(session, [enrolment(int(seconds) + 100)])
    times = [entry.time for entry in stored(database)]
    assert times == sorted(times)
    assert times[-1] == times[1] == "2026-09-01T06:00:10Z"


def test_a_request_keeps_its_id_and_software_gets_one_of_its_own(
    database: Database, log: MatchLog
) -> None:
    actor = Actor("county-cw", "per-" + "1" * 32, "agency", "tok-x", "req-" + "7" * 32)
    draft = EntryDraft(enrolment(1).body, actor=entry_actor(actor), request=actor.request_id)
    with database.write() as session:
        log.append(session, [draft, enrolment(2), enrolment(3)])
    _, mine, first, second = stored(database)
    assert mine.request == "req-" + "7" * 32
    assert (mine.actor.party, mine.actor.person, mine.actor.role) == (
        "county-cw",
        "per-" + "1" * 32,
        "agency",
    )
    assert len({mine.request, first.request, second.request}) == 3


def test_a_draft_that_breaks_its_kinds_rules_is_refused_and_nothing_written(
    database: Database, log: MatchLog
) -> None:
    body = enrolment(1).body
    drafts = {
        "no project": EntryDraft(UploadRejected(rule="x-y"), outcome="refused"),
        "a project": EntryDraft(body, project="foster", agreement="0" * 64),
        "outcome": EntryDraft(body, outcome="refused"),
        "object": EntryDraft(body, object="upl-" + "0" * 32),
        "request": EntryDraft(body, request="7"),
    }
    for name, draft in drafts.items():
        with refuses(EntryError, name), database.write() as session:
            log.append(session, [enrolment(9), draft])
        assert len(stored(database)) == 1, name


def test_a_whole_story_told_to_the_database_verifies(
    database: Database, log: MatchLog, clock: MovedClock
) -> None:
    # Its signers have not seen this log.
    told = SampleLog(81)
    told.states_heads = False
    story(told, n_weeks=3, projects=("foster", "health"))
    everything_else(told)
    for moment, drafts in batches_of(told):
        clock.moment = moment
        with database.write() as session:
            log.append(session, drafts)
    with database.write() as session:
        agreement = told.agreements["foster"]
        exported = log.append_export(session, CW, "foster", agreement)
    said = {"no-pin", "no-log-key", "broker-time", "who-typed"}
    said |= {"destroyed-early", "counts-not-shown", "no-heads", "unverified-releases"}
    assert verified(bundle_of(database)) == said
    view = bundle_of(database, "foster", exported.size)
    assert verified(view) == (said | {"withheld"}) - {"counts-not-shown"}
    seen = [entry.body for entry in stored(database)]
    assert [type(body) for body in seen[1:-1]] == [
        type(entry.body) for entry in told.entries[1:] if entry.kind != "log-key-rotated"
    ]


def test_a_bundle_of_an_earlier_size_is_the_log_as_it_was(
    database: Database, log: MatchLog
) -> None:
    before = bundle_of(database)
    with database.write() as session:
        log.append(session, [enrolment(1)])
    assert bundle_of(database, size=1) == before
    with pytest.raises(NotInLogError):
        bundle_of(database, size=7)


def test_nothing_is_appended_to_a_log_that_has_not_started(database: Database) -> None:
    log = MatchLog(SIGNER)
    with pytest.raises(LogNotStartedError), database.write() as session:
        log.append(session, [enrolment(1)])
    with pytest.raises(LogNotStartedError), database.read() as session:
        newest_checkpoint(session)


def test_a_new_key_signs_after_the_hand_over_and_the_old_one_no_more(
    database: Database, log: MatchLog
) -> None:
    with database.write() as session:
        log.append(session, [enrolment(1)])
    with database.write() as session:
        renewed = log.rotate_key(session, NEXT_SIGNER, OPERATOR)
    assert len(verify_bundle(io.BytesIO(bundle_of(database))).log_keys) == 1
    with database.write() as session:
        renewed.append(session, [enrolment(2)])
    with pytest.raises(LogKeyMismatchError), database.write() as session:
        log.append(session, [enrolment(3)])
    raw = bundle_of(database)
    verified(raw)
    assert verify_bundle(io.BytesIO(raw)).log_keys == (log.key.text, renewed.key.text)
    # A bundle of the time before the hand-over lists the old key alone.
    assert len(verify_bundle(io.BytesIO(bundle_of(database, size=2))).log_keys) == 1


def test_a_log_is_not_handed_to_its_own_key_nor_to_another_name_and_another_key_signs_nothing(
    database: Database, log: MatchLog
) -> None:
    for new in (SIGNER, NoteSigner("other.example", NEXT_SIGNER.private_key)):
        with pytest.raises(ConfigurationError), database.write() as session:
            log.rotate_key(session, new)
    other = MatchLog(NEXT_SIGNER)
    with pytest.raises(LogKeyMismatchError), database.write() as session:
        other.append(session, [enrolment(1)])
    with pytest.raises(LogKeyMismatchError), database.read() as session:
        other.check(session)


# Several writers.


@pytest.mark.campaign("two-at-once")
def test_writers_at_once_leave_one_log_without_gaps(
    database: Database, log: MatchLog, last_checkpoint: LastCheckpointFile
) -> None:
    def write(first: int) -> list[int]:
        writer, written = MatchLog(SIGNER, last_checkpoint), []
        for number in range(first, first + 12):
            with database.write() as session:
                written += writer.append(session, [enrolment(number), enrolment(number + 50)])
        return [appended.seq for appended in written]

    with ThreadPoolExecutor(4) as writers:
        acknowledged = [seq for seqs in writers.map(write, [100, 200, 300, 400]) for seq in seqs]
    assert sorted(acknowledged) == list(range(1, 97))
    assert [entry.seq for entry in stored(database)] == list(range(97))
    verified(bundle_of(database))


def test_other_databases_have_no_such_triggers() -> None:
    with pytest.raises(ValueError, match="sqlite and postgresql"):
        append_only_ddl("mysql", "log_leaf")
