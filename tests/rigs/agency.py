"""One agency in a folder of its own, without a broker: encodes for a made-up turn, and is read slowly."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twins import merkle

from encoding.packing.fill import Filled, Order, fill_outbox
from encoding.packing.handles import MapName, derive_map_keys, read_handle_map, record_keys
from encoding.packing.memory import Memory
from encoding.progress import Progress
from encoding.records.agency_file import AgencyFile
from encoding.rounds.turns import Turn
from encoding.secret.secret import RoundSecret, Secret
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.api.projects import ProjectView
from schemas.linkage.profile import Side
from schemas.rounds.rounds import RoundPair, UsedNonce

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
NONCES = {"larger": "ab" * 32, "smaller": "cd" * 32}


def turn_of(side: Side, number: int = 1) -> Turn:
    """Return a turn of the schools, whose file is the larger one, or of the welfare agency."""
    pair = RoundPair(
        larger="schools",
        smaller="welfare",
        nonce_larger=UsedNonce(number=number, nonce=NONCES["larger"]),
        nonce_smaller=UsedNonce(number=number, nonce=NONCES["smaller"]),
    )
    partner = "welfare" if side == "larger" else "schools"
    return Turn(number, partner, side, pair, None, None)


@dataclass(frozen=True)
class SlowContainer:
    """A container as `container.md` says it, byte after byte."""

    head: bytes
    header: dict[str, Any]
    handles: list[bytes]
    rows: list[tuple[bytes, int, bytes]]
    root: str

    def rows_of_record(self) -> Counter[int]:
        """Return how many rows each record has, by its number."""
        return Counter(record for _, record, _ in self.rows)

    def tokens_of(self, handle: bytes) -> set[bytes]:
        """Return the tokens under which a record stands."""
        number = self.handles.index(handle)
        return {token for token, record, _ in self.rows if record == number}


def read_slowly(raw: bytes) -> SlowContainer:
    """Read a whole container."""
    line = b"blindlink/container/2\n"
    assert raw.startswith(line)
    end = 26 + int.from_bytes(raw[22:26], "big")
    header = json.loads(raw[26:end])
    table_end = end + 16 * header["records"]
    table, rows = raw[end:table_end], raw[table_end:]
    assert len(rows) == 84 * header["rows"]
    pieces = [table[at : at + 16 * 262_144] for at in range(0, len(table), 16 * 262_144)]
    pieces += [rows[at : at + 84 * 49_152] for at in range(0, len(rows), 84 * 49_152)]
    return SlowContainer(
        raw[:end],
        header,
        [table[at : at + 16] for at in range(0, len(table), 16)],
        [
            (
                rows[at : at + 16],
                int.from_bytes(rows[at + 16 : at + 20], "little"),
                rows[at + 20 :][:64],
            )
            for at in range(0, len(rows), 84)
        ],
        merkle.tree_hash([hashlib.sha256(piece).digest() for piece in pieces]).hex(),
    )


class Agency:
    """One agency: its workspace, and what it encodes there."""

    def __init__(
        self, folder: Path, view: ProjectView, secret: Secret, side: Side = "smaller"
    ) -> None:
        self.workspace: Workspace = open_workspace(folder / "workspace")
        self.view = view
        self.secret = secret
        self.turn = turn_of(side)
        self.progress: list[tuple[str, float]] = []

    def encode(self, path: Path, *, report: Progress | None = None, **changes: Any) -> Filled:
        """Fill the outbox; `changes` are of the order."""
        given: dict[str, Any] = {
            "view": self.view,
            "party": "welfare" if self.turn.side == "smaller" else "schools",
            "turn": self.turn,
            "file": AgencyFile(path, "ID"),
            "columns": {"first_name": "first", "last_name": "last", "birth_date": "born"},
            "date_format": "YYYY-MM-DD",
            "as_of": "2026-11-20",
            "population": "in-care",
            "memory": Memory(bytes(32)),
        }
        order = Order(**given | changes)
        note = lambda step, share, *_: self.progress.append((step, share))  # noqa: E731
        with self.workspace.lock():
            return fill_outbox(
                self.workspace,
                RoundSecret(self.secret.key_id, self.secret),
                order,
                report or note,
                NOW,
            )

    def raw(self) -> bytes:
        """Return the bytes of the container."""
        path = self.workspace.container(self.view.project, self.turn.round, self.turn.partner)
        return path.read_bytes()

    def container(self) -> SlowContainer:
        """Return the container as the slow reader reads it."""
        return read_slowly(self.raw())

    @property
    def handle_map(self) -> Path:
        """Where the handle map of the turn lies."""
        return self.workspace.handle_map(self.view.project, self.turn.round, self.turn.partner)

    def handle_of(self, record_id: str) -> bytes | None:
        """Return the handle that the map gives a record ID; None where it has none."""
        keys = derive_map_keys(self.workspace.key(), self.view.project)
        name = MapName(self.view.project, self.turn.round, self.turn.partner)
        found = read_handle_map(self.handle_map, name, keys).find(record_keys(keys, [record_id]))
        return found.handles[0].tobytes() if found.known[0] else None
