"""From a signed claim to a token and a proven request, over HTTP, and every attack on both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from breaks.sign_in import ME, honest
from rigs.enrolled import (
    BROKER,
    TOKEN_URL,
    EnrolledPerson,
    confirm,
    form,
    invite,
    log_entries,
    revoke,
)
from samples.sign_in_forms import JTI, NOW_S, compact
from sqlalchemy import text
from starlette.testclient import TestClient
from vectors.file import read_vectors

from app.errors import UnavailableError
from app.http.limits import Rate, RateLimiter
from app.main import create_app
from app.worker.sweeper import Sweeper
from encoding.people.identity import Identity, PrivateKeys, new_identity
from schemas.api.sign_in import EnrolmentRequest
from schemas.signing.identity import SignedIdentity

PARTY = "child-welfare"
VECTORS = read_vectors("identity")
WHOAMI = "/v1/whoami"


@pytest.fixture
def person(founded: Any, client: TestClient) -> EnrolledPerson:
    founded.enrol(PARTY)
    return EnrolledPerson.confirmed(founded, client, PARTY, "analyst")


@pytest.fixture
def vector_person(founded: Any, client: TestClient) -> str:
    """The person of the vectors, whose keys the attacks bend; confirmed."""
    founded.enrol(PARTY)
    signed = SignedIdentity.from_canonical(VECTORS["signed_identity"].encode())
    keys = PrivateKeys.from_bytes(bytes.fromhex(VECTORS["private_hex"]))
    code = invite(founded, PARTY, *signed.identity.duties)
    wanted = EnrolmentRequest(code=code, identity=signed)
    assert client.post("/v1/enrolments", json=wanted.to_json()).status_code == 201
    confirm(founded, Identity(signed, keys))
    assert int(founded.clock().timestamp()) == NOW_S
    return str(signed.identity.person)


def refusal(answer: Any) -> tuple[int, dict[str, Any], tuple[str, ...]]:
    """Return all that a caller learns, but for what differs with each request."""
    body = answer.json()
    body.pop("request")
    own = {"x-request-id", "content-length", "date"}
    return (
        answer.status_code,
        body,
        tuple(f"{k}: {v}" for k, v in sorted(answer.headers.items()) if k not in own),
    )


def refusals_of(founded: Any) -> list[tuple[str, str, int]]:
    with founded.broker.database.read() as session:
        found = session.execute(
            text("SELECT party, hour, count FROM refused_sign_ins ORDER BY 1, 2")
        )
        return [(row[0], row[1], row[2]) for row in found]


def test_a_claim_signs_in_once(founded: Any, client: TestClient, vector_person: str) -> None:
    other = EnrolledPerson.confirmed(founded, client, PARTY, "analyst")
    said = {"iss": other.id, "sub": other.id, "aud": TOKEN_URL, "exp": NOW_S + 60, "jti": JTI}
    theirs = compact({"alg": "EdDSA"}, said, other.identity.keys.signing_key)
    for claim, status in (
        (honest(), 200),
        (honest(), 401),
        (honest(exp=NOW_S + 120), 401),
        (theirs, 200),
        (honest(jti="f" * 32), 200),
    ):
        assert client.post("/v1/token", data=form(claim)).status_code == status
    # Nor does it come again in its last second.
    founded.clock.move(seconds=59)
    assert client.post("/v1/token", data=form(honest())).status_code == 401


def test_who_is_unknown_or_revoked_or_waits_answers_like_a_stranger(
    founded: Any, client: TestClient, person: EnrolledPerson
) -> None:
    unknown = EnrolledPerson(founded, client, new_identity(PARTY, ("analyst",), founded.clock()))
    waiting = EnrolledPerson(founded, client, new_identity(PARTY, ("analyst",), founded.clock()))
    waiting.enrol(invite(founded, PARTY, "analyst"))
    revoke(founded, person.id)
    answers = [each.ask_token() for each in (unknown, waiting, person)]
    assert {answer.status_code for answer in answers} == {401}
    assert refusal(answers[0]) == refusal(answers[1]) == refusal(answers[2])
    # The operator of the founding has no keys.
    me = founded.operator.person
    assert client.post("/v1/token", data=form(honest(iss=me, sub=me))).status_code == 401


def test_what_is_no_form_of_a_token_request_is_told_so(
    client: TestClient, vector_person: str
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    forms: list[tuple[bytes, int]] = [
        (b"", 422),
        (b"grant_type", 400),
        (b"grant_type=client_credentials&grant_type=client_credentials", 400),
        (b"grant_type=%ff", 400),
        ("grant_type=\u00e9".encode(), 400),
        (b"&".join(b"a%d=1" % i for i in range(17)), 400),
        (b"grant_type=client_credentials", 422),
        (b"grant_type=password&username=a&password=b", 422),
    ]
    for content, status in forms:
        answer = client.post("/v1/token", content=content, headers=kind)
        assert answer.status_code == status, content
    others = (
        {"grant_type": "authorization_code"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"scope": "operator"},
        {"client_id": ME},
        {"client_secret": "x"},
    )
    for other in others:
        answer = client.post("/v1/token", data={**form(honest()), **other})
        assert answer.status_code == 422, other
    assert client.post("/v1/token", json=form(honest())).status_code == 415
    assert client.post(f"/v1/token?client_assertion={honest()}").status_code == 422
    # None of it has used the claim up.
    assert client.post("/v1/token", data=form(honest())).status_code == 200


# Tokens and proofs.


def test_a_token_with_a_proof_says_so_and_lasts_ten_minutes(
    founded: Any, person: EnrolledPerson
) -> None:
    answer = person.ask_token()
    assert answer.headers["cache-control"] == "no-store"
    assert {k: v for k, v in answer.json().items() if k != "access_token"} == {
        "token_type": "DPoP",
        "expires_in": 600,
    }
    token = answer.json()["access_token"]
    founded.clock.move(seconds=599)
    whoami = person.call("GET", WHOAMI, token)
    assert whoami.json()["expires"] == "2026-09-01T06:10:00Z"
    founded.clock.move(seconds=1)
    assert person.call("GET", WHOAMI, token).status_code == 401


def test_a_client_without_proofs_gets_a_token_that_needs_none(
    client: TestClient, person: EnrolledPerson
) -> None:
    answer = person.ask_token(proof=None)
    token = answer.json()["access_token"]
    assert answer.json()["token_type"] == "Bearer"
    assert client.get(WHOAMI, headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert person.call("GET", WHOAMI, token).status_code == 401
    challenge = client.get(WHOAMI).headers["www-authenticate"]
    assert challenge == 'DPoP algs="EdDSA Ed25519", Bearer'


def test_a_proof_asks_for_one_token_only(client: TestClient, person: EnrolledPerson) -> None:
    sent = [("dpop", person.proof("POST", "/v1/token")) for _ in range(2)]
    assert client.post("/v1/token", data=form(person.claim()), headers=sent).status_code == 401
    shown = person.proof("POST", "/v1/token")
    assert person.ask_token(proof=shown).status_code == 200
    assert person.ask_token(proof=shown).status_code == 401
    # A query does not belong to what is proven.
    assert person.call("GET", "/v1/log/checkpoint?old=0").status_code == 200


def test_a_proof_may_be_made_again_after_its_time_and_not_before(
    founded: Any, client: TestClient, person: EnrolledPerson
) -> None:
    token = person.token()
    headers = person.headers("GET", WHOAMI, token)
    assert client.get(WHOAMI, headers=headers).status_code == 200
    for seconds in (1, 58, 1, 1, 200):
        founded.clock.move(seconds=seconds)
        person.ask_token()
        assert client.get(WHOAMI, headers=headers).status_code == 401


def test_what_was_seen_is_forgotten_when_it_is_too_old(
    founded: Any, person: EnrolledPerson
) -> None:
    for _ in range(5):
        person.call("GET", WHOAMI)
    founded.clock.move(days=1)
    person.token()
    with founded.broker.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM seen_once")).scalar() == 2
        assert session.execute(text("SELECT count(*) FROM token")).scalar() == 1


def seldom(founded: Any, reads_per_minute: int) -> TestClient:
    settings = founded.broker.settings.model_copy(update={"reads_per_minute": reads_per_minute})
    return TestClient(create_app(replace(founded.broker, settings=settings)), base_url=BROKER)


def test_who_comes_too_often_costs_no_write(founded: Any, person: EnrolledPerson) -> None:
    def rows_written() -> int:
        with founded.broker.database.read() as session:
            return session.execute(text("SELECT count(*) FROM seen_once")).scalar_one()

    token = person.token()
    before = rows_written()
    with seldom(founded, 1) as client:
        proven = [person.headers("GET", WHOAMI, token) for _ in range(4)]
        statuses = [client.get(WHOAMI, headers=headers).status_code for headers in proven]
    assert statuses == [200, 429, 429, 429]
    assert rows_written() == before + 1


def test_a_proof_used_again_or_of_another_takes_nothing_of_its_persons_rate(
    founded: Any, client: TestClient, person: EnrolledPerson
) -> None:
    other = EnrolledPerson.confirmed(founded, client, PARTY, "analyst")
    token = person.token()
    used = person.headers("GET", WHOAMI, token)
    with seldom(founded, 5) as slow:
        # Two at once, then one in twelve seconds.
        assert slow.get(WHOAMI, headers=used).status_code == 200
        for headers in (used, other.headers("GET", WHOAMI, token), used):
            assert slow.get(WHOAMI, headers=headers).status_code == 401
        fresh = person.headers("GET", WHOAMI, token)
        assert slow.get(WHOAMI, headers=fresh).status_code == 200
        fresh = person.headers("GET", WHOAMI, token)
        assert slow.get(WHOAMI, headers=fresh).status_code == 429


# Page sessions.


def session_of(person: EnrolledPerson, client: TestClient) -> None:
    code = person.call("POST", "/v1/session-links").json()["code"]
    assert client.post("/session", json={"code": code}).status_code == 204


def test_a_page_session_outlives_a_token_that_needs_a_key_and_ends_with_its_person(
    founded: Any, client: TestClient
) -> None:
    founded.enrol("state-auditor")
    auditor = EnrolledPerson.confirmed(founded, client, "state-auditor", "auditor")
    session_of(auditor, client)
    founded.clock.move(hours=7, minutes=59)
    auditor.token()
    assert client.get("/projects").status_code == 200
    founded.clock.move(minutes=1)
    assert client.get("/projects").status_code == 401
    # A token that needs no key takes its session along.
    bearer = {"authorization": f"Bearer {auditor.token(is_bound=False)}"}
    founded.clock.move(minutes=5)
    code = client.post("/v1/session-links", headers=bearer).json()["code"]
    assert client.post("/session", json={"code": code}).status_code == 204
    founded.clock.move(minutes=4, seconds=59)
    assert client.get("/projects").status_code == 200
    founded.clock.move(seconds=1)
    assert client.get("/projects").status_code == 401
    session_of(auditor, client)
    assert client.get("/projects").status_code == 200
    revoke(founded, auditor.id)
    assert client.get("/projects").status_code == 401


# Counting.


def test_refused_sign_ins_are_counted_by_party_and_hour(
    founded: Any, client: TestClient, person: EnrolledPerson
) -> None:
    # What shows no valid token is not counted.
    client.get(WHOAMI)
    client.get(WHOAMI, headers={"authorization": "Bearer bl_" + "a" * 43})
    assert refusals_of(founded) == []
    before, hour = log_entries(founded), "2026-09-01T06:00:00Z"
    for _ in range(3):
        client.post("/v1/token", data=form(honest(iss=person.id, sub=person.id)))
    for _ in range(2):
        client.post("/v1/token", data=form("a.b.c"))
    client.get(WHOAMI, headers={"authorization": f"Bearer {person.token()}"})
    Sweeper(founded.broker).sweep()
    assert refusals_of(founded) == [("", hour, 2), (PARTY, hour, 4)]
    assert log_entries(founded) == before
    founded.clock.move(hours=1)
    client.post("/v1/token", data=form("a.b.c"))
    new = log_entries(founded)[len(before) :]
    assert [entry["kind"] for entry in new] == ["sign-in-refused"] * 2
    assert [entry["body"] for entry in new] == [
        {"party": None, "hour": hour, "count": 2},
        {"party": PARTY, "hour": hour, "count": 4},
    ]
    assert {entry["outcome"] for entry in new} == {"refused"}
    assert refusals_of(founded) == [("", "2026-09-01T07:00:00Z", 1)]
    # The sweeper sums up where nothing is asked.
    founded.clock.move(hours=1)
    Sweeper(founded.broker).sweep()
    assert refusals_of(founded) == []
    assert log_entries(founded)[-1]["kind"] == "sign-in-refused"


def test_a_log_that_cannot_grow_does_not_change_the_answer(
    founded: Any, client: TestClient, person: EnrolledPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = refusal(client.post("/v1/token", data=form("a.b.c")))
    founded.clock.move(hours=1)

    def fail(*_: Any) -> None:
        raise UnavailableError("The log cannot be written.")

    monkeypatch.setattr("app.matchlog.service.MatchLog.append", fail)
    assert refusal(client.post("/v1/token", data=form("a.b.c"))) == first
    assert len(refusals_of(founded)) == 2


def test_guessing_at_the_token_endpoint_is_slowed_down_by_address(
    founded: Any, person: EnrolledPerson
) -> None:
    app = create_app(founded.broker)
    rates = {name: Rate(0.001, 100) for name in ("read", "write", "part", "probe")}
    slow = {**rates, "sign-in": Rate(0.001, 3)}
    object.__setattr__(app.state.gate, "limiter", RateLimiter(slow, lambda: 0.0))  # type: ignore[arg-type]
    client = TestClient(app, base_url=BROKER)
    statuses = [client.post("/v1/token", data=form("a.b.c")).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert refusals_of(founded)[0][2] == 3
    assert EnrolledPerson(founded, client, person.identity).call("GET", WHOAMI).status_code == 200


def test_nothing_that_was_sent_is_in_the_operators_log(
    founded: Any, client: TestClient, person: EnrolledPerson, log_stream: Any
) -> None:
    token, claim = person.token(), person.claim()
    headers = person.headers("GET", WHOAMI, token)
    client.get(WHOAMI, headers=headers)
    client.get(WHOAMI, headers=headers)
    client.post("/v1/token", data=form(claim + "x"))
    said = log_stream.getvalue()
    assert "request_completed" in said
    for secret in (token, claim, headers["dpop"], claim[:40], headers["dpop"][:40]):
        assert secret not in said
