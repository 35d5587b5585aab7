"""Writes the vectors of containers and release files.

Run by hand when a format changes. Their bytes are put together here by the spec pages, with the rfc8785 package
for the headers; which rule a bad one breaks is written down here, not asked of the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass, replace
from typing import Any

import rfc8785
from vectors.file import write_vectors

MAGIC = b"blindlink/container/2\n"
HANDLES = [5, 2**64, 2**128 - 1]
TABLE_PIECE, ROW_PIECE = 262_144, 49_152
LARGER: dict[str, Any] = {
    "version": "blindlink/container/2",
    "project": "foster-k12",
    "epoch": 1,
    "round": 3,
    "party": "k12",
    "partner": "child-welfare",
    "side": "larger",
    "profile": "a" * 64,
    "key_id": "0123456789abcdef",
    "records": 3,
    "rows": 6,
}
SMALLER = {**LARGER, "party": "child-welfare", "partner": "k12", "side": "smaller"}


@dataclass(frozen=True)
class Row:
    """One row: its token and the sealed bytes are a number, many times."""

    token: int
    record: int
    sealed: int = 0x55

    def to_bytes(self) -> bytes:
        return (
            self.token.to_bytes(16, "big")
            + struct.pack("<I", self.record)
            + bytes([self.sealed]) * 64
        )


ROWS = [Row(1, 2), Row(7, 0), Row(2**40, 1), Row(2**64, 0), Row(2**127, 2), Row(2**128 - 1, 1)]
# Two records of the smaller file may have the same token, and one may come again under another.
SHARED = [replace(ROWS[0], record=0), replace(ROWS[1], record=1), Row(7, 2), *ROWS[3:]]
SHARED[3] = replace(SHARED[3], record=0)


def tree_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1 over leaf hashes, by recursion."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return hashlib.sha256(b"\1" + tree_root(hashes[:half]) + tree_root(hashes[half:])).digest()


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def pieces(handles: list[int], rows: list[Row]) -> list[bytes]:
    table = b"".join(handle.to_bytes(16, "big") for handle in handles)
    body = b"".join(row.to_bytes() for row in rows)
    return cut(table, 16 * TABLE_PIECE) + cut(body, 84 * ROW_PIECE)


def root_of(parts: list[bytes]) -> str:
    digests = [hashlib.sha256(part).digest() for part in parts]
    return tree_root([hashlib.sha256(b"\0" + digest).digest() for digest in digests]).hex()


def head(header: bytes | dict[str, Any], magic: bytes = MAGIC) -> bytes:
    raw = header if isinstance(header, bytes) else rfc8785.dumps(header)
    return magic + struct.pack(">I", len(raw)) + raw


def container(
    header: dict[str, Any] = LARGER,
    handles: list[int] = HANDLES,
    rows: list[Row] = ROWS,
    **fields: Any,
) -> bytes:
    """Return a container with its true root, but for `fields` of the header."""
    parts = pieces(handles, rows)
    return head({**header, "root": root_of(parts), **fields}) + b"".join(parts)


def expected(header: dict[str, Any]) -> dict[str, Any]:
    """Return what the upload announced, and the rows a record that the profile gives this side."""
    return {**header, "rows_per_record": 2}


def with_row(at: int, **fields: Any) -> bytes:
    """Return the plain container with one row changed."""
    return container(rows=[*ROWS[:at], replace(ROWS[at], **fields), *ROWS[at + 1 :]])


def container_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/container.md`."""
    plain = container()
    one = {**LARGER, "records": 1, "rows": 2}
    lone = [Row(0, 0), Row(1, 0)]
    good = [
        ("plain", plain, LARGER, HANDLES, ROWS),
        (
            "a smaller file with shared tokens",
            container(SMALLER, rows=SHARED),
            SMALLER,
            HANDLES,
            SHARED,
        ),
        ("one record", container(one, [0], lone), one, [0], lone),
    ]
    bad = [(name, content, rule, LARGER) for name, content, rule in _bad_containers(plain)]
    swapped = [SHARED[0], SHARED[2], SHARED[1], *SHARED[3:]]
    twice = [*SHARED[:2], SHARED[1], *SHARED[3:]]
    bad += [
        (
            "records under one token out of order",
            container(SMALLER, rows=swapped),
            "row-order",
            SMALLER,
        ),
        ("a row of the smaller file twice", container(SMALLER, rows=twice), "row-order", SMALLER),
    ]
    return {
        "spec": "container",
        "good": [
            {
                "name": name,
                "container": _base64(content),
                "expected": expected(header),
                "head_sha256": hashlib.sha256(_head_of(content)).hexdigest(),
                "root": root_of(pieces(handles, rows)),
                "handles": [f"{handle:032x}" for handle in handles],
                "rows": [
                    {"token": f"{row.token:032x}", "record": row.record, "sealed": row.sealed}
                    for row in rows
                ],
            }
            for name, content, header, handles, rows in good
        ],
        "bad": [
            {
                "name": name,
                "container": _base64(content),
                "rule": rule,
                "expected": expected(header),
            }
            for name, content, rule, header in bad
        ],
        "parts": [
            {
                "head_bytes": n_head,
                "records": records,
                "rows": rows,
                "lengths": lengths(n_head, records, rows),
            }
            for n_head, records, rows in PARTS
        ],
    }


PARTS = [
    (500, 1, 4),
    (500, TABLE_PIECE, ROW_PIECE),
    (501, TABLE_PIECE + 1, ROW_PIECE + 1),
    (700, 200_000, 1_800_000),
]


def lengths(head_bytes: int, records: int, rows: int) -> list[int]:
    """Return the length of each part."""
    found = [head_bytes]
    for count, piece, width in ((records, TABLE_PIECE, 16), (rows, ROW_PIECE, 84)):
        found += [min(piece, count - at) * width for at in range(0, count, piece)]
    return found


def _bad_containers(plain: bytes) -> list[tuple[str, bytes, str]]:
    malformed = "container-malformed"
    exchanged = [ROWS[1], ROWS[0], *ROWS[2:]]
    return [
        ("empty", b"", malformed),
        ("another format", b"PK\x03\x04" + plain, malformed),
        ("another version", plain.replace(MAGIC, b"blindlink/container/1\n"), malformed),
        ("a line end of Windows", plain.replace(MAGIC, MAGIC[:-1] + b"\r\n"), malformed),
        ("cut off in its header", plain[:60], malformed),
        ("a header that is too long", MAGIC + b"\x00\x00\x40\x01" + bytes(16385), malformed),
        ("a header with white space", head(_spaced({**LARGER, "root": "0" * 64})), malformed),
        ("a header with an unknown field", container(surprise=1), malformed),
        ("another epoch", container(epoch=2), "other-epoch"),
        ("another profile", container(profile="b" * 64), "other-profile"),
        ("another key id", container(key_id="f" * 16), "other-key"),
        ("another party", container(party="health"), "header-differs"),
        ("another partner", container(partner="health"), "header-differs"),
        ("another project", container(project="another"), "header-differs"),
        ("another round", container(round=4), "header-differs"),
        ("the other side", container(side="smaller"), "header-differs"),
        ("another count of records", container(records=4), "count-differs"),
        ("a handle less", container(handles=HANDLES[:2]), "container-size"),
        ("a row less", container(rows=ROWS[:-1]), "container-size"),
        ("a byte less", plain[:-1], "container-size"),
        ("a byte more", plain + b"\x00", "container-size"),
        (
            "handles out of order",
            container(handles=[HANDLES[1], HANDLES[0], HANDLES[2]]),
            "handle-order",
        ),
        ("a handle twice", container(handles=[HANDLES[0], HANDLES[0], HANDLES[2]]), "handle-order"),
        ("rows out of order", container(rows=exchanged), "row-order"),
        ("a token of the larger file twice", with_row(1, token=1, record=0), "row-order"),
        ("a row twice", with_row(1, token=1, record=2), "row-order"),
        ("a record that the table lacks", with_row(5, record=3), "record-number"),
        ("a record number of 2^32 - 1", with_row(5, record=2**32 - 1), "record-number"),
        ("three rows of one record", with_row(5, record=0), "rows-of-record"),
        ("another root", container(root="0" * 64), "container-root"),
        ("a sealed byte changed", plain[:-1] + b"\x56", "container-root"),
        ("a handle changed", _with_handle(plain), "container-root"),
    ]


def _with_handle(plain: bytes) -> bytes:
    at = len(_head_of(plain)) + 15
    return plain[:at] + b"\x06" + plain[at + 1 :]


def _head_of(content: bytes) -> bytes:
    (length,) = struct.unpack_from(">I", content, len(MAGIC))
    return content[: len(MAGIC) + 4 + length]


RELEASE: dict[str, Any] = {
    "version": "blindlink/release/2",
    "release": "rel-0123456789abcdef0123456789abcdef",
    "run": "run-0123456789abcdef0123456789abcdef",
    "specification": "d" * 64,
    "project": "foster-k12",
    "epoch": 1,
    "round": 3,
    "number": 1,
    "agreement": "b" * 64,
    "recipient": "child-welfare",
    "partner": "k12",
    "mode": "linked",
    "space": "shared",
    "upload": "upl-0123456789abcdef0123456789abcdef",
    "matches": 2,
    "total": None,
    "created": "2026-09-01T06:30:00Z",
}
MATCHES = [("00" * 15 + "05", "ff" * 16, 7), ("ab" * 16, "00" * 16, 999_999_999_999)]
COUNT = {**RELEASE, "mode": "count", "upload": None, "partner": None, "matches": 0, "total": 1234}

Matches = list[tuple[str, str, int]]


def release(header: dict[str, Any], matches: Matches) -> bytes:
    lines = "".join(f"{handle} {match} {row:012d}\n" for handle, match, row in matches)
    return rfc8785.dumps(header) + b"\n" + lines.encode()


def release_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/release.md`."""
    none = {**RELEASE, "matches": 0}
    below_floor = {**COUNT, "total": None}
    good: list[tuple[str, dict[str, Any], Matches]] = [
        ("plain", RELEASE, MATCHES),
        ("a supplementary release", {**RELEASE, "number": 2}, MATCHES),
        ("no matches", none, []),
        ("a count", COUNT, []),
        ("a count below the floor", below_floor, []),
    ]
    return {
        "spec": "release",
        "good": [
            {
                "name": name,
                "file": content.decode(),
                "sha256": hashlib.sha256(content).hexdigest(),
                "header": header,
                "matches": [list(match) for match in matches],
            }
            for name, header, matches in good
            for content in [release(header, matches)]
        ],
        "bad": [{"name": name, "file": content.decode()} for name, content in _bad_releases()],
    }


def _bad_releases() -> list[tuple[str, bytes]]:
    plain = release(RELEASE, MATCHES)
    first, second = MATCHES

    def headed(**fields: Any) -> bytes:
        return release({**RELEASE, **fields}, MATCHES)

    return [
        ("empty", b""),
        ("without a newline", plain[:100]),
        ("a header that is too long", b"{" + b" " * 16384 + plain[1:]),
        ("a header with white space", _spaced(RELEASE) + plain[plain.index(b"\n") :]),
        ("a header with an unknown field", headed(surprise=1)),
        ("a match less", release(RELEASE, MATCHES[:1])),
        ("a match more", release(RELEASE, [*MATCHES, ("fe" * 16, "01" * 16, 1)])),
        ("a byte less", plain[:-1]),
        ("a byte more", plain + b"\n"),
        ("matches out of order", release(RELEASE, MATCHES[::-1])),
        ("a handle twice", release(RELEASE, [first, (first[0], *second[1:])])),
        ("a match ID twice", release(RELEASE, [first, (second[0], first[1], second[2])])),
        ("a handle in capitals", release(RELEASE, [first, ("AB" * 16, *second[1:])])),
        ("a tab between", plain.replace(b" ", b"\t")),
        ("line ends of Windows", plain.replace(b"\n", b"\r\n")),
        ("a letter that is no hex", plain.replace(b"ff ", b"fg ")),
        ("a row of 11 digits", plain.replace(b"000000000007", b"00000000007")),
        ("a row in hex", plain.replace(b"000000000007", b"00000000000a")),
        ("a row with a sign", plain.replace(b"000000000007", b"+00000000007")),
        ("a row below 0", plain.replace(b"000000000007", b"-00000000007")),
        ("a row with a space", plain.replace(b"000000000007", b" 00000000007")),
        ("matches without a row", plain.replace(b" 000000000007\n", b"\n")),
        ("matches without an upload", headed(upload=None)),
        ("matches without a partner", headed(partner=None)),
        ("matches with a total", headed(total=2)),
        ("a count with an upload", release({**COUNT, "upload": RELEASE["upload"]}, [])),
        ("a count with a partner", release({**COUNT, "partner": "k12"}, [])),
        ("a count with matches", release({**COUNT, "matches": 2}, MATCHES)),
    ]


def _spaced(header: dict[str, Any]) -> bytes:
    return rfc8785.dumps(header).replace(b":", b": ", 1)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


if __name__ == "__main__":
    write_vectors("container", container_vectors())
    write_vectors("release", release_vectors())
