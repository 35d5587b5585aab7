"""A match log in memory that also knows how to lie."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.api.bodies import LogCheckpoint
from schemas.api.projects import ProjectView
from schemas.documents.document import Model
from schemas.documents.merkle import (
    Frontier,
    consistency_proof,
    hash_leaf,
    hash_node,
    inclusion_proof,
)
from schemas.matchlog.checkpoint import Checkpoint, sign_checkpoint
from schemas.matchlog.entry import Actor, Entry, entry_bytes
from schemas.matchlog.hand_over import HandOver
from schemas.matchlog.log_kinds import LogKeyRotated
from schemas.matchlog.proof import LogProof
from schemas.rounds.receipt import Receipt
from schemas.signing.note import NoteSigner
from schemas.signing.signatures import sign_document

TIME = "2026-11-20T22:30:00Z"


def new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(16)}"


def new_signer(name: str) -> NoteSigner:
    return NoteSigner(name, Ed25519PrivateKey.generate())


@dataclass
class Log:
    """A match log that also knows how to lie."""

    name: str = "broker.test/log"
    signer: NoteSigner = field(default_factory=lambda: new_signer("broker.test/log"))
    entries: list[bytes] = field(default_factory=list)
    # The keys that were replaced, each with the size of the last checkpoint that it signed.
    former: list[tuple[int, NoteSigner]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.signer.verifier_key.text

    def append(self, view: ProjectView, party: str, kind: str, subject: str, body: Model) -> int:
        seq = len(self.entries)
        entry = Entry(
            kind=kind,
            seq=seq,
            batch=seq,
            place=seq,
            **self._before(view.project),
            time=TIME,
            request=new_id("req"),
            actor=Actor(party=party, person=None, role="agency", signed=None),
            project=view.project,
            agreement=view.agreement,
            purpose=None,
            object=subject,
            outcome="done",
            body=body,
        )
        self.entries.append(entry_bytes(entry))
        return seq

    def _before(self, project: str | None) -> dict[str, str | None]:
        """What an entry of this project names: of this log, all entries are one chain."""
        last = hash_leaf(self.entries[-1]).hex() if self.entries else None
        return {"previous": last, "broker_wide": (last or "0" * 64) if project else None}

    def hand_over(self, **changes: Any) -> None:
        """Append the entry that names a new key, by which everything after it is signed."""
        new = new_signer(self.name)
        names = {"log": self.name, "new": new.verifier_key.text, "old": self.key}
        possession = sign_document("key-rotation", names, new.private_key)
        body = LogKeyRotated(old=self.key, new=names["new"], possession=possession)
        seq = len(self.entries)
        entry = Entry(
            kind="log-key-rotated",
            seq=seq,
            batch=seq,
            place=seq,
            **self._before(None),
            time=TIME,
            request=new_id("req"),
            actor=Actor(party="operator", person=None, role="operator", signed=None),
            project=None,
            agreement=None,
            purpose=None,
            object=None,
            outcome="done",
            body=body.model_copy(update=changes),
        )
        self.entries.append(entry_bytes(entry))
        self.former.append((seq + 1, self.signer))
        self.signer = new

    def signer_at(self, size: int) -> NoteSigner:
        return next((signer for last, signer in self.former if size <= last), self.signer)

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.entries) if size is None else size
        root = root_of(map(hash_leaf, self.entries[:size]))
        return sign_checkpoint(Checkpoint(self.name, size, root), self.signer_at(size)).decode()

    def hand_overs(self, old_size: int) -> tuple[HandOver, ...]:
        size = len(self.entries)
        return tuple(
            HandOver.of(
                LogProof(
                    self.entries[last - 1],
                    last - 1,
                    tuple(inclusion_proof(self._read, last - 1, last)),
                    self.checkpoint(last).encode(),
                )
            )
            for last, _ in self.former
            if old_size <= last < size
        )

    def receipt(self, index: int, subject: str) -> Receipt:
        size = len(self.entries)
        hashes = tuple(inclusion_proof(self._read, index, size))
        proof = LogProof(self.entries[index], index, hashes, self.checkpoint().encode())
        return proof.to_receipt(subject)

    def show(self, old_size: int) -> LogCheckpoint:
        size = len(self.entries)
        known = 0 < old_size <= size
        proof = consistency_proof(self._read, old_size, size) if known else []
        texts = tuple(base64.b64encode(value).decode() for value in proof)
        return LogCheckpoint(
            checkpoint=self.checkpoint(),
            old_size=old_size,
            proof=texts,
            log_key=self.signer_at(size).verifier_key.text,
            hand_overs=self.hand_overs(old_size),
        )

    def _read(self, nodes: Any) -> dict[Any, bytes]:
        return {node: self._node(*node) for node in nodes}

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return hash_leaf(self.entries[index])
        return hash_node(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; of none, the SHA-256 of nothing."""
    frontier = Frontier()
    for leaf_hash in leaf_hashes:
        frontier.append(leaf_hash)
    return frontier.root()
