"""Attacks on signing on by a provider, each with the word that the operator's log has for it.

Each begins in a broker where someone's sign-on is linked with a person, under a provider that behaves, and
ends with the broker's last answer.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from httpx2 import Response
from joserfc.jwk import ECKey, RSAKey, generate_key
from rigs.signing_on import IMPATIENT, Browser, SigningOn, bent
from services.openid_provider import CLIENT_ID, CLIENT_SECRET, signed

from app.extras.sign_on.pages import FLOW_COOKIE
from app.extras.sign_on.provider import Provider

REFUSED, FAILED = 401, 503
OTHER = "https://login.other.example"

Attack = Callable[[SigningOn], Response]


class Case(NamedTuple):
    """What the log says, the status of the answer, and what is tried."""

    reason: str
    status: int
    attack: Attack


@cache
def other_rsa(kid: str = "first") -> RSAKey:
    """Return a key that the provider does not have."""
    return generate_key("RSA", 2048, {"kid": kid})


@cache
def weak_rsa() -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    n, e = (
        base64.urlsafe_b64encode(value.to_bytes(size)).rstrip(b"=").decode()
        for value, size in ((numbers.n, 128), (numbers.e, 3))
    )
    return {"kty": "RSA", "kid": "first", "n": n, "e": e}


def part(document: Any) -> str:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# What comes back, and to whom.


def unsolicited(scene: SigningOn) -> Response:
    sender = scene.browser()
    return scene.browser().get(sender.authorize(sender.begin()))


def in_a_browser_that_set_out_too(scene: SigningOn) -> Response:
    sender, victim = scene.browser(), scene.browser()
    victim.begin()
    return victim.get(sender.authorize(sender.begin()))


def coming_back(*more: str, **changes: str | None) -> Attack:
    def attack(scene: SigningOn) -> Response:
        browser = scene.browser()
        return browser.get(bent(browser.authorize(browser.begin()), **changes) + "".join(more))

    return attack


def setting_out(**changes: str | None) -> Attack:
    """Change what the browser takes to the provider."""

    def attack(scene: SigningOn) -> Response:
        browser = scene.browser()
        address = browser.authorize(bent(browser.begin(), **changes))
        return browser.get(f"/sign-on/callback?{address.partition('?')[2]}")

    return attack


def with_flow_cookie(change: Callable[[list[str]], list[str]]) -> Attack:
    def attack(scene: SigningOn) -> Response:
        browser = scene.browser()
        address = browser.authorize(browser.begin())
        browser.cookies[FLOW_COOKIE] = ".".join(change(browser.cookies[FLOW_COOKIE].split(".")))
        return browser.get(address)

    return attack


def too_late(scene: SigningOn) -> Response:
    browser = scene.browser()
    address = browser.authorize(browser.begin())
    scene.linkage.founded.clock.move(seconds=601)
    return browser.get(address)


def callback_again(scene: SigningOn) -> Response:
    scene.openid.bends.checks_codes = False
    browser = scene.browser()
    address = browser.authorize(browser.begin())
    flow = browser.cookies[FLOW_COOKIE]
    assert browser.get(address).status_code == 200
    browser.cookies = {FLOW_COOKIE: flow}
    return browser.get(address)


def code_again(scene: SigningOn) -> Response:
    browser = scene.browser()
    assert browser.sign_on().status_code == 200
    return with_code(scene.browser(), scene.openid.given[-3])


def code_of_another(scene: SigningOn) -> Response:
    victim = scene.browser()
    victim.authorize(victim.begin())
    return with_code(scene.browser(), scene.openid.given[-1])


def code_of_another_at_a_careless_provider(scene: SigningOn) -> Response:
    scene.openid.bends.checks_codes = False
    return code_of_another(scene)


def with_code(browser: Browser, code: str) -> Response:
    return browser.get(bent(browser.authorize(browser.begin()), code=code))


# What the provider signs.


def stating(**changes: Any) -> Attack:
    """Let the provider state other claims; what is changed to None is not there."""

    def attack(scene: SigningOn) -> Response:
        def change(claims: dict[str, Any]) -> dict[str, Any]:
            moved = {
                name: claims[name] + value.s if isinstance(value, Shift) else value
                for name, value in changes.items()
                if not (isinstance(value, Shift) and name not in claims)
            }
            now = claims["iat"]
            for name, value in changes.items():
                if isinstance(value, Shift) and name not in claims:
                    moved[name] = now + value.s
            return {name: value for name, value in (claims | moved).items() if value is not None}

        scene.openid.bends.claims = change
        return scene.browser().sign_on()

    return attack


class Shift(NamedTuple):
    """So many seconds away from what the provider would say."""

    s: int


def nonce_of_before(scene: SigningOn) -> Response:
    nonces = []

    def keep(claims: dict[str, Any]) -> dict[str, Any]:
        nonces.append(claims["nonce"])
        return claims | {"nonce": nonces[0]}

    scene.openid.bends.claims = keep
    assert scene.browser().sign_on().status_code == 200
    return scene.browser().sign_on()


def signing(made: Callable[[SigningOn, dict[str, Any]], str]) -> Attack:
    def attack(scene: SigningOn) -> Response:
        scene.openid.bends.id_token = lambda claims: made(scene, claims)
        return scene.browser().sign_on()

    return attack


def by_its_key(**header: Any) -> Attack:
    return signing(
        lambda scene, claims: signed(
            scene.openid.key, claims, **{"kid": "first", "alg": "RS256"} | header
        )
    )


def by_hmac(secret: Callable[[SigningOn], bytes]) -> Attack:
    return signing(lambda scene, claims: hmac_signed(secret(scene), claims))


def hmac_signed(secret: bytes, claims: dict[str, Any]) -> str:
    """Return a token by HS256, with any bytes as the secret, which libraries refuse to do."""
    text = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}"


def by_own_key_in_the_header(scene: SigningOn, claims: dict[str, Any]) -> str:
    key = generate_key("EC", "P-256")
    return signed(key, claims, alg="ES256", jwk=key.as_dict(private=False))


def with_crit(scene: SigningOn, claims: dict[str, Any]) -> str:
    _, body, end = signed(scene.openid.key, claims, kid="first").split(".")
    return f"{part({'alg': 'RS256', 'kid': 'first', 'crit': ['x'], 'x': 1})}.{body}.{end}"


def changed_after(scene: SigningOn, claims: dict[str, Any]) -> str:
    head, _, end = signed(scene.openid.key, claims | {"sub": "x"}, kid="first").split(".")
    return f"{head}.{part(claims)}.{end}"


def with_a_key_twice(scene: SigningOn, claims: dict[str, Any]) -> str:
    from joserfc import jws

    doubled = json.dumps(claims)[:-1] + ', "sub": "someone else"}'
    header = {"alg": "RS256", "kid": "first"}
    return jws.serialize_compact(header, doubled, scene.openid.key, algorithms=["RS256"])


def having_keys(change: Callable[[dict[str, Any]], Any], made: Any = None) -> Attack:
    """Let the provider show other keys."""

    def attack(scene: SigningOn) -> Response:
        scene.forget()
        scene.openid.bends.keys = change
        scene.openid.bends.id_token = made
        return scene.browser().sign_on()

    return attack


def ec_for_rsa(keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [ECKey.generate_key("P-256", {"kid": "first"}).as_dict(private=False)]}


def every_key(**changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda keys: {"keys": [key | changes for key in keys["keys"]]}


# What the provider answers.


def describing(change: Callable[[dict[str, Any]], Any]) -> Attack:
    def attack(scene: SigningOn) -> Response:
        scene.forget()
        scene.openid.bends.discovery = change
        return scene.browser().get("/sign-on")

    return attack


def giving(change: Callable[[dict[str, Any]], Any]) -> Attack:
    def attack(scene: SigningOn) -> Response:
        scene.openid.bends.tokens = change
        return scene.browser().sign_on()

    return attack


def slow_description(scene: SigningOn) -> Response:
    scene.forget(IMPATIENT)
    scene.openid.bends.waits_s = 0.2
    return scene.browser().get("/sign-on")


def slow_tokens(scene: SigningOn) -> Response:
    browser = scene.browser()
    address = browser.authorize(browser.begin())
    app: Any = scene.linkage.client.app
    app.state.provider._caller = replace(app.state.provider._caller, limits=IMPATIENT)
    scene.is_spoilt = True
    scene.openid.bends.waits_s = 0.2
    return browser.get(address)


def under_another_certificate(scene: SigningOn) -> Response:
    app: Any = scene.linkage.client.app
    known = app.state.provider
    # Trusted by the system is not what this one is.
    app.state.provider = Provider(known.settings.model_copy(update={"sso_ca_file": None}))
    try:
        return scene.browser().get("/sign-on")
    finally:
        app.state.provider = known


# Who signs on.


def as_somebody_else(subject: str, **stated: Any) -> Attack:
    def attack(scene: SigningOn) -> Response:
        mine, scene.openid.subject = scene.openid.subject, subject
        scene.openid.bends.claims = lambda claims: claims | stated
        try:
            return scene.browser().sign_on()
        finally:
            scene.openid.subject = mine

    return attack


LONG = b'{"issuer": "' + b"x" * 270_000 + b'"}'

# By the word that the log has for it.

REFUSED_AS: dict[str, dict[str, Attack]] = {
    "flow": {
        "unsolicited answer": unsolicited,
        "flow that is none": with_flow_cookie(lambda p: p[:2]),
        "flow that is no text": with_flow_cookie(lambda p: [*p[:2], "_w"]),
    },
    "state": {
        "answer of another browser": in_a_browser_that_set_out_too,
        "state missing": coming_back(state=None),
        "state empty": coming_back(state=""),
        "state wrong": coming_back(state="x" * 43),
        "state not ASCII": coming_back(state="é" * 43),
        "flow made longer": with_flow_cookie(lambda p: [p[0], str(int(p[1]) - 1), p[2]]),
        "flow that leads elsewhere": with_flow_cookie(lambda p: [*p[:2], part(b"/log")]),
        "state changed": setting_out(state="x" * 43),
    },
    "parameters": {"state twice": coming_back("&state=x"), "code twice": coming_back("&code=x")},
    "flow-expired": {
        "flow over": too_late,
        "flow for ever": with_flow_cookie(lambda p: [p[0], "999999999999", p[2]]),
    },
    "replayed": {"answer played again": callback_again},
    "code": {
        "code played again": code_again,
        "code of another browser": code_of_another,
        "code missing": coming_back(code=None),
        "code empty": coming_back(code=""),
        "code too long": coming_back(code="x" * 5000),
        "redirect address changed": setting_out(
            redirect_uri="https://broker.test/sign-on/callback/"
        ),
        "challenge changed": setting_out(code_challenge="x" * 43),
        "challenge in plain": setting_out(code_challenge_method="plain"),
    },
    "nonce": {
        "code of another browser, unchecked": code_of_another_at_a_careless_provider,
        "nonce changed": setting_out(nonce="x" * 43),
        "nonce missing": stating(nonce=None),
        "nonce wrong": stating(nonce="x" * 43),
        "nonce of another flow": nonce_of_before,
    },
    "provider-refused": {"refused by the provider": coming_back(code=None, error="access_denied")},
    "issuer": {
        "answer of another issuer": coming_back(iss=OTHER),
        "answer without an issuer": coming_back(iss=None),
        "error of another issuer": coming_back(iss=OTHER, code=None, error="x"),
    },
    "iss": {"iss missing": stating(iss=None), "iss other": stating(iss=OTHER)},
    "aud": {
        "aud missing": stating(aud=None),
        "aud other": stating(aud="another client"),
        "aud a part of ours": stating(aud=CLIENT_ID[:-1]),
        "aud a list without us": stating(aud=["another client"]),
    },
    "azp": {
        "aud several, azp missing": stating(aud=[CLIENT_ID, "another client"]),
        "aud several, azp other": stating(aud=[CLIENT_ID, "another"], azp="another"),
        "azp other": stating(azp="another client"),
    },
    "exp": {
        "exp missing": stating(exp=None),
        "exp past": stating(exp=Shift(-400)),
        "exp a text": stating(exp="2999999999"),
        "exp true": stating(exp=True),
    },
    "iat": {
        "iat missing": stating(iat=None),
        "iat future": stating(iat=Shift(120)),
        "iat long ago": stating(iat=Shift(-700)),
    },
    "nbf": {"nbf future": stating(nbf=Shift(120))},
    "sub": {
        "sub missing": stating(sub=None),
        "sub empty": stating(sub=""),
        "sub a number": stating(sub=248289761001),
        "sub too long": stating(sub="x" * 256),
    },
    "at_hash": {
        "at_hash wrong": stating(at_hash="x" * 22),
        "access token exchanged": giving(lambda tokens: tokens | {"access_token": "another"}),
    },
    "factor": {
        "amr missing": stating(amr=None),
        "amr of one factor": stating(amr=["pwd"]),
        "amr as one text": stating(amr="pwd otp"),
    },
    "algorithm": {
        "alg none": signing(lambda _, claims: f"{part({'alg': 'none'})}.{part(claims)}."),
        "alg None": signing(lambda _, claims: f"{part({'alg': 'NONE'})}.{part(claims)}."),
        "alg HS256 by the client secret": by_hmac(lambda _: CLIENT_SECRET.encode()),
        "alg HS256 by the public key": by_hmac(
            lambda scene: scene.openid.key.as_pem(private=False)
        ),
        "alg RS512": by_its_key(alg="RS512"),
    },
    "form": {
        "alg missing": signing(lambda _, claims: f"{part({'kid': 'first'})}.{part(claims)}.eA"),
        "two parts": signing(lambda s, c: signed(s.openid.key, c, kid="first").rpartition(".")[0]),
        "five parts, encrypted": signing(lambda *_: "eyJhbGciOiJkaXIifQ.a.b.c.d"),
        "no token at all": signing(lambda *_: "é"),
        "token too long": signing(lambda *_: "x" * 20_000),
        "claims no object": signing(lambda s, _: signed(s.openid.key, [1], kid="first")),
        "a claim twice": signing(with_a_key_twice),
    },
    "kid": {
        "alg PS256 with a key of RS256": by_its_key(alg="PS256"),
        "alg of another kind of key": signing(
            lambda _, claims: signed(generate_key("EC", "P-256"), claims, alg="ES256", kid="first")
        ),
        "kid unknown": signing(lambda _, claims: signed(other_rsa(), claims, kid="second")),
        "key in the header": signing(by_own_key_in_the_header),
        "key for another use": having_keys(every_key(use="enc")),
        "key for another algorithm": having_keys(every_key(alg="RS512")),
        "key of another kind": having_keys(ec_for_rsa),
        "two keys of one name": having_keys(lambda keys: {"keys": keys["keys"] * 2}),
        "no keys": having_keys(lambda _: {"keys": []}),
    },
    "signature": {
        "key of another issuer": signing(
            lambda _, claims: signed(other_rsa(), claims, kid="first")
        ),
        "address of keys in the header": signing(
            lambda _, claims: signed(
                other_rsa(), claims, kid="first", jku="https://other.example/keys"
            )
        ),
        "changed after signing": signing(changed_after),
        "signature cut off": signing(
            lambda s, claims: signed(s.openid.key, claims, kid="first")[:-8]
        ),
        "signature missing": signing(
            lambda s, c: signed(s.openid.key, c, kid="first").rpartition(".")[0] + "."
        ),
    },
    "header": {"crit in the header": signing(with_crit)},
    "typ": {
        "typ of a logout token": by_its_key(typ="logout+jwt"),
        "typ of an access token": by_its_key(typ="at+jwt"),
    },
    "key": {
        "key that is broken": having_keys(every_key(e="!")),
        "key that is short": having_keys(lambda _: {"keys": [weak_rsa()]}),
    },
    "person": {
        "someone whom no keys have linked": as_somebody_else("248289761002"),
        "someone with the person's address": as_somebody_else(
            "248289761003", email="auditor@example.org", email_verified=True
        ),
        "someone of nearly the same name": as_somebody_else("248289761001 "),
    },
}
FAILED_AS: dict[str, dict[str, Attack]] = {
    "keys": {"keys no list": having_keys(lambda _: {"keys": "none"})},
    "too-long": {
        "keys too long": having_keys(lambda _: LONG),
        "discovery too long": describing(lambda _: LONG),
        "tokens too long": giving(lambda _: LONG),
    },
    "status": {
        "keys elsewhere": having_keys(lambda _: f"{OTHER}/keys"),
        "discovery elsewhere": describing(lambda _: f"{OTHER}/"),
        "tokens elsewhere": giving(lambda _: f"{OTHER}/token"),
    },
    "issuer": {
        "discovery of another issuer": describing(lambda found: found | {"issuer": OTHER}),
        "discovery of an issuer with a slash": describing(
            lambda found: found | {"issuer": f"{found['issuer']}/"}
        ),
    },
    "json": {
        "discovery no JSON": describing(lambda _: b"<html>"),
        "discovery no object": describing(lambda _: [1]),
        "discovery too deep": describing(lambda _: b"[" * 60_000),
    },
    "endpoint": {
        "discovery without TLS": describing(
            lambda found: found | {"token_endpoint": "http://localhost/token"}
        ),
        "discovery without an address": describing(
            lambda found: found | {"authorization_endpoint": None}
        ),
    },
    "pkce": {
        "PKCE in plain alone": describing(
            lambda found: found | {"code_challenge_methods_supported": ["plain"]}
        )
    },
    "metadata": {
        "methods that are no list": describing(
            lambda found: found | {"code_challenge_methods_supported": 5}
        ),
        "methods that are no words": describing(
            lambda found: found | {"token_endpoint_auth_methods_supported": [{}]}
        ),
    },
    "unreachable": {"provider under another certificate": under_another_certificate},
    "too-slow": {
        "provider slow to describe itself": slow_description,
        "provider slow to redeem": slow_tokens,
    },
    "tokens": {"tokens without an ID token": giving(lambda tokens: tokens | {"id_token": None})},
    "token-type": {"tokens of another type": giving(lambda tokens: tokens | {"token_type": "mac"})},
}
SIGN_ON_ATTACKS = {
    name: Case(reason, status, attack)
    for status, table in ((REFUSED, REFUSED_AS), (FAILED, FAILED_AS))
    for reason, attacks in table.items()
    for name, attack in attacks.items()
}


# Logout tokens of the back channel, each with the word that the log has for it.

LogoutAttack = Callable[[SigningOn], str]


def logout(**changes: Any) -> LogoutAttack:
    return lambda scene: scene.openid.logout_token(**changes)


def logout_claims(scene: SigningOn) -> dict[str, Any]:
    return scene.openid.logout_claims()


def id_token_as_logout(scene: SigningOn) -> str:
    assert scene.browser().sign_on().status_code == 200
    return scene.openid.given[-1]


LOGOUT_ATTACKS: dict[str, tuple[str, LogoutAttack]] = {
    "key of another issuer": (
        "signature",
        lambda scene: scene.openid.logout_token(other_rsa()),
    ),
    "kid unknown": ("kid", lambda scene: scene.openid.logout_token(other_rsa("second"))),
    "header no object": ("header", lambda s: f"{part(['alg'])}.{part(logout_claims(s))}.{part(1)}"),
    "alg none": ("algorithm", lambda s: f"{part({'alg': 'none'})}.{part(logout_claims(s))}."),
    "alg HS256": (
        "algorithm",
        lambda s: hmac_signed(CLIENT_SECRET.encode(), logout_claims(s)),
    ),
    "iss other": ("iss", logout(iss=OTHER)),
    "aud other": ("aud", logout(aud="another client")),
    "exp missing": ("exp", logout(exp=None)),
    "exp past": ("exp", logout(exp=1)),
    "iat past": ("iat", logout(iat=1)),
    "events missing": ("events", logout(events=None)),
    "events of another kind": ("events", logout(events={"http://other.example/event": {}})),
    "with a nonce": ("nonce", logout(nonce="x")),
    "of nobody": ("sub", logout(sub=None)),
    "jti missing": ("jti", logout(jti=None)),
    "an ID token": ("events", id_token_as_logout),
    "no token": ("form", lambda _: "x"),
}
