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
from oracles.vector_file import write_vectors

MAGIC = b"blindlink-container/1\n"
HEADER: dict[str, Any] = {
    "version": "blindlink/container/1",
    "project": "foster-k12",
    "party": "child-welfare",
    "epoch": 1,
    "profile": "a" * 64,
    "key_id": "0123456789abcdef",
    "encoding_bits": 20,
    "tokens": [],
    "records": 3,
    "encodings": 4,
}
EXPECTED = {"max_variants": 2, "least_weight": 2, "most_weight": 19}


@dataclass(frozen=True)
class Line:
    """One record of a container; `bits` is its encoding as text."""

    handle: int
    variant: int
    bits: str

    def to_bytes(self) -> bytes:
        padded = self.bits.ljust(-(-len(self.bits) // 8) * 8, "0")
        encoding = int(padded, 2).to_bytes(len(padded) // 8, "big")
        return self.handle.to_bytes(16, "big") + bytes([self.variant]) + encoding


LINES = [
    Line(5, 0, "11010000000000000001"),
    Line(2**64, 0, "01100000000011100000"),
    Line(2**64, 1, "01100000000011100001"),
    Line(2**128 - 1, 0, "00000000000000000011"),
]


def container(header: bytes | dict[str, Any], lines: list[Line], magic: bytes = MAGIC) -> bytes:
    head = header if isinstance(header, bytes) else rfc8785.dumps(header)
    return magic + struct.pack(">I", len(head)) + head + b"".join(map(Line.to_bytes, lines))


def with_line(at: int, **fields: Any) -> bytes:
    """Return the plain container with one record changed."""
    return container(HEADER, [*LINES[:at], replace(LINES[at], **fields), *LINES[at + 1 :]])


def container_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/container.md`."""
    plain = container(HEADER, LINES)
    one = {**HEADER, "records": 1, "encodings": 1}
    whole_bytes = {**one, "encoding_bits": 16}
    good = [
        ("plain", plain, HEADER, LINES),
        ("one record", container(one, LINES[:1]), one, LINES[:1]),
        (
            "whole bytes",
            container(whole_bytes, [Line(0, 0, "0000000000000011")]),
            whole_bytes,
            [Line(0, 0, "0000000000000011")],
        ),
    ]
    bad = [
        ("empty", b"", "container-malformed"),
        ("another format", b"PK\x03\x04" + plain, "container-malformed"),
        (
            "another version",
            plain.replace(MAGIC, b"blindlink-container/2\n"),
            "container-malformed",
        ),
        (
            "a line end of Windows",
            plain.replace(MAGIC, MAGIC[:-1] + b"\r\n"),
            "container-malformed",
        ),
        ("cut off in its header", plain[:60], "container-malformed"),
        (
            "a header that is too long",
            MAGIC + b"\x00\x00\x40\x01" + bytes(16385),
            "container-malformed",
        ),
        ("a header with white space", container(_spaced(HEADER), LINES), "container-malformed"),
        ("a header with an unknown field", _headed(surprise=1), "container-malformed"),
        (
            "a header of another version",
            _headed(version="blindlink/container/2"),
            "container-malformed",
        ),
        ("a header with tokens", _headed(tokens=["student-id"]), "container-malformed"),
        ("a header with no records", _headed(records=0), "container-malformed"),
        ("a width of 4 bits", _headed(encoding_bits=4), "container-malformed"),
        ("another epoch", _headed(epoch=2), "other-epoch"),
        ("another profile", _headed(profile="b" * 64), "other-profile"),
        ("another key id", _headed(key_id="f" * 16), "other-key"),
        ("another count of records", _headed(records=4), "count-differs"),
        ("another count of encodings", _headed(encodings=5), "count-differs"),
        ("another party", _headed(party="k12"), "header-differs"),
        ("another project", _headed(project="another"), "header-differs"),
        ("another width", _headed(encoding_bits=24), "header-differs"),
        (
            "records out of order",
            container(HEADER, [LINES[1], LINES[0], *LINES[2:]]),
            "record-order",
        ),
        (
            "variants out of order",
            container(HEADER, [LINES[0], LINES[2], LINES[1], LINES[3]]),
            "record-order",
        ),
        ("a record twice", container(HEADER, [LINES[0], *LINES[:3]]), "duplicate-record"),
        ("variant 0 is missing", with_line(0, variant=1), "variant-gap"),
        ("variant 1 is missing", with_line(2, variant=2), "variant-gap"),
        ("more variants than agreed", with_line(3, handle=2**64, variant=2), "too-many-variants"),
        ("a padding bit", with_line(1, bits="01100000000011100000" + "1"), "padding-bits"),
        ("all zero", with_line(1, bits="0" * 20), "blank-encoding"),
        ("all one", with_line(1, bits="1" * 20), "blank-encoding"),
        ("one bit", with_line(3, bits="1".rjust(20, "0")), "encoding-weight"),
        ("a record less", plain[:-20], "container-size"),
        ("a byte less", plain[:-1], "container-size"),
        ("a byte more", plain + b"\x00", "container-size"),
        ("a handle less than counted", with_line(2, handle=2**64 + 1, variant=0), "count-differs"),
    ]
    return {
        "spec": "container",
        "expected": {"header": HEADER, **EXPECTED},
        "good": [
            {
                "name": name,
                "container": _base64(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "header": header,
                "records": [
                    {"handle": f"{x.handle:032x}", "variant": x.variant, "bits": x.bits}
                    for x in lines
                ],
            }
            for name, content, header, lines in good
        ],
        "bad": [
            {"name": name, "container": _base64(content), "rule": rule}
            for name, content, rule in bad
        ],
    }


RELEASE: dict[str, Any] = {
    "version": "blindlink/release/1",
    "release": "rel-0123456789abcdef0123456789abcdef",
    "run": "run-0123456789abcdef0123456789abcdef",
    "specification": "d" * 64,
    "project": "foster-k12",
    "epoch": 1,
    "agreement": "b" * 64,
    "recipient": "child-welfare",
    "mode": "linked",
    "space": "shared",
    "upload": "upl-0123456789abcdef0123456789abcdef",
    "links": 2,
    "total": None,
    "created": "2026-09-01T06:30:00Z",
}
LINKS = [("00" * 15 + "05", "ff" * 16), ("ab" * 16, "00" * 16)]
COUNT = {**RELEASE, "mode": "count", "upload": None, "links": 0, "total": 1234}


def release(header: dict[str, Any], links: list[tuple[str, str]]) -> bytes:
    return rfc8785.dumps(header) + b"\n" + "".join(f"{h} {x}\n" for h, x in links).encode()


def release_vectors() -> dict[str, Any]:
    """Return the vectors of `schemas/spec/release.md`."""
    plain = release(RELEASE, LINKS)
    none = {**RELEASE, "links": 0}
    below_floor = {**COUNT, "total": None}
    good = [
        ("plain", plain, RELEASE, LINKS),
        ("no links", release(none, []), none, []),
        ("a count", release(COUNT, []), COUNT, []),
        ("a count below the floor", release(below_floor, []), below_floor, []),
    ]
    bad = [
        ("empty", b""),
        ("without a newline", plain[:100]),
        ("a header that is too long", b"{" + b" " * 16384 + plain[1:]),
        ("a header with white space", _spaced(RELEASE) + plain[plain.index(b"\n") :]),
        ("a header with an unknown field", release({**RELEASE, "surprise": 1}, LINKS)),
        ("another version", release({**RELEASE, "version": "blindlink/release/2"}, LINKS)),
        ("a link less", release(RELEASE, LINKS[:1])),
        ("a link more", release(RELEASE, [*LINKS, ("fe" * 16, "01" * 16)])),
        ("a byte less", plain[:-1]),
        ("a byte more", plain + b"\n"),
        ("links out of order", release(RELEASE, LINKS[::-1])),
        ("a handle twice", release(RELEASE, [LINKS[0], LINKS[0]])),
        ("a handle in capitals", release(RELEASE, [LINKS[0], ("AB" * 16, LINKS[1][1])])),
        ("a tab between", plain.replace(b" ", b"\t")),
        ("line ends of Windows", plain.replace(b"\n", b"\r\n")),
        ("a letter that is no hex", plain.replace(b"ff ", b"fg ").replace(b"ff\n", b"fg\n")),
        ("links without an upload", release({**RELEASE, "upload": None}, LINKS)),
        ("links with a total", release({**RELEASE, "total": 2}, LINKS)),
        ("a count with an upload", release({**COUNT, "upload": RELEASE["upload"]}, [])),
        ("a count with links", release({**COUNT, "links": 2}, LINKS)),
        ("an unknown mode", release({**RELEASE, "mode": "open"}, LINKS)),
    ]
    return {
        "spec": "release",
        "good": [
            {
                "name": name,
                "file": content.decode(),
                "sha256": hashlib.sha256(content).hexdigest(),
                "header": header,
                "links": dict(links),
            }
            for name, content, header, links in good
        ],
        "bad": [{"name": name, "file": content.decode()} for name, content in bad],
    }


def _headed(**fields: Any) -> bytes:
    return container({**HEADER, **fields}, LINES)


def _spaced(header: dict[str, Any]) -> bytes:
    return rfc8785.dumps(header).replace(b":", b": ", 1)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


if __name__ == "__main__":
    write_vectors("container", container_vectors())
    write_vectors("release", release_vectors())
