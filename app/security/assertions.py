"""A person's signed claim to be who they are, given for a token: private_key_jwt (RFC 7523 §2.2 and §3).

Reading comes in two steps, since the key is looked up by what the claim says: `read_assertion` checks all
that needs no key, `Assertion.verify` the signature. Whether its `jti` was seen before is the caller's table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.errors import SignInRefusedError
from app.security.jws import Jws, base64url_bytes, jti_of, parse_jws, seconds_of, thumbprint_of
from schemas.documents.canonical import JsonValue, parse_json
from schemas.documents.errors import CanonicalError
from schemas.documents.ids import PERSON_PREFIX, is_random_id
from schemas.signing.identity import ED25519_BYTES, PublicIdentity, base64_bytes

MAX_LIFETIME_S: Final = 300
# How far ahead of ours a client's clock may be.
MAX_AHEAD_S: Final = 60
CLAIMS: Final = frozenset({"iss", "sub", "aud", "exp", "jti"})
OPTIONAL_CLAIMS: Final = frozenset({"iat", "nbf"})
TYPES: Final = frozenset({"JWT", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Assertion:
    """A claim to be a person, whose signature is not yet checked; `expires` is in seconds since 1970."""

    person: str
    jti: str
    expires: int
    _jws: Jws

    def verify(self, identity: PublicIdentity) -> None:
        """Check that this identity's person made the claim with the identity's key.

        Raises:
            SignInRefusedError: another person, a `kid` that is not this key's thumbprint, or the signature
                is not the key's.
        """
        if self.person != identity.person:
            raise SignInRefusedError("person")
        named = self._jws.header.get("kid")
        raw = base64_bytes(identity.signing_key, ED25519_BYTES)
        if "kid" in self._jws.header and named != thumbprint_of(raw):
            raise SignInRefusedError("kid")
        self._jws.verify(identity.verifier())


def read_assertion(text: str, *, audience: str, now: datetime) -> Assertion:
    """Read a claim that is made to this audience and holds now.

    Args:
        audience: the token endpoint's URL, compared to the letter.
    Raises:
        SignInRefusedError: the reason stands in it, for counting; callers are all answered alike.
    """
    jws = parse_jws(text, required=frozenset({"alg"}), optional=frozenset({"typ", "kid"}))
    # A text, since a list could not even be looked up.
    typ = jws.header.get("typ", "JWT")
    if not isinstance(typ, str) or typ not in TYPES:
        raise SignInRefusedError("typ")
    claims = jws.claims
    if not CLAIMS <= claims.keys() <= CLAIMS | OPTIONAL_CLAIMS:
        raise SignInRefusedError("claims")
    person = claims["sub"]
    if not isinstance(person, str) or not is_random_id(person, PERSON_PREFIX):
        raise SignInRefusedError("sub")
    if claims["iss"] != person:
        raise SignInRefusedError("iss")
    if not _is_audience(claims["aud"], audience):
        raise SignInRefusedError("aud")
    now_s = int(now.timestamp())
    expires = seconds_of(claims, "exp")
    if not now_s < expires <= now_s + MAX_LIFETIME_S:
        raise SignInRefusedError("exp")
    for name in OPTIONAL_CLAIMS & claims.keys():
        # Bounded below, too: what was signed long ago was signed for longer than a claim may hold.
        if not expires - MAX_LIFETIME_S <= seconds_of(claims, name) <= now_s + MAX_AHEAD_S:
            raise SignInRefusedError(name)
    return Assertion(person=person, jti=jti_of(claims), expires=expires, _jws=jws)


def claimed_person(text: str) -> str | None:
    """Return whom a claim names, whatever else is wrong with it, for counting; None where it names nobody.

    It is not to be believed: nothing was checked.
    """
    try:
        claims = parse_json(base64url_bytes(text.split(".")[1]))
    except (CanonicalError, SignInRefusedError, IndexError, UnicodeEncodeError):
        return None
    person = claims.get("sub") if isinstance(claims, dict) else None
    return person if isinstance(person, str) and is_random_id(person, PERSON_PREFIX) else None


def _is_audience(claim: JsonValue, audience: str) -> bool:
    # RFC 7519 §4.1.3 lets one audience stand alone or in a list; further ones could use it elsewhere.
    return claim in (audience, [audience])
