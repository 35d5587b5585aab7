"""What a connection shows the broker with each request: the token of a person who has signed in, with a proof.

A person signs in when the first request needs it, and again when the token has ended; token and proof key
are in memory only. Spec page: `schemas/spec/sign-in.md`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NoReturn, TypeAlias
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encoding.errors import BrokerAnswerError
from encoding.people.identity import Identity
from schemas.api.sign_in import ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH, TokenAnswer
from schemas.documents.canonical import JsonValue, canonical_bytes, parse_json
from schemas.documents.errors import FormatError
from schemas.documents.ids import utc_text
from schemas.signing.signed_request import SignedRequest, Where, new_request

# Long enough for a slow line and a clock that is a little behind; the broker takes up to 300 s.
CLAIM_LIFETIME_S: Final = 60
ALGORITHM: Final = "EdDSA"


@dataclass(frozen=True, slots=True, eq=False)
class ProofKey:
    """A key for one run of the program, to which its token is bound; kept in memory only, never pickled."""

    _key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a proof key is not pickled")

    def prove(self, method: str, url: str, now: datetime, *, token: str | None = None) -> str:
        """Return the proof for one request, to be sent as its DPoP header."""
        x = _base64url(self._key.public_key().public_bytes_raw())
        claims: dict[str, JsonValue] = {
            "htm": method,
            "htu": url,
            "iat": int(now.timestamp()),
            "jti": secrets.token_hex(16),
        }
        if token is not None:
            claims["ath"] = _base64url(hashlib.sha256(token.encode("ascii")).digest())
        jwk: JsonValue = {"kty": "OKP", "crv": "Ed25519", "x": x}
        return _compact({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk}, claims, self._key)


def sign_claim(identity: Identity, token_url: str, now: datetime) -> str:
    """Return the claim, good for 60 s and once, that the identity's person asks for a token with."""
    person, issued = identity.public.person, int(now.timestamp())
    claims: dict[str, JsonValue] = {
        "iss": person,
        "sub": person,
        "aud": token_url,
        "iat": issued,
        "exp": issued + CLAIM_LIFETIME_S,
        "jti": secrets.token_hex(16),
    }
    return _compact({"typ": "JWT", "alg": ALGORITHM}, claims, identity.keys.signing_key)


def _compact(
    header: dict[str, JsonValue], claims: dict[str, JsonValue], key: Ed25519PrivateKey
) -> str:
    signed = f"{_base64url(canonical_bytes(header))}.{_base64url(canonical_bytes(claims))}"
    return f"{signed}.{_base64url(key.sign(signed.encode('ascii')))}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


# A token is not used in its last seconds, in which it could end on the way.
MARGIN: Final = timedelta(seconds=30)
BOUND: Final = "DPoP"
# The broker takes proofs that are a minute off.
MAX_CLOCK_ERROR: Final = timedelta(seconds=50)

Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], bytes]
"""Sends a body with headers to a path below the broker's address, once, and returns the answer's body."""


@dataclass(slots=True, eq=False)
class SignIn:
    """A person who signs in at one broker, for one run of this program.

    Attributes:
        identity: the person's unlocked keys.
        address: the broker's, as the settings write it; what is signed names it.
        now: the clock of this computer.
    """

    identity: Identity
    address: str
    now: Callable[[], datetime]
    _proof_key: ProofKey = field(default_factory=ProofKey, repr=False)
    _token: str | None = field(default=None, init=False, repr=False)
    _ends: datetime | None = field(default=None, init=False)

    def headers(self, method: str, url: str, post: Post) -> Mapping[str, str]:
        """Return token and proof for one attempt, after signing in where there is no token.

        Raises:
            NotAuthorisedError: the broker refuses the sign-in.
            BrokerAnswerError: it answers with anything but a bound token.
        """
        if self._token is None or self._ends is None or self.now() >= self._ends:
            self._sign_in(post)
        token = self._token or ""
        proof = self._proof_key.prove(method, url, self.now(), token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def sign(self, asks: str, states: str | None, where: Where) -> SignedRequest:
        """Return the request as the person signs it for the match log, anew for each attempt."""
        request = new_request(asks, states, utc_text(self.now()), where)
        return SignedRequest.of(request, self.identity.keys.signing_key)

    def renew(self) -> bool:
        """Forget the token; the next request signs in anew. False where none was in use."""
        had_one, self._token = self._token is not None, None
        return had_one

    def hint(self, broker_time: datetime | None) -> str:
        """Say what keeps honest people out: the clock, the address, keys that are not confirmed."""
        ahead = timedelta(0) if broker_time is None else self.now() - broker_time
        if abs(ahead) > MAX_CLOCK_ERROR:
            side = "ahead of" if ahead > timedelta(0) else "behind"
            seconds = round(abs(ahead).total_seconds())
            return f"this computer's clock is {seconds} s {side} the broker's; set it right"
        return f"the operator has to confirm your keys first, and must know the broker as {self.address}"

    def unbound_token(self, post: Post) -> TokenAnswer:
        """Return a token that needs no proofs, for a program of another kind; anyone who has it is let in.

        Raises:
            NotAuthorisedError, BrokerAnswerError: as `headers`.
        """
        return self._ask(post, {})

    def _sign_in(self, post: Post) -> None:
        url = f"{self.address}{TOKEN_PATH}"
        asked = self.now()
        answer = self._ask(post, {"DPoP": self._proof_key.prove("POST", url, asked)})
        if answer.token_type != BOUND:
            raise BrokerAnswerError("the broker gave a token that is not bound to a key")
        self._token = answer.access_token
        self._ends = asked + timedelta(seconds=answer.expires_in) - MARGIN

    def _ask(self, post: Post, headers: Mapping[str, str]) -> TokenAnswer:
        form = {
            "grant_type": GRANT_TYPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": sign_claim(
                self.identity, f"{self.address}{TOKEN_PATH}", self.now()
            ),
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        raw = post(TOKEN_PATH, urlencode(form).encode("ascii"), {**kind, **headers})
        try:
            return TokenAnswer.from_json(parse_json(raw))
        except FormatError as exc:
            raise BrokerAnswerError(f"the broker's answer breaks its format: {exc}") from exc
