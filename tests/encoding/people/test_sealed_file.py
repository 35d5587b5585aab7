"""Sealed files by their vectors, chunk by chunk, and against everything that may happen on the way."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors.file import read_vectors
from vectors.sealed import sealed_file_vectors

from encoding.errors import SealedFileError
from encoding.people.identity import Identity, PrivateKeys
from encoding.people.sealed_file import (
    CHUNK_BYTES,
    TAG_BYTES,
    Address,
    open_pieces,
    read_sealed_header,
    seal_pieces,
)
from schemas.signing.identity import PublicIdentity, SignedIdentity

VECTORS = read_vectors("sealed-file")
CHUNK = CHUNK_BYTES + TAG_BYTES


def receiver(number: int) -> Identity:
    stored = VECTORS["receivers"][number]
    keys = PrivateKeys.from_bytes(bytes.fromhex(stored["private_hex"]))
    public = PublicIdentity.from_json(stored["identity"])
    return Identity(SignedIdentity.of(public, keys.signing_key), keys)


def opened(raw: bytes, number: int = 0) -> bytes:
    return b"".join(open_pieces(io.BytesIO(raw), receiver(number)))


def sealed(content: bytes, *cuts: int) -> bytes:
    """Return the content sealed to two persons; it comes in pieces that end at the cuts."""
    address = Address(
        "child-welfare",
        "research-office",
        (receiver(0).public, receiver(1).public),
        "2026-09-01T06:30:00Z",
    )
    edges = [0, *sorted(cuts), len(content)]
    pieces = [content[a:b] for a, b in pairwise(edges)]
    return b"".join(seal_pieces(pieces, address))


def test_good_files_of_the_vectors_are_opened_by_each_receiver_and_bad_ones_refused() -> None:
    assert sealed_file_vectors() == VECTORS
    for vector in VECTORS["good"]:
        raw = base64.b64decode(vector["file"])
        assert read_sealed_header(io.BytesIO(raw))[0].to_json() == vector["header"]
        for number in (0, 1):
            content = bytes([vector["byte"]]) * vector["times"]
            assert opened(raw, number) == content, vector["name"]
    for vector in VECTORS["bad"]:
        print(vector["name"])
        with pytest.raises(SealedFileError):
            opened(base64.b64decode(vector["file"]))
    with pytest.raises(SealedFileError, match="not sealed to these keys"):
        opened(base64.b64decode(VECTORS["good"][0]["file"]), 2)


def test_contents_of_every_length_come_back() -> None:
    for size in (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES):
        content = bytes(i % 251 for i in range(size))
        assert opened(sealed(content)) == content, size


@settings(max_examples=25)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_it_does_not_matter_in_which_pieces_the_content_comes(
    content: bytes, cuts: list[int]
) -> None:
    assert opened(sealed(content, *(min(cut, len(content)) for cut in cuts))) == content


def chunks_of(raw: bytes) -> tuple[bytes, list[bytes]]:
    """Return the head and the sealed chunks."""
    file = io.BytesIO(raw)
    _, head = read_sealed_header(file)
    rest = file.read()
    return head, [rest[at : at + CHUNK] for at in range(0, len(rest), CHUNK)]


@pytest.mark.campaign("damage")
def test_chunks_cannot_be_moved_left_out_added_or_taken_from_another_file() -> None:
    head, (one, two, last) = chunks_of(sealed(bytes(2 * CHUNK_BYTES + 100)))
    _, (other, *_) = chunks_of(sealed(bytes(2 * CHUNK_BYTES + 100)))
    for name, chunks in {
        "the last left out": [one, two],
        "the first left out": [two, last],
        "two swapped": [two, one, last],
        "one repeated": [one, one, two, last],
        "one in the middle left out": [one, last],
        "the last repeated": [one, two, last, last],
        "a byte less": [one, two, last[:-1]],
        "a byte more": [one, two, last + b"x"],
        "of another file of the same content": [other, two, last],
    }.items():
        print(name)
        with pytest.raises(SealedFileError):
            opened(head + b"".join(chunks))


@settings(max_examples=40)
@given(st.data())
@pytest.mark.campaign("damage")
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(VECTORS["good"][0]["file"]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    # Even where the head stays readable, as with what is sealed to the other person.
    with pytest.raises(SealedFileError):
        opened(bytes(raw))


def test_two_sealings_of_one_content_share_nothing_but_the_plain_fields() -> None:
    first, second = (chunks_of(sealed(b"the same")) for _ in range(2))
    assert first[1] != second[1]
    assert len(first[0]) == len(second[0])
