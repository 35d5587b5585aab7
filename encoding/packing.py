"""Fills the outbox: from the agency's file to the container and the manifest that will be uploaded.

Two readings of the file. The first takes record IDs alone and gives every record its handle; the second
encodes the rows. Nothing is written to the outbox before every row is done, and the handle map is durable
before the container is, so that a container's handles can always be read back.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from encoding.agency_file import AgencyFile
from encoding.container import BodyCounts, Spool, WrittenContainer, write_body, write_container
from encoding.errors import NotReadyError, RecordCountError
from encoding.files import write_durably
from encoding.handles import (
    HandleMap,
    MapKeys,
    RecordKeys,
    derive_map_keys,
    read_handle_map,
    record_keys,
    write_handle_map,
)
from encoding.outbox import Outbox, manifest_path, read_outbox
from encoding.problem_log import ProblemLog
from encoding.problems import RowProblem
from encoding.progress import Progress
from encoding.records import Table
from encoding.rows import RowEncoder
from encoding.secret import AnySecret
from encoding.withdrawn import Withdrawn
from encoding.workspace import Workspace
from schemas.agreement import ProjectTerms
from schemas.api import ProjectView
from schemas.ids import utc_text
from schemas.upload import ContainerHeader, Manifest

# A first guess at variants a row, for the size of the sorting buckets; a wrong one costs memory or files only.
_VARIANTS_EXPECTED: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be encoded, for which project, as which party.

    `skip_invalid` is where rows that cannot be encoded are listed; null: they stop everything. The digests are
    of the reports on this very file; null where there is none.
    """

    view: ProjectView
    party: str
    file: AgencyFile
    columns: dict[str, str]
    date_format: str | None
    as_of: str
    population: str
    skip_invalid: Path | None = None
    quality_digest: str | None = None
    privacy_audit_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """What encoding has done: `rows_skipped` and `variants_dropped` were left out, and why is told.

    `rows_withdrawn` were left out, too: their records are withdrawn.
    """

    outbox: Outbox
    rows: int
    rows_skipped: int
    variants_dropped: int
    warnings: tuple[str, ...]
    rows_withdrawn: int = 0


def fill_outbox(
    workspace: Workspace, secret: AnySecret, order: Order, progress: Progress, now: datetime
) -> Filled:
    """Encode the file; call it under the workspace's lock.

    Raises:
        InputError: the file cannot be used, or a row cannot be encoded and is not to be skipped.
        AgencyError: secret, profile or workspace cannot be used.
    """
    terms = order.view.terms
    keys = derive_map_keys(workspace.key(), terms.project, terms.epoch)
    withdrawn = Withdrawn(workspace.withdrawn(terms.project), terms.project, workspace.key())
    map_path = workspace.handle_map(terms.project, terms.epoch)
    with workspace.scratch() as scratch, ProblemLog(scratch / "problems.csv") as problems:
        table = order.file.open()
        known = read_handle_map(map_path, terms.project, terms.epoch, keys)
        handed = _hand_out(known, table.select([order.file.id_column]), keys, progress)
        job = _Job(order, secret, keys, handed.handle_map, withdrawn, problems, scratch)
        body = job.write_body(table, handed.n_rows, progress)
        counts = body.counts
        _settle_problems(order, problems, counts)
        _check_counts(terms, counts)
        write_handle_map(map_path, handed.handle_map, keys)
        header = _header(order, secret, counts)
        manifest = _replace_outbox(workspace, order, header, scratch / "body", now)
        if order.skip_invalid is not None:
            problems.write_list(order.skip_invalid)
        n_skipped = problems.n_rows
    outbox = Outbox(workspace.container(terms.project), manifest)
    return Filled(
        outbox, handed.n_rows, n_skipped, counts.n_dropped, body.warnings, body.rows_withdrawn
    )


@dataclass(frozen=True, slots=True)
class _HandedOut:
    """The map in which every record of the file has a handle, and how many rows the file has."""

    handle_map: HandleMap
    n_rows: int


@dataclass(frozen=True, slots=True)
class _Body:
    """What the second reading has found; `rows_withdrawn` were left out."""

    counts: BodyCounts
    warnings: tuple[str, ...]
    rows_withdrawn: int


@dataclass(frozen=True, slots=True)
class _Job:
    """The second reading: rows into the spool, the spool into the body."""

    order: Order
    secret: AnySecret
    keys: MapKeys
    handle_map: HandleMap
    withdrawn: Withdrawn
    problems: ProblemLog
    scratch: Path

    def write_body(self, table: Table, n_rows: int, progress: Progress) -> _Body:
        order, terms = self.order, self.order.view.terms
        encoder = RowEncoder(
            order.view.profile,
            self.secret,
            columns=order.columns,
            available=table.columns,
            date_format=order.date_format,
        )
        table = table.select([order.file.id_column, *encoder.headers])
        size, rows_withdrawn = order.view.profile.encoding_bytes, 0
        with Spool(self.scratch, size, n_rows * _VARIANTS_EXPECTED) as spool:
            for chunk in table.chunks():
                record_ids = chunk.columns[order.file.id_column]
                encoded = encoder.encode(chunk)
                self.problems.add(encoded.problems)
                self.problems.add(_missing_ids(record_ids, chunk.first_row, order.file.id_column))
                index = encoded.rows - chunk.first_row
                found = self.handle_map.find(record_keys(self.keys, record_ids))
                is_withdrawn = self.withdrawn.among(record_ids)
                rows_withdrawn += int(is_withdrawn.sum())
                known = (found.known & ~is_withdrawn)[index]
                spool.add(
                    found.handles[index][known],
                    encoded.ordinals[known],
                    encoded.rows[known],
                    encoded.encodings[known],
                )
                progress("encoding", chunk.share, chunk.first_row + chunk.n_rows - 1, "rows")
            encoder.clear()
            counts = write_body(spool, self.scratch / "body", terms.max_variants)
        return _Body(counts, encoder.warnings, rows_withdrawn)


def _hand_out(known: HandleMap, record_ids: Table, keys: MapKeys, progress: Progress) -> _HandedOut:
    """Read the record IDs alone; rows without one are left out, and reported by the second reading."""
    high, low, n_rows = [], [], 0
    (column,) = record_ids.columns
    for chunk in record_ids.chunks():
        found = record_keys(keys, [record_id for record_id in chunk.columns[column] if record_id])
        high.append(found.high)
        low.append(found.low)
        n_rows += chunk.n_rows
        progress("reading record IDs", chunk.share, n_rows, "rows")
    wanted = RecordKeys(np.concatenate(high), np.concatenate(low))
    return _HandedOut(known.with_handles_for(wanted), n_rows)


def _missing_ids(record_ids: list[str], first_row: int, column: str) -> list[RowProblem]:
    return [
        RowProblem(first_row + index, column, "no record ID")
        for index, record_id in enumerate(record_ids)
        if not record_id
    ]


def _settle_problems(order: Order, problems: ProblemLog, counts: BodyCounts) -> None:
    limit = order.view.terms.max_variants
    rule = f"its record has more different rows than the {limit} that the agreement allows"
    problems.add(RowProblem(row, order.file.id_column, rule) for row in counts.surplus_rows)
    if order.skip_invalid is None:
        problems.raise_if_any(
            "correct these rows, or leave them out with: blindlink encode --skip-invalid skipped.csv"
        )
    if not counts.records:
        problems.raise_if_any("no row of the file can be encoded: look at the settings first")


def _check_counts(terms: ProjectTerms, counts: BodyCounts) -> None:
    if not terms.min_records <= counts.records <= terms.max_records:
        raise RecordCountError(
            f"the file has {counts.records} records that can be encoded, and the agreement takes"
            f" {terms.min_records} to {terms.max_records}",
            hint="ask the steward of the project; the encodings were not written",
        )


def _header(order: Order, secret: AnySecret, counts: BodyCounts) -> ContainerHeader:
    profile, terms = order.view.profile, order.view.terms
    return ContainerHeader(
        project=terms.project,
        party=order.party,
        epoch=terms.epoch,
        profile=profile.digest(),
        key_id=secret.key_id,
        encoding_bits=profile.encoding_bits,
        records=counts.records,
        encodings=counts.encodings,
    )


def _replace_outbox(
    workspace: Workspace, order: Order, header: ContainerHeader, body: Path, now: datetime
) -> Manifest:
    former = _former_manifest(workspace, header.project)
    path = workspace.container(header.project)
    # Without its manifest a container is not uploaded, so a crash here leaves no pair that does not fit.
    manifest_path(path).unlink(missing_ok=True)
    manifest = _manifest(order, write_container(path, header, body), now)
    # The same content keeps its manifest, so that an upload that was cut off goes on where it stopped.
    if former is not None and former.model_copy(update={"created": manifest.created}) == manifest:
        manifest = former
    write_durably(manifest_path(path), manifest.to_canonical())
    return manifest


def _former_manifest(workspace: Workspace, project: str) -> Manifest | None:
    try:
        return read_outbox(workspace, project).manifest
    except NotReadyError:
        return None


def _manifest(order: Order, written: WrittenContainer, now: datetime) -> Manifest:
    header = written.header
    return Manifest(
        project=header.project,
        party=header.party,
        epoch=header.epoch,
        agreement=order.view.agreement,
        profile=header.profile,
        key_id=header.key_id,
        container_sha256=written.sha256,
        container_bytes=written.size_bytes,
        records=header.records,
        encodings=header.encodings,
        as_of=order.as_of,
        population=order.population,
        quality_digest=order.quality_digest,
        privacy_audit_digest=order.privacy_audit_digest,
        created=utc_text(now),
        software=f"blindlink-{importlib.metadata.version('blindlink')}",
    )
