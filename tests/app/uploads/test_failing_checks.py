"""Checks of uploads that cannot be brought to an end: they end no worker, and keep no other check waiting."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from rigs.agreed import sign_roster
from rigs.enrolled import EnrolledPerson
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import Container, random_people
from sqlalchemy import update

from app.agreements.service import all_versions
from app.broker import MAX_CHECKS
from app.errors import (
    BrokerError,
    KeyKeeperUnavailableError,
    StorageFullError,
    StoreUnavailableError,
)
from app.sealed import repository as sealed
from app.uploads.checks import MAX_ATTEMPTS
from app.uploads.models import Upload
from app.worker.loop import Worker
from schemas.documents.problem import Problem


@contextmanager
def busy(linkage: Linkage) -> Iterator[None]:
    """Let the process that serves have as many checks under way as it takes."""
    for _ in range(MAX_CHECKS):
        linkage.broker.checks.acquire()
    yield
    linkage.broker.checks.release(MAX_CHECKS)


def wait_for_check(linkage: Linkage, party: str) -> str:
    """Upload a file, and ask for its commit: its check is left to a worker."""
    made = made_by(linkage, party)
    upload = linkage.send(made, party)
    with busy(linkage):
        answer = linkage.ask_commit(upload, linkage.manifest(made, party), party)
    assert answer.json()["state"] == "checking", answer.text
    return upload


def made_by(linkage: Linkage, party: str) -> Container:
    return linkage.container(random_people(linkage.rng, 10), party)


def view(linkage: Linkage, upload: str) -> dict:
    return linkage.get(f"/v1/uploads/{upload}", "operator", "operator").json()


def give_leases_up(linkage: Linkage) -> None:
    with linkage.broker.database.write() as session:
        session.execute(update(Upload).where(Upload.state == "checking").values(check_until_ms=0))


def test_an_upload_of_a_person_who_has_left_meanwhile_is_refused_and_logged(
    linkage: Linkage,
) -> None:
    steward = linkage.person(CHILD_WELFARE).identity
    analyst = EnrolledPerson.confirmed(linkage.founded, linkage.client, CHILD_WELFARE, "analyst")
    joining = [analyst.identity.public]
    sign_roster(linkage.broker, PROJECT, steward, joining=joining, leaving=())
    with linkage.broker.database.read() as session:
        linkage.agreement = all_versions(session, PROJECT)[0].agreement
    linkage.open_round()
    linkage.act_as(analyst)
    upload = wait_for_check(linkage, CHILD_WELFARE)
    linkage.founded.clock.move(hours=1)
    sign_roster(linkage.broker, PROJECT, steward, joining=(), leaving=[analyst.id])
    Worker(linkage.broker).work(until_idle=True)
    found = view(linkage, upload)
    refusal = Problem.from_json(found["refusal"])
    assert (found["state"], refusal.code) == ("open", "other-agreement")
    (entry,) = (one for one in linkage.log_entries() if one["kind"] == "upload-rejected")
    assert (entry["actor"]["person"], entry["object"]) == (analyst.id, upload)


def test_a_part_that_the_disk_does_not_give_ends_no_worker(
    linkage: Linkage, log_stream: io.StringIO
) -> None:
    linkage.open_round()
    first = wait_for_check(linkage, CHILD_WELFARE)
    with linkage.broker.database.read() as session:
        blob = sealed.blobs_of(session, first)[0]
    path = linkage.broker.settings.blob_dir / blob[:2] / blob
    path.unlink()
    path.mkdir()
    second = wait_for_check(linkage, SCHOOL)
    Worker(linkage.broker).work(until_idle=True)
    assert (view(linkage, first)["state"], view(linkage, second)["state"]) == (
        "checking",
        "committed",
    )
    assert '"event": "check_failed"' in log_stream.getvalue()
    for _ in range(MAX_ATTEMPTS):
        give_leases_up(linkage)
        Worker(linkage.broker).work(until_idle=True)
    found = view(linkage, first)
    assert (found["state"], Problem.from_json(found["refusal"]).code) == ("open", "internal")
    path.rmdir()


class FailingBlobs:
    """Blobs that nobody can read."""

    def __init__(self, inner, fault: type[BrokerError]) -> None:
        self._inner = inner
        self._fault = fault

    def get(self, key: str) -> bytes:
        raise self._fault("It does not answer.")

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


@pytest.mark.parametrize("fault", [StoreUnavailableError, KeyKeeperUnavailableError])
def test_an_outage_leaves_a_check_to_a_later_attempt_and_the_last_one_says_why(
    linkage: Linkage, fault: type[BrokerError]
) -> None:
    linkage.open_round()
    first = wait_for_check(linkage, CHILD_WELFARE)
    failing = replace(linkage.broker, blobs=FailingBlobs(linkage.broker.blobs, fault))
    for _ in range(MAX_ATTEMPTS - 1):
        Worker(failing).work(until_idle=True)
        assert view(linkage, first)["state"] == "checking"
        give_leases_up(linkage)
    Worker(linkage.broker).work(until_idle=True)
    assert view(linkage, first)["state"] == "committed"
    second = wait_for_check(linkage, SCHOOL)
    for _ in range(MAX_ATTEMPTS):
        assert view(linkage, second)["state"] == "checking"
        Worker(failing).work(until_idle=True)
        give_leases_up(linkage)
    found = view(linkage, second)
    assert (found["state"], Problem.from_json(found["refusal"]).code) == ("open", fault.code)


def test_a_full_disk_is_told_to_who_uploads(linkage: Linkage) -> None:
    linkage.open_round()
    upload = wait_for_check(linkage, CHILD_WELFARE)
    blobs = FailingBlobs(linkage.broker.blobs, StorageFullError)
    Worker(replace(linkage.broker, blobs=blobs)).work(until_idle=True)
    found = view(linkage, upload)
    assert (found["state"], Problem.from_json(found["refusal"]).code) == ("open", "storage-full")
