"""Signed notes and their keys: text that one or more Ed25519 keys have signed.

A note is a text that ends in a newline, an empty line, and one line per signature. Signatures by unknown
keys are ignored; one by a known key must verify. Source: C2SP signed-note v1. Spec page:
`schemas/spec/checkpoint.md`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.documents.errors import CheckpointError

# The type byte stands in every key and key ID, so that one key cannot sign as two kinds of signer.
LOG_KEY: Final = 0x01
COSIGNER_KEY: Final = 0x04

# C2SP asks readers to take at least 16 signatures, of up to about 5 kB each for later kinds of key.
MAX_SIGNATURES: Final = 32
MAX_NOTE_BYTES: Final = 160 * 1024
MAX_NAME_CHARACTERS: Final = 200

_KEY_ID_BYTES: Final = 4
_PUBLIC_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a note's key: `name+key ID+base64` when written down.

    `kind` is `LOG_KEY` or `COSIGNER_KEY`; `public_key` has 32 bytes.
    """

    name: str
    kind: int
    public_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not be written down."""
        require_key_name(self.name)
        if self.kind not in {LOG_KEY, COSIGNER_KEY} or len(self.public_key) != _PUBLIC_KEY_BYTES:
            raise CheckpointError("a verifier key is of a kind that is not known here")

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each signature by this key."""
        hashed = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(hashed).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as one line of text, without a newline."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a key that was written down.

        Raises:
            CheckpointError: malformed, of an unknown kind, or its key ID does not fit.
        """
        name, _, rest = text.partition("+")
        encoded = rest.partition("+")[2]
        raw = decode_base64(encoded, "a verifier key")
        key = cls(name, raw[0] if raw else 0, raw[1:])
        if key.text != text:
            raise CheckpointError("a verifier key's ID does not fit its name and key")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this key made the signature over exactly this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A key that signs notes under a name; the private half never shows."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    kind: int = LOG_KEY

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.kind, self.private_key.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line; `body` is what follows the key ID and may be of any kind."""

    name: str
    key_id: bytes
    body: bytes = field(repr=False)

    @property
    def line(self) -> str:
        """The line with its newline."""
        encoded = base64.b64encode(self.key_id + self.body).decode("ascii")
        return f"— {self.name} {encoded}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Tell whether the line claims to be by this key; whether it is, only verifying shows."""
        return self.name == key.name and self.key_id == key.key_id

    def is_of_log(self, origin: str) -> bool:
        """Tell whether the line claims to be by a log of this name; a witness has a time in it, too."""
        return self.name == origin and len(self.body) == _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures; the text must be ignored until one of them is verified."""

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """Return the note as it is stored and sent."""
        return self.text + b"\n" + "".join(s.line for s in self.signatures).encode()

    def signatures_by(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        """Return the lines that claim to be by this key."""
        return tuple(s for s in self.signatures if s.is_by(key))


def sign_text(text: bytes, signer: NoteSigner) -> NoteSignature:
    """Return a plain signature over a note's text."""
    key = signer.verifier_key
    return NoteSignature(key.name, key.key_id, signer.private_key.sign(text))


def verify_text(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those log keys that signed the note.

    Raises:
        CheckpointError: none did, or a signature by one of them does not verify.
    """
    signed = []
    for key in keys:
        for signature in note.signatures_by(key):
            if not key.verifies(signature.body, note.text):
                raise CheckpointError("a signature by a known key does not verify")
            signed.append(key)
    if not signed:
        raise CheckpointError("none of the signatures is by a known key")
    return tuple(signed)


def parse_note(raw: bytes) -> Note:
    """Read a note without trusting it.

    Raises:
        CheckpointError: not UTF-8, a control character, no text, no signature, too many, or too long.
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise CheckpointError("a note is too long")
    try:
        written = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise CheckpointError("a note is not UTF-8") from exc
    if re.search(r"[\x00-\x09\x0b-\x1f]", written):
        raise CheckpointError("a note holds a control character")
    # The text may hold empty lines of its own: the last one is the separator.
    text, separator, signed = written.rpartition("\n\n")
    if not text or not separator or not signed.endswith("\n"):
        raise CheckpointError("a note is not a text, an empty line and signatures")
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CheckpointError("a note has too many signatures")
    return Note(f"{text}\n".encode(), tuple(_parse_signature(line) for line in lines))


def require_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a signature line.

    Raises:
        CheckpointError: empty, longer than 200 characters, or with a space, plus or control character.
    """
    if not name or len(name) > MAX_NAME_CHARACTERS or "+" in name:
        raise CheckpointError("a key name is empty, too long, or holds a plus")
    if any(character.isspace() or not character.isprintable() for character in name):
        raise CheckpointError("a key name holds a space or a control character")


def decode_base64(text: str, what: str) -> bytes:
    """Read standard base64 in its one spelling; `what` names it in the error.

    Raises:
        CheckpointError: another alphabet, missing padding, or padding bits that are not zero.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise CheckpointError(f"{what} is not base64") from exc
    if base64.b64encode(raw).decode("ascii") != text:
        raise CheckpointError(f"{what} is not canonical base64")
    return raw


def _parse_signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "—":
        raise CheckpointError("a signature line does not begin with a dash")
    require_key_name(name)
    raw = decode_base64(encoded, "a signature")
    if len(raw) <= _KEY_ID_BYTES:
        raise CheckpointError("a signature is too short")
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])
