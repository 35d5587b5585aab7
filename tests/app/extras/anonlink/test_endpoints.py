"""What clients of the old service ask, and what they are answered."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from rigs.anonlink_client import LIMITS, Anonlink, texts
from samples.encodings import seeded_rows
from sqlalchemy import inspect
from twins.dice import all_pairs
from twins.linking import Link, greedy_groups

from app.extras.anonlink import repository
from app.extras.anonlink.worker import do_waiting_runs

N_BITS = 128


@pytest.fixture(scope="module")
def files() -> list[np.ndarray]:
    left, right = seeded_rows(60, N_BITS, 0.4, seed=9)
    third, _ = seeded_rows(40, N_BITS, 0.4, seed=9)
    return [left, right, np.concatenate([third, right[:10]])]


def links(files: list[np.ndarray], threshold: Fraction) -> list[Link]:
    as_int = [[int.from_bytes(row.tobytes(), "little") for row in file] for file in files]
    return [
        Link((i, pair.left), (j, pair.right), pair.common, pair.total)
        for i in range(len(files))
        for j in range(i + 1, len(files))
        for pair in all_pairs(as_int[i], as_int[j], threshold)
    ]


def test_a_project_is_created_listed_described_and_deleted(anonlink: Anonlink) -> None:
    made = anonlink.project(name="one", notes="two", schema={"version": 3, "l": 0.5})
    for code in (made["project_id"], made["result_token"], *made["update_tokens"]):
        assert re.fullmatch(r"[0-9a-f]{48}", code)
    assert len({made["result_token"], *made["update_tokens"]}) == 3
    listed = anonlink.ask("GET", "/projects").json()
    assert listed == [{"project_id": made["project_id"], "time_added": "2026-09-01T00:00:00+00:00"}]
    token = made["result_token"]
    assert anonlink.ask("GET", made["path"], token).json() == {
        "project_id": made["project_id"],
        "name": "one",
        "notes": "two",
        "schema": {"version": 3, "l": 0.5},
        "result_type": "groups",
        "number_parties": 2,
        "uses_blocking": False,
        "parties_contributed": 0,
        "error": False,
    }
    assert anonlink.ask("DELETE", made["path"], token).status_code == 204
    assert anonlink.ask("GET", "/projects").json() == []
    assert anonlink.ask("GET", made["path"], token).status_code == 403


BROKEN_PROJECTS = [
    *({}, [], {"schema": {}}, {"schema": [], "result_type": "groups"}),
    *({"schema": {}, "result_type": kind} for kind in ("mapping", None, 1, ["groups"])),
    *(
        {"schema": {}, "result_type": "groups", "number_parties": n}
        for n in (1, 0, -2, 65, 2.0, True, "2", None)
    ),
    *(
        {"schema": {}, "result_type": kind, "number_parties": 3}
        for kind in ("permutations", "similarity_scores")
    ),
    {"schema": {}, "result_type": "groups", "name": 1},
    {"schema": {}, "result_type": "groups", "notes": "x" * 10_001},
    {"schema": {}, "result_type": "groups", "uses_blocking": "yes"},
    {"schema": {"a": "é" * 65_536}, "result_type": "groups"},
]


def test_a_project_that_breaks_a_rule_is_refused(anonlink: Anonlink) -> None:
    for body in BROKEN_PROJECTS:
        answer = anonlink.ask("POST", "/projects", json=body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert anonlink.ask("GET", "/projects").json() == []


def test_lists_read_no_words_of_clients(anonlink: Anonlink) -> None:
    project = anonlink.project(name="n" * 9_999, notes="o" * 9_999, schema={"a": "s" * 99_999})
    path, token = f"{project['path']}/runs", project["result_token"]
    words = {"name": "n" * 9_999, "notes": "o" * 9_999}
    run = anonlink.ask("POST", path, token, json={"threshold": 0.8, **words}).json()["run_id"]
    with anonlink.service.database.read() as session:
        listed = [
            *repository.list_projects(session),
            *repository.runs_of(session, project["project_id"]),
        ]
        found = repository.find_project(session, project["project_id"])
        assert "schema" in inspect(found).unloaded
    assert [one.id for one in listed] == [project["project_id"], run]
    assert len(str(listed)) < 400


UNCLEAN_BODIES = [
    b'{"schema": {}, "schema": {}}',
    b"\xff",
    b'{"schema": {"x": NaN}}',
    b'{"schema": {"x": 1e999}}',
    b'{"schema": "\\ud800"}',
    b"[" * 100_000,
]


def test_a_body_that_is_no_clean_json_is_refused(anonlink: Anonlink) -> None:
    for raw in UNCLEAN_BODIES:
        headers = {"content-type": "application/json"}
        answer = anonlink.ask("POST", "/projects", content=raw, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(":malformed-body")


def test_there_are_no_more_projects_than_may_be(anonlink: Anonlink) -> None:
    for _ in range(anonlink.service.limits.max_projects):
        anonlink.project()
    body = {"schema": {}, "result_type": "groups"}
    assert anonlink.ask("POST", "/projects", json=body).status_code == 503


@pytest.mark.parametrize("limits", [replace(LIMITS, max_waiting=3, max_waiting_of_project=2)])
def test_no_more_runs_wait_than_may(anonlink: Anonlink) -> None:
    def ask(project: dict[str, Any]) -> int:
        path, token = f"{project['path']}/runs", project["result_token"]
        return anonlink.ask("POST", path, token, json={"threshold": 0.8}).status_code

    first, second = (anonlink.filled([np.ones((2, 8), dtype=np.uint8)] * 2) for _ in range(2))
    assert [ask(first) for _ in range(3)] == [201, 201, 503]
    # One that waits for CLKs waits, too.
    empty = anonlink.project()
    assert [ask(one) for one in (empty, second)] == [201, 503]
    do_waiting_runs(anonlink.service)
    assert [ask(one) for one in (first, second)] == [201, 201]


def test_groups_of_three_parties_are_those_of_the_slow_solver(
    anonlink: Anonlink, files: list[np.ndarray]
) -> None:
    project = anonlink.filled(files)
    for threshold in ("0.8", "0.65"):
        result = anonlink.result(project, anonlink.run(project, float(threshold)))
        expected = greedy_groups(links(files, Fraction(threshold)))
        assert result == {"groups": [[list(record) for record in group] for group in expected]}
        assert len(expected) > 20


def test_scores_are_all_pairs_best_first(anonlink: Anonlink, files: list[np.ndarray]) -> None:
    project = anonlink.filled(files[:2], "similarity_scores")
    run = anonlink.run(project, 0.7)
    scores = anonlink.result(project, run)["similarity_scores"]
    expected = links(files[:2], Fraction(7, 10))
    assert {(tuple(a), tuple(b)): score for a, b, score in scores} == {
        (one.left, one.right): 2 * one.common / one.total for one in expected
    }
    assert [score for *_, score in scores] == sorted((score for *_, score in scores), reverse=True)
    status = anonlink.ask("GET", f"{run}/status", project["result_token"]).json()
    assert (status["stages"], status["current_stage"]["number"]) == (2, 2)


def test_json_and_binary_give_the_same(anonlink: Anonlink, files: list[np.ndarray]) -> None:
    by_json = anonlink.filled(files[:2])
    by_binary = anonlink.project()
    for party, rows in enumerate(files[:2]):
        assert anonlink.upload_binary(by_binary, party, rows).status_code == 201
    results = [anonlink.result(one, anonlink.run(one)) for one in (by_json, by_binary)]
    assert results[0] == results[1]
    assert len(results[0]["groups"]) > 20


def test_each_party_reads_its_permutation_and_the_analyst_the_mask(
    anonlink: Anonlink, files: list[np.ndarray]
) -> None:
    larger = np.concatenate([files[1], files[2]])
    project = anonlink.filled([files[0], larger], "permutations")
    run = anonlink.run(project)
    mask = anonlink.result(project, run)["mask"]
    read = [anonlink.result(project, run, receipt) for receipt in project["receipts"]]
    assert len(mask) == len(files[0]) == read[0]["rows"] == read[1]["rows"]
    places = [one["permutation"] for one in read]
    assert [sorted(one) for one in places] == [list(range(len(files[0]))), list(range(len(larger)))]
    matched = {
        (places[0].index(place), places[1].index(place))
        for place in range(len(mask))
        if mask[place]
    }
    expected = greedy_groups(links([files[0], larger], Fraction(4, 5)))
    assert matched == {(left[1], right[1]) for left, right in expected}
    # Nobody finds the other's rows by their order.
    assert places[0] != sorted(places[0])


def test_a_run_waits_for_all_parties_and_says_how_far_it_is(
    anonlink: Anonlink, files: list[np.ndarray]
) -> None:
    project = anonlink.project()
    token = project["result_token"]
    run = anonlink.run(project)
    anonlink.upload(project, 1, {"clks": texts(files[1])})
    do_waiting_runs(anonlink.service)
    status = anonlink.ask("GET", f"{run}/status", token).json()
    assert (status["state"], status["stages"]) == ("created", 3)
    assert status["current_stage"] == {
        "number": 1,
        "description": "waiting for CLKs",
        "progress": {
            "absolute": 1,
            "relative": 0.5,
            "description": "number of parties already contributed",
        },
    }
    assert anonlink.ask("GET", f"{run}/result", token).status_code == 404
    anonlink.upload(project, 0, {"clks": texts(files[0])})
    assert anonlink.ask("GET", f"{run}/status", token).json()["state"] == "queued"
    do_waiting_runs(anonlink.service)
    status = anonlink.ask("GET", f"{run}/status", token).json()
    assert status["state"] == "completed"
    assert status["current_stage"] == {"number": 3, "description": "compute output"}
    assert status["time_completed"] >= status["time_started"] >= status["time_added"]
    assert anonlink.ask("GET", project["path"], token).json()["parties_contributed"] == 2
    listed = anonlink.ask("GET", f"{project['path']}/runs", token).json()
    assert [(one["run_id"], one["state"]) for one in listed] == [(run.split("/")[-1], "completed")]


def test_a_run_is_described_as_it_was_asked_for(anonlink: Anonlink) -> None:
    project = anonlink.project()
    body = {"threshold": 0.85, "name": "n", "notes": None, "unknown": 1}
    path, token = f"{project['path']}/runs", project["result_token"]
    made = anonlink.ask("POST", path, token, json=body).json()
    assert made == {"run_id": made["run_id"], "threshold": 0.85, "name": "n", "notes": ""}
    assert anonlink.ask("GET", f"{path}/{made['run_id']}", token).json() == made


NO_THRESHOLDS = [
    *(b"{}", b'{"threshold": -0.5}', b'{"threshold": 0}', b'{"threshold": 1.01}'),
    *(b'{"threshold": "0.8"}', b'{"threshold": true}', b'{"threshold": null}'),
    *(b'{"threshold": 1e-400000}', b'{"threshold": 0.123456789012345678901}'),
    b'{"threshold": 1e400000000000000000000}',
]


def test_a_threshold_that_is_none_is_refused(anonlink: Anonlink) -> None:
    project = anonlink.project()
    path, token = f"{project['path']}/runs", project["result_token"]
    headers = {"content-type": "application/json"}
    for raw in NO_THRESHOLDS:
        assert anonlink.ask("POST", path, token, content=raw, headers=headers).status_code == 400
        assert anonlink.ask("GET", path, token).json() == []


def test_a_run_of_too_many_pairs_fails_and_says_so(anonlink: Anonlink) -> None:
    same = np.ones((200, 8), dtype=np.uint8)
    project = anonlink.filled([same, same])
    run = anonlink.run(project)
    do_waiting_runs(anonlink.service)
    token = project["result_token"]
    status = anonlink.ask("GET", f"{run}/status", token).json()
    assert status["state"] == "error"
    assert "more than 20,000 pairs" in status["message"]
    assert anonlink.ask("GET", f"{run}/result", token).status_code == 409


def test_only_rows_that_share_a_block_are_paired(anonlink: Anonlink) -> None:
    rows = np.eye(8, dtype=np.uint8)
    project = anonlink.project("similarity_scores", uses_blocking=True)
    left = [
        [text, *blocks]
        for text, blocks in zip(texts(rows), ["a", "ab", "c", "", "x", "y", "z", "w"], strict=True)
    ]
    blocks = {"0": ["b", "a"], "1": ["b"], "2": ["d"], "3": ["a"], "4": ["x", "q"]}
    assert anonlink.upload(project, 0, {"clknblocks": left}).status_code == 201
    body = {"encodings": texts(rows), "blocks": blocks}
    assert anonlink.upload(project, 1, body).status_code == 201
    scores = anonlink.result(project, anonlink.run(project))["similarity_scores"]
    assert scores == [[[0, row], [1, row], 1.0] for row in (0, 1, 4)]


def test_it_says_that_it_works_and_what_it_is(anonlink: Anonlink) -> None:
    assert anonlink.ask("GET", "/status").json() == {"status": "ok", "project_count": 0, "rate": 0}
    assert anonlink.ask("GET", "/version").json()["entityservice"] == "v1.15.1"
    # Old clients ask, and then send the CLKs here.
    answer = anonlink.ask("GET", f"{anonlink.project()['path']}/authorize-external-upload", "x")
    assert answer.status_code == 404


def test_slashes_that_were_typed_twice_are_one(anonlink: Anonlink) -> None:
    assert anonlink.client.get("http://127.0.0.1:8851/api/v1//status").status_code == 200
