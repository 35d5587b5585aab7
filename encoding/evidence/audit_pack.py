"""Fills an audit pack: what this agency hands to an auditor, in one file.

It holds no identifier, record ID, secret or encoding. Handles are in it only where a sample asks for them:
the openings of its decisions, which say which records of this agency those are about, in random names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from encoding.broker.client import BrokerClient
from encoding.errors import (
    InputError,
    NotReadyError,
    ReceiptError,
    SampleError,
    SealedFileError,
)
from encoding.files import replacing
from encoding.log.heads import hold_to_head
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.log.trust import Trust
from encoding.people.identity import Identity
from encoding.people.piece_reader import read_pieces
from encoding.people.sealed_file import open_pieces
from encoding.workspace.workspace import Workspace
from schemas.documents.errors import FormatError
from schemas.matchlog.run_kinds import RunFinished
from schemas.reports.audit_pack import Sample, pack_files
from schemas.rounds.match_record import (
    Opening,
    OpeningsHeader,
    read_openings,
    serialise_openings,
)

COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What goes into a pack: whose, made when, and the sample that is answered (None: none).

    `opener` opens what a blind run seals to its recipient; None where anyone who asks came without keys.
    """

    project: str
    party: str
    created: str
    sample: Sample | None = None
    opener: Identity | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of openings of some of a sample's rows, and the numbers of these."""

    name: str
    content: bytes
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed: how many receipts, entries of the log, and decisions of a sample were opened."""

    receipts: int
    entries: int
    openings: int
    asked: int


def fill_pack(
    client: BrokerClient, workspace: Workspace, trust: Trust, order: PackOrder, output: Path
) -> Packed:
    """Fetch the log, check it, and write the pack in one step; call it under the workspace's lock.

    Raises:
        LogError: the log is not the one that this agency has seen.
        SampleError: the sample is of another project, of a run that the log does not know so, or what opens
            it cannot be used.
        NotReadyError: nothing opens the sample's run here.
    """
    with workspace.scratch() as scratch:
        bundle = scratch / "log.bundle"
        with bundle.open("w+b") as file:
            client.save_bundle(order.project, file)
        with bundle.open("rb") as file:
            copy = read_log_copy(file, trust.keys, trust.log.pins())
        hold_to_head(copy, order.project, trust.log.folder)
        files = dict(_kept(workspace))
        # Beside the receipt of an upload lies the manifest that it is for.
        n_receipts = sum(
            name.startswith("receipts/") and not name.endswith(".manifest.json") for name in files
        )
        n_openings = 0
        if order.sample is not None:
            opened = _openings(client, copy, order)
            files |= {one.name: one.content for one in opened}
            n_openings = len(frozenset().union(*(one.numbers for one in opened)))
        _, pieces = pack_files(order.project, order.party, order.created, files)
        with replacing(output) as packed, bundle.open("rb") as log:
            packed.writelines(pieces)
            while piece := log.read(COPY_BYTES):
                packed.write(piece)
    asked = 0 if order.sample is None else len(order.sample.numbers)
    return Packed(n_receipts, copy.checkpoint.size, n_openings, asked)


def read_sample(path: Path) -> Sample:
    """Read what an auditor asks for.

    Raises:
        SampleError: it cannot be read, or is no sample.
    """
    try:
        return Sample.from_canonical(path.read_bytes().rstrip(b"\r\n"))
    except (OSError, FormatError) as exc:
        raise SampleError(f"the file {path.name} is not a sample that an auditor drew") from exc


def _kept(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    named = {
        "pins": workspace.pins / "checkpoints",
        "cosigned": workspace.pins / "cosigned",
        "project.json": workspace.folder / "project.json",
    }
    for path in sorted(workspace.receipts.glob("*.json")):
        named[f"receipts/{path.name}"] = path
    for name, path in named.items():
        try:
            yield name, path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise ReceiptError(f"the file {path.name} of the workspace cannot be read") from exc


def _openings(client: BrokerClient, copy: LogCopy, order: PackOrder) -> list[Opened]:
    """Return the openings of the sample's rows: this agency's, or, for a blind recipient, those of all."""
    sample = cast(Sample, order.sample)
    expected = _logged_digest(copy, sample, order.party)
    if expected is None:
        raise NotReadyError(
            "the agreement gives this agency no openings of that run",
            hint="under blind the recipient has them; leave out --sample",
        )
    release = _own_release(client, sample, order.party)

    def read(pieces: Iterator[bytes]) -> list[Opened]:
        came = _Digested(pieces)
        try:
            found = list(_chosen_of_all(came.file, order, is_sealed=release is None))
        except (FormatError, InputError):
            came.require(expected)
            raise
        came.require(expected)
        return found

    try:
        if release is None:
            return client.read_sealed_openings(sample.run, read)
        return client.read_release_openings(release, read)
    except FormatError as exc:
        raise SampleError(f"the openings that the broker gave cannot be read: {exc}") from exc
    except SealedFileError as exc:
        raise SampleError(f"the openings are sealed, and {exc}") from exc


class _Digested:
    """What comes in pieces as a file, and its digest."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._digest = hashlib.sha256()
        self.file = read_pieces(self._seen(pieces))

    def require(self, expected: str) -> None:
        """Read on to the end; raise SampleError where all of it is not what the log has the digest of."""
        while self.file.read(COPY_BYTES):
            pass
        if self._digest.hexdigest() != expected:
            raise SampleError("the openings that the broker gave are not those in the match log")

    def _seen(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            yield piece


def _chosen_of_all(raw: IO[bytes], order: PackOrder, *, is_sealed: bool) -> Iterator[Opened]:
    """Yield the sample's openings of each agency's that come: all, sealed, or the own ones."""
    sample = cast(Sample, order.sample)
    content: IO[bytes] = raw
    if is_sealed:
        if order.opener is None:
            raise SampleError(
                "the openings are sealed to persons of this party, and you gave no keys",
                hint="name your keys in blindlink.toml: [identity]",
            )
        content = read_pieces(open_pieces(raw, order.opener))
    parties = []
    for header, openings in read_openings(content):
        parties.append(header.party)
        name = f"openings/{sample.run}" + (f".{header.party}" if is_sealed else "")
        yield _chosen(name, sample, header, openings)
    if not is_sealed and parties != [order.party]:
        raise SampleError("the openings that the broker gave are of a different run")


def _chosen(
    name: str, sample: Sample, header: OpeningsHeader, openings: Iterable[Opening]
) -> Opened:
    if (header.run, header.match_record) != (sample.run, sample.match_record):
        raise SampleError("the openings that the broker gave are of a different run")
    wanted = frozenset(sample.numbers)
    chosen = [opening for opening in openings if opening.number in wanted]
    part = OpeningsHeader.from_json({**header.to_json(), "openings": len(chosen)})
    numbers = frozenset(opening.number for opening in chosen)
    return Opened(name, b"".join(serialise_openings(part, chosen)), numbers)


def _own_release(client: BrokerClient, sample: Sample, party: str) -> str | None:
    """Return the release of this party's own links of the run; None where it receives no such one."""
    mine = (sample.run, party, "linked")
    listed = client.releases(sample.project).releases
    found = (r.release for r in listed if (r.run, r.recipient, r.mode) == mine)
    return next(found, None)


def _logged_digest(copy: LogCopy, sample: Sample, party: str) -> str | None:
    """Return what the log says of this agency's openings of the run; None where it has none."""
    for entry in copy.entries:
        body = entry.body
        if entry.object == sample.run and isinstance(body, RunFinished):
            if (entry.project, body.match_record_root) != (sample.project, sample.match_record):
                break
            return next((o.sha256 for o in body.openings if o.party == party), None)
    raise SampleError("the match log has no such run, or a different match record of it")
