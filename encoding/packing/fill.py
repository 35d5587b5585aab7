"""Fills the outbox: from the agency's file to the container and the manifest for one partner and round.

Two readings of the file. The first takes record IDs and known numbers, gives every record its handle and finds
the numbers that several records hold; the second cleans the rows and makes theirs of the container. Nothing is
written to the outbox before every row is done, and the handle map is durable before the container is, so that
its handles can always be read back.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.assembly import AssemblyCounts, Batch
from encoding.blocks.keys import round_key
from encoding.errors import FileChangedError, NotReadyError, RecordCountError
from encoding.files import write_durably
from encoding.packing.container import WrittenContainer, write_container
from encoding.packing.handles import (
    HandleMap,
    LabelOf,
    MapKeys,
    MapName,
    RecordKeys,
    derive_map_keys,
    draw_handles,
    record_keys,
    write_handle_map,
)
from encoding.packing.memory import Memory, MemoryColumns
from encoding.packing.outbox import Outbox, manifest_path, read_outbox
from encoding.packing.pack import Packed, pack
from encoding.packing.partition import Buckets, PartitionFile, labels_of
from encoding.packing.snapshot import SnapshotMaker, Snapshots
from encoding.packing.withdrawals import Withdrawn
from encoding.problems import RowProblem
from encoding.progress import Progress
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import NO_NUMBERS, SharedNumbers, hashes
from encoding.records import Chunk, Table
from encoding.records.agency_file import AgencyFile
from encoding.records.problem_log import ProblemLog
from encoding.rounds.turns import Turn
from encoding.secret.secret import RoundSecret
from encoding.workspace.workspace import Workspace
from schemas.api.projects import ProjectView
from schemas.documents.ids import utc_text
from schemas.linkage.counts import FileCounts
from schemas.linkage.privacy_audit import PrivacyAudit, audit_fault
from schemas.rounds.upload import ContainerHeader, Manifest
from schemas.shared.durable import sync_folder


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be encoded, for which project and turn, as which party.

    `memory` is of rounds before with this partner. `buckets` is how records are put together, where the
    partner's people review them; null: they do not. `skip_invalid` is where rows that cannot be encoded are
    listed; null: they stop everything. `audit` is what is stated of the privacy audit of this file; null: none.
    `quality_digest` is of the report on this very file; null where there is none.
    """

    view: ProjectView
    party: str
    turn: Turn
    file: AgencyFile
    columns: dict[str, str]
    date_format: str | None
    as_of: str
    population: str
    memory: Memory
    buckets: Buckets | None = None
    skip_invalid: Path | None = None
    quality_digest: str | None = None
    audit: PrivacyAudit | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """What encoding has done.

    `rows_skipped` were left out, and why is told; `rows_withdrawn` were, since their records are withdrawn.
    `shared` are the known numbers that several records hold, and that were left out therefore.
    """

    outbox: Outbox
    rows: int
    rows_skipped: int
    rows_withdrawn: int
    counts: AssemblyCounts
    shared: SharedNumbers


def fill_outbox(
    workspace: Workspace, secret: RoundSecret, order: Order, progress: Progress, now: datetime
) -> Filled:
    """Encode the file for one turn; call it under the workspace's lock.

    Raises:
        InputError: the file cannot be used, or a row cannot be encoded and is not to be skipped.
        AgencyError: secret, profile or workspace cannot be used.
    """
    project = order.view.project
    keys = derive_map_keys(workspace.key(), project)
    withdrawn = Withdrawn(workspace.withdrawn(project), project, workspace.key())
    with workspace.scratch() as scratch, ProblemLog(scratch / "problems.csv") as problems:
        table = order.file.open()
        cleaner = RowCleaner(
            order.view.profile,
            columns=order.columns,
            available=table.columns,
            date_format=order.date_format,
        )
        people = _number_records(
            order,
            table,
            cleaner,
            keys,
            withdrawn,
            label_of=_label_of(workspace, order),
            progress=progress,
        )
        looks = SnapshotMaker(
            workspace.key(),
            project,
            order.view.profile,
            date.fromisoformat(order.as_of),
            len(people.handles),
        )
        handles, turn, view = people.handles, order.turn, order.view
        reading = _Reading(order, keys, people, problems, looks)
        packed = pack(
            view.profile,
            round_key(secret.secret, turn.name(project, view.terms.epoch, view.profile.digest())),
            turn.side,
            handles=handles.handles[handles.by_handle()],
            repeated=people.repeated,
            batches=reading.batches(table, cleaner, progress),
            folder=scratch,
            progress=progress,
        )
        _settle_problems(order, problems, people.n_rows)
        _refuse_unaudited(order, len(handles))
        name = handles.name
        # Without its manifest a container is not sent: whatever happens now, none goes out without its map.
        _forget_manifest(workspace.container(*name))
        write_handle_map(workspace.handle_map(*name), handles, keys)
        Snapshots(workspace, project).keep(name, looks.snapshot(handles, turn.side, packed.met))
        outbox = _replace_outbox(workspace, order, secret, len(handles), packed, now=now)
        if order.skip_invalid is not None:
            problems.write_list(order.skip_invalid)
        n_skipped = problems.n_rows
    return Filled(
        outbox, people.n_rows, n_skipped, people.n_withdrawn_rows, packed.counts, people.shared
    )


def _refuse_unaudited(order: Order, n_records: int) -> None:
    """Refuse what was encoded if the audit, which was made before, does not count for so many records."""
    fault = audit_fault(
        order.audit,
        profile=order.view.terms.profile,
        side=order.turn.side,
        records=n_records,
        limits=order.view.terms.privacy,
    )
    if fault is not None:
        raise FileChangedError(
            "the file changed a moment ago, after its privacy audit", hint="type it once more"
        )


@dataclass(frozen=True, slots=True)
class _People:
    """The records of the file: their handles and numbers, which occur in several rows, and how many rows.

    `shared` are known numbers that several of them hold.
    """

    handles: HandleMap
    numbers: NDArray[np.uint32]
    repeated: NDArray[np.bool_]
    n_rows: int
    n_withdrawn_rows: int
    shared: SharedNumbers


@dataclass(frozen=True, slots=True)
class _Reading:
    """The second reading: rows of the file, cleaned, as the encoder takes them."""

    order: Order
    keys: MapKeys
    people: _People
    problems: ProblemLog
    looks: SnapshotMaker

    def batches(self, table: Table, cleaner: RowCleaner, progress: Progress) -> Iterator[Batch]:
        order, people = self.order, self.people
        id_column = order.file.id_column
        remembered = MemoryColumns(
            order.view.profile, order.memory, people.handles, people.repeated
        )
        for chunk in table.select([id_column, *cleaner.headers]).chunks():
            record_ids = chunk.columns[id_column]
            cleaned = cleaner.clean(chunk)
            self.problems.add(cleaned.problems)
            self.problems.add(_missing_ids(record_ids, chunk, id_column))
            place, known = people.handles.places(record_keys(self.keys, record_ids))
            index = cleaned.rows - chunk.first_row
            kept = np.flatnonzero(known[index])
            columns = (
                {
                    name: [cells[at] for at in kept.tolist()]
                    for name, cells in cleaned.columns.items()
                }
                if len(kept) < len(index)
                else cleaned.columns
            )
            numbers = people.numbers[place[index[kept]]]
            encoded = {**columns, **remembered.of(columns, numbers)}
            if NUMBER_COLUMN in encoded:
                # What is remembered of a record, and how it looks, does not hang on what others hold.
                encoded[NUMBER_COLUMN] = people.shared.blanked(encoded[NUMBER_COLUMN])
            yield encoded, numbers
            self.looks.add(columns, numbers)
            progress("encoding", chunk.share, chunk.first_row + chunk.n_rows - 1, "rows")
        cleaner.clear()


def _number_records(
    order: Order,
    table: Table,
    cleaner: RowCleaner,
    keys: MapKeys,
    withdrawn: Withdrawn,
    *,
    label_of: LabelOf | None,
    progress: Progress,
) -> _People:
    """Read record IDs and known numbers alone; withdrawn ones and rows without one get no handle."""
    high, low, known, n_rows, n_withdrawn = [], [], [], 0, 0
    number = [cleaner.number_header] if cleaner.number_header is not None else []
    for chunk in table.select([order.file.id_column, *number]).chunks():
        cells = chunk.columns[order.file.id_column]
        is_withdrawn = withdrawn.among(cells)
        n_withdrawn += int(is_withdrawn.sum())
        kept = [
            at
            for at, (cell, gone) in enumerate(zip(cells, is_withdrawn.tolist(), strict=True))
            if cell and not gone
        ]
        found = record_keys(keys, [cells[at] for at in kept])
        high.append(found.high)
        low.append(found.low)
        if number:
            known.append(hashes(cleaner.numbers(chunk))[np.array(kept, dtype=np.intp)])
        n_rows += chunk.n_rows
        progress("reading record IDs", chunk.share, n_rows, "rows")
    wanted = RecordKeys(np.concatenate(high), np.concatenate(low))
    name = MapName(order.view.project, order.turn.round, order.turn.partner)
    handles = draw_handles(name, wanted, label_of)
    size = order.view.terms.file_size(order.party)
    if not size.least <= len(handles) <= size.most:
        raise RecordCountError(
            f"the file has {len(handles)} records that can be encoded, and the agreement takes"
            f" {size.least} to {size.most}",
            hint="nothing was encoded; ask your steward whether the file or the agreement is wrong",
        )
    numbers = handles.numbers()
    place, _ = handles.places(wanted)
    repeated = np.zeros(len(handles), dtype=bool)
    repeated[numbers] = np.bincount(place, minlength=len(handles)) > 1
    shared = SharedNumbers.among(np.concatenate(known), place) if known else NO_NUMBERS
    return _People(handles, numbers, repeated, n_rows, n_withdrawn, shared)


def _label_of(workspace: Workspace, order: Order) -> LabelOf | None:
    if order.buckets is None:
        return None
    project = order.view.project
    file = PartitionFile(workspace.partition(project), project, workspace.key())
    return partial(labels_of, file, order.buckets)


def _missing_ids(record_ids: list[str], chunk: Chunk, column: str) -> list[RowProblem]:
    return [
        RowProblem(chunk.row_told(chunk.first_row + index), column, "no record ID")
        for index, record_id in enumerate(record_ids)
        if not record_id
    ]


def _settle_problems(order: Order, problems: ProblemLog, n_rows: int) -> None:
    # Where no row is left, such as with another date format, nothing but padding would be sent.
    if order.skip_invalid is None or problems.n_rows == n_rows:
        problems.raise_if_any(
            "correct these rows, or leave them out with: blindlink encode --skip-invalid skipped.csv"
        )


def _forget_manifest(container: Path) -> None:
    manifest_path(container).unlink(missing_ok=True)
    sync_folder(container.parent)


def _replace_outbox(
    workspace: Workspace,
    order: Order,
    secret: RoundSecret,
    n_records: int,
    packed: Packed,
    *,
    now: datetime,
) -> Outbox:
    turn, terms = order.turn, order.view.terms
    header = ContainerHeader(
        project=terms.project,
        epoch=terms.epoch,
        round=turn.round,
        party=order.party,
        partner=turn.partner,
        side=turn.side,
        profile=order.view.profile.digest(),
        key_id=secret.key_id,
        records=n_records,
        rows=packed.body.rows,
        root=packed.body.root,
    )
    path = workspace.container(terms.project, turn.round, turn.partner)
    written = write_container(path, header, packed.body.path)
    manifest = _manifest(order, written, packed.stated, now)
    write_durably(manifest_path(path), manifest.to_canonical())
    return read_outbox(workspace, terms.project, turn.round, turn.partner)


def _manifest(
    order: Order,
    written: WrittenContainer,
    stated: FileCounts | None,
    now: datetime,
) -> Manifest:
    header = written.header
    return Manifest.from_row(
        header,
        agreement=order.view.agreement,
        container_sha256=written.sha256,
        container_bytes=written.size_bytes,
        partner_root=None,
        last_message=None,
        counts=stated,
        as_of=order.as_of,
        population=order.population,
        quality_digest=order.quality_digest,
        privacy_audit=order.audit,
        created=utc_text(now),
        software=f"blindlink-{importlib.metadata.version('blindlink')}",
    )


def kept_outbox(workspace: Workspace, project: str, turn: Turn) -> Outbox | None:
    """Return what was encoded for a turn before; None if there is nothing."""
    try:
        return read_outbox(workspace, project, turn.round, turn.partner)
    except NotReadyError:
        return None
