"""Writes schemas/vectors/signed-request.json by its page alone; the keys are for tests only.

PYTHONPATH=tests:. python -m vectors.signed_request

Made with the standard library and the rfc8785 package, not with the code under test.
"""

from __future__ import annotations

import base64
from typing import Any

import rfc8785
from samples.documents import changed, without
from vectors.file import write_vectors
from vectors.identity import identity_of, private_bytes, signature

PRIVATE, STRANGER = private_bytes(1), private_bytes(2)
RELEASE = "rel-0123456789abcdef0123456789abcdef"
REQUEST: dict[str, Any] = {
    "version": "blindlink/request/3",
    "log": "broker.example/log",
    "project": "foster",
    "agreement": "cd" * 32,
    "head": {"place": 41, "leaf": "ef" * 32},
    "asks": f"GET /v1/releases/{RELEASE}/file",
    "sha256": None,
    "nonce": "00112233445566778899aabbccddeeff",
    "at": "2026-09-01T06:00:00Z",
}
STATED = "ab" * 32


def signed(
    request: dict[str, Any], private: bytes = PRIVATE, kind: str = "request"
) -> dict[str, Any]:
    return {"request": request, "signature": signature(kind, request, private)}


def header(document: Any) -> str:
    return base64.urlsafe_b64encode(rfc8785.dumps(document)).rstrip(b"=").decode()


def signed_request_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/signed-request.md`."""
    plain, path = signed(REQUEST), REQUEST["asks"].removeprefix("GET ")
    good = {
        "what the path says": plain,
        "what is stated": signed({**REQUEST, "asks": "POST /v1/projects/foster/legal-holds",
                                  "sha256": STATED}),
        "a query": signed({**REQUEST, "asks": "DELETE /v1/projects/foster/shares?epoch=2"}),
        "the longest path": signed({**REQUEST, "asks": f"PUT /v1/{'x' * 292}"}),
        "the longest log and project": signed({**REQUEST, "log": "x" * 200, "project": "x" * 40,
                                               "head": {"place": 2**53 - 1, "leaf": "ef" * 32},
                                               "asks": f"PUT /v1/{'x' * 292}", "sha256": STATED}),
        "nowhere": signed({**REQUEST, "log": None, "project": None, "agreement": None,
                           "head": None}),
    }  # fmt: skip
    unsigned = {
        "another's signature": signed(REQUEST, STRANGER),
        "a signature of another kind": signed(REQUEST, kind="approval"),
        "another release": changed(plain, "request.asks", f"GET {path.replace('rel-0', 'rel-1')}"),
        "another log": changed(plain, "request.log", "broker.example/other"),
        "another project": changed(plain, "request.project", "research"),
        "another agreement": changed(plain, "request.agreement", STATED),
        "no agreement": changed(plain, "request.agreement", None),
        "another head": changed(plain, "request.head.place", 42),
        "no head": changed(plain, "request.head", None),
        "another digest": changed(plain, "request.sha256", STATED),
        "another nonce": changed(plain, "request.nonce", "0" * 32),
        "another time": changed(plain, "request.at", "2026-09-01T06:00:01Z"),
    }
    malformed = {
        "no log": without(plain, "request.log"),
        "a head without its place": without(plain, "request.head.place"),
        "a log with a plus sign": changed(plain, "request.log", "broker+log"),
        "an unknown field": changed(plain, "request.party", "county-cw"),
        "a method in lower case": changed(plain, "request.asks", f"get {path}"),
        "another method": changed(plain, "request.asks", f"HEAD {path}"),
        "an address": changed(plain, "request.asks", f"GET https://broker.test{path}"),
        "two spaces": changed(plain, "request.asks", f"GET  {path}"),
        "a blank in the path": changed(plain, "request.asks", f"GET {path} x"),
    }
    headers = {
        "padding": header(plain) + "=" * (-len(header(plain)) % 4) + "=",
        "another alphabet": base64.b64encode(rfc8785.dumps(signed(REQUEST))).decode() + "+/",
        "not base64": "*" * 40,
        "empty": "",
        "blanks in the JSON": base64.urlsafe_b64encode(
            rfc8785.dumps(plain).replace(b",", b", ")
        ).decode(),
        "too long": "A" * 2049,
    }
    return {
        "spec": "signed-request",
        "signing_key": identity_of(PRIVATE)["signing_key"],
        "good": [
            {"name": name, "document": rfc8785.dumps(one).decode(), "header": header(one)}
            for name, one in good.items()
        ],
        "bad": [{"name": name, "header": header(one)} for name, one in unsigned.items()],
        "malformed": [
            *({"name": name, "header": header(one)} for name, one in malformed.items()),
            *({"name": name, "header": text} for name, text in headers.items()),
        ],
    }


if __name__ == "__main__":
    write_vectors("signed-request", signed_request_vectors())
