"""Fetches the matches released to this agency, checks them, and finds the records that they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from encoding.broker.client import BrokerClient
from encoding.errors import BrokerRefusedError, NotReadyError
from encoding.ledger.claims import PackedMatches
from encoding.ledger.values import Turn
from encoding.log.receipts import KeptReceipt
from encoding.log.trust import Trust
from encoding.packing.handles import (
    HandleMap,
    MapKeys,
    MapName,
    RecordKeys,
    derive_map_keys,
    key_text,
    read_handle_map,
    record_keys,
)
from encoding.records.agency_file import AgencyFile
from encoding.transfers.release_check import FetchedRelease, known_records, prove_file, read_release
from encoding.workspace.workspace import Workspace
from schemas.api.releases import ReleaseVerification, ReleaseView
from schemas.documents.ids import HANDLE_BYTES, MATCH_ID_BYTES, Handle
from schemas.matchlog.entry import Entry

# As `PackedMatches` has them.
_PACKED: Final = np.dtype(
    [("match", "u1", (MATCH_ID_BYTES,)), ("high", ">u8"), ("low", ">u8"), ("row", ">u8")]
)


def packed_matches(fetched: FetchedRelease, handle_map: HandleMap) -> PackedMatches:
    """Return the matches of a release with record keys in the place of handles.

    Raises:
        ReleaseError: a handle is none of this container's.
    """
    records = known_records(handle_map, fetched.handles())
    match_ids = fetched.match_ids()
    packed = np.empty(len(match_ids), dtype=_PACKED)
    packed["match"] = match_ids
    packed["high"], packed["low"], packed["row"] = *records, fetched.rows()
    high, low = match_ids.view(">u8").T
    return PackedMatches(packed[np.lexsort((low, high))].tobytes())


def releases_of_turn(
    client: BrokerClient, project: str, party: str, turn: Turn
) -> dict[str, ReleaseView]:
    """Return the newest release of matches to this party in a turn, by partner."""
    found: dict[str, ReleaseView] = {}
    for release in client.releases(project).releases:
        is_own = (release.recipient, release.mode) == (party, "linked")
        if (release.round, release.number) == turn and is_own and release.partner is not None:
            found.setdefault(release.partner, release)
    return found


def fetch_release(client: BrokerClient, release: ReleaseView, trust: Trust) -> FetchedRelease:
    """Fetch a release of matches or a total, hold it against the match log, and keep and tell that it is whole.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    raw, entry = fetch_proven(client, release, release.recipient, trust)
    fetched = read_release(raw, release, entry)
    say_whole(client, release)
    return fetched


def fetch_proven(
    client: BrokerClient, release: ReleaseView, party: str, trust: Trust
) -> tuple[bytes, Entry]:
    """Return a release's file once the match log vouches for it, with its entry, and keep the proof."""
    raw = client.fetch_release(release.release, release.size_bytes)
    receipt = client.release_receipt(release.release)
    entry = prove_file(raw, receipt, release, party, trust.keys)
    trust.log.pin(receipt.checkpoint.encode("utf-8"))
    trust.log.check(client)
    trust.receipts.keep(KeptReceipt(receipt, None))
    return raw, entry


def keys_of_handles(handle_map: HandleMap, wanted: Iterable[Handle]) -> dict[Handle, str]:
    """Return the record key of each handle, as 32 hexadecimal digits: the name of a record in the ledger.

    Raises:
        ReleaseError: a handle is none of this container's.
    """
    handles = list(wanted)
    asked = np.frombuffer(b"".join(handles), dtype=np.uint8).reshape(-1, HANDLE_BYTES)
    records = known_records(handle_map, asked)
    return {handle: key_text(records, at) for at, handle in enumerate(handles)}


def record_ids_of(
    workspace: Workspace, name: MapName, file: AgencyFile, wanted: Collection[Handle]
) -> dict[Handle, str]:
    """Return the record IDs of those wanted handles that stand for a record of the file.

    Raises:
        InputError: the file cannot be read.
        HandleMapError: the handle map cannot be read.
    """
    keys = derive_map_keys(workspace.key(), name.project)
    handle_map = read_handle_map(workspace.handle_map(*name), name, keys)
    found: dict[Handle, str] = {}
    for record_ids, of_chunk in keyed_chunks(file, keys):
        known, handles = handle_map.find(of_chunk)
        for index in np.flatnonzero(known).tolist():
            handle = Handle(handles[index].tobytes())
            if handle in wanted:
                found[handle] = record_ids[index]
    return found


def record_ids_by_key(
    workspace: Workspace, project: str, file: AgencyFile, wanted: Collection[str]
) -> dict[str, str]:
    """Return the record ID of each record key of a ledger that the file has.

    Raises:
        InputError: the file cannot be read.
    """
    keys = derive_map_keys(workspace.key(), project)
    return {
        key: record_id
        for record_ids, of_chunk in keyed_chunks(file, keys)
        for at, record_id in enumerate(record_ids)
        if (key := key_text(of_chunk, at)) in wanted
    }


def keyed_chunks(file: AgencyFile, keys: MapKeys) -> Iterator[tuple[list[str], RecordKeys]]:
    """Yield the record IDs of the file, some at a time, with their record keys.

    Raises:
        InputError: the file cannot be read.
    """
    for chunk in file.open().select([file.id_column]).chunks():
        record_ids = chunk.columns[file.id_column]
        yield record_ids, record_keys(keys, record_ids)


def say_whole(client: BrokerClient, release: ReleaseView) -> None:
    """Tell the broker, for its log, that a release is what it should be."""
    try:
        client.verify_release(release.release, ReleaseVerification(sha256=release.sha256))
    except BrokerRefusedError as exc:
        # An older broker keeps no such entry.
        if exc.problem != "not-found":
            raise


@dataclass(frozen=True, slots=True)
class Total:
    """How many people a run found in several files; null where that lies below the smallest count shown."""

    release: str
    run: str
    total: int | None


def fetch_total(
    client: BrokerClient, project: str, party: str, trust: Trust, run: str | None = None
) -> Total:
    """Return the newest total for this party, or that of a run, once the match log vouches for it.

    Raises:
        NotReadyError: there is none.
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    release = _newest(client, project, party, run)
    header = fetch_release(client, release, trust).header
    return Total(header.release, header.run, header.total)


def _newest(client: BrokerClient, project: str, party: str, run: str | None) -> ReleaseView:
    for release in client.releases(project).releases:
        is_wanted = (release.recipient, release.mode) == (party, "count")
        if is_wanted and (run is None or release.run == run):
            return release
    raise NotReadyError(
        "no total has been released to this party yet", hint="see: blindlink status"
    )
