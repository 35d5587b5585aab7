"""What a connection shows the broker: one sign-in, a proof for each request, a new sign-in when needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from rigs.near_broker import Courier, problem

from app.security.assertions import read_assertion
from app.security.dpop import read_proof
from encoding.broker.client import BrokerClient
from encoding.broker.connection import Connection, Waiting
from encoding.broker.credential import SignIn
from encoding.errors import BrokerAnswerError, BrokerUnreachableError, NotAuthorisedError
from encoding.people.identity import Identity, new_identity
from schemas.api.bodies import WhoAmI

ADDRESS = "https://broker.test"
TOKEN_URL = f"{ADDRESS}/v1/token"
START = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


@dataclass
class SignInDouble:
    """A broker that reads claims and proofs with the real broker's readers, and forgets tokens when told to."""

    identity: Identity
    now: datetime = START
    lifetime_s: int = 600
    kind: str = "DPoP"
    tokens: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    calls: int = 0
    before: Callable[[httpx2.Request], httpx2.Response | None] = lambda _: None

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        instead = self.before(request)
        if instead is not None:
            return instead
        if request.url.path == "/v1/token":
            return self._give_token(request)
        return self._whoami(request)

    def _give_token(self, request: httpx2.Request) -> httpx2.Response:
        form = parse_qs(request.content.decode(), strict_parsing=True)
        (claim,) = form["client_assertion"]
        found = read_assertion(claim, audience=TOKEN_URL, now=self.now)
        found.verify(self.identity.public)
        self._use(found.jti)
        if "dpop" in request.headers:
            sent = request.headers["dpop"]
            self._use(read_proof(sent, method="POST", url=TOKEN_URL, token=None, now=self.now).jti)
        token = f"bl_{len(self.tokens):043}"
        self.tokens.append(token)
        self.valid.add(token)
        body = {"access_token": token, "token_type": self.kind, "expires_in": self.lifetime_s}
        return httpx2.Response(200, content=iter([json.dumps(body).encode()]))

    def _whoami(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        scheme, _, token = request.headers["authorization"].partition(" ")
        if scheme != "DPoP" or token not in self.valid:
            return problem(401, "not-authenticated", detail="A valid token is needed.")
        url = str(request.url.copy_with(query=None))
        proof = read_proof(
            request.headers["dpop"], method=request.method, url=url, token=token, now=self.now
        )
        self._use(proof.jti)
        me = WhoAmI(
            party="child-welfare", person=self.identity.public.person, role="agency", expires=None
        )
        return httpx2.Response(200, content=iter([me.to_canonical()]))

    def _use(self, jti: str) -> None:
        assert jti not in self.seen
        self.seen.add(jti)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return new_identity("child-welfare", ("analyst",), START)


@pytest.fixture
def double(identity: Identity) -> SignInDouble:
    return SignInDouble(identity)


@pytest.fixture
def client(double: SignInDouble) -> BrokerClient:
    sign_in = SignIn(double.identity, ADDRESS, lambda: double.now)
    waiting = Waiting(patience_s=20, sleep=lambda _: None)
    transport = Courier(httpx2.MockTransport(double.answer))
    return BrokerClient(Connection(ADDRESS, sign_in, waiting=waiting, transport=transport))


def test_one_sign_in_serves_many_requests_until_its_token_ends_or_is_forgotten(
    client: BrokerClient, double: SignInDouble
) -> None:
    for _ in range(3):
        assert client.whoami().person == double.identity.public.person
    double.now += timedelta(seconds=569)
    client.whoami()
    assert len(double.tokens) == 1
    double.now += timedelta(seconds=1)
    client.whoami()
    assert len(double.tokens) == 2
    double.valid.clear()
    assert client.whoami().party == "child-welfare"
    assert len(double.tokens) == 3
    # A broker that refuses every token is not asked without end.
    double.before = lambda _: double.valid.clear()
    calls = double.calls
    with pytest.raises(NotAuthorisedError):
        client.whoami()
    assert double.calls == calls + 2


def test_each_attempt_has_a_proof_of_its_own(client: BrokerClient, double: SignInDouble) -> None:
    failures = [httpx2.ReadError("lost"), httpx2.ReadError("lost")]
    proofs = []

    def lose(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path == "/v1/whoami":
            proofs.append(request.headers["dpop"])
            if failures:
                raise failures.pop()
        return None

    double.before = lose
    client.whoami()
    assert len(set(proofs)) == 3


def test_a_lost_sign_in_is_tried_again_with_another_claim(
    client: BrokerClient, double: SignInDouble
) -> None:
    claims = []

    def lose(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path == "/v1/token":
            claims.append(request.content)
            if len(claims) == 1:
                raise httpx2.ReadError("lost")
        return None

    double.before = lose
    client.whoami()
    assert len(set(claims)) == 2


def test_a_broker_that_stays_away_is_unreachable(
    client: BrokerClient, double: SignInDouble
) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    double.before = refuse
    with pytest.raises(BrokerUnreachableError):
        client.whoami()


def test_a_refused_sign_in_says_what_may_be_the_matter(
    client: BrokerClient, double: SignInDouble
) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        answer = problem(401, "not-authenticated", detail="The sign-in is refused.")
        answer.headers["date"] = START.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return answer

    double.before = refuse
    for hours, hint in ((0, "confirm your keys"), (2, "7200 s ahead of"), (-2, "7200 s behind")):
        double.now = START + timedelta(hours=hours)
        with pytest.raises(NotAuthorisedError, match="sign-in is refused") as caught:
            client.whoami()
        assert hint in str(caught.value.hint)
        assert caught.value.exit_code == 4


def test_an_answer_that_is_no_token_or_one_bound_to_nothing_is_refused(
    client: BrokerClient, double: SignInDouble
) -> None:
    for body in (b"", b"{}", b'{"access_token":"x"}', b"<html>"):
        double.before = lambda _, body=body: httpx2.Response(200, content=iter([body]))
        with pytest.raises(BrokerAnswerError):
            client.whoami()
    double.before = lambda _: None
    double.kind = "Bearer"
    with pytest.raises(BrokerAnswerError, match="not bound"):
        client.whoami()


def test_neither_token_nor_key_is_shown(double: SignInDouble, client: BrokerClient) -> None:
    sign_in = SignIn(double.identity, ADDRESS, lambda: double.now)
    connection: Any = client._connection
    shown = repr(sign_in) + repr(connection._credential)
    client.whoami()
    assert "bl_" not in shown + repr(connection._credential)
    assert "PrivateKey" not in shown
