"""Entries found by a filter, against looking through all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rigs.linkage import either_database

import schemas
from app.db import Base, Database
from app.matchlog.draft import EntryDraft
from app.matchlog.service import MatchLog
from app.matchlog.timeline import (
    EntryFilter,
    entries_of_kinds,
    find_entries,
    gist_of,
    place_after_day,
    place_after_entry,
    survey,
)
from schemas.matchlog.entry import Actor, Entry, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.person_kinds import PartyEnrolled
from schemas.matchlog.upload_kinds import UploadDestroyed, UploadRejected

__all__ = ["either_database"]

DAYS = [f"2026-09-{day:02d}" for day in range(1, 11)]
PARTIES = ("one-party", "two-party")


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database that the module's tests share, once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('timeline') / 'log.db'}"
        return
    with request.getfixturevalue("postgres_server").fresh_database() as made:
        yield made


@pytest.fixture(scope="module")
def written(url: str) -> Iterator[tuple[Database, list[Entry]]]:
    """A log of two projects and the whole broker, on ten days, and its entries newest first."""
    database = Database(url)
    Base.metadata.create_all(database.engine)
    clock = {"now": datetime(2026, 9, 1, tzinfo=UTC)}
    log = MatchLog(signer(), clock=lambda: clock["now"])
    with database.write() as session:
        log.start(session, "test-1")
        for number in range(200):
            clock["now"] = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=number)
            log.append(session, [draft(number)])
    with database.read() as session:
        everything = [
            entry
            for project in ("alpha-project", "beta-project", None)
            for entry in find_entries(session, project, EntryFilter(), limit=1000).entries
        ]
    yield database, sorted(everything, key=lambda entry: -entry.seq)
    database.close()


def signer() -> Any:
    from samples.log import signer as made

    return made(0)


def draft(number: int) -> EntryDraft:
    actor = Actor(
        party=PARTIES[number % 2], person=f"per-{number % 3:032x}", role="agency", signed=None
    )
    if number % 5 == 0:
        return EntryDraft(PartyEnrolled(party="new-party", role="agency", fingerprint=None), actor)
    project = "alpha-project" if number % 3 else "beta-project"
    about = {"project": project, "agreement": "0" * 64, "object": f"upl-{number % 7:032x}"}
    if number % 4 == 0:
        body: Any = UploadRejected(rule="too-few")
        return EntryDraft(body, actor, outcome="refused", **about)
    return EntryDraft(
        UploadDestroyed(container_sha256="0" * 64, reason="retention"), actor, **about
    )


FILTERS = st.builds(
    EntryFilter,
    party=st.sampled_from([None, *PARTIES, "nobody"]),
    person=st.sampled_from([None, f"per-{1:032x}", "per-00"]),
    kind=st.sampled_from([None, "upload-rejected", "upload-destroyed", "party-enrolled"]),
    outcome=st.sampled_from([None, "done", "refused"]),
    object=st.sampled_from([None, f"upl-{3:032x}", "upl-", "rel-"]),
    since=st.sampled_from([None, *DAYS]),
    until=st.sampled_from([None, *DAYS]),
)


def all_found(
    database: Database, project: str | None, wanted: EntryFilter, **how: int
) -> list[Entry]:
    found, before = [], None
    while True:
        with database.read() as session:
            piece = find_entries(session, project, wanted, before=before, **how)
        found.extend(piece.entries)
        before = piece.look_on_before
        if before is None:
            return found


def all_found_upward(
    database: Database, project: str | None, wanted: EntryFilter, **how: int
) -> list[Entry]:
    found: list[Entry] = []
    above: int | None = None
    while True:
        with database.read() as session:
            piece = find_entries(session, project, wanted, above=above, is_upward=True, **how)
        found = [*piece.entries, *found]
        above = piece.look_on_above
        if above is None:
            return found


def is_wanted(entry: Entry, project: str | None, wanted: EntryFilter) -> bool:
    return (
        entry.project == project
        and wanted.party in {None, entry.actor.party}
        and (entry.actor.person or "").startswith(wanted.person or "")
        and wanted.kind in {None, entry.kind}
        and wanted.outcome in {None, entry.outcome}
        and (entry.object or "").startswith(wanted.object or "")
        and (wanted.since or "0") <= entry.time[:10] <= (wanted.until or "9")
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    project=st.sampled_from(["alpha-project", "beta-project", None, "no-project"]),
    wanted=FILTERS,
    limit=st.integers(1, 40),
    max_scanned=st.integers(1, 100),
)
def test_piece_by_piece_all_that_is_wanted_is_found_once_and_newest_first(
    written: tuple[Database, list[Entry]],
    project: str | None,
    wanted: EntryFilter,
    limit: int,
    max_scanned: int,
) -> None:
    database, everything = written
    found = all_found(database, project, wanted, limit=limit, max_scanned=max_scanned)
    assert found == [entry for entry in everything if is_wanted(entry, project, wanted)]
    assert found == all_found_upward(
        database, project, wanted, limit=limit, max_scanned=max_scanned
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=FILTERS, place=st.integers(0, 130), limit=st.integers(1, 40))
def test_what_lies_above_a_place_and_before_the_next_one_is_all_there_is(
    written: tuple[Database, list[Entry]], wanted: EntryFilter, place: int, limit: int
) -> None:
    database, everything = written
    mine = [entry for entry in everything if is_wanted(entry, "alpha-project", wanted)]
    with database.read() as session:
        upward = find_entries(
            session, "alpha-project", wanted, above=place, is_upward=True, limit=limit
        )
        downward = find_entries(session, "alpha-project", wanted, before=place + 1, limit=limit)
    above = [entry for entry in mine if entry.place > place]
    below = [entry for entry in mine if entry.place <= place]
    assert list(upward.entries) == above[-limit:]
    assert list(downward.entries) == below[:limit]


def test_entries_of_some_kinds_come_whole_and_in_order(
    written: tuple[Database, list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.matchlog.timeline.CHUNK", 7)
    database, everything = written
    mine = [entry for entry in everything if entry.project == "alpha-project"]
    asked: list[set[str]] = [{"upload-rejected"}, {"upload-rejected", "upload-destroyed"}]
    for kinds in (*asked, {"run-asked"}, set[str]()):
        with database.read() as session:
            found = list(entries_of_kinds(session, "alpha-project", kinds))
        assert found == [entry for entry in mine[::-1] if entry.kind in kinds], kinds


def test_one_look_goes_through_so_many_entries_only(written: tuple[Database, list[Entry]]) -> None:
    database, _ = written
    nothing = EntryFilter(party="nobody")
    with database.read() as session:
        found = find_entries(session, "alpha-project", nothing, limit=10, max_scanned=20)
        after = find_entries(
            session,
            "alpha-project",
            nothing,
            limit=10,
            max_scanned=10**6,
            before=found.look_on_before,
        )
    assert found.entries == ()
    assert found.look_on_before is not None
    assert (after.entries, after.look_on_before) == ((), None)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILTERS)
def test_a_survey_counts_what_looking_through_everything_finds(
    written: tuple[Database, list[Entry]], wanted: EntryFilter
) -> None:
    database, everything = written
    mine = [entry for entry in everything if entry.project == "alpha-project"]
    with database.read() as session:
        seen = survey(session, "alpha-project", wanted)
        newest = survey(session, "alpha-project", wanted, max_scanned=10)
    found = [entry for entry in mine if is_wanted(entry, "alpha-project", wanted)]
    of_any_kind = replace(wanted, kind=None)
    assert (seen.total, seen.is_whole, seen.found) == (len(mine), True, len(found))
    assert seen.days == Counter(entry.time[:10] for entry in found)
    assert seen.kinds == Counter(
        entry.kind for entry in mine if is_wanted(entry, "alpha-project", of_any_kind)
    )
    assert seen.parties == {entry.actor.party for entry in mine}
    assert (newest.total, newest.is_whole) == (len(mine), False)
    assert newest.found == sum(is_wanted(one, "alpha-project", wanted) for one in mine[:10])


def test_a_day_and_an_entry_have_a_place(written: tuple[Database, list[Entry]]) -> None:
    database, everything = written
    mine = [entry for entry in everything if entry.project == "alpha-project"]
    with database.read() as session:
        for day in ("2026-08-01", *DAYS, "2027-01-01"):
            place = place_after_day(session, "alpha-project", day)
            assert place == sum(entry.time[:10] <= day for entry in mine)
        for seq in (0, 1, 17, 100, 10_000):
            place = place_after_entry(session, "alpha-project", seq)
            assert place == sum(entry.seq <= seq for entry in mine)


def test_the_gist_of_an_entry_is_what_parsing_it_gives() -> None:
    vectors = json.loads((Path(schemas.__file__).parent / "vectors" / "entry.json").read_text())
    assert {vector["name"] for vector in vectors["good"]} >= set(KINDS)
    for vector in vectors["good"]:
        raw = vector["entry"].encode()
        entry = parse_entry(raw, KINDS)
        actor, ids = entry.actor, (entry.actor.person or "", entry.object or "")
        assert gist_of(raw) == (
            actor.party, ids[0], entry.kind, ids[1], entry.outcome, entry.time[:10]
        )  # fmt: skip
    with pytest.raises(ValueError, match="not the canonical bytes"):
        gist_of(b"{}")
