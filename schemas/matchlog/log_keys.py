"""The keys of one log in the order in which each was handed the log, and which of them signs at a size.

Spec page: `schemas/spec/checkpoint.md`, section "Hand-over of the log's key".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from schemas.documents.errors import CheckpointError
from schemas.signing.note import LOG_KEY, VerifierKey

# As many as a bundle may list.
MAX_KEYS: Final = 64


@dataclass(frozen=True, slots=True)
class LogKeys:
    """A log's keys, each with the size that its checkpoints exceed; sizes rise, and the first one is 0.

    The first key is the first that its holder knows, which need not be the log's first.
    """

    known: tuple[tuple[int, VerifierKey], ...]

    def __post_init__(self) -> None:
        """Refuse what is no succession of one log's keys."""
        sizes = [size for size, _ in self.known]
        keys = [key for _, key in self.known]
        if not keys or len(keys) > MAX_KEYS or sizes[0] != 0 or sizes != sorted(set(sizes)):
            raise CheckpointError("a log's keys are none, too many, or out of order")
        if {(key.name, key.kind) for key in keys} != {(keys[0].name, LOG_KEY)}:
            raise CheckpointError("a log's keys are not all keys of one log")
        if len(set(keys)) != len(keys):
            raise CheckpointError("a log's key comes twice")

    @classmethod
    def only(cls, key: VerifierKey) -> Self:
        """Return one key that signs whatever its size.

        Raises:
            CheckpointError: it is a witness's.
        """
        return cls(((0, key),))

    @property
    def present(self) -> VerifierKey:
        """The key that signs now."""
        return self.known[-1][1]

    @property
    def text(self) -> str:
        """The present key as one line of text."""
        return self.present.text

    def texts(self) -> tuple[str, ...]:
        """Return all keys as text, the first one first."""
        return tuple(key.text for _, key in self.known)

    def at(self, size: int) -> VerifierKey:
        """Return the key that signs a checkpoint of this size."""
        return next((key for after, key in reversed(self.known) if after < size), self.known[0][1])

    def handed_over(self, key: VerifierKey, after_size: int) -> LogKeys:
        """Return these keys and the next one, which signs checkpoints of more than `after_size` entries.

        Raises:
            CheckpointError: it is not a key of this log, known already, or too many.
        """
        return LogKeys((*self.known, (after_size, key)))

    def to_lines(self) -> str:
        """Return the keys as a file keeps them: one a line, the size after each but the first."""
        first, *others = self.known
        lines = [first[1].text, *(f"{key.text} {after}" for after, key in others)]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_lines(cls, text: str) -> Self:
        """Read what `to_lines` wrote.

        Raises:
            CheckpointError: malformed.
        """
        made = cls(tuple(_parse_line(line) for line in text.splitlines()))
        if made.to_lines() != text:
            raise CheckpointError("a log's keys are not written as they should be")
        return made


def _parse_line(line: str) -> tuple[int, VerifierKey]:
    text, _, size = line.partition(" ")
    # At most as many digits as a size can have: longer ones are slow to read.
    if not re.fullmatch(r"[0-9]{0,16}", size):
        raise CheckpointError("a line of a log's keys does not end with a size")
    return int(size or "0"), VerifierKey.from_text(text)
