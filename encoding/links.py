"""Fetches the link IDs released to this agency, checks them, and puts its own record IDs beside them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from encoding.agency_file import AgencyFile
from encoding.client import BrokerClient
from encoding.errors import BrokerRefusedError, HandleMapError, NotReadyError, ReleaseError
from encoding.handles import derive_map_keys, read_handle_map, record_keys
from encoding.links_file import Link
from encoding.receipts import KeptReceipt, verify_release_receipt
from encoding.uploads import Trust
from encoding.workspace import Workspace
from schemas.api import ReleaseVerification, ReleaseView
from schemas.errors import DocumentError
from schemas.ids import Handle, LinkId
from schemas.release import ReleaseHeader, parse_release, release_digest


@dataclass(frozen=True, slots=True)
class FetchedRelease:
    """A release that was fetched and verified: its header and the link ID of each handle."""

    header: ReleaseHeader
    links: dict[Handle, LinkId]


@dataclass(frozen=True, slots=True)
class JoinedLinks:
    """Links in the order of record IDs; `n_missing` link IDs belong to records that the file has not."""

    links: tuple[Link, ...]
    n_missing: int


def newest_release(
    client: BrokerClient, project: str, party: str, run: str | None = None
) -> ReleaseView:
    """Return the newest release of link IDs to this party; with `run`, the one of that run.

    Raises:
        NotReadyError: there is none.
    """
    for release in client.releases(project).releases:
        if (
            release.recipient == party
            and release.mode == "linked"
            and (run is None or release.run == run)
        ):
            return release
    of_run = "" if run is None else f" of the run {run}"
    raise NotReadyError(
        f"no link IDs{of_run} have been released to this agency yet", hint="see: blindlink status"
    )


def fetch_release(client: BrokerClient, release: ReleaseView, trust: Trust) -> FetchedRelease:
    """Fetch a release, hold it against the match log, and keep the proof.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    return _parse(prove_release(client, release, release.recipient, trust), release)


def prove_release(client: BrokerClient, release: ReleaseView, party: str, trust: Trust) -> bytes:
    """Return a release's file once the match log vouches for it, and keep the proof.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the log does not hold it, for this party to fetch.
    """
    raw = client.fetch_release(release.release, release.size_bytes)
    sha256 = release_digest(raw)
    if sha256 != release.sha256:
        raise ReleaseError("the link IDs that were fetched are not those that were announced")
    receipt = client.release_receipt(release.release)
    verify_release_receipt(receipt, release.release, party, trust.keys, sha256)
    trust.log.hold(receipt.checkpoint.encode("utf-8"))
    trust.log.check(client)
    trust.receipts.keep(KeptReceipt(receipt, None))
    _say_whole(client, release.release, sha256)
    return raw


def join_links(workspace: Workspace, fetched: FetchedRelease, file: AgencyFile) -> JoinedLinks:
    """Put the record IDs of the file beside their link IDs; call it under the workspace's lock.

    Raises:
        InputError: the file cannot be read.
        HandleMapError: the handle map of the release's epoch cannot be used, or knows none of the records.
    """
    header = fetched.header
    found = record_ids_of(workspace, header.project, header.epoch, file, fetched.links)
    links = sorted(Link(record_id, fetched.links[h].hex()) for h, record_id in found.items())
    return JoinedLinks(tuple(links), len(fetched.links) - len(found))


def record_ids_of(
    workspace: Workspace, project: str, epoch: int, file: AgencyFile, wanted: Collection[Handle]
) -> dict[Handle, str]:
    """Return the record IDs of those wanted handles that stand for a record of the file.

    Raises:
        InputError: the file cannot be read.
        HandleMapError: the handle map of the epoch is missing or cannot be read, or no wanted handle is found:
            what was found last time is worth more than nothing.
    """
    path = workspace.handle_map(project, epoch)
    if not path.exists():
        raise HandleMapError(
            f"the workspace {workspace.folder} has no handle map of epoch {epoch}",
            hint="name the workspace in which the file was encoded, or restore it from its backup",
        )
    keys = derive_map_keys(workspace.key(), project, epoch)
    handle_map = read_handle_map(path, project, epoch, keys)
    found: dict[Handle, str] = {}
    for chunk in file.open().select([file.id_column]).chunks():
        record_ids = chunk.columns[file.id_column]
        known, handles = handle_map.find(record_keys(keys, record_ids))
        for index in np.flatnonzero(known).tolist():
            handle = Handle(handles[index].tobytes())
            if handle in wanted:
                found[handle] = record_ids[index]
    if wanted and not found:
        raise HandleMapError(
            f"none of the {len(wanted):,} handles stands for a record of {file.path.name}",
            hint="name the file that was encoded with --file, or restore the workspace from its backup",
        )
    return found


def _say_whole(client: BrokerClient, release: str, sha256: str) -> None:
    """Tell the broker, for its log, that a release is what it should be."""
    try:
        client.verify_release(release, ReleaseVerification(sha256=sha256))
    except BrokerRefusedError as exc:
        # An older broker keeps no such entry.
        if exc.problem != "not-found":
            raise


def _parse(raw: bytes, release: ReleaseView) -> FetchedRelease:
    try:
        header, links = parse_release(raw)
    except DocumentError as exc:
        raise ReleaseError(f"the release breaks its format: {exc}") from exc
    stated = (
        header.release,
        header.run,
        header.project,
        header.recipient,
        header.mode,
        header.space,
    )
    announced = (
        release.release,
        release.run,
        release.project,
        release.recipient,
        release.mode,
        release.space,
    )
    if stated != announced:
        raise ReleaseError("the release is for someone else, or of another run, than was announced")
    return FetchedRelease(header, links)
