"""The provider as the broker knows it: what it says of itself, its keys, and what it gives for a code."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from app.errors import ConfigurationError, SignInRefusedError
from app.extras.sign_on.calls import Caller, Limits
from app.extras.sign_on.errors import ProviderFailedError
from app.settings import is_https_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.extras.sign_on.flow import Flow
    from app.settings import Settings

CALLBACK_PATH: Final = "/sign-on/callback"
WELL_KNOWN: Final = "/.well-known/openid-configuration"
# How long what the provider says of itself, and its keys, are good for without asking again.
METADATA_S: Final = 3600.0
KEYS_S: Final = 600.0
# At most so often is it asked for each, however often strangers come with names of keys that there are not.
AGAIN_S: Final = 30.0
AFTER_FAILURE_S: Final = 5.0
# Of all that wait for the provider at once, so that a slow one leaves the broker's threads to others.
MAX_WAITING: Final = 4
TURN_S: Final = 2.0
MAX_CODE: Final = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of the provider's description is used; `states_issuer` is RFC 9207's promise of `iss`."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    states_issuer: bool
    takes_basic: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave for a code: nothing in it is believed yet, and no one sees it."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


class Provider:
    """One provider of the operator's choice; safe to call from any thread.

    Raises, from every method that asks it:
        ProviderFailedError: it does not answer, or not as it must.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        limits: Limits | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take settings that name an issuer."""
        if settings.sso_issuer is None or settings.sso_client_id is None:
            raise ConfigurationError("the settings name no issuer for a single sign-on")
        require_library()
        self.issuer: str = settings.sso_issuer
        self.client_id: str = settings.sso_client_id
        self.settings = settings
        self._secret = settings.sso_client_secret()
        self._redirect_uri = f"{settings.address}{CALLBACK_PATH}"
        self._caller = Caller(settings.sso_ca_file, limits or Limits())
        self._turns = threading.BoundedSemaphore(MAX_WAITING)
        self._metadata = _Kept(self._fetch_metadata, METADATA_S, AFTER_FAILURE_S, monotonic_s)
        self._keys = _Kept(self._fetch_keys, KEYS_S, AGAIN_S, monotonic_s)

    def metadata(self) -> Metadata:
        """Return what the provider says of itself."""
        return self._metadata.get(METADATA_S)

    def keys(self, *, newest: bool = False) -> list[dict[str, Any]]:
        """Return the provider's keys as JWKs; with `newest` they are asked for anew, unless they just were."""
        return self._keys.get(0.0 if newest else KEYS_S)

    def address_of(self, flow: Flow) -> str:
        """Return where the browser goes to sign on."""
        wanted = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self.settings.sso_scope,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        if "acr" in self.settings.sso_require:
            wanted["acr_values"] = " ".join(self.settings.sso_require["acr"])
        return _with_query(self.metadata().authorization_endpoint, wanted)

    def logout_address(self, id_token: str) -> str | None:
        """Return where the browser goes to end its session at the provider too; None: it offers none."""
        endpoint = self.metadata().end_session_endpoint
        if endpoint is None:
            return None
        wanted = {
            "id_token_hint": id_token,
            "client_id": self.client_id,
            "post_logout_redirect_uri": f"{self.settings.address}/sign-in",
        }
        return _with_query(endpoint, wanted)

    @property
    def name(self) -> str:
        """What it is called on the pages."""
        return self.settings.sso_name

    def logout_address_if_there(self, id_token: str) -> str | None:
        """Return the same; None also where the provider does not answer."""
        try:
            return self.logout_address(id_token)
        except ProviderFailedError:
            return None

    def require_issuer(self, stated: str | None) -> None:
        """Check who says that they answer (RFC 9207), so that no other provider's code is sent here."""
        if stated is None and not self.metadata().states_issuer:
            return
        if stated != self.issuer:
            raise SignInRefusedError("issuer")

    def redeem(self, code: str, flow: Flow) -> Tokens:
        """Return what the provider gives for a code."""
        if not 0 < len(code) <= MAX_CODE:
            raise SignInRefusedError("code")
        metadata = self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = {}
        if metadata.takes_basic:
            # RFC 6749 §2.3.1: both are form-encoded first.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        with self._turn():
            answer = self._caller.post(metadata.token_endpoint, form, headers)
        if answer is None:
            raise SignInRefusedError("code")
        found = answer.get("id_token"), answer.get("access_token")
        if not all(isinstance(one, str) for one in found):
            raise ProviderFailedError("tokens")
        if str(answer.get("token_type", "")).lower() != "bearer":
            raise ProviderFailedError("token-type")
        return Tokens(*map(str, found))

    def _fetch_metadata(self) -> Metadata:
        with self._turn():
            found = self._caller.get(self.issuer.rstrip("/") + WELL_KNOWN)
        if found.get("issuer") != self.issuer:
            raise ProviderFailedError("issuer")
        if "S256" not in _listed(found, "code_challenge_methods_supported", "S256"):
            raise ProviderFailedError("pkce")
        # OpenID Connect Discovery §3: this is what is taken where the provider says nothing.
        methods = _listed(found, "token_endpoint_auth_methods_supported", "client_secret_basic")
        if {"client_secret_basic", "client_secret_post"}.isdisjoint(methods):
            raise ProviderFailedError("client-authentication")
        end = "end_session_endpoint"
        return Metadata(
            authorization_endpoint=_endpoint(found, "authorization_endpoint"),
            token_endpoint=_endpoint(found, "token_endpoint"),
            jwks_uri=_endpoint(found, "jwks_uri"),
            end_session_endpoint=None if found.get(end) is None else _endpoint(found, end),
            states_issuer=found.get("authorization_response_iss_parameter_supported") is True,
            takes_basic="client_secret_basic" in methods,
        )

    def _fetch_keys(self) -> list[dict[str, Any]]:
        address = self.metadata().jwks_uri
        with self._turn():
            keys = self._caller.get(address).get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise ProviderFailedError("keys")
        return keys

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=TURN_S):
            raise ProviderFailedError("busy")
        try:
            yield
        finally:
            self._turns.release()


class _Kept(Generic[T]):
    """What is asked for anew when it is old: by one thread at a time, and not right after the last time."""

    def __init__(
        self,
        fetch: Callable[[], T],
        good_for_s: float,
        again_s: float,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._good_for_s = good_for_s
        self._again_s = again_s
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._found: tuple[T, float] | None = None
        self._tried_s = float("-inf")
        self._failed_s = float("-inf")

    def get(self, max_age_s: float) -> T:
        """Return it, at most so old unless it was asked for a moment ago."""
        found = self._younger_than(max_age_s)
        if found is not None:
            return found[0]
        if not self._lock.acquire(timeout=TURN_S):
            raise ProviderFailedError("busy")
        try:
            now_s = self._monotonic_s()
            was_tried = now_s - self._tried_s < self._again_s
            found = self._younger_than(self._good_for_s if was_tried else max_age_s)
            if found is None:
                if now_s - self._failed_s < AFTER_FAILURE_S:
                    raise ProviderFailedError("failed-before")
                found = self._anew(now_s)
        finally:
            self._lock.release()
        return found[0]

    def _anew(self, now_s: float) -> tuple[T, float]:
        self._tried_s = now_s
        try:
            self._found = self._fetch(), now_s
        except ProviderFailedError:
            self._failed_s = now_s
            raise
        return self._found

    def _younger_than(self, age_s: float) -> tuple[T, float] | None:
        found = self._found
        return found if found is not None and self._monotonic_s() - found[1] < age_s else None


def require_library() -> None:
    """Check that what reads the provider's tokens is installed."""
    try:
        import joserfc  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ConfigurationError(
            "single sign-on needs the package joserfc, which is not installed",
            hint="in Blindlink's folder: pip install '.[sso]'",
        ) from None


def _endpoint(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not is_https_url(value) or urlsplit(value).fragment:
        raise ProviderFailedError("endpoint")
    return value


def _listed(found: dict[str, Any], name: str, default: str) -> list[str]:
    """Return a list of the metadata; some providers write null for what they leave out."""
    value = found.get(name)
    if value is None:
        return [default]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ProviderFailedError("metadata")
    return value


def _with_query(address: str, wanted: dict[str, str]) -> str:
    joint = "&" if urlsplit(address).query else "?"
    return f"{address}{joint}{urlencode(wanted, quote_via=quote)}"
