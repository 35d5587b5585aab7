"""The file in which shares and confirmations are carried by hand. Spec page: `schemas/spec/secret-share.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from encoding.errors import ShareError
from encoding.files import write_durably
from schemas.documents.errors import FormatError
from schemas.signing.secret_share import SignedConfirmation, SignedShare

FIRST_LINE: Final = b"blindlink/shares/1"
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_LINES: Final = 256


@dataclass(frozen=True, slots=True)
class Carried:
    """What one agency sends, or gets, on one way."""

    shares: tuple[SignedShare, ...] = ()
    confirmations: tuple[SignedConfirmation, ...] = ()

    def __add__(self, other: Carried) -> Carried:
        return Carried(self.shares + other.shares, self.confirmations + other.confirmations)


def write_share_file(path: Path, carried: Carried) -> None:
    """Write the file; anyone who may read it learns nothing of the secret."""
    documents = (*carried.shares, *carried.confirmations)
    lines = [FIRST_LINE, *(document.to_canonical() for document in documents)]
    write_durably(path, b"\n".join(lines) + b"\n")


def read_share_file(path: Path) -> Carried:
    """Read the file; nothing in it is trusted yet.

    Raises:
        ShareError: it cannot be read, or is not such a file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError:
        raise ShareError(f"the file {path} cannot be read") from None
    try:
        return parse_share_file(content)
    except ShareError as exc:
        raise ShareError(f"the file {path} cannot be used: {exc}") from None


def parse_share_file(content: bytes) -> Carried:
    """Read the bytes of such a file."""
    first, *lines = content.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if first != FIRST_LINE or len(content) > MAX_FILE_BYTES:
        raise ShareError("it is not a file of shares of this version")
    if not 1 <= len(lines) <= MAX_LINES:
        raise ShareError(f"it does not hold 1 to {MAX_LINES} shares or confirmations")
    shares, confirmations = [], []
    for number, line in enumerate(lines, start=2):
        try:
            # Canonical JSON has its keys in order, so its first member tells one from the other.
            if line.startswith(b'{"share":'):
                shares.append(SignedShare.from_canonical(line))
            else:
                confirmations.append(SignedConfirmation.from_canonical(line))
        except FormatError as exc:
            raise ShareError(f"line {number}: {exc}") from None
    return Carried(tuple(shares), tuple(confirmations))
