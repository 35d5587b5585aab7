"""Who may do what: a token is good for one project and one thing, and what is wrong is answered alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from rigs.anonlink_client import Anonlink, texts

from app.extras.anonlink.worker import do_waiting_runs

ROWS = np.arange(64, dtype=np.uint8).reshape(8, 8)
BODY = {"clks": texts(ROWS)}
# Method, path below the project, and body of what the result token is for.
OF_THE_ANALYST: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("DELETE", "", None),
    ("GET", "/runs", None),
    ("POST", "/runs", {"threshold": 0.8}),
    *(("GET", f"/runs/{{run}}{part}", None) for part in ("", "/status", "/result")),
    ("DELETE", "/runs/{run}", None),
]


def refusal(answer: Any) -> tuple[int, dict[str, Any]]:
    """Return the answer without what is new in each."""
    return answer.status_code, {**answer.json(), "request": None}


def test_a_token_that_is_wrong_is_answered_like_a_project_that_never_was(
    anonlink: Anonlink,
) -> None:
    mine, other = anonlink.filled([ROWS, ROWS]), anonlink.filled([ROWS, ROWS])
    run = anonlink.run(mine).split("/")[-1]
    do_waiting_runs(anonlink.service)
    token = mine["result_token"]
    wrong = [
        *("0" * 48, "x", "é" * 20, f"Bearer {token}", token[:-1], token.upper(), f"{token}0"),
        *(other["result_token"], *mine["update_tokens"], *mine["receipts"]),
    ]
    for method, pattern, body in OF_THE_ANALYST:
        path = pattern.format(run=run)
        gone = anonlink.ask(method, f"/projects/{'0' * 48}{path}", token, json=body)
        assert gone.status_code == 403
        for one in wrong:
            answer = anonlink.ask(method, f"{mine['path']}{path}", one.encode(), json=body)
            assert refusal(answer) == refusal(gone), (method, pattern, one)
        if "{run}" in pattern:
            # Another project's run is not there either.
            answer = anonlink.ask(method, f"{other['path']}{path}", other["result_token"])
            assert refusal(answer) == refusal(gone)
    assert anonlink.ask("GET", f"{mine['path']}/runs/{run}/result", token).status_code == 200
    assert len(anonlink.ask("GET", f"{mine['path']}/runs", token).json()) == 1


OF_ANYBODY = [*OF_THE_ANALYST, ("POST", "/clks", BODY)]


def test_without_a_token_nothing_is_done(anonlink: Anonlink) -> None:
    project = anonlink.project()
    for method, path, body in OF_ANYBODY:
        answer = anonlink.ask(method, f"{project['path']}{path.format(run='0')}", json=body)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith(":token-missing")


def test_an_upload_token_is_of_its_project_and_works_once(anonlink: Anonlink) -> None:
    mine, other = anonlink.project(), anonlink.project()
    path = f"{mine['path']}/clks"
    gone = anonlink.ask("POST", f"/projects/{'0' * 48}/clks", "0" * 48, json=BODY)
    for token in (*other["update_tokens"], mine["result_token"], "0" * 48):
        answer = anonlink.ask("POST", path, token, json=BODY)
        assert refusal(answer) == refusal(gone)
    assert anonlink.upload(mine, 0, BODY).status_code == 201
    for again in (anonlink.upload(mine, 0, BODY), anonlink.upload_binary(mine, 0, ROWS)):
        assert again.status_code == 403
        assert again.json()["type"].endswith(":token-used")
    parties = anonlink.ask("GET", mine["path"], mine["result_token"]).json()["parties_contributed"]
    assert parties == 1


def test_an_upload_that_was_refused_may_be_tried_again(anonlink: Anonlink) -> None:
    project = anonlink.project()
    assert anonlink.upload(project, 0, {"clks": ["?"]}).status_code == 400
    assert anonlink.upload(project, 0, BODY).status_code == 201


def test_a_receipt_reads_its_own_permutation_and_no_other_kind_of_result(
    anonlink: Anonlink,
) -> None:
    groups = anonlink.filled([ROWS, ROWS])
    run = anonlink.run(groups)
    do_waiting_runs(anonlink.service)
    for part in ("/status", "/result"):
        answer = anonlink.ask("GET", f"{run}{part}", groups["receipts"][0])
        assert answer.status_code == 403
    permuted = anonlink.filled([ROWS, ROWS], "permutations")
    run = anonlink.run(permuted)
    token = permuted["receipts"][0]
    assert anonlink.result(permuted, run, token)["rows"] == len(ROWS)
    assert anonlink.ask("GET", f"{run}/status", token).status_code == 200
    for method, path in (("DELETE", ""), ("GET", "/runs"), ("POST", "/runs")):
        answer = anonlink.ask(method, f"{permuted['path']}{path}", token, json={"threshold": 0.8})
        assert answer.status_code == 403


def test_tokens_of_what_is_deleted_open_nothing(anonlink: Anonlink) -> None:
    project = anonlink.filled([ROWS, ROWS])
    run = anonlink.run(project)
    anonlink.result(project, run)
    token = project["result_token"]
    assert anonlink.ask("DELETE", run, token).status_code == 204
    assert anonlink.ask("GET", f"{run}/result", token).status_code == 403
    assert anonlink.ask("DELETE", run, token).status_code == 403
    assert anonlink.ask("GET", project["path"], token).status_code == 200
    anonlink.ask("DELETE", project["path"], token)
    for path in ("", "/runs"):
        assert anonlink.ask("GET", f"{project['path']}{path}", token).status_code == 403
    assert anonlink.upload(project, 0, BODY).status_code == 403


PATHS = [
    "/projects/..%2f..%2fetc%2fpasswd",
    "/projects/%2e%2e/runs",
    "/projects/%00",
    "/projects/' OR 1=1 --",
    "/projects/" + "a" * 5_000,
    "/projects/x/runs/..%2f..%2fstatus",
    "/projects/%F0%9F%92%A9",
]


def test_an_id_is_a_name_and_never_a_path(anonlink: Anonlink) -> None:
    for path in PATHS:
        answer = anonlink.ask("GET", path, "0" * 48)
        assert answer.status_code in {403, 404}
        assert answer.headers["content-type"] == "application/problem+json"
