"""A linkage in the sample log with a real match record, its openings and receipts: for tests of auditors.

Written from schemas/spec/match-record.md by the second reader's functions, not by the code under test.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

from samples.log import SampleLog, story
from samples.parties import CW, K12
from twins.match_record import canonical, commit, record_root, sha

from schemas.documents.merkle import hash_node, inclusion_proof
from schemas.matchlog.checkpoint import serialise_checkpoints
from schemas.matchlog.entry import Entry
from schemas.matchlog.party_digests import PartyDigest
from schemas.matchlog.proof import LogProof
from schemas.reports.audit_pack import pack_files
from schemas.rounds.match_record import parse_openings, serialise_openings
from schemas.rounds.receipt import Receipt

# The one with the larger file first.
PARTIES = ("school-district", "county-cw")


@dataclass
class SampleRun:
    """One run: `record` is the match record as it is shown, `handles` are those of each decision's two records.

    `openings` holds each agency's file, whole; of decision number n the handles stand at `handles[n - 1]`.
    """

    log: SampleLog
    project: str
    uploads: list[Entry]
    asked: Entry
    record: bytes
    handles: list[tuple[bytes, bytes]]
    nonces: list[tuple[bytes, bytes]]
    openings: dict[str, bytes] = field(default_factory=dict)
    releases: list[Entry] = field(default_factory=list)

    @property
    def run(self) -> str:
        assert self.asked.object is not None
        return self.asked.object


def sample_run(
    log: SampleLog,
    project: str = "foster",
    *,
    n_auto: int = 40,
    n_review: int = 13,
    floor: int = 10,
) -> SampleRun:
    """Add a linkage from its uploads to its fetched releases."""
    chooser = random.Random(n_auto)
    uploads = [log.upload(project, K12), log.upload(project, CW)]
    asked = log.ask(log.specification(project, uploads))
    handles = [(chooser.randbytes(16), chooser.randbytes(16)) for _ in range(n_auto + n_review)]
    nonces = [(chooser.randbytes(32), chooser.randbytes(32)) for _ in handles]
    made = SampleRun(log, project, uploads, asked, b"", handles, nonces)
    made.record = _record(made, n_auto, n_review, floor)
    root = record_root(made.record)
    made.openings = {
        party: _openings(made, side, party, root, n_auto) for side, party in enumerate(PARTIES)
    }
    digests = tuple(
        PartyDigest(party=party, sha256=hashlib.sha256(raw).hexdigest())
        for party, raw in sorted(made.openings.items())
    )
    log.start(asked)
    body = log.finished(asked, match_record_root=root, openings=digests)
    log.add(body, project=project, object=asked.object)
    made.releases = [
        log.add(log.released(asked, party), project=project, object=log.id("rel"))
        for party in PARTIES
    ]
    log.close()
    for release, actor in zip(made.releases, (K12, CW), strict=True):
        log.fetch(release, actor)
    return made


def sample_story(seed: int = 5, **changes: Any) -> SampleRun:
    """A log of one week, and then the run."""
    log = story(seed, n_weeks=1)
    made = sample_run(log, **changes)
    log.export(made.project)
    return made


def pack_of(made: SampleRun, side: int, numbers: tuple[int, ...] = ()) -> bytes:
    """The audit pack of one agency: pin, receipts of its upload and release, openings of some rows."""
    party, log = PARTIES[side], made.log
    files = {"pins": serialise_checkpoints([log.notes[-1][1]])}
    for entry in (made.uploads[side], made.releases[side]):
        files[f"receipts/{entry.object}.json"] = receipt_of(log, entry).to_canonical()
    if numbers:
        header, openings = parse_openings(made.openings[party])
        some = [opening for opening in openings if opening.number in numbers]
        part = header.model_copy(update={"openings": len(some)})
        files[f"openings/{made.run}"] = b"".join(serialise_openings(part, some))
    _, pieces = pack_files(made.project, party, "2026-11-20T22:30:00Z", files)
    return b"".join(pieces) + log.bundle(made.project)


def receipt_of(log: SampleLog, entry: Entry) -> Receipt:
    """A receipt for an entry, under the newest checkpoint."""

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return log.leaf_hashes[index]
        return hash_node(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    hashes = inclusion_proof(lambda nodes: {n: node(*n) for n in nodes}, entry.seq, log.size)
    note = log.notes[-1][1]
    assert entry.object is not None
    proof = LogProof(log.raw[entry.seq], entry.seq, tuple(hashes), note)
    return proof.to_receipt(entry.object)


def _record(made: SampleRun, n_auto: int, n_review: int, floor: int) -> bytes:
    ids = [entry.object or "" for entry in made.uploads]
    rows = []
    for number, (pair, secret) in enumerate(zip(made.handles, made.nonces, strict=True)):
        is_auto = number < n_auto
        rows.append(
            canonical(
                {
                    "band": "auto" if is_auto else "review",
                    "commitments": [
                        commit(secret[side], made.run, ids[side], pair[side]) for side in (0, 1)
                    ],
                    "lead": 10 if is_auto else None,
                    "probability": ("0.95", "0.99")[number % 2] if is_auto else "0.40",
                    "rule": "match-probability" if is_auto else "review-band",
                }
            )
        )
    shown = [row if number < n_auto else _hidden(row) for number, row in enumerate(rows)]
    # The second number of reviews is not a multiple of the floor, so the last ones are withheld.
    n_shown = n_review // floor * floor if floor else n_review
    shown[n_auto : n_auto + n_shown] = rows[n_auto : n_auto + n_shown]
    header = {
        "version": "blindlink/match-record/3",
        "project": made.project,
        "run": made.run,
        "round": made.asked.body.specification.round,  # type: ignore[attr-defined]
        "release": 1,
        "specification": made.asked.body.specification_sha256,  # type: ignore[attr-defined]
        "uploads": [
            {"party": party, "upload": upload} for party, upload in zip(PARTIES, ids, strict=True)
        ],
        "prior": -23_456,
        "weights": [
            {"field": "first", "levels": [9_400, 4_100, -3_300]},
            {"field": "date", "levels": [13_200, 0, -6_700]},
        ],
        "floor": floor,
        "rows": len(rows),
    }
    return b"".join(line + b"\n" for line in (canonical(header), *shown))


def _hidden(row: bytes) -> bytes:
    return sha(b"\0", row).hex().encode()


def _openings(made: SampleRun, side: int, party: str, root: str, n_auto: int) -> bytes:
    lines = sorted(
        (made.handles[number][side].hex(), number + 1, made.nonces[number][side].hex())
        for number in range(n_auto)
    )
    header = {
        "version": "blindlink/openings/1",
        "project": made.project,
        "run": made.run,
        "party": party,
        "upload": made.uploads[side].object,
        "match_record": root,
        "openings": len(lines),
    }
    body = "".join(f"{handle} {number} {nonce}\n" for handle, number, nonce in lines)
    return canonical(header) + b"\n" + body.encode("ascii")
