"""What the service keeps, what it forgets, and what an ended process leaves."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rigs.anonlink_client import LIMITS, Anonlink, Moment, texts
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from app.errors import ConfigurationError
from app.extras.anonlink import service as service_module
from app.extras.anonlink import worker
from app.extras.anonlink.application import create_app
from app.extras.anonlink.projects import create_project
from app.extras.anonlink.service import (
    opened_service,
    read_notes,
    remove_as_operator,
    remove_expired,
)
from app.extras.anonlink.uploads import Upload
from app.extras.anonlink.worker import RunGoneError, do_waiting_runs, working
from app.ids import new_id
from app.sealed.objects import NewObject

ROWS = np.random.default_rng(3).integers(0, 256, (40, 16), dtype=np.uint8)


def stored(folder: Path) -> list[Path]:
    found = [*folder.glob("blobs/*/*"), *folder.glob("keystore/*.key")]
    return [path for path in found if path.is_file()]


def rows_of(folder: Path) -> dict[str, int]:
    with sqlite3.connect(folder / "anonlink.db") as database:
        tables = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables
        }
    database.close()
    return {name: n for name, n in found.items() if n}


def test_a_project_that_is_deleted_leaves_ids_in_the_record_and_nothing_else(
    anonlink: Anonlink, folder: Path
) -> None:
    project = anonlink.filled([ROWS, ROWS], "permutations")
    anonlink.result(project, anonlink.run(project))
    anonlink.run(project)
    assert len(stored(folder)) == 8
    secrets = [project["result_token"], *project["update_tokens"], *project["receipts"]]
    content = b"".join(path.read_bytes() for path in folder.glob("anonlink.db*"))
    assert not any(secret.encode() in content for secret in secrets)
    assert anonlink.ask("DELETE", project["path"], project["result_token"]).status_code == 204
    assert stored(folder) == []
    assert rows_of(folder).keys() == {"anonlink_note"}
    notes = read_notes(folder)
    assert [(note["what"], note["party"], note["n"]) for note in notes] == [
        ("project-created", None, 2),
        ("clks-uploaded", 0, 40),
        ("clks-uploaded", 1, 40),
        ("run-created", None, None),
        ("run-completed", None, None),
        ("result-fetched", None, None),
        ("run-created", None, None),
        ("project-deleted", None, None),
    ]
    assert not any(secret in str(notes) for secret in secrets)


def test_no_word_of_a_client_outlives_its_project(anonlink: Anonlink, folder: Path) -> None:
    project = anonlink.project(name="Mallory", notes="canary", schema={"of": "nobody"})
    anonlink.run(project)
    words = (b"Mallory", b"canary", b"nobody", project["result_token"].encode())

    def found() -> list[bytes]:
        content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        return [word for word in words if word in content]

    assert found() == [*words[:3]]
    anonlink.ask("DELETE", project["path"], project["result_token"])
    assert found() == []


def test_a_run_that_is_deleted_takes_its_result_and_leaves_the_clks(
    anonlink: Anonlink, folder: Path
) -> None:
    project = anonlink.filled([ROWS, ROWS])
    before = set(stored(folder))
    run = anonlink.run(project)
    anonlink.result(project, run)
    assert set(stored(folder)) > before
    anonlink.ask("DELETE", run, project["result_token"])
    assert set(stored(folder)) == before
    again = anonlink.run(project)
    assert len(anonlink.result(project, again)["groups"]) == len(ROWS)


def test_nothing_is_stored_where_the_disk_is_nearly_full(folder: Path) -> None:
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        project = anonlink.filled([ROWS, ROWS])
        run = anonlink.run(project)
        anonlink.result(project, run)
    before = rows_of(folder)
    with opened_service(folder, LIMITS, reserve_percent=100) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        token = project["result_token"]
        for path, body in (
            ("/projects", {"schema": {}, "result_type": "groups"}),
            (f"{project['path']}/runs", {"threshold": 0.8}),
        ):
            assert anonlink.ask("POST", path, token, json=body).status_code == 507
        assert anonlink.ask("GET", f"{run}/result", token).status_code == 507
        assert rows_of(folder) == before
        assert anonlink.ask("GET", f"{run}/status", token).status_code == 200
        # Who has no token learns no more than before, and room can be made.
        assert anonlink.ask("GET", f"{run}/result", "x").status_code == 403
        assert anonlink.ask("DELETE", project["path"], token).status_code == 204


def test_a_project_ends_when_its_time_is_over(
    anonlink: Anonlink, folder: Path, moment: Moment
) -> None:
    anonlink.filled([ROWS, ROWS])
    moment.move(days=29)
    young = anonlink.project()
    moment.move(days=1, seconds=1)
    remove_expired(anonlink.service)
    listed = anonlink.ask("GET", "/projects").json()
    assert [one["project_id"] for one in listed] == [young["project_id"]]
    assert stored(folder) == []


def test_projects_end_in_time_while_a_run_is_under_way(
    anonlink: Anonlink, folder: Path, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = anonlink.filled([ROWS, ROWS])
    moment.move(days=20)
    busy = anonlink.filled([ROWS, ROWS])
    monkeypatch.setattr(worker, "SWEEP_S", 0.05)
    ended = threading.Event()
    listed: list[list[str]] = []

    def until_it_ended(*_: Any) -> None:
        # Before its time is over, since the sweeper may be quicker than the first look after that.
        listed.append([one["project_id"] for one in anonlink.ask("GET", "/projects").json()])
        moment.move(days=11)
        for _ in range(200):
            if old["project_id"] not in listed[-1]:
                break
            time.sleep(0.05)
            listed.append([one["project_id"] for one in anonlink.ask("GET", "/projects").json()])
        ended.set()

    monkeypatch.setattr(worker, "_watch", until_it_ended)
    anonlink.run(busy)
    with working(anonlink.service):
        assert ended.wait(60)
    assert listed[0] == [old["project_id"], busy["project_id"]]
    assert listed[-1] == [busy["project_id"]]


def test_a_project_that_cannot_end_keeps_no_other_from_it(
    anonlink: Anonlink, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = anonlink.project()
    moment.move(seconds=1)
    anonlink.project()
    moment.move(days=31)
    remove = service_module.remove_project

    def failing(service: Any, project: str, what: str) -> None:
        if project == stuck["project_id"]:
            raise OSError("the disk")
        remove(service, project, what)

    monkeypatch.setattr(service_module, "remove_project", failing)
    with pytest.raises(OSError, match="the disk"):
        remove_expired(anonlink.service)
    listed = anonlink.ask("GET", "/projects").json()
    assert [one["project_id"] for one in listed] == [stuck["project_id"]]


def test_a_run_deleted_while_it_is_under_way_ends_and_leaves_nothing(
    anonlink: Anonlink, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = anonlink.filled([ROWS, ROWS])
    before = set(stored(folder))
    run = anonlink.run(project)
    compute = worker.result_texts

    def deleted_meanwhile(*arguments: Any) -> Any:
        answer = anonlink.ask("DELETE", run, project["result_token"])
        assert answer.status_code == 204
        return compute(*arguments)

    monkeypatch.setattr(worker, "result_texts", deleted_meanwhile)
    do_waiting_runs(anonlink.service)
    assert set(stored(folder)) == before


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_run_hears_its_end_while_its_result_is_made(
    anonlink: Anonlink, folder: Path, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    asked: list[None] = []
    leave, find = worker._leave_if_gone, worker.find_pairs

    def counted(*arguments: Any) -> None:
        asked.append(None)
        leave(*arguments)

    for kind in ("groups", "permutations", "similarity_scores"):
        project = anonlink.filled([ROWS, ROWS], kind)
        before = set(stored(folder))
        run = anonlink.run(project)

        def found(*arguments: Any, run: Any = run, project: Any = project, **how: Any) -> Any:
            pairs = find(*arguments, **how)
            asked.clear()
            if is_stopped:
                anonlink.service.stopping.set()
            else:
                anonlink.ask("DELETE", run, project["result_token"])
            return pairs

        monkeypatch.setattr(worker, "_leave_if_gone", counted)
        monkeypatch.setattr(worker, "find_pairs", found)
        do_waiting_runs(anonlink.service)
        assert len(asked) == 1, kind
        assert set(stored(folder)) == before, kind
        anonlink.service.stopping.clear()
        anonlink.ask("DELETE", project["path"], project["result_token"])


def test_a_fault_of_one_run_stops_no_other(
    anonlink: Anonlink, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = anonlink.filled([ROWS, ROWS])
    first, second = anonlink.run(project), anonlink.run(project)
    compute = worker.result_texts
    calls: list[object] = []

    def failing_once(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise ValueError("of a value")
        return compute(*arguments)

    monkeypatch.setattr(worker, "result_texts", failing_once)
    assert anonlink.result(project, second)["groups"]
    status = anonlink.ask("GET", f"{first}/status", project["result_token"]).json()
    assert status["state"] == "error"
    assert "of a value" not in status["message"]


def test_a_run_whose_failure_could_not_be_stored_is_done_again(
    anonlink: Anonlink, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = anonlink.filled([ROWS, ROWS])
    run = anonlink.run(project)
    monkeypatch.setattr(worker, "SWEEP_S", 0.6)
    database, write = type(anonlink.service.database), type(anonlink.service.database).write
    compute = worker.result_texts
    full: list[None] = []

    def failing_once(*arguments: Any) -> Any:
        if not full:
            full.append(None)
            monkeypatch.setattr(database, "write", no_room)
        return compute(*arguments)

    def no_room(_: Any) -> Any:
        if threading.current_thread().name == "anonlink-worker":
            full.append(None)
        # The result, what failed, and the next turn of the worker.
        if len(full) > 4:
            monkeypatch.setattr(database, "write", write)
        raise OperationalError("", {}, Exception("database or disk is full"))

    monkeypatch.setattr(worker, "result_texts", failing_once)

    def state() -> str:
        answer = anonlink.ask("GET", f"{run}/status", project["result_token"]).json()
        return str(answer["state"])

    with working(anonlink.service):
        for _ in range(400):
            if state() == "completed":
                break
            time.sleep(0.05)
    assert len(full) > 4
    assert state() == "completed"


@pytest.mark.parametrize("n_orderly", [0, 4])
def test_a_run_at_which_the_service_dies_again_and_again_fails_at_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch, n_orderly: int
) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    def stopped(service: Any, *_: Any) -> None:
        service.stopping.set()
        raise RunGoneError

    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        greedy, honest = (anonlink.filled([ROWS, ROWS]) for _ in range(2))
        bad, good = anonlink.run(greedy), anonlink.run(honest)
    with monkeypatch.context() as patched:
        patched.setattr(worker, "_watch", stopped)
        for _ in range(n_orderly):
            with opened_service(folder, LIMITS, reserve_percent=0) as service:
                do_waiting_runs(service)
    for _ in range(service_module.MAX_ATTEMPTS):
        with (
            monkeypatch.context() as patched,
            opened_service(folder, LIMITS, reserve_percent=0) as service,
        ):
            patched.setattr(worker, "find_pairs", killed)
            with pytest.raises(KeyboardInterrupt):
                do_waiting_runs(service)
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        assert anonlink.result(honest, good)["groups"]
        status = anonlink.ask("GET", f"{bad}/status", greedy["result_token"]).json()
    assert status["state"] == "error"
    assert "begun 3 times" in status["message"]
    failed = [note["run"] for note in read_notes(folder) if note["what"] == "run-failed"]
    assert failed == [bad.split("/")[-1]]


def test_what_was_cut_off_is_done_again_and_what_nobody_names_is_destroyed(folder: Path) -> None:
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        project = anonlink.filled([ROWS, ROWS])
        complete = anonlink.result(project, anonlink.run(project))
        run = anonlink.run(project)
        # As if killed: the run claimed, a result half written, an upload half received.
        with service.database.write() as session:
            assert worker._claim(service, session) is not None
        NewObject(service, new_id("result")).add("result", 0, b"half")
        other = create_project(service, {"schema": {}, "result_type": "groups"})
        Upload(service, other["project_id"], other["update_tokens"][0])
        n_stored = len(stored(folder))
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        assert len(stored(folder)) == n_stored - 3
        anonlink = Anonlink(TestClient(create_app(service)), service)
        assert anonlink.result(project, run) == complete


def test_a_run_that_has_just_been_claimed_is_at_its_second_stage(anonlink: Anonlink) -> None:
    project = anonlink.filled([ROWS, ROWS])
    run = anonlink.run(project)
    with anonlink.service.database.write() as session:
        assert worker._claim(anonlink.service, session) is not None
    status = anonlink.ask("GET", f"{run}/status", project["result_token"]).json()
    assert (status["state"], status["current_stage"]["number"]) == ("running", 2)


def test_an_upload_whose_sender_is_gone_leaves_nothing(anonlink: Anonlink, folder: Path) -> None:
    project = anonlink.project()

    def cut() -> Iterator[bytes]:
        yield b'{"clks": ["AAAA"'
        raise ConnectionError

    token = project["update_tokens"][0]
    headers = {"content-type": "application/json"}
    answer = anonlink.ask("POST", f"{project['path']}/clks", token, content=cut(), headers=headers)
    assert answer.status_code == 500
    assert stored(folder) == []


def test_a_stop_leaves_the_run_for_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = threading.Event()

    def stopped(service: Any, *_: Any) -> None:
        reached.set()
        service.stopping.wait(20)
        raise RunGoneError

    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        project = anonlink.filled([ROWS, ROWS])
        with monkeypatch.context() as patched, working(service):
            patched.setattr(worker, "_watch", stopped)
            run = anonlink.run(project)
            assert reached.wait(20)
            service.stopping.set()
        state = anonlink.ask("GET", f"{run}/status", project["result_token"]).json()["state"]
        assert state == "running"
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        anonlink = Anonlink(TestClient(create_app(service)), service)
        assert len(anonlink.result(project, run)["groups"]) == len(ROWS)


def test_a_folder_has_one_service_and_is_for_its_owner(folder: Path) -> None:
    with opened_service(folder, LIMITS):
        assert (folder.stat().st_mode & 0o777) == 0o700
        for file in folder.glob("anonlink.db*"):
            assert (file.stat().st_mode & 0o077) == 0
        with pytest.raises(ConfigurationError, match="in use"), opened_service(folder, LIMITS):
            pass
    with opened_service(folder, LIMITS) as again:
        assert again.database.file == folder / "anonlink.db"


def test_the_state_folder_of_a_broker_is_refused_and_left_alone(folder: Path) -> None:
    for number, file in enumerate(("broker.db", "log/last-checkpoint")):
        state = folder / str(number)
        (state / file).parent.mkdir(parents=True)
        (state / file).write_bytes(b"the broker's")
        (state / "anonlink.db").touch()
        before = sorted(state.rglob("*"))
        with pytest.raises(ConfigurationError, match="a broker's"), opened_service(state, LIMITS):
            pass
        assert sorted(state.rglob("*")) == before, file


def test_keys_and_blobs_without_their_database_are_refused_and_left_alone(folder: Path) -> None:
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        Anonlink(TestClient(create_app(service)), service).filled([ROWS, ROWS])
    (folder / "anonlink.db").rename(folder / "elsewhere.db")
    before = stored(folder)
    assert len(before) == 4
    with pytest.raises(ConfigurationError, match=r"anonlink\.db"), opened_service(folder, LIMITS):
        pass
    assert stored(folder) == before
    assert not (folder / "anonlink.db").exists()


def test_a_first_start_that_was_cut_off_is_begun_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    for step in ("_database", "make_ring", "KeyStore"):
        state = folder / step
        with monkeypatch.context() as patched:
            patched.setattr(service_module, step, None)
            with pytest.raises(TypeError), opened_service(state, LIMITS):
                pass
        with opened_service(state, LIMITS):
            assert (state / "keystore").is_dir(), step


def test_a_key_that_is_not_of_its_making_stays(folder: Path) -> None:
    with opened_service(folder, LIMITS) as service:
        service.keystore.create("upl-1")
        service.keystore.create(new_id("clks"))
    with opened_service(folder, LIMITS) as service:
        assert list(service.keystore.object_ids()) == ["upl-1"]


def test_an_operator_removes_a_project_while_the_service_runs(
    anonlink: Anonlink, folder: Path
) -> None:
    project, other = (anonlink.filled([ROWS, ROWS]) for _ in range(2))
    run = anonlink.run(project)
    with anonlink.service.database.write() as session:
        assert worker._claim(anonlink.service, session) is not None
    remove_as_operator(folder, project["project_id"])
    answer = anonlink.ask("GET", f"{run}/status", project["result_token"])
    assert answer.status_code == 403
    listed = anonlink.ask("GET", "/projects").json()
    assert [one["project_id"] for one in listed] == [other["project_id"]]
    assert len(stored(folder)) == 4
    last = read_notes(folder)[-1]
    assert (last["what"], last["project"]) == ("project-removed", project["project_id"])
    with pytest.raises(ConfigurationError, match="no such project"):
        remove_as_operator(folder, project["project_id"])
    assert read_notes(folder)[-1] == last


def test_the_record_of_no_service_is_no_record(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="no anonlink service"):
        read_notes(folder)
    with pytest.raises(ConfigurationError, match="no anonlink service"):
        remove_as_operator(folder, "x")
    assert not folder.exists()


def test_the_log_has_no_token_and_no_word_of_a_client(anonlink: Anonlink, log_stream: Any) -> None:
    project = anonlink.project(name="Mallory", notes="Mallory")
    anonlink.upload(project, 0, {"clks": texts(ROWS)})
    anonlink.ask("GET", project["path"], project["result_token"])
    anonlink.ask("GET", "/projects/Mallory", "Mallory")
    said = log_stream.getvalue()
    assert said.count("request_completed") == 4
    for secret in ("Mallory", project["result_token"], *project["update_tokens"], texts(ROWS)[0]):
        assert secret not in said
