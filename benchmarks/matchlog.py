"""The match log at size: append, prove, export, verify; one line of JSON for each measure.

Appending is bound by the disk, so a bare commit that syncs is measured beside it, in the same run on the same
disk. Verifying runs in a process of its own, whose peak memory is taken from the system.

    python benchmarks/matchlog.py [--entries 1000000] [--batch 100] [--folder DIR] [--quick]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, groupby
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.db import Base, Database
from app.matchlog.draft import EntryDraft
from app.matchlog.export import export_bundle
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.proofs import entry_proof, inclusion_proof, newest_checkpoint
from app.matchlog.service import MatchLog
from schemas.agreement.statement import MAX_STANDING_RUNS
from schemas.matchlog import person_kinds
from schemas.matchlog.agreement_kinds import SignedBody
from schemas.matchlog.entry import Entry
from schemas.signing.note import NoteSigner

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from samples.log import SampleLog
from samples.log_drafts import draft_of
from samples.parties import ANN, CW, K12

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def batches_of(told: SampleLog) -> Iterator[list[EntryDraft]]:
    """Rounds of one project without end, all in one moment: they are made ahead of the log."""
    told.states_heads = False
    project, rounds = told.create_project("foster"), told.rounds("foster")
    kept, latest = told.entries[:1], dict[str, Entry]()
    for number in count(1):
        if number % MAX_STANDING_RUNS == 0:
            _, approval = project.stand(ANN, runs=MAX_STANDING_RUNS)
            told.standing["foster"] = [(ANN.party, approval)]
        uploads = [told.upload("foster", CW), told.upload("foster", K12, 20_000)]
        asked = told.ask(told.specification("foster", uploads))
        told.start(asked)
        for prepared, who in zip(told.finish_run(asked), (CW, K12), strict=True):
            told.fetch(prepared, who)
        rounds.claim_all()
        rounds.close()
        for received in uploads:
            told.destroy(received)
        rounds.open()
        for _, batch in groupby(told.entries[len(kept) :], key=lambda entry: entry.batch):
            yield [draft_of(entry) for entry in batch]
        # A party's statement names its last one; all else would fill the memory.
        latest |= {
            said.signed.statement.party: one
            for one in told.entries
            if isinstance(said := one.body, SignedBody)
        }
        kept = list(latest.values())
        told.entries = list(kept)
        for rest in (told.raw, told.leaf_hashes, told.notes):
            rest.clear()


def bare_commits_per_s(folder: Path, n: int = 200) -> float:
    """Commits a second of one short row that is synced, as the log's own database syncs."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("PRAGMA synchronous=2")
    connection.execute("CREATE TABLE bare (row BLOB)")
    start = time.perf_counter()
    for _ in range(n):
        connection.execute("INSERT INTO bare VALUES (zeroblob(200))")
    taken = time.perf_counter() - start
    connection.close()
    return n / taken


def append_all(
    folder: Path, n_entries: int, batch: int
) -> tuple[Database, MatchLog, dict[str, Any]]:
    """Write the log, and measure its appends with bare commits before, between and after."""
    database = Database(f"sqlite:///{(folder / 'broker.db').as_posix()}")
    tables = [table for name, table in Base.metadata.tables.items() if name.startswith("log_")]
    Base.metadata.create_all(database.engine, tables=tables)
    told = SampleLog(1)
    log = MatchLog(
        NoteSigner("broker.example/log", KEY),
        LastCheckpointFile(folder / "last-checkpoint"),
        clock=lambda: told.moment,
    )
    with database.write() as session:
        log.start(session, "blindlink-0.1.0")
    batches = batches_of(told)

    def part() -> list[EntryDraft]:
        # What a run makes stands in the batch of its end, so that one may be larger.
        taken = list[EntryDraft]()
        while len(taken) < batch:
            taken += next(batches)
        return taken

    rates, bare, written = [], [bare_commits_per_s(fresh(folder))], 1
    cpu_s = 0.0
    while written < n_entries:
        prepared = [part() for _ in range(min(100, -(-(n_entries - written) // batch)))]
        start, cpu = time.perf_counter(), time.process_time()
        for drafts in prepared:
            with database.write() as session:
                log.append(session, drafts)
        cpu_s += time.process_time() - cpu
        n_written = sum(map(len, prepared))
        rates.append(n_written / (time.perf_counter() - start))
        written += n_written
        if len(rates) % 25 == 0:
            bare.append(bare_commits_per_s(fresh(folder)))
    bare.append(bare_commits_per_s(fresh(folder)))
    return (
        database,
        log,
        {
            "measure": "append",
            "entries": written,
            "batch": batch,
            "entries_per_s_median": round(statistics.median(rates)),
            "entries_per_s_slowest": round(min(rates)),
            "cpu_us_per_entry": round(cpu_s / written * 1e6),
            "batches_per_s_median": round(statistics.median(rates) / batch, 1),
            "bare_commits_per_s_median": round(statistics.median(bare)),
            "bare_commits_per_s": [round(rate) for rate in bare],
        },
    )


def fresh(folder: Path) -> Path:
    """A new folder on the same disk."""
    return Path(tempfile.mkdtemp(dir=folder))


def single_appends(database: Database, log: MatchLog, n: int) -> dict[str, Any]:
    """One entry a transaction: how near to a bare commit."""
    drafts = [
        EntryDraft(person_kinds.PartyEnrolled(party=f"party-{i}", role="agency", fingerprint=None))
        for i in range(n)
    ]
    start = time.perf_counter()
    for draft in drafts:
        with database.write() as session:
            log.append(session, [draft])
    return {"measure": "append-single", "commits_per_s": round(n / (time.perf_counter() - start))}


def proofs(database: Database, n: int = 2000) -> dict[str, Any]:
    """Inclusion proofs of entries chosen at random, each in a transaction of its own."""
    chooser = random.Random(2)
    bare, whole = [], []
    with database.read() as session:
        size = newest_checkpoint(session).size
    cpu = time.process_time()
    for _ in range(n):
        index = chooser.randrange(size)
        with database.read() as session:
            start = time.perf_counter()
            inclusion_proof(session, index, size)
            middle = time.perf_counter()
            entry_proof(session, index)
            whole.append(time.perf_counter() - middle)
            bare.append(middle - start)
    return {
        "measure": "inclusion-proof",
        "entries": size,
        "p50_ms": quantile_ms(bare, 0.5),
        "p99_ms": quantile_ms(bare, 0.99),
        "receipt_p99_ms": quantile_ms(whole, 0.99),
        "cpu_ms_both": round((time.process_time() - cpu) / n * 1000, 2),
    }


def quantile_ms(seconds: list[float], share: float) -> float:
    """The quantile, in milliseconds."""
    return round(sorted(seconds)[int(share * len(seconds))] * 1000, 2)


def export(database: Database, path: Path) -> dict[str, Any]:
    """The bundle, written to a file."""
    start, digest, size = time.perf_counter(), hashlib.sha256(), 0
    with database.read() as session, path.open("wb") as file:
        for piece in export_bundle(session):
            file.write(piece)
            digest.update(piece)
            size += len(piece)
    return {
        "measure": "export",
        "mib": round(size / 2**20),
        "seconds": round(time.perf_counter() - start, 1),
        "sha256": digest.hexdigest()[:16],
    }


# What the system counts for a child begins with the memory of its parent, so the program says its own.
PEAK = """
import atexit, re, sys
from app.auditor.cli import main

def say_peak():
    with open("/proc/self/status") as status:
        print(re.search(r"VmHWM:\\s+([0-9]+)", status.read())[1], file=sys.stderr)

atexit.register(say_peak)
main()
"""


def verify(path: Path) -> dict[str, Any]:
    """`blindlink-audit verify` as a process, with its peak memory."""
    command = [sys.executable, "-c", PEAK, "verify", "--json", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"the log does not verify: {done.stdout} {done.stderr}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {
        "measure": "verify",
        "entries": json.loads(done.stdout)["size"],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_s, 1),
        "peak_mib": round(int(done.stderr.split()[-1]) / 1024),
    }


def main() -> None:
    """Run all measures and print each as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="20,000 entries")
    given = parser.parse_args()
    n_entries = 20_000 if given.quick else given.entries
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        database, log, appended = append_all(folder, n_entries, given.batch)
        report(appended)
        report(proofs(database))
        bundle = folder / "log.tar"
        report(export(database, bundle))
        report(verify(bundle))
        report(single_appends(database, log, 200))
        database.close()


def report(measure: dict[str, Any]) -> None:
    """Print one measure."""
    print(json.dumps(measure), flush=True)


if __name__ == "__main__":
    main()
