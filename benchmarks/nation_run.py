"""A run at the size of a nation, from stored containers to releases: real rows, a worker's process.

    python -m benchmarks.nation_run                          60,000 against 6,000,000; half an hour
    python -m benchmarks.nation_run --children 6000 --students 600000
    python -m benchmarks.nation_run --made-up     the broker alone: the rows are of nobody

Invented people are encoded by the passes of a nation and uploaded; three in five of the smaller file are in the
larger one. Printed are the wall clock and the peak of resident memory of each step: of this process, which is
agency and broker at once, and of the worker's own. Run it at two sizes to see what grows.
"""

from __future__ import annotations

import argparse
import csv
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlalchemy import select
from starlette.testclient import TestClient

from app.broker import open_broker
from app.cli.founding import found_broker
from app.main import create_app
from app.runs.models import Run
from app.settings import Settings
from encoding.blocks.assembly import STORED_ROW, Assembly, row_order
from encoding.blocks.keys import CellKeys, round_key
from encoding.blocks.spool import Spool
from encoding.packing.container import Body, write_body, write_container
from encoding.profiles.catalog import shipped_profile
from encoding.recipe import Recipe
from schemas.agreement.clauses import FileSize
from schemas.documents.ids import HANDLE_BYTES
from schemas.linkage.counts import FileCounts, published_counts
from schemas.linkage.profile import EncodingProfile, Side, memory_columns
from schemas.linkage.row_layout import row_layout
from schemas.rounds.upload import ContainerHeader, Parts, serialise_header

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

from rigs.enrolled import sign_requests  # noqa: E402
from rigs.kill_scene import RealBroker  # noqa: E402
from rigs.linkage import CHILD_WELFARE, POLICY, SCHOOL, Linkage, terms_of  # noqa: E402
from samples.round_files import KEY_ID, SECRET  # noqa: E402

from benchmarks.encoding import BENCH, people  # noqa: E402 - the rigs of the tests are found only now
from benchmarks.processes import clear_peak, peak_mib  # noqa: E402

SHARE_IN_BOTH = 0.6
AT_ONCE = 10_000
LOOK_S = 0.02
MADE_UP_BYTES = 16 + 64
Rows = Iterator[tuple[Mapping[str, list[str]], int]]


class StoredParts(Sequence[bytes]):
    """The parts of a container on disk, read when they are asked for."""

    def __init__(self, path: Path, parts: Parts) -> None:
        self.path, self._parts = path, parts

    def __len__(self) -> int:
        return self._parts.n_parts

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        start = sum(self._parts.length(before) for before in range(number))
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(self._parts.length(number))


@dataclass(frozen=True)
class StoredContainer:
    """A container on disk, as the rig of a linkage takes it."""

    header: ContainerHeader
    parts: StoredParts
    sha256: str
    size_bytes: int
    head_bytes: int
    counts: FileCounts | None

    def request(self) -> dict[str, Any]:
        """Return what an upload of it is opened with."""
        header = self.header
        return {
            **{
                name: getattr(header, name)
                for name in (
                    "epoch", "round", "partner", "profile", "key_id", "records", "rows",
                )
            },
            "container_sha256": self.sha256,
            "container_bytes": self.size_bytes,
            "head_bytes": self.head_bytes,
        }  # fmt: skip


def rows_of(path: Path, chosen: range, recipe: Recipe) -> Rows:
    """Yield derived columns of some people of a file, with the number of the first."""
    with path.open(encoding="utf-8", newline="") as text:
        rows = islice(csv.DictReader(text), chosen.start, chosen.stop)
        for start in range(0, len(chosen), AT_ONCE):
            yield derived(list(islice(rows, AT_ONCE)), recipe), start


def derived(rows: list[dict[str, str]], recipe: Recipe) -> Mapping[str, list[str]]:
    """Return the derived columns of rows of which each gives one spelling."""
    columns = {name: [row.get(name, "") for row in rows] for name in recipe.inputs}
    found = recipe.derive(columns, date_format="YYYY-MM-DD")
    main = np.unique(found.row_of, return_index=True)[1].tolist()
    if len(main) != len(rows):
        raise SystemExit("a row was refused")
    return {name: [cells[at] for at in main] for name, cells in found.columns.items()}


def stored_container(
    folder: Path, linkage: Linkage, party: str, path: Path, chosen: range
) -> StoredContainer:
    """Encode people for one side of the open round, onto disk."""
    profile, side = linkage.profile, side_of(linkage, party)
    name = linkage.name_of(party, linkage.partner_of(party), linkage.round())
    scratch = folder / side
    scratch.mkdir()
    n = len(chosen)
    with Assembly(
        profile, CellKeys(round_key(SECRET, name)), side, n_records=n,
        repeated=np.zeros(n, dtype=bool), folder=scratch,
    ) as assembly:  # fmt: skip
        for columns, start in rows_of(path, chosen, Recipe.load(profile.recipe)):
            n_rows = len(next(iter(columns.values())))
            blank = dict.fromkeys(memory_columns(profile), [""] * n_rows)
            assembly.add({**columns, **blank}, np.arange(start, start + n_rows, dtype=np.uint32))
        body = write_body(scratch / "body", drawn_handles(n), assembly.rows())
        counts = assembly.file_counts() if side == "larger" else None
    return container_of(folder, linkage, party, n, body, counts)


def made_up_container(
    folder: Path, linkage: Linkage, party: str, _: Path, chosen: range
) -> StoredContainer:
    """Make up rows for one side of the open round, onto disk: a person's are the same in both files."""
    profile, side = linkage.profile, side_of(linkage, party)
    n, n_each = len(chosen), profile.rows(side)
    spool = Spool(folder, f"{side}-rows", STORED_ROW, n * n_each)
    # Persons come in lots that both files cut alike.
    for lot in range(chosen.start // AT_ONCE, -(-chosen.stop // AT_ONCE)):
        there = np.arange(lot * AT_ONCE, (lot + 1) * AT_ONCE)
        rows = np.empty((AT_ONCE, n_each), dtype=STORED_ROW)
        rows["record"] = (there - chosen.start)[:, None]
        for number in range(n_each):
            drawn = np.random.default_rng((lot, number)).bytes(AT_ONCE * MADE_UP_BYTES)
            given = np.frombuffer(drawn, np.uint8).reshape(AT_ONCE, MADE_UP_BYTES)
            rows["token"][:, number], rows["sealed"][:, number] = given[:, :16], given[:, 16:]
        if side == "smaller":
            rows["sealed"][..., where_rejected(profile)] ^= 0xFF
        spool.add(rows[(there >= chosen.start) & (there < chosen.stop)].reshape(-1))
    body = write_body(
        folder / f"{side}-body",
        drawn_handles(n),
        (some[row_order(some)] for some in spool.buckets()),
    )
    counts = published_counts(profile, n) if side == "larger" else None
    return container_of(folder, linkage, party, n, body, counts)


def where_rejected(profile: EncodingProfile) -> slice:
    """Return the bytes of a row in which two records agree that a reviewer has rejected before."""
    layout = row_layout(profile)
    (field,) = (one for one in profile.fields if one.memory == "rejected-before")
    lanes = {choice[0].lane for choice in field.levels[0].any_of}
    at = [number for number, one in enumerate(layout.tags) if one.lane.column in lanes]
    start = 8 * len(layout.filters) + 2 * min(at)
    return slice(start, start + 2 * len(at))


def side_of(linkage: Linkage, party: str) -> Side:
    """Return which file of the project's pair is a party's."""
    return "larger" if party == linkage.pair[0] else "smaller"


def drawn_handles(n: int) -> np.ndarray:
    """Return a table of so many handles."""
    drawn = np.frombuffer(os.urandom(n * HANDLE_BYTES), dtype=f"S{HANDLE_BYTES}").copy()
    return np.sort(drawn).view(np.uint8).reshape(-1, HANDLE_BYTES)


def container_of(
    folder: Path, linkage: Linkage, party: str, n: int, body: Body, counts: FileCounts | None
) -> StoredContainer:
    """Put the head before a body, which goes."""
    profile, side = linkage.profile, side_of(linkage, party)
    header = ContainerHeader(
        project=linkage.terms.project, epoch=linkage.terms.epoch, round=linkage.round()["round"],
        party=party, partner=linkage.partner_of(party), side=side, profile=profile.digest(),
        key_id=KEY_ID, records=n, rows=body.rows, root=body.root,
    )  # fmt: skip
    written = write_container(folder / f"{side}.container", header, body.path)
    body.path.unlink()
    head = len(serialise_header(header))
    parts = Parts(head, n, body.rows)
    return StoredContainer(
        header, StoredParts(written.path, parts), written.sha256, written.size_bytes, head, counts
    )


def prepared(folder: Path, profile: EncodingProfile, n_smaller: int, n_larger: int) -> Linkage:
    """Found a broker with a project of two agencies of these sizes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = Settings(
        state_dir=folder / "state",
        reads_per_minute=10**6, writes_per_minute=10**6, parts_per_minute=10**6,
        disk_reserve_percent=0, public_url="https://broker.test",
    )  # fmt: skip
    operator = found_broker(settings, origin="nation.test/log", title="Operator")
    broker = open_broker(settings)
    most = n_smaller * profile.rows("smaller")
    terms = terms_of(
        profile, start="2020-01-01", end="2099-12-31",
        policy=POLICY.model_copy(update={"max_pairs": max(POLICY.max_pairs, most)}),
        files=(
            FileSize(party=CHILD_WELFARE, least=1, most=n_smaller),
            FileSize(party=SCHOOL, least=1, most=n_larger),
        ),
    )  # fmt: skip
    client = TestClient(create_app(broker), base_url="https://broker.test")
    sign_requests(client)
    return Linkage(RealBroker(broker, operator), client, terms, profile, random.Random(1)).create()


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run took: rows of both files, seconds from taken up to released, the worker's peak, links."""

    n_rows: int
    run_s: float
    worker_mib: float
    n_linked: int


def main() -> None:
    """Encode, upload, run, and print what each took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--children", type=int, default=60_000)
    parser.add_argument("--students", type=int, default=6_000_000)
    parser.add_argument("--made-up", action="store_true")
    given = parser.parse_args()
    profile = shipped_profile("children", size="nation")
    run_of(profile, given.children, given.students, made_up=given.made_up)


def run_of(
    profile: EncodingProfile, n_smaller: int, n_larger: int, *, made_up: bool = False
) -> Figures:
    """Encode, upload and run two files of these sizes; print what each step took."""
    n_both = round(SHARE_IN_BOTH * n_smaller)
    everybody = Path() if made_up else people(n_larger + n_smaller - n_both)
    make = made_up_container if made_up else stored_container
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as name:
        folder = Path(name)
        linkage = prepared(folder, profile, n_smaller, n_larger)
        linkage.open_round()
        # The first people are the larger file's alone, then those of both, then the smaller one's.
        first = n_larger - n_both
        sides = (
            (CHILD_WELFARE, range(first, first + n_smaller)),
            (SCHOOL, range(n_larger)),
        )
        n_rows = 0
        for party, chosen in sides:
            with timed(f"{party} makes the rows of {len(chosen):,} records"):
                made: Any = make(folder, linkage, party, everybody, chosen)
            n_rows += made.header.rows
            with timed(f"{made.size_bytes:,} bytes are uploaded"):
                upload = linkage.send(made, party)
            manifest = linkage.manifest(made, party, as_of="2020-01-01", counts=made.counts)
            with timed("the commit is checked"):
                answer = linkage.commit(upload, manifest, party)
            if answer.status_code != 200:
                raise SystemExit(answer.text)
            # The broker has its own by now; twenty million records a side would not fit on many disks twice.
            made.parts.path.unlink()
        settings = linkage.broker.settings
        linkage.broker.close()
        program = shutil.which("blindlink-broker", path=Path(sys.executable).parent)
        command = [str(program), "--state", str(settings.state_dir), "work", "--until-idle"]
        # It reads them anew, and would keep a tenth of the disk free.
        environment = os.environ | {"BLINDLINK_DISK_RESERVE_PERCENT": "0"}
        with timed("the run, from taken up to released"):
            started = time.perf_counter()
            worker_mib = watched_peak_mib(command, environment)
            run_s = time.perf_counter() - started
        print(f"the worker's: {worker_mib:,.0f} MiB")
        with closing(open_broker(settings)) as broker, broker.database.read() as session:
            (run,) = session.scalars(select(Run)).all()
            if run.state != "succeeded":
                raise SystemExit(f"the run is {run.state}: {run.failure}")
            print(
                f"{run.state}: {run.candidate_pairs:,} pairs, {run.auto_pairs:,} linked,"
                f" {run.review_pairs:,} sent to review"
            )
            return Figures(n_rows, run_s, worker_mib, run.auto_pairs)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the block took, and the peak of this process's memory in it."""
    # Linux: the peak counts from here on.
    clear_peak("self")
    started = time.perf_counter()
    yield
    taken_s = time.perf_counter() - started
    print(f"{what}: {taken_s:,.1f} s, {peak_mib('self'):,.0f} MiB", flush=True)


def watched_peak_mib(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a command to its end, and return the peak of its resident memory."""
    # What the system counts of children begins with this process's own memory, so it is looked at meanwhile.
    seen_mib = 0.0
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        while started.poll() is None:
            seen_mib = max(seen_mib, peak_mib(started.pid))
            time.sleep(LOOK_S)
    if started.returncode:
        raise SystemExit("the worker failed")
    return seen_mib


if __name__ == "__main__":
    main()
