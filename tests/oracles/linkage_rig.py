"""A founded broker with one project of two agencies, and their uploads through the real HTTP application."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import Response
from oracles.containers import Row, build_container, random_rows
from starlette.testclient import TestClient

from app.agreements.service import create_project
from app.auditor.verify import verify_bundle
from app.broker import Broker
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper
from schemas.agreement import ProjectTerms
from schemas.profile import EncodingProfile, Hardening
from schemas.run import IdSpace, MatchingPolicy, Recipient
from schemas.upload import Manifest, Receipt, SignedManifest

PROJECT = "foster-school"
CHILD_WELFARE, SCHOOL = "child-welfare", "school-district"
AUDITOR = "state-auditor"
KEY_ID = "00112233445566ff"
BITS = 128
KIND_VARIABLE = "BLINDLINK_TEST_DATABASE"


def profile_of(bits: int = BITS) -> EncodingProfile:
    schema = {"version": 3, "clkConfig": {"l": bits}, "features": []}
    return EncodingProfile(
        name="test-profile",
        recipe=None,
        linkage_schema=json.dumps(schema),
        hardening=Hardening(kind="none"),
        nominal_fill="0.5",
    )


def terms_of(profile: EncodingProfile, **changes: Any) -> ProjectTerms:
    """Return terms of two agencies that both receive links, in one ID space, with a floor of 3."""
    terms: dict[str, Any] = {
        "project": PROJECT,
        "purpose": "school-support",
        "providers": (CHILD_WELFARE, SCHOOL),
        "recipients": (
            Recipient(party=CHILD_WELFARE, mode="linked", space="shared"),
            Recipient(party=SCHOOL, mode="linked", space="shared"),
        ),
        "auditors": (AUDITOR,),
        "spaces": (IdSpace(name="shared", lifetime="run"),),
        "profile": profile.digest(),
        "policy": MatchingPolicy(auto="0.80", review="0.70", margin="0", solver="one-to-one"),
        "population": "pupils",
        "floor": 3,
        "max_variants": 3,
        "start": "2026-01-01",
        "end": "2027-12-31",
        "keep_encodings_days": 30,
        "keep_links_days": 90,
    }
    return ProjectTerms(**{**terms, **changes})


@dataclass
class Linkage:
    """The project, and what its parties do over HTTP; `founded` and `bearer` are the fixtures of tests/app."""

    founded: Any
    client: TestClient
    bearer: Any
    terms: ProjectTerms
    profile: EncodingProfile
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    is_log_spoilt: bool = False

    @property
    def broker(self) -> Broker:
        return self.founded.broker

    def create(self) -> Linkage:
        """Enrol everyone and create the project."""
        receiving = {recipient.party for recipient in self.terms.recipients}
        parties = {CHILD_WELFARE, SCHOOL, *self.terms.providers, *receiving}
        self.founded.enrol(*sorted(parties), *self.terms.auditors)
        self.add_project(self.terms)
        return self

    def add_project(self, terms: ProjectTerms) -> None:
        with self.broker.database.write() as session:
            create_project(
                session,
                self.broker.log,
                terms=terms,
                profile=self.profile,
                actor=self.founded.operator,
                now=self.founded.clock(),
            )

    def as_party(self, party: str, role: str = "agency") -> dict[str, str]:
        return self.bearer(party, role)

    def container(self, rows: list[Row], party: str, /, **header: Any) -> bytes:
        stated = {
            "project": self.terms.project,
            "party": party,
            "epoch": self.terms.epoch,
            "profile": self.terms.profile,
            "key_id": KEY_ID,
            "encoding_bits": self.profile.encoding_bits,
        }
        return build_container(rows, **{**stated, **header})

    def request(self, content: bytes, **changes: Any) -> dict[str, Any]:
        stated = {
            "epoch": self.terms.epoch,
            "profile": self.terms.profile,
            "key_id": KEY_ID,
            "container_sha256": hashlib.sha256(content).hexdigest(),
            "container_bytes": len(content),
        }
        return {**stated, **changes}

    def manifest(self, rows: list[Row], content: bytes, party: str, /, **changes: Any) -> Manifest:
        stated: dict[str, Any] = {
            **self.request(content),
            "project": self.terms.project,
            "party": party,
            "agreement": self.terms.digest(),
            "records": len({row.handle for row in rows}),
            "encodings": len(rows),
            "as_of": "2026-08-31",
            "population": self.terms.population,
            "created": "2026-09-01T05:00:00Z",
            "software": "test-1",
        }
        return Manifest(**{**stated, **changes})

    def open(self, content: bytes, party: str, key: str | None = None, **changes: Any) -> Response:
        headers = self.as_party(party) | ({} if key is None else {"idempotency-key": key})
        return self.client.post(
            f"/v1/projects/{self.terms.project}/uploads",
            json=self.request(content, **changes),
            headers=headers,
        )

    def put(self, upload: str, number: int, part: bytes, party: str, **headers: str) -> Response:
        return self.client.put(
            f"/v1/uploads/{upload}/parts/{number}",
            content=part,
            headers={
                **self.as_party(party),
                "content-type": "application/octet-stream",
                "content-digest": content_digest(part),
                **headers,
            },
        )

    def commit(self, upload: str, manifest: Manifest, party: str) -> Response:
        signed = SignedManifest(manifest=manifest)
        return self.client.post(
            f"/v1/uploads/{upload}/commit", json=signed.to_json(), headers=self.as_party(party)
        )

    def send(self, content: bytes, party: str, *, part_bytes: int | None = None) -> str:
        """Open an upload and send all of its parts; returns its id."""
        view = self.open(content, party).json()
        step = view["part_bytes"]
        for number in range(view["parts"]):
            part = content[number * step : (number + 1) * step]
            assert self.put(view["upload"], number, part, party).status_code == 200
        return str(view["upload"])

    def upload(self, rows: list[Row], party: str) -> Receipt:
        """Send and commit a container of these rows."""
        content = self.container(rows, party)
        answer = self.commit(self.send(content, party), self.manifest(rows, content, party), party)
        assert answer.status_code == 200, answer.text
        return Receipt.from_json(answer.json())

    def upload_both(
        self, n_records: int = 20, n_common: int = 12, n_twins: int = 0
    ) -> tuple[list[Row], list[Row]]:
        """Upload two files as `two_files` makes them."""
        left, right = two_files(self.rng, n_records, n_common, n_twins)
        self.upload(left, CHILD_WELFARE)
        self.upload(right, SCHOOL)
        return left, right

    def ask(self, party: str = CHILD_WELFARE, key: str | None = None, **body: Any) -> Response:
        headers = self.as_party(party) | ({} if key is None else {"idempotency-key": key})
        return self.client.post(
            f"/v1/projects/{self.terms.project}/runs", json=body, headers=headers
        )

    def work(self) -> None:
        """Let a worker do all that waits."""
        Worker(self.broker).work(until_idle=True)

    def get(self, path: str, party: str = CHILD_WELFARE, role: str = "agency") -> Response:
        return self.client.get(path, headers=self.as_party(party, role))

    def check_log(self) -> None:
        """Let the auditor's verifier replay the whole log, after a last sweep."""
        if not self.is_log_spoilt:
            Sweeper(self.broker).sweep()
            bundle = self.get("/v1/log/bundle", "operator", "operator")
            verify_bundle(io.BytesIO(bundle.content), log_key=self.broker.log.key)

    def log_kinds(self) -> list[str]:
        """Return the kinds of all entries of the match log, in order."""
        return [entry["kind"] for entry in self.log_entries()]

    def log_entries(self) -> list[dict[str, Any]]:
        """Return all entries of the match log, in order."""
        from sqlalchemy import text

        with self.broker.database.read() as session:
            rows = session.execute(text("SELECT entry FROM log_leaf ORDER BY seq")).scalars()
            return [json.loads(bytes(row)) for row in rows]


MakeLinkage = Callable[..., Linkage]


@pytest.fixture(name="database_url")
def embedded_database(request: pytest.FixtureRequest) -> str:
    """SQLite alone, for what the kind of database hardly makes a difference to.

    BLINDLINK_TEST_DATABASE=postgres puts these tests on PostgreSQL instead, as `make soak` does.
    """
    kind = os.environ.get(KIND_VARIABLE, "sqlite")
    assert kind in ("sqlite", "postgres"), f"{KIND_VARIABLE} is neither sqlite nor postgres"
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture(name="database_url", params=["sqlite", "postgres"])
def either_database(request: pytest.FixtureRequest) -> str:
    """The test runs once on each kind of database; a module imports this in place of its folder's."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def make_linkage(founded: Any, client: Any, bearer: Any) -> Iterator[MakeLinkage]:
    """Return a function that creates the project, with some of its terms changed.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Linkage] = []

    def make(**changes: Any) -> Linkage:
        profile = profile_of()
        linkage = Linkage(founded, client, bearer, terms_of(profile, **changes), profile)
        made.append(linkage.create())
        return linkage

    yield make
    for linkage in made:
        linkage.check_log()


@pytest.fixture
def linkage(make_linkage: MakeLinkage) -> Linkage:
    """The project with its ordinary terms."""
    return make_linkage()


def content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def two_files(
    rng: random.Random, n_records: int, n_common: int, n_twins: int = 0
) -> tuple[list[Row], list[Row]]:
    """Return two files whose first `n_common` people are the same: equal encodings under other handles.

    The first `n_twins` of them are in the left file twice, the second time with one bit less.
    """
    left = random_rows(rng, n_records, bits=BITS)
    right = random_rows(rng, n_records, bits=BITS)
    same = [
        Row(mine.handle, 0, theirs.encoding)
        for mine, theirs in zip(right[:n_common], left[:n_common], strict=True)
    ]
    twins = [Row(rng.randbytes(16), 0, one_bit_less(row.encoding)) for row in left[:n_twins]]
    left = sorted([*left, *twins], key=lambda row: row.handle)
    return left, same + right[n_common:]


def one_bit_less(encoding: bytes) -> bytes:
    value = int.from_bytes(encoding)
    return (value & (value - 1)).to_bytes(len(encoding))
