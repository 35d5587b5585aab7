"""A broker of real processes, its agencies, and everything that was acknowledged to them."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rigs.broker_processes import InsistentClient, ServedBroker, command_path
from rigs.enrolled import BROKER
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL, Linkage, profile_of, terms_of
from rigs.persons import enrol_agencies
from samples.round_files import Container, Person, two_files
from services.object_store import ObjectStoreServer
from services.postgres import PostgresServer

from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.clock import Clock, utc_now
from app.security.actor import Actor
from app.settings import Settings
from schemas.matchlog.checkpoint import serialise_checkpoints

N_RECORDS, N_COMMON = 1000, 400


@dataclass
class RealBroker:
    """What the rig of a linkage asks of a broker; its clock is the real one."""

    broker: Broker
    operator: Actor
    clock: Clock = utc_now

    def enrol(self, *parties: str) -> None:
        enrol_agencies(self.broker, self.operator, *parties)


@dataclass
class Scene:
    """The processes, the client, and what was acknowledged; `server` is None for SQLite."""

    settings: Settings
    real: RealBroker
    served: ServedBroker
    linkage: Linkage
    folder: Path
    rng: random.Random
    server: PostgresServer | None
    receipts: dict[str, Any] = field(default_factory=dict)
    pins: list[Path] = field(default_factory=list)

    def pin(self) -> None:
        """Keep the newest checkpoint, as an agency does after each answer that matters."""
        note = self.linkage.get("/v1/log/checkpoint").json()["checkpoint"].encode()
        path = self.folder / f"pin-{len(self.pins)}"
        path.write_bytes(serialise_checkpoints([note]))
        self.pins.append(path)

    def kill_broker(self) -> None:
        """Kill the broker and start it again."""
        self.pin()
        self.served.kill_and_restart()

    def check_log(self) -> None:
        """The auditor's own command verifies the exported log with every checkpoint that was pinned."""
        bundle = self.folder / "log.bundle"
        bundle.write_bytes(self.linkage.get("/v1/log/bundle", "operator", "operator").content)
        pins = [argument for pin in self.pins for argument in ("--pin", str(pin))]
        done = subprocess.run(
            [command_path("blindlink-audit"), "verify", str(bundle), *pins],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def upload(self, people: list[Person], party: str) -> Container:
        """Upload as an agency that resumes: after every answer, all acknowledged parts must be there."""
        linkage = self.linkage
        made = linkage.container(people, party)
        opened = linkage.open(made, party, key=os.urandom(8).hex())
        assert opened.status_code == 201, opened.text
        upload = str(opened.json()["upload"])
        acknowledged: list[int] = []
        numbers = list(range(len(made.parts)))
        self.rng.shuffle(numbers)
        for number in numbers:
            assert linkage.put(upload, number, made.parts[number], party).status_code == 200
            acknowledged.append(number)
            stored = linkage.get(f"/v1/uploads/{upload}/parts", party).json()["stored"]
            assert stored == sorted(acknowledged)
        manifest = linkage.manifest(made, party, as_of="2020-01-01")
        receipt = linkage.commit(upload, manifest, party)
        while receipt.status_code == 503:
            # The store died under the check, which said so and ended.
            receipt = linkage.commit(upload, manifest, party)
        assert receipt.status_code == 200, receipt.text
        self.receipts[upload] = (party, receipt.json())
        self.pin()
        return made

    def upload_both(self, n_records: int = N_RECORDS, n_common: int = N_COMMON) -> None:
        """Upload a file of each agency for the next round, which starts its run."""
        self.linkage.end_round()
        self.linkage.open_round()
        left, right = two_files(self.rng, n_records, n_common)
        self.upload(left, CHILD_WELFARE)
        self.upload(right, SCHOOL)


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.long),
        # Beside SQLite in every check, PostgreSQL at full size alone: the check has half an hour.
        pytest.param("postgres", marks=[pytest.mark.soak, pytest.mark.postgres]),
    ]
)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A served broker with a project of two agencies, once on each database."""
    is_postgres = request.param == "postgres"
    server = request.getfixturevalue("postgres_server") if is_postgres else None
    with served_scene(tmp_path, request.getfixturevalue(f"{request.param}_url"), server) as made:
        yield made


@contextmanager
def served_scene(
    folder: Path,
    url: str,
    server: PostgresServer | None,
    *,
    is_volatile: bool = True,
    store: ObjectStoreServer | None = None,
    kind: type[Linkage] = Linkage,
    **agreed: Any,
) -> Iterator[Scene]:
    """Serve a broker on the database at the URL; `is_volatile` where the server's settings lose commits.

    Its blobs lie in a bucket of the store; None: in files. Clients ask again whatever one answers that dies.
    `agreed` are terms of the agreement.
    """
    settings = Settings(
        state_dir=folder / "state",
        database_url=url,
        lease_s=1,
        public_url=BROKER,
        # Ranges so small that there is something to lose at every moment.
        range_rows=100,
        worker_threads=1,
        reads_per_minute=10**6,
        writes_per_minute=10**6,
        parts_per_minute=10**6,
        disk_reserve_percent=0,
        insecure_volatile_database=server is not None and is_volatile,
        **({} if store is None else store.settings()),
    )
    operator = found_broker(settings, origin="kills.test/log", title="Test operator")
    real = RealBroker(open_broker(settings), operator)
    # The seed narrows the search for what a failed test met; the moments depend on the machine too.
    seed = int(os.environ.get("BLINDLINK_KILL_SEED", random.randrange(10**6)))
    print(f"BLINDLINK_KILL_SEED={seed}")
    profile = profile_of()
    terms = terms_of(profile, start="2020-01-01", end="2099-12-31", **agreed)
    served = ServedBroker(settings)
    client: Any = InsistentClient(served, () if is_volatile and store is None else (503,))
    rng = random.Random(seed)
    linkage = kind(real, client, terms, profile, rng).create()
    linkage.as_party(AUDITOR, "auditor")
    for party in (CHILD_WELFARE, SCHOOL):
        linkage.as_party(party)
    try:
        yield Scene(settings, real, served, linkage, folder, rng, server)
    finally:
        served.close()
        real.broker.close()
