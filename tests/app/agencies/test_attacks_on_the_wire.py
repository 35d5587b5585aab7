"""Attacks on signing in, over TLS and real sockets: all refused, and all in the same words."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from breaks.sign_in import CLAIM_ATTACKS, PROOF_ATTACKS, PROOF_KEY, honest, proof
from rigs.enrolled import BROKER, EnrolledPerson, confirm, form, invite, revoke
from rigs.persons import enrolled_person
from rigs.served import served
from samples.sign_in_forms import ACCESS, compact, proof_claims, proof_header
from vectors.file import read_vectors

from app.main import create_app
from encoding.broker.credential import ProofKey
from encoding.people.identity import Identity, PrivateKeys, replace_keys
from schemas.api.sign_in import EnrolmentRequest
from schemas.signing.identity import SignedIdentity

PARTY = "child-welfare"
WHOAMI = "/v1/whoami"
VECTORS = read_vectors("identity")


@dataclass
class Wire:
    """A broker that listens, and the person under attack."""

    founded: Any
    address: str
    ca_file: Path
    http: httpx2.Client
    person: EnrolledPerson = field(init=False)

    def take_new_person(self) -> None:
        """Let another person be the victim, with keys and tokens that nobody has spoilt."""
        identity = enrolled_person(self.founded.broker, self.founded.operator, PARTY, "analyst")
        self.person = EnrolledPerson(self.founded, self.http, identity)

    def whoami(self, **headers: str) -> httpx2.Response:
        return self.http.get(WHOAMI, headers=headers)

    def raw(self, *lines: str, body: str = "") -> tuple[int, dict[str, Any]]:
        """Send a request exactly as it stands; returns status and body."""
        host, _, port = self.address.removeprefix("https://").partition(":")
        tls = ssl.create_default_context(cafile=self.ca_file)
        content = "\r\n".join((*lines, "connection: close", "", body)).encode("latin-1")
        with (
            socket.create_connection((host, int(port)), timeout=20) as plain,
            tls.wrap_socket(plain, server_hostname=host) as sent,
        ):
            sent.sendall(content)
            received = b"".join(iter(lambda: sent.recv(65_536), b""))
        head, _, rest = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        return status, json.loads(rest) if rest.startswith(b"{") else {}


@pytest.fixture
def wire(founded: Any, tmp_path: Path) -> Iterator[Wire]:
    """Serve the broker under the clock of the test; the person of the vectors is confirmed."""
    founded.enrol(PARTY)
    signed = SignedIdentity.from_canonical(VECTORS["signed_identity"].encode())
    keys = PrivateKeys.from_bytes(bytes.fromhex(VECTORS["private_hex"]))
    with served(create_app(founded.broker), tmp_path) as address:
        ca_file = tmp_path / "broker.crt"
        tls = ssl.create_default_context(cafile=ca_file)
        with httpx2.Client(base_url=address, verify=tls, timeout=20) as http:
            wanted = EnrolmentRequest(
                code=invite(founded, PARTY, *signed.identity.duties), identity=signed
            )
            assert http.post("/v1/enrolments", json=wanted.to_json()).status_code == 201
            confirm(founded, Identity(signed, keys))
            made = Wire(founded, address, ca_file, http)
            made.take_new_person()
            yield made


def told(answer: httpx2.Response) -> tuple[int, dict[str, Any], str | None]:
    """Return what a refused caller learns, but for the number of the request."""
    body = answer.json()
    body.pop("request")
    return answer.status_code, body, answer.headers.get("www-authenticate")


def test_every_bent_claim_and_proof_is_refused_in_the_same_words(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wire.http.post("/v1/token", data=form(honest())).status_code == 200
    answers = {
        name: told(wire.http.post("/v1/token", data=form(attack())))
        for name, (_, attack) in CLAIM_ATTACKS.items()
    }
    # The bent proofs were signed for this token, so that is the one to draw.
    monkeypatch.setattr("app.agencies.sign_in.new_token", lambda: ACCESS)
    asking = compact(
        proof_header(PROOF_KEY),
        proof_claims(htm="POST", htu=f"{BROKER}/v1/token", ath=None),
        PROOF_KEY,
    )
    assert wire.person.ask_token(proof=asking).status_code == 200
    proven = {}
    for name, (_, attack) in PROOF_ATTACKS.items():
        # As bytes: a header of the library's own is ASCII.
        shown = {"authorization": f"DPoP {ACCESS}".encode(), "dpop": attack().encode()}
        proven[name] = told(wire.http.get(WHOAMI, headers=shown))
    assert len(answers) == len(CLAIM_ATTACKS) >= 60
    assert len(proven) == len(PROOF_ATTACKS) >= 40
    for refused in (answers, proven):
        (status, problem, _), *others = different(refused)
        assert (status, others) == (401, [])
        assert problem["type"] == "urn:blindlink:problem:not-authenticated"
    assert different(proven) == [told(wire.whoami())]
    honest_one = {"authorization": f"DPoP {ACCESS}", "dpop": proof(jti="e" * 32)}
    assert wire.whoami(**honest_one).status_code == 200


def different(answers: dict[str, Any]) -> list[Any]:
    """Return the different answers, in the order in which they came."""
    found: list[Any] = []
    for answer in answers.values():
        if answer not in found:
            found.append(answer)
    return found


def stolen(wire: Wire) -> dict[str, str]:
    """Return the headers of an honest request that nobody has sent yet."""
    return wire.person.headers("GET", WHOAMI, wire.person.token())


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def old_claim(wire: Wire) -> str:
    """Replace the person's keys, and return a claim that the old ones signed."""
    claim = wire.person.claim()
    _, change = replace_keys(wire.person.identity, wire.founded.clock())
    changed = wire.person.call("POST", "/v1/key-changes", json=change.to_json())
    assert changed.status_code == 200, changed.text
    return claim


def token_before_a_change(wire: Wire) -> dict[str, str]:
    headers = stolen(wire)
    old_claim(wire)
    return headers


def token_of_the_revoked(wire: Wire) -> dict[str, str]:
    headers = stolen(wire)
    revoke(wire.founded, wire.person.id)
    return headers


def used_once(wire: Wire) -> dict[str, str]:
    headers = stolen(wire)
    assert wire.whoami(**headers).status_code == 200
    return headers


def cookie_of(wire: Wire) -> str:
    code = wire.person.call("POST", "/v1/session-links").json()["code"]
    opened = wire.http.post("/session", json={"code": code})
    return opened.headers["set-cookie"].partition(";")[0]


def later(wire: Wire, seconds: int) -> dict[str, str]:
    headers = stolen(wire)
    wire.founded.clock.move(seconds=seconds)
    return headers


def thief(wire: Wire) -> EnrolledPerson:
    return EnrolledPerson(wire.founded, wire.http, wire.person.identity, ProofKey())


# Each returns the headers with which an attacker asks who they are.
HEADERS: dict[str, Callable[[Wire], dict[str, str]]] = {
    "nothing": lambda _: {},
    "an invented token": lambda _: bearer("bl_" + "a" * 43),
    "no token after the scheme": lambda _: {"authorization": "Bearer"},
    "another scheme": lambda w: {"authorization": f"Basic {w.person.token()}"},
    "a bound token as bearer": lambda w: bearer(w.person.token()),
    "a bound token with two schemes": lambda w: {
        "authorization": f"DPoP Bearer {w.person.token()}"
    },
    "a bound token without its proof": lambda w: {"authorization": f"DPoP {w.person.token()}"},
    "a bound token with an empty proof": lambda w: {**stolen(w), "dpop": ""},
    "a proof without its token": lambda w: {"dpop": stolen(w)["dpop"]},
    "a token in a cookie": lambda w: {"cookie": f"__Host-blindlink={w.person.token()}"},
    "a page's cookie at the API": lambda w: {"cookie": cookie_of(w)},
    "a page's cookie as a token": lambda w: bearer(cookie_of(w).partition("=")[2]),
    "a claim as a token": lambda w: bearer(w.person.claim()),
    "a proof as a token": lambda w: bearer(stolen(w)["dpop"]),
    "an invitation as a token": lambda w: bearer(invite(w.founded, PARTY, "analyst")),
    "the id of a person as a token": lambda w: bearer(w.person.id),
    "an empty credential": lambda _: {"authorization": ""},
    "a token without a scheme": lambda w: {"authorization": w.person.token(is_bound=False)},
    "a token and a word after it": lambda w: bearer(w.person.token(is_bound=False) + " x"),
    "a token in capitals": lambda w: bearer(w.person.token(is_bound=False).upper()),
    "a token cut short": lambda w: bearer(w.person.token(is_bound=False)[:-1]),
    "a token made longer": lambda w: bearer(w.person.token(is_bound=False) + "A"),
    "a token and a blank more": lambda w: bearer(" " + w.person.token(is_bound=False)),
    "an unbound token with a proof": lambda w: w.person.headers(
        "GET", WHOAMI, w.person.token(is_bound=False)
    ),
    "a proof of the thief's own key": lambda w: thief(w).headers("GET", WHOAMI, w.person.token()),
    "a proof for another token": lambda w: {
        **stolen(w),
        "authorization": f"DPoP {w.person.token()}",
    },
    "a proof for another route": lambda w: w.person.headers(
        "GET", "/v1/projects", w.person.token()
    ),
    "a proof for another method": lambda w: w.person.headers("POST", WHOAMI, w.person.token()),
    "a proof that was used": used_once,
    "a proof of a minute ago": lambda w: later(w, 61),
    "a token that has ended": lambda w: later(w, 600),
    "a token from before a change of keys": token_before_a_change,
    "a token of someone who was revoked": token_of_the_revoked,
}


def test_who_shows_something_else_is_refused_in_the_same_words(wire: Wire) -> None:
    refused = told(wire.whoami())
    assert refused[0] == 401
    answers = {}
    for name, attack in HEADERS.items():
        wire.take_new_person()
        answers[name] = told(wire.whoami(**attack(wire)))
    assert {name: answer for name, answer in answers.items() if answer != refused} == {}
    # Nor do old keys sign in after a change.
    wire.take_new_person()
    refused_claim = wire.http.post("/v1/token", data=form(old_claim(wire)))
    assert told(refused_claim) == told(wire.http.post("/v1/token", data=form("")))


def by(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


def twice(wire: Wire) -> list[str]:
    token = wire.person.token(is_bound=False)
    return [f"GET {WHOAMI} HTTP/1.1", "host: broker.test", *by(bearer(token)), *by(bearer(token))]


def posted(body: str, *headers: str) -> tuple[list[str], str]:
    kind = "content-type: application/x-www-form-urlencoded"
    return ["POST /v1/token HTTP/1.1", "host: broker.test", kind, *headers], body


def spoofed(*headers: str) -> Callable[[Wire], tuple[list[str], str]]:
    """Return a sign-in at an attacker's broker, brought to this one under the attacker's name."""

    def send(_: Wire) -> tuple[list[str], str]:
        body = urlencode(form(honest(aud="https://attacker.test/v1/token")))
        return (
            ["POST /v1/token HTTP/1.1", *headers, f"content-length: {len(body)}",
             "content-type: application/x-www-form-urlencoded"],
            body,
        )  # fmt: skip

    return send


def at(target: str) -> Callable[[Wire], tuple[list[str], str]]:
    """Return an honest request for who one is, sent to another target."""
    return lambda w: ([f"GET {target} HTTP/1.1", "host: broker.test", *by(stolen(w))], "")


def smuggled(wire: Wire) -> tuple[list[str], str]:
    """Two lengths, so that one reader sees a second request where the other sees a body."""
    hidden = f"GET {WHOAMI} HTTP/1.1\r\nhost: broker.test\r\n\r\n"
    lengths = (f"content-length: {len(hidden) + 5}", "transfer-encoding: chunked")
    return posted(f"0\r\n\r\n{hidden}", *lengths)


RAW: dict[str, Callable[[Wire], tuple[list[str], str]]] = {
    "two credentials": lambda w: (twice(w), ""),
    "two proofs": lambda w: (
        [f"GET {WHOAMI} HTTP/1.1", "host: broker.test", *(h := by(stolen(w))), h[1]], ""
    ),
    "a token in the address": lambda w: (
        [f"GET {WHOAMI}?access_token={w.person.token(is_bound=False)} HTTP/1.1",
         "host: broker.test"], "",
    ),
    "another broker's name in host": spoofed("host: attacker.test"),
    "another broker's name in x-forwarded-host": spoofed(
        "host: broker.test", "x-forwarded-host: attacker.test", "x-forwarded-proto: https"
    ),
    "another broker's name in forwarded": spoofed(
        "host: broker.test", "forwarded: host=attacker.test;proto=https"
    ),
    "a proof for one route at another by dots": at("/v1/projects/../whoami"),
    "a proof for one route at another by percent signs": at("/v1/%77hoami"),
    "a proof for one route at another by slashes": at("//v1/whoami"),
    "a proof for one route at another by a method in a header": lambda w: (
        [f"POST {WHOAMI} HTTP/1.1", "host: broker.test", "content-length: 0",
         "x-http-method-override: GET", *by(stolen(w))], "",
    ),
    "two lengths": smuggled,
    "a claim in the address": lambda _: (
        [f"GET /v1/token?{urlencode(form(honest()))} HTTP/1.1", "host: broker.test"], ""
    ),
    "a claim as JSON": lambda _: (
        ["POST /v1/token HTTP/1.1", "host: broker.test", "content-type: application/json",
         f"content-length: {len(json.dumps(form(honest())))}"], json.dumps(form(honest())),
    ),
    "a claim longer than any": lambda _: posted("a" * 9000, "content-length: 9000"),
}  # fmt: skip


def test_a_request_bent_on_the_wire_lets_nobody_in(wire: Wire) -> None:
    for name, attack in RAW.items():
        lines, body = attack(wire)
        status, answer = wire.raw(*lines, body=body)
        assert 400 <= status < 500, (name, answer)
        assert not {"access_token", "party"} & answer.keys(), name
