"""Good requests bent in their structure: refused as problems, without an echo, in little time and memory."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.linkage import CHILD_WELFARE, PROJECT, Linkage, content_digest
from samples.round_files import random_people

from schemas.documents.problem import MEDIA_TYPE, Problem

SEED = 20261128
CANARY = "zq-canary-4711"
MOST_S, MOST_BYTES = 1.0, 64 << 20
STRANGE: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**63, 10**400, 1.5, float("nan"), "", CANARY, "\ud800", "\x00" + CANARY),
    *([], {}, [[CANARY]], {CANARY: CANARY}, CANARY * 5000),
)


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a document with each of its keys."""
    found = []
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    for key in keys:
        found += [(value, key), *places_in(value[key])]
    return found


def bent_document(document: Any, rng: random.Random) -> bytes:
    """Change one thing in a document, or its text."""
    bent = json.loads(json.dumps(document))
    container, key = rng.choice(places_in(bent))
    act = rng.randrange(6)
    if act == 0:
        del container[key]
    elif act == 1 and isinstance(container, dict):
        container[CANARY] = container.pop(key)
    elif act == 2 and isinstance(container, list):
        container.append(container[key])
    else:
        container[key] = rng.choice(STRANGE)
    raw = json.dumps(bent).encode("utf-8", "surrogatepass")
    return bent_bytes(raw, rng) if act == 5 else raw


def bent_bytes(raw: bytes, rng: random.Random) -> bytes:
    """Cut, fill, repeat or overwrite a piece."""
    first, last = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    middle = rng.choice((b"", CANARY.encode(), raw[first:last] * 2, rng.randbytes(last - first)))
    return raw[:first] + middle + raw[last:]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.campaign("malformed")
def test_bent_requests_are_refused_and_change_nothing(linkage: Linkage, tally: Tally) -> None:
    rng = random.Random(SEED)
    linkage.open_round()
    made = linkage.container(random_people(linkage.rng, 8), CHILD_WELFARE)
    headers = linkage.as_party(CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    signed = linkage.signed_manifest(linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE).to_json()
    project = f"/v1/projects/{PROJECT}"
    offer = {
        "offer": {
            "project": PROJECT,
            "party": CHILD_WELFARE,
            "first": 5,
            "void_below": 1,
            "person": linkage.person(CHILD_WELFARE).id,
            "at": "2026-09-01T06:00:00Z",
            "nonces": ["ab" * 32] * 2,
        },
        "signature": linkage.signature(
            "manifest", linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE
        ).model_dump(mode="json"),
    }

    def post(path: str, document: Any) -> Callable[[], Any]:
        content = bent_document(document, rng)
        kind = {"content-type": "application/json"}
        return lambda: linkage.client.post(path, content=content, headers=headers | kind)

    def put() -> Callable[[], Any]:
        number = rng.randrange(len(made.parts))
        content = bent_bytes(made.parts[number], rng)
        more = {
            "content-type": "application/octet-stream",
            "content-digest": content_digest(content),
        }
        path = f"/v1/uploads/{upload}/parts/{number}"
        return lambda: linkage.client.put(path, content=content, headers=headers | more)

    kinds: tuple[Callable[[], Callable[[], Any]], ...] = (
        put,
        lambda: post(f"/v1/uploads/{upload}/commit", signed),
        lambda: post(f"{project}/nonces", offer),
        lambda: post(f"{project}/runs", {"partner": "school-district", "round": 1}),
    )
    before, resident = linkage.log_kinds(), resident_bytes()
    # What is refused hardly comes to the database.
    n_requests = times(quick=300, full=100_000 if linkage.broker.database.is_sqlite else 10_000)
    for number in range(n_requests):
        call = kinds[number % len(kinds)]()
        started_s = time.process_time()
        answer = call()
        used_s = time.process_time() - started_s
        where = (number, answer.status_code, answer.text[:300])
        tally.tried()
        if answer.status_code < 300:
            # A piece that was put back as it was.
            tally.saw("were still valid")
            continue
        assert 400 <= answer.status_code < 500, where
        assert answer.headers["content-type"] == MEDIA_TYPE, where
        assert Problem.from_json(answer.json()).status == answer.status_code
        assert CANARY not in answer.text, where
        assert used_s <= MOST_S, where
    after = linkage.log_kinds()
    assert [kind for kind in after[len(before) :] if kind != "upload-rejected"] == []
    assert resident_bytes() - resident <= MOST_BYTES


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
