"""Containers for tests, good and spoilt, and the slow twin of the broker's check: a set and a dictionary."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import ContainerError
from schemas.upload import ContainerHeader, parse_header, serialise_header

PROFILE = "ab" * 32
KEY_ID = "0123456789abcdef"


@dataclass(frozen=True)
class Row:
    handle: bytes
    variant: int
    encoding: bytes

    def to_bytes(self) -> bytes:
        return self.handle + bytes([self.variant]) + self.encoding


def header_of(rows: Sequence[Row], **fields: object) -> ContainerHeader:
    stated = {
        "project": "foster-school",
        "party": "child-welfare",
        "epoch": 1,
        "profile": PROFILE,
        "key_id": KEY_ID,
        "encoding_bits": 16,
        "records": max(1, len({row.handle for row in rows})),
        "encodings": max(1, len(rows)),
    }
    return ContainerHeader(**{**stated, **fields})


def build_container(rows: Sequence[Row], **fields: object) -> bytes:
    """Return the container of these rows as they stand; nothing is put in order or checked."""
    return serialise_header(header_of(rows, **fields)) + b"".join(row.to_bytes() for row in rows)


def random_rows(
    rng: random.Random, n_records: int, *, bits: int = 16, most_variants: int = 1
) -> list[Row]:
    """Return rows in order, with 1 to `most_variants` variants a record, none blank and none full."""
    handles = sorted(rng.randbytes(16) for _ in range(n_records))
    return [
        Row(handle, variant, some_encoding(rng, bits))
        for handle in handles
        for variant in range(rng.randint(1, most_variants))
    ]


def some_encoding(rng: random.Random, bits: int) -> bytes:
    """Return an encoding with its first bit clear and its second set; padding bits are zero."""
    value = rng.getrandbits(bits) & ~(1 << (bits - 1)) | 1 << (bits - 2)
    return (value << (-bits % 8)).to_bytes((bits + 7) // 8, "big")


def slow_verdict(
    content: bytes,
    header: ContainerHeader,
    sha256: str,
    size_bytes: int,
    max_variants: int,
    weights: tuple[int, int],
) -> set[str]:
    """Return the codes of all rules that a container breaks; empty if it is to be taken."""
    try:
        parsed = parse_header(content)
    except ContainerError:
        return {"container-malformed"}
    codes = _header_codes(parsed.header, header)
    if parsed.header.container_bytes() != size_bytes:
        codes.add("container-size")
    if codes:
        return codes
    body, width = content[parsed.body_offset :], header.record_bytes
    if len(body) % width:
        codes.add("container-size")
    rows = [
        Row(body[at : at + 16], body[at + 16], body[at + 17 : at + width])
        for at in range(0, len(body) - width + 1, width)
    ]
    keys = [(row.handle, row.variant) for row in rows]
    if len(set(keys)) != len(keys):
        codes.add("duplicate-record")
    if keys != sorted(keys):
        codes.add("record-order")
    variants: dict[bytes, list[int]] = {}
    for row in rows:
        variants.setdefault(row.handle, []).append(row.variant)
    if any(sorted(numbers) != list(range(len(numbers))) for numbers in variants.values()):
        codes.add("variant-gap")
    if any(max(numbers) >= max_variants for numbers in variants.values()):
        codes.add("too-many-variants")
    for row in rows:
        codes |= _encoding_codes(row.encoding, header.encoding_bits, weights)
    if len(content) != size_bytes:
        codes.add("container-size")
    if (len(variants), len(rows)) != (header.records, header.encodings):
        codes.add("count-differs")
    if hashlib.sha256(content).hexdigest() != sha256:
        codes.add("container-digest")
    return codes


def _header_codes(header: ContainerHeader, expected: ContainerHeader) -> set[str]:
    codes = set()
    if header.epoch != expected.epoch:
        codes.add("other-epoch")
    if header.profile != expected.profile:
        codes.add("other-profile")
    if header.key_id != expected.key_id:
        codes.add("other-key")
    if (header.records, header.encodings) != (expected.records, expected.encodings):
        codes.add("count-differs")
    if header != expected:
        codes.add("header-differs")
    return codes


def _encoding_codes(encoding: bytes, bits: int, weights: tuple[int, int]) -> set[str]:
    text = "".join(f"{byte:08b}" for byte in encoding)
    codes = set()
    if "1" in text[bits:]:
        codes.add("padding-bits")
    weight = text.count("1")
    if weight in (0, bits):
        codes.add("blank-encoding")
    if not weights[0] <= weight <= weights[1]:
        codes.add("encoding-weight")
    return codes
