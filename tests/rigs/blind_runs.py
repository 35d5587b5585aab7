"""Blind releases of many runs of one project, by the broker's own code, and what might tell who matched."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rigs.linkage import CHILD_WELFARE, SCHOOL, profile_of, terms_of
from rigs.persons import DUTIES, enrol_agencies, enrolled_person
from samples.agreed import agreement_of
from services.migrated import lay_tables

from app.agreements.service import TermsInForce
from app.broker import Broker, open_broker
from app.cli.founding import found_broker
from app.ids import new_id
from app.links.matches import MATCH, LinkedRun, Matches
from app.links.preparation import PIECE_KIND, prepare_releases
from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.ranges import Sizes
from app.sealed.objects import open_pieces
from app.security.actor import Actor
from app.settings import Settings
from app.uploads.reader import Handles, handles_of
from encoding.people.identity import Identity
from schemas.linkage.run import IdSpace, Recipient, RunSpecification, RunUpload
from schemas.rounds.blind import RECORD_BYTES, parse_blind_header
from schemas.signing.identity import Duty

NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
PARTIES = (SCHOOL, CHILD_WELFARE)
# Of a normal distribution: among some thousand statistics none lies so far out, at a fixed seed above all.
FAR_OUT = 6.0
RANDOM_FIELDS = {"release", "run", "specification", "keys"}


@dataclass(frozen=True)
class BlindRun:
    """One agency's file of one run, and which of its handles the run has matched."""

    raw: bytes
    matched: frozenset[bytes]

    def records(self) -> list[tuple[bytes, bytes]]:
        """Return handle and sealed match ID of each record, in their order."""
        body = self.raw[parse_blind_header(self.raw).body_offset :]
        cut = (body[at : at + RECORD_BYTES] for at in range(0, len(body), RECORD_BYTES))
        return [(record[:16], record[16:]) for record in cut]


@dataclass
class BlindProject:
    """A broker with two agencies' uploads, that are the same in every run, and blind recipients."""

    broker: Broker
    operator: Actor
    rng: random.Random
    recipients: tuple[str, ...]
    n_records: int
    people: dict[str, Identity] = field(default_factory=dict)
    others: list[Identity] = field(default_factory=list)
    handles: tuple[Handles, ...] = ()

    def set_up(self) -> BlindProject:
        enrol_agencies(self.broker, self.operator, *PARTIES, *self.recipients, now=NOW)
        for party in self.recipients:
            duties: tuple[Duty, ...] = ("recipient", "steward")
            self.people[party] = enrolled_person(self.broker, self.operator, party, *duties)
        self.others = [
            enrolled_person(self.broker, self.operator, party, *DUTIES["agency"])
            for party in PARTIES
        ]
        self.others.append(
            enrolled_person(self.broker, self.operator, self.operator.party, *DUTIES["operator"])
        )
        self.handles = tuple(self._in_pieces(party) for party in PARTIES)
        return self

    def _in_pieces(self, party: str) -> Handles:
        """Return new handles of a party, which come in pieces, as those of a large file do."""
        table = self._handles()
        return Handles(party, len(table), lambda: iter(np.array_split(table, 3)))

    def run(self, matched: Sequence[int]) -> dict[tuple[str, str], BlindRun]:
        """Prepare the releases of a run that has matched these records of both files, each with its like.

        Returns:
            What each agency fetches for each recipient.
        """
        specification = self._specification()
        keys = {space.name: secrets.token_bytes(32) for space in specification.spaces}
        profile = profile_of()
        terms = terms_of(
            profile, recipients=specification.recipients, spaces=specification.spaces, auditors=()
        )
        everyone = [one.public for one in (*self.others, *self.people.values())]
        agreement = agreement_of(terms, everyone)
        matches = np.zeros(len(matched), dtype=MATCH)
        for column in matches.dtype.names or ():
            matches[column] = matched
        larger, smaller = self.handles
        sizes = Sizes(smaller=len(smaller), larger=len(larger))
        linked = LinkedRun(
            specification,
            TermsInForce(terms, agreement, agreement.digest(), profile, "2026-01-01T00:00:00Z"),
            Matches([matches], sizes, MemoryShelf()),
            (larger, smaller),
            keys,
        )
        prepared = prepare_releases(self.broker, linked, ExitStack())
        found = {}
        for release in prepared.releases:
            handles = self.handles[PARTIES.index(release.agency)]
            with self.broker.database.write() as session:
                release.sealed.keep(session)
                pieces = open_pieces(session, self.broker, release.release, PIECE_KIND)
            found[release.agency, release.recipient.party] = BlindRun(
                b"".join(pieces), frozenset(map(bytes, handles_of(handles, matches["larger"])))
            )
        return found

    def runs(self, n_runs: int) -> Iterator[dict[tuple[str, str], BlindRun]]:
        """Prepare that many runs, in each of which half of the records, drawn anew, have matched."""
        for _ in range(n_runs):
            yield self.run(sorted(self.rng.sample(range(self.n_records), self.n_records // 2)))

    def _handles(self) -> np.ndarray:
        drawn = sorted(self.rng.randbytes(16) for _ in range(self.n_records))
        return np.frombuffer(b"".join(drawn), np.uint8).reshape(-1, 16).copy()

    def _specification(self) -> RunSpecification:
        profile = profile_of()
        terms = terms_of(profile)
        larger, smaller = (
            RunUpload(
                party=party,
                upload=f"upl-{number:032x}",
                container_sha256="c" * 64,
                manifest_sha256="d" * 64,
            )
            for number, party in enumerate(PARTIES)
        )
        return RunSpecification(
            run=new_id("run"),
            project=terms.project,
            epoch=1,
            round=1,
            agreement="b" * 64,
            uploads=(larger, smaller),
            profile=profile.digest(),
            policy=terms.policy,
            recipients=tuple(
                Recipient(party=party, mode="blind", space=f"of-{party}")
                for party in self.recipients
            ),
            spaces=tuple(
                IdSpace(name=f"of-{party}", lifetime="round") for party in self.recipients
            ),
            floor=terms.floor,
            asked_by=CHILD_WELFARE,
            asked_at="2026-09-01T06:00:00Z",
        )


def blind_project(
    folder: Path, seed: int, *, recipients: tuple[str, ...] = ("research-office",), n_records: int
) -> BlindProject:
    """Found a broker; whatever is not drawn by the code under test follows from the seed."""
    settings = Settings(
        state_dir=folder / "state", public_url="https://broker.test", disk_reserve_percent=0
    )
    lay_tables(settings)
    operator = found_broker(settings, origin="blind.test/log", title="Operator", clock=lambda: NOW)
    broker = open_broker(settings, clock=lambda: NOW)
    return BlindProject(broker, operator, random.Random(seed), recipients, n_records).set_up()


def tells(runs: Sequence[BlindRun]) -> list[str]:
    """Return by what matched and unmatched records can be told apart over these files of one agency."""
    found = []
    if len({len(run.raw) for run in runs}) > 1:
        found.append("files have different sizes")
    if len({_fixed_head(run) for run in runs}) > 1:
        found.append("heads differ in more than random values")
    if len({tuple(handle for handle, _ in run.records()) for run in runs}) > 1:
        found.append("records differ in number or order")
    sealed = [value for run in runs for _, value in run.records()]
    for name, start, stop in (("nonces", 0, 12), ("sealed match IDs", 12, 44)):
        if Counter(value[start:stop] for value in sealed).most_common(1)[0][1] > 1:
            found.append(f"{name} come again")
    if len({len(value) for value in sealed}) == 1:
        found.extend(_uneven(runs))
    return found


def _fixed_head(run: BlindRun) -> str:
    header = parse_blind_header(run.raw).header.to_json()
    fixed = {name: value for name, value in header.items() if name not in RANDOM_FIELDS}
    return repr(sorted(fixed.items()))


def _uneven(runs: Sequence[BlindRun]) -> Iterator[str]:
    """Yield which bits, or values of bytes, are set more often in one kind of record than in the other."""
    kinds: dict[bool, list[bytes]] = {True: [], False: []}
    for run in runs:
        for handle, value in run.records():
            kinds[handle in run.matched].append(value)
    if not all(kinds.values()):
        return
    one, other = (np.array([list(value) for value in kinds[kind]], np.uint8) for kind in kinds)
    bits = [np.unpackbits(values, axis=1).mean(axis=0) for values in (one, other)]
    spread = np.sqrt(0.25 / len(one) + 0.25 / len(other))
    if np.abs((bits[0] - bits[1]) / spread).max() > FAR_OUT:
        yield "some bit is set more often in one kind"
    expected = len(one) * one.shape[1] / 256
    counts = [np.bincount(values.ravel(), minlength=256) for values in (one, other)]
    scaled = counts[1] * (counts[0].sum() / counts[1].sum())
    if np.abs((counts[0] - scaled) / np.sqrt(2 * expected)).max() > FAR_OUT:
        yield "some byte is more frequent in one kind"
