"""Checkpoints of the match log: how many entries it has, under which root, signed by the log.

The text has three lines: the log's name (origin), the number of entries, the root in base64. Witnesses add
cosignatures with a time. Sources: C2SP tlog-checkpoint v1 and tlog-cosignature v1 (Ed25519). Spec page:
`schemas/spec/checkpoint.md`.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.errors import CheckpointError
from schemas.documents.merkle import HASH_BYTES
from schemas.matchlog.log_keys import LogKeys
from schemas.signing.note import (
    COSIGNER_KEY,
    LOG_KEY,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    decode_base64,
    parse_note,
    require_key_name,
    sign_text,
    verify_text,
)

MAX_TIME_S: Final = 2**63 - 1

CHECKPOINTS_START: Final = b"blindlink/checkpoints/1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log at one size; `origin` names the log, `root` has 32 bytes."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be written down."""
        require_key_name(self.origin)
        if not 0 <= self.size <= MAX_INTEGER or len(self.root) != HASH_BYTES:
            raise CheckpointError("a checkpoint's size or root is out of range")

    @property
    def text(self) -> bytes:
        """The three lines that signatures cover."""
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n".encode()

    @classmethod
    def from_text(cls, text: bytes) -> Self:
        """Read the text of a note.

        Raises:
            CheckpointError: not exactly the three lines; our logs have no extension lines.
        """
        lines = text.decode("utf-8").split("\n")
        if len(lines) != 4 or lines[3]:
            raise CheckpointError("a checkpoint does not have three lines")
        if not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]):
            raise CheckpointError("a checkpoint's size is not a plain number")
        return cls(lines[0], int(lines[1]), decode_base64(lines[2], "a checkpoint's root"))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word that it saw this checkpoint, and nothing inconsistent, at `time_s` (Unix seconds)."""

    key: VerifierKey
    time_s: int


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> bytes:
    """Return the checkpoint as a note signed by its log.

    Anyone who calls this has made sure that the checkpoint continues the last one signed.

    Raises:
        CheckpointError: the signer's name is not the checkpoint's origin, or it is no log key.
    """
    if signer.kind != LOG_KEY or signer.name != checkpoint.origin:
        raise CheckpointError("the signing key is not this log's")
    return Note(checkpoint.text, (sign_text(checkpoint.text, signer),)).to_bytes()


def parse_checkpoint(raw: bytes) -> tuple[Checkpoint, Note]:
    """Read a checkpoint's note without checking any signature; nothing in it may be trusted yet.

    Raises:
        CheckpointError: malformed.
    """
    note = parse_note(raw)
    return Checkpoint.from_text(note.text), note


def open_checkpoint(raw: bytes, keys: Sequence[VerifierKey] | LogKeys) -> Checkpoint:
    """Read a checkpoint that one of the log's keys signed.

    Args:
        keys: any of these; of keys in succession the one that signs at the checkpoint's size.
    Raises:
        CheckpointError: malformed, from another log, or not signed by any of these keys.
    """
    checkpoint, note = parse_checkpoint(raw)
    verify_log_signature(checkpoint, note, keys)
    return checkpoint


def verify_log_signature(
    checkpoint: Checkpoint, note: Note, keys: Sequence[VerifierKey] | LogKeys
) -> None:
    """Check that one of the log's keys signed what `parse_checkpoint` read; `keys` as for `open_checkpoint`.

    Raises:
        CheckpointError: from another log, or not signed by any of these keys.
    """
    if isinstance(keys, LogKeys):
        keys = [keys.at(checkpoint.size)]
    mine = [key for key in keys if key.kind == LOG_KEY and key.name == checkpoint.origin]
    if not mine:
        raise CheckpointError("a checkpoint is from another log than the key")
    verify_text(note, mine)


def cosign(text: bytes, signer: NoteSigner, time_s: int) -> NoteSignature:
    """Return a witness's signature over a checkpoint's text at a time in Unix seconds.

    Raises:
        CheckpointError: the signer is no cosigner key, or the time is out of range.
    """
    if signer.kind != COSIGNER_KEY or not 0 <= time_s <= MAX_TIME_S:
        raise CheckpointError("a cosignature needs a cosigner key and a time in range")
    key = signer.verifier_key
    body = struct.pack(">Q", time_s) + signer.private_key.sign(_cosigned(text, time_s))
    return NoteSignature(key.name, key.key_id, body)


def verify_cosignatures(note: Note, keys: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the cosignatures by these witnesses; none is fine, how many are needed is the caller's rule.

    Raises:
        CheckpointError: a cosignature by one of these witnesses does not verify.
    """
    return tuple(
        _verify_cosignature(note.text, signature, key)
        for key in keys
        if key.kind == COSIGNER_KEY
        for signature in note.signatures_by(key)
    )


def serialise_checkpoints(notes: Iterable[bytes]) -> bytes:
    """Return a file of checkpoints: a header line, then each note after an empty line.

    Pins are kept in this form, and a bundle's checkpoints travel in it.
    """
    return CHECKPOINTS_START + b"".join(b"\n" + note for note in notes)


def parse_checkpoints(raw: bytes) -> tuple[tuple[Checkpoint, Note], ...]:
    """Read a file of checkpoints without checking any signature.

    Raises:
        CheckpointError: another header, or a note that is malformed.
    """
    if not raw.startswith(CHECKPOINTS_START):
        raise CheckpointError("not a file of checkpoints of version 1")
    rest = raw[len(CHECKPOINTS_START) :]
    if not rest:
        return ()
    # A checkpoint's text has no empty line, so each note is two blocks between empty lines.
    blocks = rest.split(b"\n\n")
    if not rest.startswith(b"\n") or len(blocks) % 2:
        raise CheckpointError("a file of checkpoints is cut off or has stray lines")
    blocks[0] = blocks[0][1:]
    blocks[-1] = blocks[-1].removesuffix(b"\n")
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    found = tuple(parse_checkpoint(b"%b\n\n%b\n" % pair) for pair in pairs)
    if serialise_checkpoints(note.to_bytes() for _, note in found) != raw:
        raise CheckpointError("a file of checkpoints is cut off or has stray lines")
    return found


def checkpoint_line(raw: bytes) -> str:
    """Return a checkpoint's note on one line, to be copied into a message; cosignatures are left out.

    Raises:
        CheckpointError: malformed, or without a signature line of the log's name.
    """
    checkpoint, note = parse_checkpoint(raw)
    own = (one.line.split()[-1] for one in note.signatures if one.is_of_log(checkpoint.origin))
    signature = next(own, None)
    if signature is None:
        raise CheckpointError("a checkpoint has no signature by its log")
    return " ".join([*checkpoint.text.decode().split(), signature])


def parse_checkpoint_line(line: str) -> tuple[Checkpoint, Note]:
    """Read what `checkpoint_line` made, without checking the signature.

    Raises:
        CheckpointError: malformed.
    """
    parts = line.split(" ")
    if len(parts) != 4:
        raise CheckpointError("a checkpoint's line does not have four parts")
    origin, size, root, signature = parts
    return parse_checkpoint(f"{origin}\n{size}\n{root}\n\n— {origin} {signature}\n".encode())


def _cosigned(text: bytes, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n".encode("ascii") + text


def _verify_cosignature(text: bytes, signature: NoteSignature, key: VerifierKey) -> Cosignature:
    if len(signature.body) != 72:
        raise CheckpointError("a cosignature is not a time and 64 bytes")
    (time_s,) = struct.unpack_from(">Q", signature.body)
    if time_s > MAX_TIME_S or not key.verifies(signature.body[8:], _cosigned(text, time_s)):
        raise CheckpointError("a cosignature by a known witness does not verify")
    return Cosignature(key, time_s)
