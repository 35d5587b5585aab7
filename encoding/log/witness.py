"""Cosigning the match log: this agency's word, in its own hand, of which log it has been shown.

A log that shows two parties two histories gets the cosignatures of both on neither, and a run that
enough parties have cosigned cannot be taken back unnoticed. Only a checkpoint that extends everything
pinned before, and that is pinned itself, is signed. Source: C2SP tlog-cosignature v1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from encoding.errors import BrokerAnswerError, BrokerRefusedError
from encoding.files import write_durably
from encoding.log.pins import Pin
from encoding.people.identity import Identity
from schemas.api.bodies import CosignatureRequest, CosignatureStored
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import (
    Cosignature,
    cosign,
    parse_checkpoints,
    serialise_checkpoints,
    verify_cosignatures,
)
from schemas.signing.note import COSIGNER_KEY, NoteSigner, VerifierKey, parse_note


class CosignatureSink(Protocol):
    """Anyone who collects cosignatures: the broker's client."""

    def cosign(self, request: CosignatureRequest) -> CosignatureStored:
        """Store a cosignature; the same again is safe."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One person's pen for one agency; `path` keeps the newest checkpoint that was cosigned and sent."""

    path: Path
    signer: NoteSigner

    @classmethod
    def of(cls, identity: Identity, pins: Path) -> Witness:
        """Return the witness that a person is: their signing key, under their party's name."""
        signer = NoteSigner(identity.public.party, identity.keys.signing_key, COSIGNER_KEY)
        return cls(pins / "cosigned", signer)

    def cosign(self, pin: Pin, now: datetime, sink: CosignatureSink) -> bool:
        """Cosign a pin and send that to the broker; false if this person has done so already.

        False, too, if no project binds this person's party yet: then there is nothing to watch over.

        Args:
            pin: kept durably, and shown to extend every earlier one.
            now: aware; this computer's clock, which the cosignature states.
        Raises:
            BrokerAnswerError: the broker says that it stored something else.
            AgencyError: it could not be sent; nothing is remembered then.
        """
        if not pin.checkpoint.size or self.cosigned_size() >= pin.checkpoint.size:
            return False
        note = parse_note(pin.note)
        signature = cosign(note.text, self.signer, int(now.timestamp()))
        key = self.signer.verifier_key
        request = CosignatureRequest(size=pin.checkpoint.size, key=key.text, line=signature.line)
        try:
            stored = sink.cosign(request)
        except BrokerRefusedError as exc:
            if exc.problem == "nothing-to-witness":
                return False
            raise
        if (stored.party, stored.size) != (self.signer.name, pin.checkpoint.size):
            raise BrokerAnswerError(
                "the broker stored a different cosignature from the one it was sent"
            )
        cosigned = replace(note, signatures=(*note.signatures, signature)).to_bytes()
        write_durably(self.path, serialise_checkpoints([cosigned]))
        return True

    def cosigned_size(self) -> int:
        """Return the size that this person cosigned last; 0 if never, or if that cannot be told."""
        found = read_cosigned(self.path, self.signer.verifier_key)
        return 0 if found is None else found[0]


def read_cosigned(path: Path, key: VerifierKey) -> tuple[int, Cosignature] | None:
    """Return size and cosignature of the checkpoint that a key signed last; None if there is none.

    A damaged file counts as none: it only saves sending a cosignature again.
    """
    try:
        for checkpoint, note in parse_checkpoints(path.read_bytes()):
            for cosignature in verify_cosignatures(note, [key]):
                return checkpoint.size, cosignature
    except (FileNotFoundError, CheckpointError):
        pass
    return None
