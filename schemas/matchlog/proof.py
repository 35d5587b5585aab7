"""Proof that an entry is in the match log, checked without asking the broker: for receipts.

On the wire a receipt is JSON (`schemas.rounds.receipt.Receipt`); in a file it is a C2SP tlog-proof, which other
tools read too. Both hold the same four things. Source: C2SP tlog-proof v1. Spec page:
`schemas/spec/receipt-proof.md`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.documents.errors import CheckpointError, EntryError, ProofError
from schemas.documents.merkle import HASH_BYTES, hash_leaf, verify_inclusion
from schemas.matchlog.checkpoint import Checkpoint, open_checkpoint
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.registry import Kinds
from schemas.rounds.receipt import Receipt
from schemas.signing.note import MAX_NOTE_BYTES, VerifierKey, decode_base64

# No tree of fewer than 2^53 leaves is deeper.
MAX_HASHES: Final = 53
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 64 * 1024

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
PROOF_START: Final = f"{_FIRST_LINE}\n".encode()


@dataclass(frozen=True, slots=True)
class LogProof:
    """An entry's bytes, its index, the hashes from leaf to root, and the checkpoint's note."""

    entry: bytes
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def to_bytes(self) -> bytes:
        """Return the proof as a tlog-proof file; the entry is its extra data."""
        lines = [
            _FIRST_LINE,
            f"extra {_base64(self.entry)}",
            f"index {self.index}",
            *self.hash_texts(),
            "",
        ]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.checkpoint

    @classmethod
    def from_receipt(cls, receipt: Receipt) -> LogProof:
        """Return what a receipt says."""
        return cls.from_texts(receipt.entry, receipt.index, receipt.proof, receipt.checkpoint)

    @classmethod
    def from_texts(cls, entry: str, index: int, proof: Sequence[str], checkpoint: str) -> LogProof:
        """Return a proof whose four things are written as in a receipt; raises as `from_receipt`."""
        hashes = tuple(_parse_hash(text) for text in proof)
        return cls(entry.encode(), index, hashes, checkpoint.encode())

    def hash_texts(self) -> tuple[str, ...]:
        """Return the hashes as a receipt writes them."""
        return tuple(_base64(value) for value in self.hashes)

    def to_receipt(self, subject: str | None) -> Receipt:
        """Return the receipt for what has this id: the object of the entry, None where it has none."""
        return Receipt(
            subject=subject,
            entry=self.entry.decode(),
            index=self.index,
            proof=self.hash_texts(),
            checkpoint=self.checkpoint.decode(),
        )


def parse_proof(raw: bytes) -> LogProof:
    """Read a tlog-proof file without trusting it.

    Raises:
        ProofError: malformed, another version, or without the entry.
    """
    if len(raw) > MAX_PROOF_BYTES:
        raise ProofError("a proof is too long")
    head, separator, checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise ProofError("a proof is not a tlog-proof of version 1") from exc
    if not separator or len(lines) < 3 or lines[0] != _FIRST_LINE:
        raise ProofError("a proof is not a tlog-proof of version 1")
    extra, index = _parse_field(lines[1], "extra"), _parse_field(lines[2], "index")
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", index):
        raise ProofError("a proof's index is not a plain number")
    if len(lines) - 3 > MAX_HASHES:
        raise ProofError("a proof has too many hashes")
    return LogProof(
        entry=_parse_base64(extra),
        index=int(index),
        hashes=tuple(_parse_hash(line) for line in lines[3:]),
        checkpoint=checkpoint,
    )


def verify_proof(
    proof: LogProof, keys: Sequence[VerifierKey] | LogKeys, kinds: Kinds
) -> tuple[Entry, Checkpoint]:
    """Check a proof from its checkpoint's signature down to the entry, and return both.

    Raises:
        CheckpointError: the checkpoint is malformed or not signed by any of the log's `keys`.
        ProofError: the entry is not at that index under the checkpoint's root.
        EntryError: the entry breaks its format, is of none of these kinds, or states another index.
    """
    checkpoint = open_checkpoint(proof.checkpoint, keys)
    leaf = hash_leaf(proof.entry)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    entry = parse_entry(proof.entry, kinds)
    if entry.seq != proof.index:
        raise EntryError("an entry states another index than its proof")
    return entry, checkpoint


def verify_receipt(
    receipt: Receipt, keys: Sequence[VerifierKey] | LogKeys, kinds: Kinds
) -> tuple[Entry, Checkpoint]:
    """Check a receipt as `verify_proof` does, and that its entry is about the receipt's subject.

    Raises:
        CheckpointError, ProofError, EntryError: as `verify_proof`.
    """
    entry, checkpoint = verify_proof(LogProof.from_receipt(receipt), keys, kinds)
    if entry.object != receipt.subject:
        raise EntryError("a receipt's entry is about something else")
    return entry, checkpoint


def _parse_field(line: str, name: str) -> str:
    word, _, value = line.partition(" ")
    if word != name:
        raise ProofError(f"a proof lacks the line {name}")
    return value


def _parse_hash(text: str) -> bytes:
    raw = _parse_base64(text)
    if len(raw) != HASH_BYTES:
        raise ProofError("a hash is not 32 bytes")
    return raw


def _parse_base64(text: str) -> bytes:
    try:
        return decode_base64(text, "a line of a proof")
    except CheckpointError as exc:
        raise ProofError(str(exc)) from exc


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
