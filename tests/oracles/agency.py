"""One agency in a folder of its own: encodes, uploads, links, through the parts under test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from encoding.handles import derive_map_keys, read_handle_map, record_keys
from encoding.outbox import read_outbox

from encoding.agency_file import AgencyFile
from encoding.client import BrokerClient
from encoding.links import JoinedLinks, fetch_release, join_links, newest_release
from encoding.packing import Filled, Order, fill_outbox
from encoding.pins import PinnedLog
from encoding.receipts import KeptReceipt, ReceiptFolder
from encoding.secret import Secret
from encoding.uploads import Trust, send_outbox
from encoding.workspace import Workspace, open_workspace
from schemas.api import ProjectView
from schemas.upload import parse_header

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


class Agency:
    """One agency: its workspace, and what it does with it."""

    def __init__(
        self, folder: Path, view: ProjectView, secret: Secret, party: str = "welfare"
    ) -> None:
        self.workspace: Workspace = open_workspace(folder / "workspace")
        self.party = party
        self.view = view
        self.secret = secret
        self.progress: list[tuple[str, float]] = []
        self.sent: list[int] = []

    def encode(self, path: Path, *, now: datetime = NOW, **changes: Any) -> Filled:
        given: dict[str, Any] = {
            "view": self.view,
            "party": self.party,
            "file": AgencyFile(path, "ID"),
            "columns": {},
            "date_format": None,
            "as_of": "2026-11-20",
            "population": "in-care",
        }
        order = Order(**given | changes)
        report = lambda step, share, *_: self.progress.append((step, share))  # noqa: E731
        with self.workspace.lock():
            return fill_outbox(self.workspace, self.secret, order, report, now)

    def container(self) -> bytes:
        return self.workspace.container("foster-pupils").read_bytes()

    def encodings(self) -> dict[bytes, list[bytes]]:
        """Return the encodings of each handle, by a reader of its own."""
        raw = self.container()
        parsed = parse_header(raw)
        size = parsed.header.record_bytes
        found: dict[bytes, list[bytes]] = {}
        for start in range(parsed.body_offset, len(raw), size):
            record = raw[start : start + size]
            assert record[16] == len(found.setdefault(record[:16], []))
            found[record[:16]].append(record[17:])
        assert list(found) == sorted(found)
        return found

    def handle_of(self, record_id: str) -> bytes:
        keys = derive_map_keys(self.workspace.key(), "foster-pupils", 1)
        path = self.workspace.handle_map("foster-pupils", 1)
        found = read_handle_map(path, "foster-pupils", 1, keys).find(record_keys(keys, [record_id]))
        assert found.known[0]
        return found.handles[0].tobytes()

    def trust(self, client: BrokerClient) -> Trust:
        log = PinnedLog(self.workspace.pins, self.workspace.log_key)
        log.key(None, client)
        return Trust(log, ReceiptFolder(self.workspace.receipts))

    def upload(self, client: BrokerClient) -> KeptReceipt:
        outbox = read_outbox(self.workspace, self.view.project)
        trust = self.trust(client)
        report = lambda _step, _share, count, _unit: self.sent.append(count)  # noqa: E731
        return send_outbox(client, outbox, self.view, trust, report)

    def fetch(self, client: BrokerClient, path: Path) -> JoinedLinks:
        release = newest_release(client, self.view.project, self.party)
        fetched = fetch_release(client, release, self.trust(client))
        return join_links(self.workspace, fetched, AgencyFile(path, "ID"))
