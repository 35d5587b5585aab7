"""A copy of the match log, as this agency checks one: every entry in the tree, the tree under its pins.

Its entries go through the rules that an auditor replays (`schemas.rules`), so that what is read from them may
count on these. Each is proved by the hashes from its leaf up to a checkpoint that the log has signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, TypeAlias

from encoding.errors import LogError, LogRewrittenError
from encoding.log.pins import Pin
from schemas.documents.errors import FormatError
from schemas.documents.merkle import Frontier, Node, hash_leaf, hash_node, inclusion_proof
from schemas.matchlog.bundle import BundleReader, Chunk
from schemas.matchlog.checkpoint import Checkpoint, open_checkpoint
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.proof import LogProof
from schemas.rules import replay
from schemas.rules.breach import BreachError
from schemas.rules.log_state import LogState

Chains: TypeAlias = dict[str | None, list[int]]
"""Of each project, and of none, the indices of its entries by their places."""


@dataclass(slots=True)
class LogCopy:
    """A project's view of the log that hangs together: `entries` are those that are shown, in order.

    `note` is the newest checkpoint's, signed by the pinned key. `breach` is what breaks the rules of the log;
    None: nothing does. `heads.hold_to_head` refuses such a copy, after it has kept what proves a fork. `rules`
    is what the entries have come to.
    """

    checkpoint: Checkpoint
    note: bytes
    entries: list[Entry]
    chains: Chains
    breach: BreachError | None
    rules: LogState = field(repr=False)
    raw: dict[int, bytes]
    _leaves: list[bytes]
    _nodes: dict[Node, bytes] = field(default_factory=dict)

    def leaf(self, project: str | None, place: int) -> str | None:
        """Return the leaf hash of the entry at a place of a project, in hex; None where there is none."""
        chain = self.chains.get(project, [])
        return self._leaves[chain[place]].hex() if place < len(chain) else None

    def proof(self, index: int) -> LogProof:
        """Return an entry with the proof that it is in the log."""
        hashes = inclusion_proof(self._read, index, self.checkpoint.size)
        return LogProof(self.raw[index], index, tuple(hashes), self.note)

    def _read(self, nodes: Sequence[Node]) -> dict[Node, bytes]:
        return {node: self._node(node) for node in nodes}

    def _node(self, node: Node) -> bytes:
        level, index = node
        if level == 0:
            return self._leaves[index]
        if node not in self._nodes:
            left = self._node((level - 1, 2 * index))
            self._nodes[node] = hash_node(left, self._node((level - 1, 2 * index + 1)))
        return self._nodes[node]


def read_log_copy(
    source: IO[bytes], keys: LogKeys, pins: Sequence[Pin], before: LogCopy | None = None
) -> LogCopy:
    """Read a bundle and hold it to the log's key and to the pins.

    Args:
        source: the bundle.
        keys: the log's keys as they are pinned.
        pins: checkpoints that this agency has kept.
        before: what was read last, which is used up: its entries have gone through the rules.
    Raises:
        LogError: malformed, it does not hang together, or it is not signed by the key.
        LogRewrittenError: it is not the log that was pinned.
    """
    try:
        reader = BundleReader(source)
        walk = _Walk({pin.checkpoint.size: pin.checkpoint.root for pin in pins}, before)
        for chunk in reader.chunks():
            walk.extend(chunk)
        for _ in reader.upper_tiles():
            pass
        note = reader.finish()
        checkpoint = open_checkpoint(note, keys)
    except FormatError as exc:
        raise LogError(f"the broker's copy of the match log cannot be trusted: {exc}") from exc
    if (checkpoint.size, checkpoint.root) != (walk.frontier.size, walk.frontier.root()):
        raise LogError("the broker's copy of the match log is not the log that it signed")
    if walk.pinned or not walk.has_all:
        raise LogRewrittenError(
            "the broker's copy of the match log ends before what this agency has seen",
            hint="keep the workspace as it is, and call your security officer",
        )
    return LogCopy(
        checkpoint, note, walk.entries, walk.chains, walk.breach, walk.rules, walk.raw, walk.leaves
    )


class _Walk:
    """Takes a bundle chunk by chunk; `pinned` holds the pins that are still to be reached."""

    def __init__(self, pinned: dict[int, bytes], before: LogCopy | None) -> None:
        self.pinned = pinned
        self.pinned.pop(0, None)
        self.frontier = Frontier()
        self.leaves: list[bytes] = []
        self.raw: dict[int, bytes] = {}
        self.entries: list[Entry] = []
        self.chains: Chains = {}
        self.breach: BreachError | None = None
        self._before = None if before is None or before.breach is not None else before
        self.rules = LogState() if self._before is None else self._before.rules

    @property
    def has_all(self) -> bool:
        """Whether all is there that was there before."""
        return self._before is None or len(self._before.entries) <= len(self.entries)

    def extend(self, chunk: Chunk) -> None:
        for leaf_hash, raw in zip(chunk.leaf_hashes, chunk.entries, strict=True):
            if raw is not None:
                self._take_entry(leaf_hash, raw)
            self.leaves.append(leaf_hash)
            self.frontier.append(leaf_hash)
            root = self.pinned.pop(self.frontier.size, None)
            if root is not None and root != self.frontier.root():
                raise LogRewrittenError(
                    "the broker's copy of the match log is not the one that this agency has seen",
                    hint="keep the workspace as it is, and call your security officer",
                )

    def _take_entry(self, leaf_hash: bytes, raw: bytes) -> None:
        entry = self._entry_from_before(raw) or parse_entry(raw, KINDS)
        if hash_leaf(raw) != leaf_hash or entry.seq != self.frontier.size:
            raise LogError("an entry of the broker's copy of the match log is not in its place")
        if self.has_all:
            self._hold_to_rules(entry, leaf_hash)
        self.chains.setdefault(entry.project, []).append(entry.seq)
        self.raw[entry.seq] = raw
        self.entries.append(entry)

    def _entry_from_before(self, raw: bytes) -> Entry | None:
        """Return the next entry of the copy before; None where that has no more, or another log is read."""
        if self._before is None or len(self._before.entries) <= len(self.entries):
            return None
        entry = self._before.entries[len(self.entries)]
        if self._before.raw[entry.seq] == raw:
            return entry
        self._before, self.rules = None, LogState()
        for one in self.entries:
            self._hold_to_rules(one, hash_leaf(self.raw[one.seq]))
        return None

    def _hold_to_rules(self, entry: Entry, leaf_hash: bytes) -> None:
        if self.breach is not None:
            return
        try:
            replay(self.rules, entry, leaf_hash)
        except BreachError as exc:
            if exc.code == "place":
                raise LogError(
                    "the broker's copy of the match log lacks an entry of the project"
                ) from exc
            self.breach = exc
