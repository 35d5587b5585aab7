"""Fetches sealed match IDs of all records of this agency, for a recipient that alone can open them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from encoding.broker.client import BrokerClient
from encoding.errors import NotReadyError, ReleaseError
from encoding.log.trust import Trust
from encoding.packing.handles import MapName
from encoding.records.agency_file import AgencyFile
from encoding.transfers.matches import fetch_proven, record_ids_of
from encoding.workspace.workspace import Workspace
from schemas.agreement.agreement import ProjectTerms
from schemas.api.releases import ReleaseView
from schemas.documents.errors import DocumentError
from schemas.documents.ids import HANDLE_BYTES, Handle
from schemas.rounds.blind import RECORD_BYTES, BlindHeader, blind_release_bytes, parse_blind_header
from schemas.signing.identity import PublicIdentity
from schemas.signing.sealing import receiving_key_sha256


@dataclass(frozen=True, slots=True)
class FetchedBlind:
    """A blind release that was fetched and verified: its head, and the sealed match ID of each handle."""

    header: BlindHeader
    sealed: Mapping[Handle, bytes]


@dataclass(frozen=True, slots=True)
class JoinedBlind:
    """Record IDs beside sealed match IDs, in order; `n_missing` of these belong to records the file has not."""

    links: tuple[tuple[str, bytes], ...]
    n_missing: int


def blind_recipients(terms: ProjectTerms) -> tuple[str, ...]:
    """Return the parties for whom sealed match IDs are made, in the order of their names."""
    return tuple(found.party for found in terms.recipients if found.mode == "blind")


def newest_blind(
    client: BrokerClient, terms: ProjectTerms, recipient: str, run: str | None = None
) -> tuple[ReleaseView, ...]:
    """Return the newest blind release of each partner for a recipient; with `run`, that of this run alone.

    Of a partner that has left, nothing is handed out any more.

    Raises:
        NotReadyError: there is none.
    """
    found: dict[str | None, ReleaseView] = {}
    for release in client.releases(terms.project).releases:
        is_blind = (release.recipient, release.mode) == (recipient, "blind")
        is_wanted = is_blind and release.partner in terms.providers
        if is_wanted and (run is None or release.run == run):
            # The newest one comes first.
            found.setdefault(release.partner, release)
    if not found:
        raise NotReadyError(
            f"no link IDs have been made for {recipient} yet", hint="see: blindlink status"
        )
    return tuple(found.values())


def fetch_blind(
    client: BrokerClient, release: ReleaseView, party: str, trust: Trust
) -> FetchedBlind:
    """Fetch a blind release, hold it against the match log, and keep the proof.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError, LogError: the match log does not vouch for it.
    """
    raw, _ = fetch_proven(client, release, party, trust)
    try:
        parsed = parse_blind_header(raw)
    except DocumentError as exc:
        raise ReleaseError(f"the release breaks its format: {exc}") from exc
    header = parsed.header
    stated = (header.release, header.run, header.project, header.recipient, header.space)
    announced = (release.release, release.run, release.project, release.recipient, release.space)
    if (*stated, header.agency) != (*announced, party):
        raise ReleaseError("the release is not for the party or of the run that was announced")
    if len(raw) != blind_release_bytes(parsed):
        raise ReleaseError("the release has more or fewer records than it states")
    body = memoryview(raw)[parsed.body_offset :]
    records = dict(_records(body))
    if len(records) != header.records:
        raise ReleaseError("the release breaks its format: handles are not in increasing order")
    return FetchedBlind(header, records)


def refuse_other_receivers(header: BlindHeader, trusted: Collection[PublicIdentity]) -> None:
    """Refuse link IDs that were sealed to anybody but these persons of the recipient.

    Raises:
        ReleaseError: someone else could open them.
    """
    known = {(person.person, receiving_key_sha256(person)) for person in trusted}
    if any((sealed.person, sealed.key) not in known for sealed in header.keys):
        raise ReleaseError(
            f"the match IDs are sealed to a person whom you do not trust as one of {header.recipient}",
            hint=f"nothing was written; call {header.recipient}, and the operator of the broker",
        )


def join_blind(workspace: Workspace, fetched: FetchedBlind, file: AgencyFile) -> JoinedBlind:
    """Put the record IDs of the file beside their sealed match IDs; call it under the workspace's lock.

    Raises:
        InputError: the file cannot be read.
        HandleMapError: the handle map of the release's container cannot be used.
    """
    header, sealed = fetched.header, fetched.sealed
    found = record_ids_of(
        workspace, MapName(header.project, header.round, header.partner), file, sealed
    )
    links = sorted((record_id, sealed[handle]) for handle, record_id in found.items())
    return JoinedBlind(tuple(links), len(sealed) - len(found))


def _records(body: memoryview) -> Iterator[tuple[Handle, bytes]]:
    previous = b""
    for at in range(0, len(body), RECORD_BYTES):
        handle = Handle(bytes(body[at : at + HANDLE_BYTES]))
        if handle <= previous:
            return
        previous = handle
        yield handle, bytes(body[at + HANDLE_BYTES : at + RECORD_BYTES])
