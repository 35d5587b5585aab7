"""Who gets in: credentials, roles, rates, page sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rigs.persons import DUTIES, MakePerson
from starlette.testclient import TestClient

from app.http.access import COOKIE, CSRF_HEADER
from app.http.limits import Rate, RateLimiter
from app.main import create_app
from app.security.tokens import csrf_token, new_token
from schemas.documents.problem import Problem


@pytest.fixture
def county(founded: Any, bearer: Any) -> str:
    founded.enrol("county")
    return bearer("county", "agency")["authorization"].removeprefix("Bearer ")


def whoami(client: TestClient, *authorization: str) -> Any:
    return client.get("/v1/whoami", headers=[("authorization", text) for text in authorization])


def test_a_token_lets_its_holder_in_as_themselves_and_ends_at_its_second(
    client: TestClient, county: str, person_of: MakePerson, bearer: Any, founded: Any
) -> None:
    answer = whoami(client, f"Bearer {county}")
    assert answer.json() == {
        "party": "county",
        "person": person_of("county", *DUTIES["agency"]).id,
        "role": "agency",
        "duties": list(DUTIES["agency"]),
        "expires": "2026-09-01T06:10:00Z",
    }
    # The scheme is read in any case.
    assert whoami(client, f"bearer {county}").status_code == 200
    # A credential in the query or a cookie is not taken.
    assert client.get(f"/v1/whoami?access_token={county}").status_code == 401
    assert client.get("/v1/whoami", headers={"cookie": f"{COOKIE}={county}"}).status_code == 401
    # A route that takes no body refuses one.
    answer = client.request(
        "GET", "/v1/whoami", content=b"x", headers={"authorization": f"Bearer {county}"}
    )
    assert answer.status_code == 413
    # A parameter that is given twice is refused.
    headers = {"authorization": f"Bearer {county}"}
    one = "before=run-00000000000000000000000000000000"
    path = "/v1/projects/county/runs"
    assert client.get(f"{path}?{one}", headers=headers).status_code == 404
    answer = client.get(f"{path}?{one}&{one}", headers=headers)
    assert (answer.status_code, Problem.from_json(answer.json()).code) == (422, "invalid-parameter")
    # The wrong role is told so.
    answer = client.get("/metrics", headers=bearer("county", "agency"))
    assert answer.status_code == 403
    assert Problem.from_json(answer.json()).code == "wrong-role"
    # A bearer token opens no page.
    assert client.delete("/session", headers=bearer("county", "agency")).status_code == 401
    # A token ends at its second.
    founded.clock.move(minutes=9, seconds=59)
    assert whoami(client, f"Bearer {county}").status_code == 200
    founded.clock.move(seconds=1)
    assert whoami(client, f"Bearer {county}").status_code == 401


def test_all_methods_that_a_path_takes_are_told(client: TestClient) -> None:
    for path, methods in (
        ("/v1/projects/county/rounds/1/claims/school", "GET, PUT"),
        ("/v1/projects/county/shares", "DELETE, GET, POST"),
        ("/session", "DELETE, POST"),
        ("/v1/whoami", "GET"),
    ):
        answer = client.request("PATCH", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods), path
        assert answer.json()["hint"] == f"it takes {methods}"


def test_the_operators_log_says_who_asked_and_who_signed_in(
    client: TestClient, log_stream: Any, county: str, person_of: MakePerson
) -> None:
    whoami(client, f"Bearer {county}")
    person = person_of("county", *DUTIES["agency"]).id
    lines = [json.loads(line) for line in log_stream.getvalue().splitlines()]
    asked = [line for line in lines if line.get("route") == "/v1/whoami"]
    assert [line["person"] for line in asked] == [person]
    assert person in [line["person"] for line in lines if line["event"] == "person_signed_in"]
    whoami(client, "Bearer nobody")
    assert "person" not in json.loads(log_stream.getvalue().splitlines()[-1])


def limited(founded: Any, **per_minute: int) -> TestClient:
    app = create_app(founded.broker)
    slow = {"read": Rate(0.001, 2), "write": Rate(0.001, 2), "sign-in": Rate(0.001, 3)}
    gate = app.state.gate
    object.__setattr__(gate, "limiter", RateLimiter(slow, lambda: 0.0))  # type: ignore[arg-type]
    return TestClient(app, base_url="https://broker.test")


def test_too_many_requests_of_one_client_are_refused_for_a_time_and_none_of_another(
    founded: Any, bearer: Any, county: str
) -> None:
    client = limited(founded)
    answers = [client.get("/v1/whoami", headers=bearer("county", "agency")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert Problem.from_json(answers[2].json()).code == "too-many-requests"
    # One client does not use up anothers rate.
    assert client.get("/v1/whoami", headers=bearer("operator", "operator")).status_code == 200


def test_guessing_is_slowed_down_by_address_and_locks_no_holder_out(
    founded: Any, county: str
) -> None:
    client = limited(founded)
    statuses = [whoami(client, f"Bearer {new_token()}").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    # Guesses of others do not lock a holder out.
    assert whoami(client, f"Bearer {county}").status_code == 200


def open_session(client: TestClient, headers: dict[str, str]) -> Any:
    link = client.post("/v1/session-links", headers=headers)
    assert link.status_code == 201
    return client.post("/session", json={"code": link.json()["code"]})


def test_a_session_link_opens_one_session_within_a_minute(
    client: TestClient, bearer: Any, county: str, founded: Any
) -> None:
    code = client.post("/v1/session-links", headers=bearer("county", "agency")).json()["code"]
    first = client.post("/session", json={"code": code})
    second = client.post("/session", json={"code": code})
    assert (first.status_code, second.status_code) == (204, 401)
    assert "set-cookie" not in second.headers
    # A session link works for a minute.
    codes = [
        client.post("/v1/session-links", headers=bearer("county", "agency")).json()["code"]
        for _ in range(2)
    ]
    founded.clock.move(seconds=59)
    assert client.post("/session", json={"code": codes[0]}).status_code == 204
    founded.clock.move(seconds=1)
    assert client.post("/session", json={"code": codes[1]}).status_code == 401


def test_the_cookie_is_for_the_broker_alone_whose_pages_alone_close_its_session(
    client: TestClient, bearer: Any, county: str
) -> None:
    cookie = open_session(client, bearer("county", "agency")).headers["set-cookie"]
    name_and_value, *attributes = [part.strip() for part in cookie.split(";")]
    assert name_and_value.startswith("__Host-blindlink=")
    assert {attribute.lower() for attribute in attributes} >= {
        "httponly",
        "secure",
        "samesite=strict",
        "path=/",
    }
    assert not any(attribute.lower().startswith("domain") for attribute in attributes)
    # A latin header is no fault of ours.
    answer = client.delete("/session", headers=[(CSRF_HEADER.encode(), b"\xff")])
    assert answer.status_code == 403
    # A session is closed only by one of the brokers pages.
    value = client.cookies[COOKIE]
    without = client.delete("/session")
    wrong = client.delete("/session", headers={CSRF_HEADER: csrf_token("other")})
    right = client.delete("/session", headers={CSRF_HEADER: csrf_token(value)})
    assert (without.status_code, wrong.status_code, right.status_code) == (403, 403, 204)
    again = client.delete(
        "/session", headers={CSRF_HEADER: csrf_token(value), "cookie": f"{COOKIE}={value}"}
    )
    assert again.status_code == 401


def test_a_new_session_ends_the_one_before_it_in_the_same_browser(
    client: TestClient, bearer: Any, county: str
) -> None:
    open_session(client, bearer("county", "agency"))
    former = client.cookies[COOKIE]
    open_session(client, bearer("county", "agency"))
    assert client.cookies[COOKIE] != former
    headers = {CSRF_HEADER: csrf_token(former), "cookie": f"{COOKIE}={former}"}
    client.cookies.clear()
    assert client.delete("/session", headers=headers).status_code == 401


def test_credentials_are_in_the_database_as_digests_only(
    client: TestClient, founded: Any, bearer: Any, county: str, tmp_path: Any
) -> None:
    link = client.post("/v1/session-links", headers=bearer("county", "agency")).json()["code"]
    client.post("/session", json={"code": link})
    secrets_ = [county, link, client.cookies[COOKIE]]
    with founded.broker.database.engine.connect() as connection:
        from app.migrations.tables import ALL_TABLES

        rows = [
            str(row)
            for table in ALL_TABLES.tables.values()
            for row in connection.execute(table.select())
        ]
    assert not any(secret in row for secret in secrets_ for row in rows)
