"""Errors of the shared formats.

FormatError
├── CanonicalError      not canonical JSON, or not representable in it
├── SignatureError      a signature does not verify, or is over something else
├── ProofError          a Merkle proof does not lead to the root
├── CheckpointError     a checkpoint is malformed, unsigned, or from another log
├── EntryError          a match-log entry breaks its format
├── BundleError         an exported bundle of the match log breaks its format
├── ContainerError      an encoding container breaks its format
├── DocumentError       a manifest, profile, run specification or release file breaks its format
├── SealedError         what was sealed does not open: it is for others, or was changed
└── CodeError           a code that somebody typed has a slip in it
"""

from __future__ import annotations

from typing import ClassVar


class FormatError(Exception):
    """A document breaks the format it claims to have; the message holds none of its content."""

    code: ClassVar[str] = "format"


class CanonicalError(FormatError):
    """Not canonical JSON (RFC 8785), or a value that canonical JSON cannot hold."""

    code = "canonical-json"


class SignatureError(FormatError):
    """A signature is missing, malformed, or does not verify over this document."""

    code = "signature"


class ProofError(FormatError):
    """A Merkle proof does not lead from its leaf, or its old root, to the given root."""

    code = "merkle-proof"


class CheckpointError(FormatError):
    """A checkpoint is malformed, not signed by the expected key, or from another log."""

    code = "checkpoint"


class EntryError(FormatError):
    """A match-log entry breaks its format."""

    code = "entry"


class BundleError(FormatError):
    """An exported bundle of the match log breaks its format."""

    code = "bundle"


class ContainerError(FormatError):
    """A container of encodings breaks its format."""

    code = "container"


class DocumentError(FormatError):
    """A manifest, encoding profile, run specification or release file breaks its format."""

    code = "document"


class SealedError(FormatError):
    """What was sealed to somebody does not open: with other keys, or after a change."""

    code = "sealed"


class CodeError(FormatError):
    """A code that somebody typed is not complete, or has a wrong letter."""

    code = "code"
