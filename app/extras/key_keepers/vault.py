"""A key-encryption key in HashiCorp Vault's transit engine, by its HTTP API: Vault wraps and unwraps.

Each version of the transit key is a key of the ring. Its `rewrap` takes no associated data, so a data key is
wrapped anew as everywhere: opened under the old version, wrapped under the new one.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from app.errors import ConfigurationError, KeyKeeperUnavailableError, SealBrokenError
from app.security.key_encryption import KEY_BYTES, WRAPPED_BYTES, keeper_fails, key_name
from schemas.shared.trust import trust_only

WAIT_S: Final = 5.0
WHOLE_S: Final = 10.0
MAX_ANSWER: Final = 1 << 20
TYPE: Final = "aes256-gcm96"
# What Vault says of a ciphertext that is damaged, or another's; all else that it refuses may pass.
_BROKEN: Final = re.compile(r"message authentication failed|unable to decrypt")
_WRITTEN: Final = re.compile(r"(\S+)/([^/\s]+) ([1-9][0-9]{0,8})")
_UNDOCUMENTED: Final = "Vault answers otherwise than is documented"
_SAID: Final = {
    400: "Vault refuses what it is asked",
    403: "Vault refuses the token of vault_token_file, or its policy does",
    404: "Vault has no such engine or key as vault_key names",
    429: "Vault is asked more often than it allows",
    503: "Vault is sealed, or does not serve now",
}


@dataclass(frozen=True, slots=True)
class VaultKey:
    """One version of a transit key."""

    vault: Vault
    mount: str
    key: str
    version: int

    @property
    def written(self) -> str:
        """Return how the ring writes it."""
        return f"{self.mount}/{self.key} {self.version}"

    @property
    def name(self) -> str:
        """Return what follows from mount, key and version; the broker never sees the key."""
        return key_name(f"vault {self.written}".encode("ascii"))

    @property
    def place(self) -> str:
        """Name key and version."""
        return f"version {self.version} of {self.mount}/{self.key} in Vault"

    def wrap(self, secret: bytes, head: bytes) -> bytes:
        """Have it encrypted with this version."""
        asked = {"plaintext": _base64(secret), "key_version": self.version}
        answer = self._ask("encrypt", asked, head)
        prefix, _, content = str(answer.get("ciphertext")).rpartition(":")
        wrapped = _bytes_of(content)
        if f"{prefix}:" != self._prefix or len(wrapped) != WRAPPED_BYTES:
            raise keeper_fails(_UNDOCUMENTED)
        return wrapped

    def unwrap(self, wrapped: bytes, head: bytes) -> bytes:
        """Have it decrypted."""
        answer = self._ask("decrypt", {"ciphertext": self._prefix + _base64(wrapped)}, head)
        secret = _bytes_of(answer.get("plaintext"))
        if len(secret) != KEY_BYTES:
            raise keeper_fails(_UNDOCUMENTED)
        return secret

    @property
    def _prefix(self) -> str:
        return f"vault:v{self.version}:"

    def _ask(self, verb: str, asked: Mapping[str, Any], head: bytes) -> dict[str, Any]:
        path = f"{self.mount}/{verb}/{self.key}"
        return self.vault.ask("POST", path, {**asked, "associated_data": _base64(head)})


class Vault:
    """One transit key in one Vault, over connections that are kept; the token is read anew for each call."""

    def __init__(
        self,
        url: str,
        key: str,
        token: Callable[[], str],
        *,
        ca_file: Path | None = None,
        namespace: str | None = None,
    ) -> None:
        """Take its address, `mount/key`, what reads the token, and whose certificates are trusted."""
        self._url = url.rstrip("/")
        self._mount, _, self._key = key.rpartition("/")
        self._token = token
        # Vault's own agents ask for the first, as no browser could be made to send it.
        self._headers = {"X-Vault-Request": "true", "Accept-Encoding": "identity"}
        if namespace is not None:
            self._headers["X-Vault-Namespace"] = namespace
        verify: ssl.SSLContext | bool = True if ca_file is None else trust_only(ca_file)
        # No proxy of the environment gets to see the token.
        self._client = httpx2.Client(
            verify=verify, timeout=WAIT_S, follow_redirects=False, trust_env=False
        )

    def draw(self, written: Sequence[str]) -> str:
        """Take the newest version, where the ring does not have it yet; else have Vault make one."""
        newest = self._newest()
        if newest.written in written:
            self.ask("POST", f"{self._mount}/keys/{self._key}/rotate", {})
            newest = self._newest()
        return newest.written

    def key(self, written: str) -> VaultKey:
        """Return a version of a key, of this mount or another."""
        parts = _WRITTEN.fullmatch(written)
        if parts is None:
            raise ValueError("not a version of a key in Vault")
        return VaultKey(self, parts[1], parts[2], int(parts[3]))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, method: str, path: str, asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the `data` of Vault's answer; empty where it has none."""
        try:
            headers = self._headers | {"X-Vault-Token": self._token()}
        except ConfigurationError as exc:
            raise keeper_fails(exc.detail) from None
        ends_s = time.monotonic() + WHOLE_S
        try:
            with self._client.stream(
                method, f"{self._url}/v1/{path}", json=asked, headers=headers
            ) as answer:
                body = b"".join(_within(answer.iter_raw(), ends_s))
        # Neither exception nor answer is passed on: they may hold the address, the token or a key.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
            raise keeper_fails("Vault cannot be reached, or is not trusted") from None
        if answer.is_success:
            data = _object(body).get("data") if body else {}
            return data if isinstance(data, dict) else {}
        if answer.status_code == httpx2.codes.BAD_REQUEST and _BROKEN.search(_errors(body)):
            raise SealBrokenError("A wrapped key is damaged.")
        other = f"Vault answers with status {answer.status_code}"
        raise keeper_fails(_SAID.get(answer.status_code, other))

    def _newest(self) -> VaultKey:
        found = self.ask("GET", f"{self._mount}/keys/{self._key}")
        if found.get("type") != TYPE or found.get("derived"):
            raise keeper_fails(f"The key that vault_key names is not a plain one of type {TYPE}")
        if found.get("exportable") or found.get("allow_plaintext_backup"):
            raise keeper_fails("Vault would give out the key that vault_key names")
        versions = found.get("keys")
        if not isinstance(versions, dict) or not all(map(str.isdecimal, versions)) or not versions:
            raise keeper_fails(_UNDOCUMENTED)
        return VaultKey(self, self._mount, self._key, max(map(int, versions)))


def _within(pieces: Iterator[bytes], ends_s: float) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ANSWER or time.monotonic() > ends_s:
            raise ValueError("too long, or too slow")
        yield piece


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise keeper_fails(_UNDOCUMENTED)
    return found


def _errors(body: bytes) -> str:
    try:
        return str(_object(body).get("errors"))
    except KeyKeeperUnavailableError:
        return ""


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes_of(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise keeper_fails(_UNDOCUMENTED) from None
