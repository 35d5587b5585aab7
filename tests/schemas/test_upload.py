"""Containers by their vectors: heads and parts as the formats read them, the whole as the spec page says."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.container import broken_rule, head_digest
from vectors.file import naming, read_vectors
from vectors.uploads import LARGER, root_of, tree_root

from schemas.documents.errors import ContainerError
from schemas.linkage.row_layout import STORED_ROW_BYTES
from schemas.rounds.upload import (
    HANDLES_PER_PIECE,
    MAGIC,
    MAX_PART_BYTES,
    ROWS_PER_PIECE,
    ContainerHeader,
    Parts,
    merkle_root,
    parse_header,
    serialise_header,
)

VECTORS = read_vectors("container")


def test_a_good_container_is_read_part_by_part() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            content = base64.b64decode(vector["container"])
            parsed = parse_header(content)
            header, offset = parsed.header, parsed.body_offset
            assert serialise_header(header) == content[:offset]
            assert hashlib.sha256(content[:offset]).hexdigest() == vector["head_sha256"]
            parts = Parts(offset, header.records, header.rows)
            ends = [
                sum(parts.length(n) for n in range(number + 1)) for number in range(parts.n_parts)
            ]
            assert ends[-1] == len(content)
            pieces = [content[start:end] for start, end in pairwise(ends)]
            digests = [hashlib.sha256(piece).digest() for piece in pieces]
            assert merkle_root(digests) == header.root == vector["root"] == root_of(pieces)


def test_a_good_container_breaks_no_rule_of_the_page() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            content = base64.b64decode(vector["container"])
            assert broken_rule(content, vector["expected"]) is None
            assert head_digest(content) == vector["head_sha256"]
            table = content[parse_header(content).body_offset :]
            assert [
                table[at : at + 16].hex() for at in range(0, 16 * len(vector["handles"]), 16)
            ] == (vector["handles"])


def test_a_bad_container_breaks_its_rule_of_the_page() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector):
            content = base64.b64decode(vector["container"])
            assert broken_rule(content, vector["expected"]) == vector["rule"]


def test_a_head_is_refused_where_the_head_alone_is_at_fault() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector):
            content = base64.b64decode(vector["container"])
            if vector["rule"] == "container-malformed":
                with pytest.raises(ContainerError):
                    parse_header(content)
            else:
                assert parse_header(content).header.rows


def test_the_lengths_of_parts_follow_from_head_records_and_rows() -> None:
    for vector in VECTORS["parts"]:
        with naming(vector):
            parts = Parts(vector["head_bytes"], vector["records"], vector["rows"])
            lengths = [parts.length(number) for number in range(parts.n_parts)]
            assert lengths == vector["lengths"]
            assert max(lengths) <= MAX_PART_BYTES
            for number in (-1, parts.n_parts):
                with pytest.raises(ContainerError):
                    parts.length(number)


def test_a_piece_of_rows_knows_its_first_row() -> None:
    parts = Parts(500, HANDLES_PER_PIECE + 1, 2 * ROWS_PER_PIECE + 5)
    of_rows = range(1 + parts.n_table, parts.n_parts)
    assert [parts.first_row(number) for number in of_rows] == [
        0,
        ROWS_PER_PIECE,
        2 * ROWS_PER_PIECE,
    ]
    assert [parts.rows_of(number) for number in of_rows] == [ROWS_PER_PIECE, ROWS_PER_PIECE, 5]
    assert ROWS_PER_PIECE * STORED_ROW_BYTES <= MAX_PART_BYTES


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20))
def test_a_root_is_that_of_the_recursive_tree(digests: list[bytes]) -> None:
    leaves = [hashlib.sha256(b"\0" + digest).digest() for digest in digests]
    assert merkle_root(digests) == tree_root(leaves).hex()


headers = st.builds(
    lambda records, epoch, number: ContainerHeader.from_json(
        {**LARGER, "records": records, "epoch": epoch, "round": number, "root": "0" * 64}
    ),
    st.integers(1, 2**32 - 1),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
)


@given(headers, st.binary(max_size=50))
def test_a_head_survives_its_bytes_whatever_follows(header: ContainerHeader, rest: bytes) -> None:
    head = serialise_header(header)
    parsed = parse_header(head + rest)
    assert (parsed.header, parsed.body_offset) == (header, len(head))


@given(headers, st.data())
def test_a_head_that_is_cut_short_is_refused(header: ContainerHeader, data: st.DataObject) -> None:
    head = serialise_header(header)
    with pytest.raises(ContainerError):
        parse_header(head[: data.draw(st.integers(0, len(head) - 1))])


@given(st.binary(max_size=200))
def test_no_other_bytes_crash_the_reader(noise: bytes) -> None:
    for content in (noise, MAGIC + noise, MAGIC + b"\x00\x00\x00\x10" + noise):
        with pytest.raises(ContainerError):
            parse_header(content)
