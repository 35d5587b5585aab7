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
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.db import Base, Database
from app.matchlog import models, triggers  # noqa: F401
from app.matchlog.draft import SOFTWARE, EntryDraft
from app.matchlog.export import export_bundle
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.matchlog.proofs import entry_proof, inclusion_proof, newest_checkpoint
from app.matchlog.service import MatchLog
from schemas.agreement import ProjectTerms
from schemas.asked import ASKED
from schemas.clauses import FileSize
from schemas.ids import utc_text
from schemas.matchlog import kinds, round_kinds
from schemas.matchlog.entry import Actor
from schemas.matchlog.note import NoteSigner
from schemas.privacy_audit import PrivacyAudit
from schemas.rounds import ListedClaims, NonceOffer, RoundPair, SignedNonceOffer, UsedNonce
from schemas.run import RECOMMENDED_POLICY, IdSpace, Recipient, RunSpecification, RunUpload
from schemas.signed_request import SignedRequest, new_request
from schemas.signing import sign_document
from schemas.upload import Signature

PARTIES = ("school-district", "county-cw")
PROFILE = "ab" * 32
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
N_RECORDS = {"school-district": 20_000, "county-cw": 2_000}


class Story:
    """Rounds of one project without end, as drafts, all in one moment: drafts are made ahead of the log."""

    def __init__(self) -> None:
        self.random = random.Random(1)
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.round = 0
        self.terms = ProjectTerms(
            project="foster",
            purpose="foster-care",
            providers=tuple(sorted(PARTIES)),
            recipients=tuple(
                Recipient(party=p, mode="linked", space="shared") for p in sorted(PARTIES)
            ),
            spaces=(IdSpace(name="shared", lifetime="lasting"),),
            profile=PROFILE,
            policy=RECOMMENDED_POLICY,
            population="pupils",
            files=tuple(
                FileSize(party=p, least=100, most=10 * N_RECORDS[p]) for p in sorted(PARTIES)
            ),
            start="2026-01-01",
            end="2099-12-31",
        )
        self.persons = {party: self.id("per") for party in PARTIES}

    def clock(self) -> datetime:
        return self.moment

    def id(self, prefix: str) -> str:
        return f"{prefix}-{self.random.randbytes(16).hex()}"

    def digest(self) -> str:
        return self.random.randbytes(32).hex()

    def drafts(self) -> Iterator[EntryDraft]:
        for party in PARTIES:
            yield EntryDraft(kinds.PartyEnrolled(party=party, role="agency", fingerprint=None))
            yield EntryDraft(self._person(party))
        yield self._draft(kinds.ProjectCreated(terms=self.terms))
        while True:
            yield from self._round()

    def _round(self) -> Iterator[EntryDraft]:
        self.round += 1
        nonces = {party: self.digest() for party in PARTIES}
        for party in PARTIES:
            yield self._draft(self._offered(party, nonces[party]), party=party)
        yield self._draft(self._opened(nonces), party=PARTIES[0])
        bodies: dict[str, kinds.UploadReceived] = {}
        uploads = {party: self.id("upl") for party in PARTIES}
        for party, partner in (PARTIES, PARTIES[::-1]):
            earlier = bodies[partner].root if bodies else None
            bodies[party] = self._upload(party, partner, earlier)
            yield self._draft(bodies[party], uploads[party], party)
        yield from self._run(uploads, bodies)
        claims = {party: self.digest() for party in PARTIES}
        for party, partner in (PARTIES, PARTIES[::-1]):
            said = round_kinds.ClaimsReceived(
                release=1,
                round=self.round,
                partner=partner,
                sequence=self.round,
                sha256=claims[party],
            )
            yield self._draft(said, party=party)
        yield self._draft(self._closed(claims))
        for party in PARTIES:
            container = bodies[party].container_sha256
            destroyed = kinds.UploadDestroyed(container_sha256=container, reason="retention")
            yield self._draft(destroyed, uploads[party])

    def _run(
        self, uploads: dict[str, str], bodies: dict[str, kinds.UploadReceived]
    ) -> Iterator[EntryDraft]:
        specification = self._specification(uploads, bodies)
        run, digest = specification.run, specification.digest()
        asked = kinds.RunAsked(specification_sha256=digest, specification=specification)
        yield self._draft(asked, run, PARTIES[0])
        yield self._draft(kinds.RunStarted(attempt=1), run)
        yield self._draft(
            kinds.RunFinished(
                specification_sha256=digest,
                candidate_pairs=1800,
                auto_pairs=1650,
                review_pairs=None,
                rejected_before=None,
                expected_false=165,
                concordance=(),
                match_record_root=None,
                openings=(),
                software="blindlink-0.1.0",
            ),
            run,
        )
        releases = {party: (self.id("rel"), self.digest()) for party in PARTIES}
        for party, (release, sha256) in releases.items():
            body = kinds.ReleasePrepared(
                run=run,
                number=1,
                recipient=party,
                mode="linked",
                space="shared",
                matches=1650,
                sha256=sha256,
            )
            yield self._draft(body, release)
        for party, (release, sha256) in releases.items():
            yield self._draft(kinds.ReleaseFetched(recipient=party, sha256=sha256), release, party)

    def _offered(self, party: str, nonce: str) -> round_kinds.NoncesOffered:
        offer = NonceOffer(
            project="foster",
            party=party,
            person=self.persons[party],
            first=self.round,
            nonces=(nonce,),
            void_below=1,
            at=utc_text(self.moment),
        )
        signature = self._signature(party, "nonces", offer.to_json())
        return round_kinds.NoncesOffered(signed=SignedNonceOffer(offer=offer, signature=signature))

    def _opened(self, nonces: dict[str, str]) -> round_kinds.RoundOpened:
        larger, smaller = PARTIES
        used = {party: UsedNonce(number=self.round, nonce=nonces[party]) for party in PARTIES}
        pair = RoundPair(
            larger=larger, smaller=smaller, nonce_larger=used[larger], nonce_smaller=used[smaller]
        )
        deadline = utc_text(self.moment + timedelta(days=self.terms.round_days))
        return round_kinds.RoundOpened(
            round=self.round, deadline=deadline, corrects=None, pairs=(pair,)
        )

    def _closed(self, claims: dict[str, str]) -> round_kinds.RoundClosed:
        listed = tuple(
            ListedClaims(party=party, partner=partner, sha256=claims[party])
            for party, partner in sorted((PARTIES, PARTIES[::-1]))
        )
        return round_kinds.RoundClosed(round=self.round, claims=listed, statements=())

    def _upload(self, party: str, partner: str, earlier: str | None) -> kinds.UploadReceived:
        manifest = self.digest()
        return kinds.UploadReceived(
            epoch=1,
            round=self.round,
            partner=partner,
            records=N_RECORDS[party],
            container_sha256=self.digest(),
            root=self.digest(),
            partner_root=earlier,
            size_bytes=N_RECORDS[party] * 800,
            profile=PROFILE,
            key_id="0123456789abcdef",
            as_of=f"{self.moment:%Y-%m-%d}",
            population="pupils",
            privacy_audit=PrivacyAudit(
                digest=self.digest(),
                scope="full",
                profile=PROFILE,
                side="larger" if party == PARTIES[0] else "smaller",
                records=N_RECORDS[party],
                passed=True,
            ),
            manifest_sha256=manifest,
            signature=self._signature(party, "manifest", {"digest": manifest}),
        )

    def _specification(
        self, uploads: dict[str, str], bodies: dict[str, kinds.UploadReceived]
    ) -> RunSpecification:
        larger, smaller = (
            RunUpload(
                party=party,
                upload=uploads[party],
                container_sha256=bodies[party].container_sha256,
                manifest_sha256=bodies[party].manifest_sha256,
            )
            for party in PARTIES
        )
        return RunSpecification(
            run=self.id("run"),
            project="foster",
            epoch=1,
            round=self.round,
            agreement=self.terms.digest(),
            uploads=(larger, smaller),
            profile=PROFILE,
            policy=self.terms.policy,
            recipients=self.terms.recipients,
            spaces=self.terms.spaces,
            floor=self.terms.floor,
            asked_by=PARTIES[0],
            asked_at=utc_text(self.moment),
        )

    def _signature(self, party: str, kind: str, document: Any) -> Signature:
        return Signature(
            party=party,
            person=self.persons[party],
            key=hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest(),
            signature=sign_document(kind, document, KEY),
        )

    def _person(self, party: str) -> kinds.PersonEnrolled:
        return kinds.PersonEnrolled(
            party=party,
            person=self.persons[party],
            duties=("analyst", "recipient"),
            signing_key=b64encode(KEY.public_key().public_bytes_raw()).decode(),
            receiving_key=self.digest(),
        )

    def _draft(
        self, body: Any, object_id: str | None = None, party: str | None = None
    ) -> EntryDraft:
        actor = (
            SOFTWARE
            if party is None
            else Actor(party=party, person=self.persons[party], role="agency", signed=None)
        )
        draft = EntryDraft(
            body,
            actor=actor,
            project="foster",
            agreement=self.terms.digest(),
            purpose="foster-care",
            object=object_id,
        )
        if draft.kind not in ASKED or party is None:
            return draft
        asked = ASKED[draft.kind](draft, body)
        states = (asked.sha256 or (None,))[-1]
        request = new_request(asked.asks, states, utc_text(self.moment))
        signed = SignedRequest.of(request, KEY)
        return replace(draft, actor=actor.model_copy(update={"signed": signed}))


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
    told = Story()
    log = MatchLog(
        NoteSigner("broker.example/log", KEY),
        LastCheckpointFile(folder / "last-checkpoint"),
        clock=told.clock,
    )
    with database.write() as session:
        log.start(session, "blindlink-0.1.0")
    drafts = told.drafts()
    rates, bare, written = [], [bare_commits_per_s(fresh(folder))], 1
    cpu_s = 0.0
    while written < n_entries:
        prepared = [
            [next(drafts) for _ in range(min(batch, n_entries - written - k * batch))]
            for k in range(min(100, -(-(n_entries - written) // batch)))
        ]
        start, cpu = time.perf_counter(), time.process_time()
        for part in prepared:
            with database.write() as session:
                log.append(session, part)
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
            "entries": n_entries,
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
        EntryDraft(kinds.PartyEnrolled(party=f"party-{i}", role="agency", fingerprint=None))
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
