"""Planted values are looked for in everything that a broker keeps, says and answers.

Once with the agencies' real commands, for field values, record IDs and secrets; once at the API, for
rows, handles and tokens, through refusals, crashes, a cancelled and a finished run.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rigs.broker_processes import Process
from rigs.kill_scene import N_COMMON, Scene
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL
from rigs.live import PROJECT as LIVE_PROJECT
from rigs.live import LiveAgency, compare, link, live_broker
from rigs.rehearsal import (
    ID_COLUMN,
    PROFILE,
    TEXT_ENCODING,
    rehearsing_agency,
    write_rehearsal,
)
from rigs.searching import database_rows, files_under, found_in, memory_of
from samples.round_files import Container, random_people, sealed_rows, two_files

from encoding.people.identity import read_identity
from encoding.people.identity_lock import read_key_file

N_PLANTED = 12


class RecordingClient:
    """Passes everything on and keeps every answer, but for the files that recipients may have."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.answers: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        def call(path: str, **request: Any) -> Any:
            answer = getattr(self._inner, name)(path, **request)
            if not path.endswith("/file"):
                self.answers.append(repr(answer.headers).encode() + answer.content)
            return answer

        return call


def plants_of(made: Container, name: str) -> dict[str, bytes]:
    rows = dict(enumerate(sorted(sealed_rows(made))[:N_PLANTED]))
    handles = dict(enumerate(made.handles[:N_PLANTED]))
    planted = {f"{name} row {at}": row for at, row in rows.items()}
    return planted | {f"{name} handle {at}": handle for at, handle in handles.items()}


def places(scene: Scene, client: RecordingClient, lines: list[str]) -> Iterator[tuple[str, bytes]]:
    yield "operator's log", "\n".join([*lines, *scene.served.lines]).encode()
    yield "answers", b"\n".join(client.answers)
    yield from files_under(scene.folder)
    yield from database_rows(scene.real.broker.database)
    if scene.server is not None:
        # With its write-ahead log; what the server was made with is older.
        yield from files_under(
            scene.server.socket_folder, since=scene.settings.ring_file.stat().st_mtime
        )


@pytest.mark.campaign("canaries")
def test_rows_handles_and_tokens_are_nowhere_in_the_clear(scene: Scene) -> None:
    linkage = scene.linkage
    client = RecordingClient(linkage.client)
    linkage.client = client
    left, right = two_files(scene.rng, 600, N_COMMON)
    planted = {
        f"token of {party}": header["authorization"].removeprefix("Bearer ").encode()
        for party in (CHILD_WELFARE, SCHOOL)
        for header in [linkage.as_party(party)]
    }
    linkage.open_round()
    refused = linkage.container(random_people(scene.rng, 50), SCHOOL, root="0" * 64)
    manifest = linkage.manifest(refused, SCHOOL, as_of="2020-01-01")
    upload = linkage.send(refused, SCHOOL)
    assert linkage.commit(upload, manifest, SCHOOL).status_code == 422
    linkage.put(upload, 0, b"x", SCHOOL)
    planted |= plants_of(refused, "refused")
    planted |= plants_of(scene.upload(left, CHILD_WELFARE), "left")
    scene.kill_broker()
    planted |= plants_of(scene.upload(right, SCHOOL), "right")
    cancelled = linkage.run_id()
    client.post(f"/v1/runs/{cancelled}/cancel", headers=linkage.as_party(SCHOOL))
    linkage.ask()
    lines = work_with_a_crash(scene)
    for party in (CHILD_WELFARE, SCHOOL):
        for release in linkage.get(f"/v1/projects/{PROJECT}/releases", party).json()["releases"]:
            assert linkage.get(f"/v1/releases/{release['release']}/file", party).status_code == 200
    scene.check_log()
    searched = list(places(scene, client, lines))
    assert found_in(searched, planted) == []
    # What may be there is found: the search looks where it should.
    allowed = {"project": PROJECT.encode(), "digest": bytes.fromhex(manifest.container_sha256)}
    where = " ".join(found_in(searched, allowed))
    assert all(f"{name} in {place}" in where for name in allowed for place in ("answers", "table"))


def work_with_a_crash(scene: Scene) -> list[str]:
    """Let a worker die at its work and another finish; returns what both said."""
    dying = Process(scene.settings, "work")
    assert dying.wait_for("range_stored")
    dying.kill()
    worker = Process(scene.settings, "work")
    assert worker.wait_for("run_completed"), worker.lines
    worker.kill()
    return [*dying.lines, *worker.lines]


PLANTED = {
    "first name": "Zqcanarygiven",
    "last name": "Zqcanarysurname",
    "client": "zqcanaryclient",
    "student": "zqcanarystudent",
}
N_CHILDREN, N_STUDENTS = 80, 200


def write_planted(folder: Path) -> dict[str, Path]:
    """Write the files of two agencies, in which every second common person has planted names and numbers."""
    people = write_rehearsal(folder, children=N_CHILDREN, students=N_STUDENTS)
    marked = {
        client: (student, chr(ord("a") + at))
        for at, (client, student) in enumerate(sorted(people.student_of.items())[:26])
        if at % 2
    }
    letter_of = {"welfare": {client: letter for client, (_, letter) in marked.items()}}
    letter_of["schools"] = dict(marked.values())
    kinds = {"welfare": "client", "schools": "student"}
    last = {"welfare": "last_name", "schools": "last_surname"}
    for party, path in people.files.items():
        rows = people.rows(party)
        number = ID_COLUMN[party]
        for row in rows:
            letter = letter_of[party].get(row[number])
            if letter is not None:
                row |= {
                    number: PLANTED[kinds[party]] + letter,
                    "first_name": PLANTED["first name"] + letter,
                    last[party]: PLANTED["last name"] + letter,
                }
        with path.open("w", encoding=TEXT_ENCODING[party], newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return people.files


@dataclass(frozen=True)
class Journey:
    """What is left at the broker when two agencies have gone all the way by their own commands."""

    folder: Path
    agencies: list[LiveAgency]
    memory: list[tuple[str, bytes]]


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    files = write_planted(tmp_path)
    folder = tmp_path / "broker"
    with live_broker(folder, PROFILE) as broker:
        agencies = [
            rehearsing_agency(broker, tmp_path / party, party, files[party])
            for party in ("welfare", "schools")
        ]
        compare(*agencies)
        link(*agencies)
        for agency in agencies:
            agency.type("receipts")
        memory = [one for service in broker.services.values() for one in memory_of(service.pid)]
    return Journey(folder, agencies, memory)


@pytest.mark.long
@pytest.mark.campaign("canaries", database="sqlite")
def test_field_values_record_ids_secrets_and_keys_never_reach_the_broker(
    journey: Journey,
) -> None:
    folder, agencies = journey.folder, journey.agencies
    planted = {name: value.encode() for name, value in PLANTED.items()}
    planted["secret"] = (agencies[0].folder / "secret.txt").read_bytes().splitlines()[1]
    for agency, kind in zip(agencies, ("client", "student"), strict=True):
        assert PLANTED[kind] in (agency.folder / "links.csv").read_text()
        key_file = agency.folder / "identity.key"
        identity = read_identity(agency.folder / "identity.txt").unlock(read_key_file(key_file))
        planted[f"key file of {agency.party}"] = key_file.read_bytes().splitlines()[1]
        planted[f"keys of {agency.party}"] = identity.keys.to_bytes()
    assert found_in(files_under(folder), planted) == []
    assert found_in(files_under(folder), {"project": LIVE_PROJECT.encode()})
    # Of memory as it is alone: there is too much of it to look for every spelling.
    assert [
        name for name in planted if any(planted[name] in raw for _, raw in journey.memory)
    ] == []
    assert any(LIVE_PROJECT.encode() in raw for _, raw in journey.memory)
