"""Proofs that single entries are in the log, such as an agency gives to whom a child's records concern.

Nobody is asked and no log is needed, so that a parent's counsel can check what an agency says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.auditor.errors import (
    PinContradictedError,
    PinUnreadableError,
    ProofRefusedError,
    ProofUnreadableError,
)
from app.auditor.files import why_unreadable
from app.auditor.verdict import TIMES, Caveat
from schemas.documents.errors import CheckpointError, EntryError, ProofError
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import MAX_PROOF_BYTES, parse_proof, verify_proof

if TYPE_CHECKING:
    from app.auditor.pins import Pin
    from schemas.matchlog.checkpoint import Checkpoint
    from schemas.matchlog.entry import Entry
    from schemas.signing.note import VerifierKey

ONE_ENTRY: Final = Caveat(
    "one-entry",
    "a proof shows that an entry is in the log, not that it is the only one: that an agency has named all is "
    "its word",
)


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """An entry that is in the log of a checkpoint; `n_pins` pins of that size show the same log."""

    file: str
    entry: Entry
    checkpoint: Checkpoint
    n_pins: int

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "file": self.file,
            "origin": self.checkpoint.origin,
            "size": self.checkpoint.size,
            "pins": self.n_pins,
            "entry": self.entry.to_json(),
        }


def caveats(proved: Sequence[ProvedEntry], *, pinned: bool) -> Iterator[Caveat]:
    """Yield what proofs do not show; `pinned` says whether pins were given to compare them to."""
    apart = [one.file for one in proved if not one.n_pins]
    if pinned and apart:
        yield Caveat(
            "pins-apart",
            f"no pin is of the size at which {', '.join(apart)} was made, so none could be compared",
        )
    yield ONE_ENTRY
    yield TIMES


def check_proof(path: Path, keys: Sequence[VerifierKey], pins: Sequence[Pin]) -> ProvedEntry:
    """Check a file of one proof."""
    try:
        with path.open("rb") as file:
            proof = parse_proof(file.read(MAX_PROOF_BYTES + 1))
    except OSError as exc:
        raise ProofUnreadableError(why_unreadable(path, exc)) from exc
    except ProofError as exc:
        raise ProofUnreadableError(f"{path.name} is not a proof of an entry") from exc
    try:
        entry, checkpoint = verify_proof(proof, keys, KINDS)
    except (CheckpointError, ProofError, EntryError) as exc:
        raise ProofRefusedError(f"{path.name} proves nothing: {exc}", index=proof.index) from exc
    same_size = [pin for pin in pins if pin.checkpoint.size == checkpoint.size]
    for pin in same_size:
        if pin.checkpoint.origin != checkpoint.origin:
            raise PinUnreadableError(f"{pin.place} is of another log than the proof")
        pin.require_signed(keys)
        if pin.checkpoint.root != checkpoint.root:
            raise PinContradictedError(
                "the proof was made in another history than the one that was pinned",
                index=entry.seq,
                evidence=pin.evidence(keys),
            )
    return ProvedEntry(path.name, entry, checkpoint, len(same_size))
