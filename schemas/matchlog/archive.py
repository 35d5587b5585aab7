"""The file around a bundle: a POSIX tar archive of which each byte is fixed by names and contents.

Any tar program unpacks it, and a reader of a few lines checks it: every header must be the one that this
module would have written, so that no byte can be changed without being noticed. Spec page:
`schemas/spec/bundle.md`.
"""

from __future__ import annotations

from typing import Final, Protocol

from schemas.documents.errors import BundleError

BLOCK_BYTES: Final = 512
MAX_NAME_BYTES: Final = 99
# 256 entries of the longest kind with their lengths, rounded up.
MAX_MEMBER_BYTES: Final = 16 * 1024 * 1024
END: Final = bytes(2 * BLOCK_BYTES)


class Source(Protocol):
    """Where a bundle is read from; as a binary file, `read` may return fewer bytes, and none at the end."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        ...


def pack_member(name: str, content: bytes) -> bytes:
    """Return one file of the archive: header, content, zeros to the next multiple of 512 bytes.

    Raises:
        BundleError: the name or the content is too long.
    """
    if len(content) > MAX_MEMBER_BYTES:
        raise BundleError("a file of a bundle is too long")
    return _header(name, len(content)) + content + bytes(-len(content) % BLOCK_BYTES)


class ArchiveReader:
    """Reads an archive whose names the caller knows beforehand, one file at a time."""

    def __init__(self, source: Source) -> None:
        """Read from the start of `source`; nothing is read yet."""
        self._source = source

    def read_member(self, name: str) -> bytes:
        """Return the content of the next file, which must have this name.

        Raises:
            BundleError: another file, a header that is not the one fixed for it, too long, or cut off.
        """
        header = self._read_exactly(BLOCK_BYTES)
        size = _size_in(header)
        if header != _header(name, size):
            raise BundleError(
                f"the next file of the bundle is not {name}, or its header was changed"
            )
        content = self._read_exactly(size)
        if any(self._read_exactly(-size % BLOCK_BYTES)):
            raise BundleError(f"the padding after {name} is not zero")
        return content

    def finish(self) -> None:
        """Check that the archive ends here.

        Raises:
            BundleError: something follows, or the end mark is missing.
        """
        if self._read_exactly(len(END)) != END or self._source.read(1):
            raise BundleError("something follows the last file of the bundle")

    def _read_exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._source.read(size)
            if not part:
                raise BundleError("the bundle is cut off")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _header(name: str, size: int) -> bytes:
    encoded = name.encode("ascii")
    if len(encoded) > MAX_NAME_BYTES:
        raise BundleError("a file name of a bundle is too long")
    fields = b"".join(
        (
            encoded.ljust(100, b"\0"),
            b"0000644\0" + b"0000000\0" * 2,
            b"%011o\0" % size,
            b"00000000000\0",
            b" " * 8,
            b"0".ljust(101, b"\0"),
            b"ustar\0" + b"00",
            bytes(64),
            b"0000000\0" * 2,
            bytes(167),
        )
    )
    # The sum is taken with spaces in its own place (POSIX.1-1988, ustar).
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _size_in(header: bytes) -> int:
    digits = header[124:135]
    if any(digit not in b"01234567" for digit in digits):
        raise BundleError("a header of the bundle does not state a size")
    size = int(digits, 8)
    if size > MAX_MEMBER_BYTES:
        raise BundleError("a file of the bundle is too long")
    return size
