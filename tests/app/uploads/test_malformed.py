"""Malformed requests of every kind to every route of uploads: refused, without an echo, changing nothing."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from oracles.containers import Row, random_rows
from oracles.linkage_rig import BITS, CHILD_WELFARE, PROJECT, Linkage, content_digest

from schemas.problem import MEDIA_TYPE, Problem
from schemas.upload import SignedManifest

CANARY = "canary7f3a9c"
# What a document may leave out, or leave empty.
OPTIONAL = {"version", "signatures", "quality_digest", "privacy_audit_digest", "purpose"}
Rng = random.Random
JSON = {"content-type": "application/json"}


def spoil_json(document: dict[str, Any], rng: Rng) -> tuple[bytes, dict[str, str]]:
    """Return a body that is no such document, holding the canary where it can, and its headers."""
    good = json.dumps(document).encode()
    name = rng.choice(list(document))
    needed = rng.choice([key for key in document if key not in OPTIONAL] or [name])
    bodies: list[Callable[[], bytes]] = [
        lambda: good[: rng.randrange(len(good))],
        lambda: good + good,
        lambda: b"\xef\xbb\xbf" + good,
        lambda: good.decode().encode("utf-16"),
        lambda: good[:-1] + f', "{CANARY}": "{CANARY}"}}'.encode(),
        lambda: good[:-1] + f', "{name}": "{CANARY}"}}'.encode(),
        lambda: json.dumps({**document, name: CANARY * 40}).encode(),
        lambda: json.dumps({**document, name: [CANARY]}).encode(),
        lambda: json.dumps({**document, name: {CANARY: CANARY}}).encode(),
        lambda: json.dumps({**document, needed: None}).encode(),
        lambda: good.replace(b"{", b'{"x": NaN, ', 1),
        lambda: good.replace(b"{", b'{"x": -Infinity, ', 1),
        lambda: good.replace(b"{", b'{"x": 1e999, ', 1),
        lambda: good.replace(b"{", b'{"x": ' + b"9" * 900 + b", ", 1),
        lambda: good.replace(b"{", b'{"x": "\\ud800", ', 1),
        lambda: good.replace(b"{", b'{"\\udfff": 1, ', 1),
        lambda: b"[" * rng.randrange(33, 900),
        lambda: b'{"x":' * rng.randrange(33, 180),
        lambda: json.dumps([document]).encode(),
        lambda: json.dumps(CANARY).encode(),
        lambda: rng.randbytes(rng.randrange(900)),
        lambda: b"",
        lambda: b"null",
        lambda: CANARY.encode() * 2000,
    ]
    headers: list[dict[str, str]] = [
        {"content-type": "text/plain"},
        {"content-type": f"application/{CANARY}"},
        {**JSON, "content-encoding": "gzip"},
        {**JSON, "content-encoding": CANARY},
    ]
    at = rng.randrange(len(bodies) + len(headers))
    if at < len(bodies):
        return bodies[at](), JSON
    chosen = headers[at - len(bodies)]
    return gzip.compress(good) if chosen.get("content-encoding") == "gzip" else good, chosen


def spoil_part(part: bytes, rng: Rng) -> tuple[bytes, dict[str, str]]:
    """Return a body and headers of which something does not fit the part."""
    good = {"content-type": "application/octet-stream", "content-digest": content_digest(part)}
    cut = part[: rng.randrange(len(part))]
    longer = part + rng.randbytes(rng.randrange(1, 99))
    bomb = gzip.compress(bytes(2**20))
    return rng.choice(
        [
            (cut, good),
            (cut, good | {"content-digest": content_digest(cut)}),
            (longer, good | {"content-digest": content_digest(longer)}),
            (bytes(4 * 2**20 + 1), good),
            (rng.randbytes(len(part)), good),
            (part, good | {"content-digest": f"sha-256=:{CANARY}:"}),
            (part, good | {"content-digest": content_digest(part).swapcase()}),
            (part, {"content-type": good["content-type"]}),
            (part, good | {"content-type": CANARY}),
            (part, good | {"content-encoding": "br"}),
            (bomb, good | {"content-encoding": "gzip", "content-digest": content_digest(bomb)}),
        ]
    )


def spoil_rows(rows: list[Row], rng: Rng) -> list[Row]:
    """Return rows that are no container's."""
    at = rng.randrange(1, len(rows))
    row = rows[at]
    return rng.choice(
        [
            [*rows[:at], rows[at - 1], *rows[at:]],
            [*rows[: at - 1], row, rows[at - 1], *rows[at + 1 :]],
            [*rows[:at], replace(row, variant=rng.randrange(1, 256)), *rows[at + 1 :]],
            [*rows[:at], replace(row, encoding=bytes(16)), *rows[at + 1 :]],
            [*rows[:at], replace(row, encoding=b"\xff" * 16), *rows[at + 1 :]],
            [*rows[:at], replace(row, handle=bytes(16)), *rows[at + 1 :]],
        ]
    )


class Attack:
    """One open upload that is ready to be committed, and what is tried against it."""

    def __init__(self, linkage: Linkage) -> None:
        self.linkage, self.rng = linkage, linkage.rng
        self.rows = random_rows(self.rng, 40, bits=BITS)
        self.content = linkage.container(self.rows, CHILD_WELFARE)
        self.manifest = linkage.manifest(self.rows, self.content, CHILD_WELFARE)
        self.upload = linkage.send(self.content, CHILD_WELFARE)
        self.before = self.state()

    def state(self) -> tuple[Any, Any]:
        view = self.linkage.get(f"/v1/uploads/{self.upload}").json()
        return view, self.linkage.get(f"/v1/uploads/{self.upload}/parts").json()

    def tries(self) -> list[Callable[[], Any]]:
        return [self.open, self.commit, self.ask, self.put]

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        headers = headers | self.linkage.as_party(CHILD_WELFARE)
        return self.linkage.client.request(method, path, content=body, headers=headers)

    def open(self) -> Any:
        body, headers = spoil_json(self.linkage.request(self.content), self.rng)
        return self._send("POST", f"/v1/projects/{PROJECT}/uploads", body, headers)

    def commit(self) -> Any:
        document = SignedManifest(manifest=self.manifest).to_json()
        target = self.rng.choice(["whole", "manifest"])
        if target == "whole":
            body, headers = spoil_json(document, self.rng)
        else:
            inner, headers = spoil_json(self.manifest.to_json(), self.rng)
            body = b'{"signatures": [], "manifest": ' + inner + b"}"
        return self._send("POST", f"/v1/uploads/{self.upload}/commit", body, headers)

    def ask(self) -> Any:
        body, headers = spoil_json({"purpose": "school-support"}, self.rng)
        return self._send("POST", f"/v1/projects/{PROJECT}/runs", body, headers)

    def put(self) -> Any:
        body, headers = spoil_part(self.content, self.rng)
        number = self.rng.choice(["0", "0", "0", "1", "-1", "99999999999", CANARY])
        return self._send("PUT", f"/v1/uploads/{self.upload}/parts/{number}", body, headers)


def assert_refused(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == MEDIA_TYPE
    Problem.from_json(answer.json())
    assert CANARY not in answer.text.lower()


@pytest.mark.parametrize("n", [240, pytest.param(2000, marks=pytest.mark.soak)])
def test_malformed_requests_are_refused_without_an_echo_and_change_nothing(
    linkage: Linkage, n: int
) -> None:
    attack = Attack(linkage)
    n_entries = len(linkage.log_kinds())
    for number in range(n):
        assert_refused(attack.tries()[number % 4]())
    assert attack.state() == attack.before
    assert len(linkage.log_kinds()) == n_entries
    assert linkage.commit(attack.upload, attack.manifest, CHILD_WELFARE).status_code == 200


@pytest.mark.parametrize("n", [30, pytest.param(400, marks=pytest.mark.soak)])
def test_malformed_containers_are_refused_at_the_commit_and_stay_open(
    linkage: Linkage, n: int
) -> None:
    for _ in range(n):
        good = random_rows(linkage.rng, 20, bits=BITS, most_variants=3)
        rows = spoil_rows(good, linkage.rng)
        content = linkage.container(rows, CHILD_WELFARE)
        upload = linkage.send(content, CHILD_WELFARE)
        manifest = linkage.manifest(rows, content, CHILD_WELFARE)
        answer = linkage.commit(upload, manifest, CHILD_WELFARE)
        assert_refused(answer)
        assert not any(row.handle.hex() in answer.text for row in rows)
        assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "open"
    assert linkage.log_kinds().count("upload-rejected") == n
