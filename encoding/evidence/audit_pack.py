"""Fills an audit pack: what this agency hands to an auditor, in one file.

It holds no identifier, record ID, secret or encoding. Handles are in it only where a sample asks for them:
the openings of its decisions, which say which records of this agency those are about, in random names.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from encoding.broker.client import BrokerClient
from encoding.errors import NotReadyError, ReceiptError, SampleError, SealedFileError
from encoding.files import replacing
from encoding.log.log_copy import LogCopy, read_log_copy
from encoding.log.trust import Trust
from encoding.people.identity import Identity
from encoding.people.sealed_file import open_pieces
from encoding.workspace.workspace import Workspace
from schemas.audit_pack import Sample, pack_files
from schemas.errors import FormatError
from schemas.match_record import (
    Opening,
    OpeningsHeader,
    parse_openings_of_all,
    serialise_openings,
)
from schemas.matchlog.kinds import RunFinished

COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What goes into a pack: whose, made when, and the sample that is answered (None: none).

    `opener` opens what a blind run seals to its recipient; None where whoever asks came without keys.
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
        files = dict(_kept(workspace))
        # Beside the receipt of an upload lies the manifest that it is for.
        n_receipts = sum(
            name.startswith("receipts/") and not name.endswith(".manifest.json") for name in files
        )
        n_openings = 0
        if order.sample is not None:
            opened = tuple(_openings(client, copy, order))
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


def _openings(client: BrokerClient, copy: LogCopy, order: PackOrder) -> Iterator[Opened]:
    """Yield the openings of the sample's rows: this agency's, or, for a blind recipient, those of all."""
    sample = cast(Sample, order.sample)
    expected = _logged_digest(copy, sample, order.party)
    if expected is None:
        raise NotReadyError(
            "the agreement gives this agency no openings of that run",
            hint="under blind the recipient has them; leave out --sample",
        )
    release = _own_release(client, sample, order.party)
    raw = client.release_openings(release) if release else client.sealed_openings(sample.run)
    if hashlib.sha256(raw).hexdigest() != expected:
        raise SampleError("the openings that the broker gave are not those in the match log")
    try:
        files = tuple(parse_openings_of_all(raw if release else _unsealed(raw, order.opener)))
    except FormatError as exc:
        raise SampleError(f"the openings that the broker gave cannot be read: {exc}") from exc
    if release is not None and [header.party for header, _ in files] != [order.party]:
        raise SampleError("the openings that the broker gave are of a different run")
    for header, openings in files:
        name = f"openings/{sample.run}" + ("" if release else f".{header.party}")
        yield _chosen(name, sample, header, openings)


def _chosen(
    name: str, sample: Sample, header: OpeningsHeader, openings: Sequence[Opening]
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


def _unsealed(raw: bytes, opener: Identity | None) -> bytes:
    if opener is None:
        raise SampleError(
            "the openings are sealed to persons of this party, and you gave no keys",
            hint="name your keys in blindlink.toml: [identity]",
        )
    try:
        return b"".join(open_pieces(io.BytesIO(raw), opener))
    except SealedFileError as exc:
        raise SampleError(f"the openings are sealed, and {exc}") from exc


def _logged_digest(copy: LogCopy, sample: Sample, party: str) -> str | None:
    """Return what the log says of this agency's openings of the run; None where it has none.

    Raises:
        SampleError: the log knows no such run, or another match record of it.
    """
    for entry in copy.entries:
        body = entry.body
        if entry.object == sample.run and isinstance(body, RunFinished):
            if (entry.project, body.match_record_root) != (sample.project, sample.match_record):
                break
            return next((o.sha256 for o in body.openings if o.party == party), None)
    raise SampleError("the match log has no such run, or a different match record of it")
