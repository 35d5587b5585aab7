"""CLKs in JSON, read while they arrive: no more than one token and one CLK is held at a time.

Three forms, of which the last two may name the blocks of each CLK:

    {"clks": ["<base64>", ...]}
    {"encodings": ["<base64>", ...], "blocks": {"<row>": ["<block>", ...], ...}}
    {"clknblocks": [["<base64>", "<block>", ...], ...]}
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Generator
from typing import Final, Protocol, TypeAlias

from app.errors import MALFORMED_BODY, RefusedError
from app.extras.anonlink.errors import CLKS_REFUSED

# A CLK of 512 bytes has 684 digits in base64, each at most six characters as an escape.
MAX_TOKEN_BYTES: Final = 8 * 1024
# Of a row's number in "blocks".
_MAX_ROW_DIGITS: Final = 10

# A number ends only where something else begins, which may not have arrived.
_TOKEN: Final = re.compile(
    rb"""[ \t\r\n]*(?:([{}\[\]:,])|("(?:[^"\\\x00-\x1f]|\\["\\/bfnrtu])*")|(-?[0-9]+)(?=[ \t\r\n,\]}]))"""
)
_BLANK: Final = b" \t\r\n"

_Steps: TypeAlias = Generator[None, bytes, None]
_Step: TypeAlias = Generator[None, bytes, bytes]


class ClkSink(Protocol):
    """Takes what is read."""

    def add_clk(self, clk: bytes) -> None:
        """Take the next row."""

    def add_block(self, row: int, block: str) -> None:
        """Take a block that a row is in; the row may be one that is still to come."""


class ClkReader:
    """Reads one body, fed chunk by chunk."""

    def __init__(self, sink: ClkSink) -> None:
        """Read into a sink."""
        self._sink = sink
        self._waiting = b""
        self._is_done = False
        self._steps = self._document()
        next(self._steps)

    def feed(self, chunk: bytes) -> None:
        """Read on."""
        text, at = self._waiting + chunk, 0
        while token := _TOKEN.match(text, at):
            at = token.end()
            self._take(token[token.lastindex or 0])
        self._waiting = text[at:].lstrip(_BLANK)
        if len(self._waiting) > MAX_TOKEN_BYTES:
            raise _malformed()

    def close(self) -> None:
        """End the body."""
        if not self._is_done or self._waiting:
            raise _malformed()

    def _take(self, token: bytes) -> None:
        if self._is_done:
            raise _malformed()
        try:
            self._steps.send(token)
        except StopIteration:
            self._is_done = True

    def _document(self) -> _Steps:
        _expect((yield), b"{")
        seen: set[str] = set()
        while True:
            name = _text((yield))
            if name in seen:
                raise _malformed()
            seen.add(name)
            _expect((yield), b":")
            yield from self._member(name, (yield))
            if _goes_on((yield), b"}"):
                continue
            break
        if len(seen & {"clks", "encodings", "clknblocks"}) != 1:
            raise RefusedError(CLKS_REFUSED, 'The body must have either "clks" or "encodings".')

    def _member(self, name: str, first: bytes) -> _Steps:
        if name in {"clks", "encodings"}:
            yield from self._clks(first)
        elif name == "clknblocks":
            yield from self._clks_with_blocks(first)
        elif name == "blocks":
            yield from self._blocks(first)
        else:
            raise RefusedError(CLKS_REFUSED, "The body has a member that is not known here.")

    def _clks(self, first: bytes) -> _Steps:
        if first == b"{":
            raise RefusedError(CLKS_REFUSED, "There is no object store here; send the CLKs.")
        _expect(first, b"[")
        token = yield
        while token != b"]":
            self._sink.add_clk(_clk(token))
            if not _goes_on((yield), b"]"):
                return
            token = _not_end((yield))

    def _clks_with_blocks(self, first: bytes) -> _Steps:
        _expect(first, b"[")
        token, row = (yield), 0
        while token != b"]":
            _expect(token, b"[")
            self._sink.add_clk(_clk((yield)))
            while _goes_on((yield), b"]"):
                self._sink.add_block(row, _block((yield)))
            if not _goes_on((yield), b"]"):
                return
            token, row = _not_end((yield)), row + 1

    def _blocks(self, first: bytes) -> _Steps:
        _expect(first, b"{")
        token = yield
        while token != b"}":
            row = _row(token)
            _expect((yield), b":")
            _expect((yield), b"[")
            token = yield
            while token != b"]":
                self._sink.add_block(row, _block(token))
                if not _goes_on((yield), b"]"):
                    break
                token = _not_end((yield))
            if not _goes_on((yield), b"}"):
                return
            token = _not_end((yield))


def _expect(token: bytes, wanted: bytes) -> None:
    if token != wanted:
        raise _malformed()


def _goes_on(token: bytes, end: bytes) -> bool:
    """Tell whether another element follows, which is after a comma."""
    if token not in {b",", end}:
        raise _malformed()
    return token == b","


def _not_end(token: bytes) -> bytes:
    if token in {b"]", b"}"}:
        raise _malformed()
    return token


def _text(token: bytes) -> str:
    if token[:1] != b'"':
        raise _malformed()
    try:
        text: str = json.loads(token)
        text.encode("utf-8")
    except ValueError as exc:
        raise _malformed() from exc
    return text


def _clk(token: bytes) -> bytes:
    if token[:1] != b'"':
        raise _malformed()
    digits = _text(token).encode() if b"\\" in token else token[1:-1]
    try:
        return base64.b64decode(digits, validate=True)
    except binascii.Error as exc:
        raise RefusedError(CLKS_REFUSED, "A CLK is not base64.") from exc


def _block(token: bytes) -> str:
    # Clients write names and numbers; 1 and "1" are the same block.
    return _text(token) if token[:1] == b'"' else _number(token)


def _number(token: bytes) -> str:
    if not token.lstrip(b"-").isdigit():
        raise _malformed()
    return token.decode("ascii")


def _row(token: bytes) -> int:
    digits = _text(token)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_ROW_DIGITS):
        raise RefusedError(CLKS_REFUSED, 'The names in "blocks" must be numbers of rows.')
    return int(digits)


def _malformed() -> RefusedError:
    return RefusedError(MALFORMED_BODY, "The body is not valid JSON.")
