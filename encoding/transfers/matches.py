"""Fetches the matches released to this agency, checks them, and finds the records that they are about."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.broker.client import BrokerClient
from encoding.errors import BrokerRefusedError, NotReadyError, ReleaseError
from encoding.ledger.claims import PackedMatches
from encoding.ledger.values import Turn
from encoding.log.receipts import KeptReceipt, verify_release_receipt
from encoding.log.trust import Trust
from encoding.packing.handles import (
    HandleMap,
    Handles,
    MapKeys,
    MapName,
    RecordKeys,
    derive_map_keys,
    key_text,
    read_handle_map,
    record_keys,
)
from encoding.records.agency_file import AgencyFile
from encoding.workspace.workspace import Workspace
from schemas.api.bodies import ReleaseVerification, ReleaseView
from schemas.documents.errors import DocumentError
from schemas.documents.ids import HANDLE_BYTES, MATCH_ID_BYTES, Handle
from schemas.rounds.release import MatchLines, ReleaseHeader, parse_release, release_digest

_LINE: Final = np.dtype(
    [("handle", "S32"), ("s1", "S1"), ("match", "S32"), ("s2", "S1"), ("row", "S12"), ("end", "S1")]
)
# As `PackedMatches` has them.
_PACKED: Final = np.dtype(
    [("match", "u1", (MATCH_ID_BYTES,)), ("high", ">u8"), ("low", ">u8"), ("row", ">u8")]
)


@dataclass(frozen=True, slots=True)
class FetchedRelease:
    """A release that was fetched and verified: its header, and the match of each handle."""

    header: ReleaseHeader
    matches: MatchLines

    def handles(self) -> Handles:
        """Return the handles, in increasing order, shape (n, 16)."""
        return self._ids("handle", HANDLE_BYTES)

    def match_ids(self) -> NDArray[np.uint8]:
        """Return the ID of the match of each handle, shape (n, 16)."""
        return self._ids("match", MATCH_ID_BYTES)

    def rows(self) -> NDArray[np.int64]:
        """Return the row in which the record of each handle met its match, shape (n,)."""
        return self._lines()["row"].astype(np.int64)

    def _ids(self, column: str, size: int) -> NDArray[np.uint8]:
        digits = self._lines()[column].tobytes()
        return np.frombuffer(unhexlify(digits), dtype=np.uint8).reshape(-1, size)

    def _lines(self) -> NDArray[np.void]:
        return np.frombuffer(self.matches.text, dtype=_LINE)


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
    """Fetch a release, hold it against the match log, and keep the proof.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    return _parse(prove_release(client, release, release.recipient, trust), release)


def prove_release(client: BrokerClient, release: ReleaseView, party: str, trust: Trust) -> bytes:
    """Return a release's file once the match log vouches for it, keep the proof, and tell the broker."""
    raw = fetch_proven(client, release, party, trust)
    say_whole(client, release)
    return raw


def fetch_proven(client: BrokerClient, release: ReleaseView, party: str, trust: Trust) -> bytes:
    """Return a release's file once the match log vouches for it, and keep the proof."""
    raw = client.fetch_release(release.release, release.size_bytes)
    sha256 = release_digest(raw)
    if sha256 != release.sha256:
        raise ReleaseError("the broker sent something different from what it announced")
    receipt = client.release_receipt(release.release)
    verify_release_receipt(receipt, release.release, party, trust.keys, sha256)
    trust.log.pin(receipt.checkpoint.encode("utf-8"))
    trust.log.check(client)
    trust.receipts.keep(KeptReceipt(receipt, None))
    return raw


def keys_of_handles(handle_map: HandleMap, wanted: Iterable[Handle]) -> dict[Handle, str]:
    """Return the record key of each handle, as 32 hexadecimal digits: the name of a record in the ledger.

    Raises:
        ReleaseError: a handle is none of this container's.
    """
    handles = list(wanted)
    asked = np.frombuffer(b"".join(handles), dtype=np.uint8).reshape(-1, HANDLE_BYTES)
    records = known_records(handle_map, asked)
    return {handle: key_text(records, at) for at, handle in enumerate(handles)}


def known_records(handle_map: HandleMap, handles: Handles) -> RecordKeys:
    """Return the record key of each handle."""
    records, known = handle_map.records(handles)
    n_missing = len(known) - int(np.count_nonzero(known))
    if n_missing:
        raise ReleaseError(f"the release names {n_missing:,} handles that this agency has not sent")
    return records


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


def _parse(raw: bytes, release: ReleaseView) -> FetchedRelease:
    try:
        header, matches = parse_release(raw)
    except DocumentError as exc:
        raise ReleaseError(f"the release breaks its format: {exc}") from exc
    stated = (
        header.release,
        header.run,
        header.round,
        header.number,
        header.project,
        header.recipient,
        header.partner,
        header.mode,
        header.space,
    )
    announced = (
        release.release,
        release.run,
        release.round,
        release.number,
        release.project,
        release.recipient,
        release.partner,
        release.mode,
        release.space,
    )
    if stated != announced:
        raise ReleaseError("the release is not for the party or of the run that was announced")
    return FetchedRelease(header, matches)


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
    raw = prove_release(client, release, party, trust)
    try:
        header, _ = parse_release(raw)
    except DocumentError as exc:
        raise ReleaseError(f"the release breaks its format: {exc}") from exc
    stated = (header.release, header.run, header.project, header.recipient, header.mode)
    announced = (release.release, release.run, release.project, party, "count")
    if stated != announced:
        raise ReleaseError("the release is not for the party or of the run that was announced")
    return Total(release.release, release.run, header.total)


def _newest(client: BrokerClient, project: str, party: str, run: str | None) -> ReleaseView:
    for release in client.releases(project).releases:
        is_wanted = (release.recipient, release.mode) == (party, "count")
        if is_wanted and (run is None or release.run == run):
            return release
    raise NotReadyError(
        "no total has been released to this party yet", hint="see: blindlink status"
    )
