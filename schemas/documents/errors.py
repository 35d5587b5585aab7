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
├── OtherVersionError   a document or entry of a version of its format that this program does not read
├── SealedError         what was sealed does not open: it is for others, or was changed
└── CodeError           a code that someone typed has a slip in it
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


class OtherVersionError(DocumentError, EntryError):
    """A document or entry is of a version of its format that this program does not read.

    `hint` says what to do.
    """

    code = "other-version"

    def __init__(self, kind: str, given: str, read: str) -> None:
        is_older = int(given.rpartition("/")[2]) < int(read.rpartition("/")[2])
        age = "an earlier" if is_older else "a newer"
        super().__init__(f"{kind}: {given} is of {age} version of this program, which reads {read}")
        self.hint = (
            "no state of an earlier version is taken over before 1.0: go on with the program that wrote it, or"
            " destroy what it holds and begin anew"
            if is_older
            else "install the version that wrote it"
        )


class SealedError(FormatError):
    """What was sealed to someone does not open: with other keys, or after a change."""

    code = "sealed"


class CodeError(FormatError):
    """A code that someone typed is not complete, or has a wrong letter."""

    code = "code"


def other_version_behind(error: BaseException) -> OtherVersionError | None:
    """Return the document of another version behind an error, whose reader may have called it damaged."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OtherVersionError):
        cause = cause.__cause__ or cause.__context__
    return cause
