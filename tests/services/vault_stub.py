"""A stub of HashiCorp Vault's transit engine, over TLS on loopback: no Vault, but what is documented of one.

It has the calls that the broker makes (read and rotate a key, encrypt, decrypt), written from the page "Transit
secrets engine (API)": bodies, `data`, `errors`, `vault:v1:` ciphertexts, key versions, associated data, and the
statuses 400, 403, 404, and 503 of a sealed Vault. Policies, namespaces and audit are not in it. Nobody tried
the broker against a real Vault.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from services.loopback import QuietRequest, https_server, tls_of

TOKEN = "hvs.a-token-of-tests"


class Refused(Exception):
    """A call is answered with a status and a sentence."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status)
        self.status, self.errors = status, list(errors)


@dataclass
class VaultStub:
    """What a test turns: whether it is sealed, what the policy lets, how it answers; `calls` says what came."""

    folder: Path
    port: int = 0
    is_sealed: bool = False
    may_rotate: bool = True
    knows_associated_data: bool = True
    waits_s: float = 0.0
    says: bytes | None = None
    seals_after: int | None = None
    about_key: dict[str, Any] = field(default_factory=dict)
    min_decryption_version: int = 1
    calls: list[str] = field(default_factory=list)
    _versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])

    def settings(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a broker that uses its key, with the token in a file in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        token = folder / "vault-token"
        token.write_text(f"{TOKEN}\n")
        return {
            "vault_url": f"https://127.0.0.1:{self.port}",
            "vault_key": "transit/blindlink",
            "vault_token_file": token,
            "vault_ca_file": self.folder / "broker.crt",
        }

    def answer(self, method: str, path: str, token: str | None, asked: Any) -> dict[str, Any]:
        """Return the `data` of an answer; raises Refused."""
        self.calls.append(f"{method} {path}")
        if self.seals_after is not None and len(self.calls) > self.seals_after:
            self.is_sealed = True
        if self.is_sealed:
            raise Refused(503, "Vault is sealed")
        if token != TOKEN:
            raise Refused(403, "permission denied")
        if not path.startswith("transit/"):
            raise Refused(404)
        match method, path.removeprefix("transit/").split("/"):
            case "GET", ["keys", "blindlink"]:
                return self._about()
            case "GET", ["keys", _]:
                raise Refused(404)
            case "POST", ["keys", "blindlink", "rotate"]:
                if not self.may_rotate:
                    raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")
                self._versions.append(os.urandom(32))
                return self._about()
            case "POST", ["encrypt", "blindlink"]:
                return self._encrypted(asked)
            case "POST", ["decrypt", "blindlink"]:
                return self._decrypted(asked)
            case "POST", ["encrypt" | "decrypt", _]:
                raise Refused(400, "encryption key not found")
        raise Refused(404)

    def _about(self) -> dict[str, Any]:
        made = {str(number): 1442851412 for number in range(1, len(self._versions) + 1)}
        return {
            "type": "aes256-gcm96",
            "derived": False,
            "exportable": False,
            "allow_plaintext_backup": False,
            "keys": made,
            "min_decryption_version": self.min_decryption_version,
            "min_encryption_version": 0,
            "name": "blindlink",
            **self.about_key,
        }

    def _encrypted(self, asked: Any) -> dict[str, Any]:
        version = asked.get("key_version") or len(self._versions)
        if version > len(self._versions):
            raise Refused(
                400, "requested version for encryption is higher than the latest key version"
            )
        nonce = os.urandom(12)
        sealed = AESGCM(self._versions[version - 1]).encrypt(
            nonce, base64.b64decode(asked["plaintext"]), self._associated(asked)
        )
        text = base64.b64encode(nonce + sealed).decode()
        return {"ciphertext": f"vault:v{version}:{text}", "key_version": version}

    def _decrypted(self, asked: Any) -> dict[str, Any]:
        _, written, text = asked["ciphertext"].split(":")
        version, raw = int(written[1:]), base64.b64decode(text)
        if version > len(self._versions):
            raise Refused(400, "invalid ciphertext: version is too new")
        if version < self.min_decryption_version:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            plain = AESGCM(self._versions[version - 1]).decrypt(
                raw[:12], raw[12:], self._associated(asked)
            )
        except InvalidTag:
            raise Refused(400, "cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(plain).decode()}

    def _associated(self, asked: Any) -> bytes:
        return base64.b64decode(asked["associated_data"]) if self.knows_associated_data else b""


@contextmanager
def running_vault_stub(folder: Path) -> Iterator[VaultStub]:
    """Serve a stub until the block ends; its certificate is in the folder."""
    stub, tls = VaultStub(folder), tls_of(folder)

    class Request(QuietRequest):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, asked: Any) -> None:
            assert self.headers["X-Vault-Request"] == "true"
            path, token = self.path.removeprefix("/v1/"), self.headers.get("X-Vault-Token")
            try:
                data = stub.answer(self.command, path, token, asked)
                status, body = 200, json.dumps({"request_id": "stub", "data": data}).encode()
            except Refused as exc:
                status, body = exc.status, json.dumps({"errors": exc.errors}).encode()
            time.sleep(stub.waits_s)
            body = body if stub.says is None else stub.says
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with https_server(tls, Request) as stub.port:
        yield stub
