"""Withdrawn records: kept sealed, the same in every epoch, left out of every container."""

from __future__ import annotations

from pathlib import Path

import pytest
from rigs.agency import Agency
from samples.refusals import raises

from encoding.errors import RecordCountError, WorkspaceError
from encoding.packing.withdrawals import LoggedWithdrawal, Withdrawn
from encoding.secret.secret import Secret
from schemas.api.projects import ProjectView

KEY = bytes(range(32))
LOGGED = LoggedWithdrawal(epoch=1, index=7, salt="ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "withdrawn" / "foster-pupils.sealed"


def test_what_was_withdrawn_is_known_again_and_nothing_else(path: Path) -> None:
    kept = Withdrawn(path, "foster-pupils", KEY)
    assert not kept.among(["4711", "4712"]).any()
    kept.add("4711")
    kept.add("4711", LOGGED)
    kept.add(" 4711")
    again = Withdrawn(path, "foster-pupils", KEY)
    assert len(again) == 2
    assert again.among(["4711", "4712", " 4711", ""]).tolist() == [True, False, True, False]


def test_the_file_tells_nothing_and_opens_whole_with_this_key_and_project_alone(path: Path) -> None:
    Withdrawn(path, "foster-pupils", KEY).add("case-4711", LOGGED)
    raw = path.read_bytes()
    assert b"case-4711" not in raw
    assert LOGGED.salt.encode() not in raw
    assert "case-4711" not in repr(Withdrawn(path, "foster-pupils", KEY)._kept)
    for project, key in (("foster-pupils", bytes(32)), ("others", KEY)):
        with pytest.raises(WorkspaceError):
            Withdrawn(path, project, key)
    for at in (0, 21, 22, 40, -1):
        damaged = bytearray(raw)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(WorkspaceError, match="damaged"):
            Withdrawn(path, "foster-pupils", KEY)


@pytest.fixture
def agency(tmp_path: Path, view: ProjectView, secret: Secret) -> Agency:
    return Agency(tmp_path, view, secret)


def withdraw(agency: Agency, *record_ids: str) -> None:
    workspace = agency.workspace
    kept = Withdrawn(workspace.withdrawn("foster-pupils"), "foster-pupils", workspace.key())
    for record_id in record_ids:
        kept.add(record_id)


def test_a_container_holds_every_record_but_the_withdrawn(
    agency: Agency, people, write_people
) -> None:
    rows = [*people, (people[1][0], "Other", "Name", "2012-05-01")]
    before = agency.encode(write_people(rows)).outbox.manifest.records
    gone = people[1][0]
    assert agency.handle_of(gone) in agency.container().handles
    withdraw(agency, gone)
    filled = agency.encode(write_people(rows))
    assert filled.rows_withdrawn == 2
    assert filled.outbox.manifest.records == before - 1
    assert agency.handle_of(gone) is None
    left = sorted(agency.handle_of(row[0]) or b"" for row in people if row[0] != gone)
    assert agency.container().handles == left


def test_it_is_left_out_in_the_next_epoch_too_and_a_file_of_withdrawn_records_is_no_upload(
    agency: Agency, people, write_people, view
) -> None:
    withdraw(agency, people[0][0])
    terms = view.terms.model_copy(update={"epoch": 2})
    agency.view = view.model_copy(update={"terms": terms})
    assert agency.encode(write_people(people)).rows_withdrawn == 1
    withdraw(agency, *(row[0] for row in people[1:]))
    with raises(RecordCountError):
        agency.encode(write_people(people))
