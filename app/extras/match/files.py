"""Reads encodings from files of people who come from anonlink: CLK JSON, or raw binary."""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.extras.exhaustive import Words, pack_words
from app.extras.exhaustive.words import MAX_ENCODING_BYTES
from schemas.documents.errors import FormatError


class EncodingFileError(FormatError):
    """A file does not hold encodings in the format that it was given as."""

    code = "encoding-file"


def read_encodings(path: Path, bits: int | None) -> Words:
    """Return the encodings of a file; a row of JSON or raw binary is a record."""
    try:
        before = path.stat()
        words = _read(path, bits)
        after = path.stat()
    except OSError as exc:
        raise EncodingFileError(f"{path}: {os.strerror(exc.errno or 0).lower()}") from exc
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise EncodingFileError(f"{path}: changed while it was read")
    return words


def _read(path: Path, bits: int | None) -> Words:
    content = path.read_bytes()
    if not content:
        raise EncodingFileError(f"{path}: is empty")
    try:
        rows = _parse_clks(content) if bits is None else _parse_binary(content, bits)
    except EncodingFileError as exc:
        raise EncodingFileError(f"{path}: {exc}") from exc
    return pack_words(rows)


def _parse_clks(content: bytes) -> NDArray[np.uint8]:
    """Return the rows of `{"clks": [base64, ...]}`."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise EncodingFileError("not valid JSON") from exc
    clks = document.get("clks") if isinstance(document, dict) else None
    if not isinstance(clks, list) or not all(isinstance(clk, str) for clk in clks):
        raise EncodingFileError('not an object with a list of strings as "clks"')
    if not clks:
        raise EncodingFileError("holds no encodings")
    try:
        rows = [base64.b64decode(clk, validate=True) for clk in clks]
    except (binascii.Error, ValueError) as exc:
        raise EncodingFileError("a CLK is not base64") from exc
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise EncodingFileError(f"row {number}: not as long as row 1")
    return _as_rows(b"".join(rows), width)


def _parse_binary(content: bytes, bits: int) -> NDArray[np.uint8]:
    if bits % 8 or bits <= 0:
        raise EncodingFileError("the bits of an encoding must be a multiple of 8")
    if len(content) % (bits // 8):
        raise EncodingFileError(f"its size is not a multiple of {bits // 8} bytes")
    return _as_rows(content, bits // 8)


def _as_rows(content: bytes, width: int) -> NDArray[np.uint8]:
    if not 1 <= width <= MAX_ENCODING_BYTES:
        raise EncodingFileError(f"an encoding must have 8 to {MAX_ENCODING_BYTES * 8} bits")
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, width)
