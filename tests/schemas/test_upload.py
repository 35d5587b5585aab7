"""Containers by their vectors: heads and parts as the formats read them, the whole as the spec page says.
Signed requests: read to the byte, held to one key, refused where anything is bent.
The bodies of the HTTP API: without a place for what must not travel.

"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from samples.agreement import AGREEMENT
from samples.bodies import BODIES
from samples.documents import PROBLEM, PROFILE, changed
from twins.container import broken_rule, head_digest
from vectors.file import naming, read_vectors
from vectors.identity import private_bytes
from vectors.uploads import LARGER, root_of, tree_root

from app.security.policy import POLICY
from schemas.agreement import negotiation
from schemas.api import bodies as api
from schemas.api import destruction as destruction_api
from schemas.api import projects, releases, runs
from schemas.api.logged_requests import ASKED, UNDER_ANY_AGREEMENT
from schemas.documents.document import Model
from schemas.documents.errors import ContainerError, DocumentError, SignatureError
from schemas.documents.problem import TYPE_PREFIX, Problem
from schemas.linkage.row_layout import STORED_ROW_BYTES
from schemas.matchlog.kinds import KINDS
from schemas.rounds import rounds
from schemas.rounds.match_record import Decision
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
from schemas.signing.signed_request import SignedRequest, Where, new_request

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


VECTORS_OF_SIGNED_REQUEST = read_vectors("signed-request")
KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode(VECTORS_OF_SIGNED_REQUEST["signing_key"]))


def test_a_good_request_is_read_to_the_byte_and_verifies() -> None:
    for vector in VECTORS_OF_SIGNED_REQUEST["good"]:
        with naming(vector):
            signed = SignedRequest.from_header(vector["header"])
            assert signed.to_canonical() == vector["document"].encode()
            assert signed.to_header() == vector["header"]
            signed.require_signature(KEY)
            own = Ed25519PrivateKey.from_private_bytes(private_bytes(1)[:32])
            assert SignedRequest.of(signed.request, own) == signed


def test_what_the_key_has_not_signed_does_not_verify() -> None:
    for vector in VECTORS_OF_SIGNED_REQUEST["bad"]:
        with naming(vector), pytest.raises(SignatureError):
            SignedRequest.from_header(vector["header"]).require_signature(KEY)


def test_no_request_is_like_another() -> None:
    first, second = (
        new_request("GET /v1/x", None, "2026-09-01T06:00:00Z", Where()) for _ in range(2)
    )
    assert first.digest() != second.digest()


def test_what_a_person_does_has_its_request_and_its_route_asks_for_it() -> None:
    assert set(ASKED) == {name for name, kind in KINDS.items() if kind.duties is not None}
    signed = {method for (method, _), rule in POLICY.items() if rule.is_signed}
    assert signed == {"GET", "POST", "PUT", "DELETE"}


def test_what_may_be_under_any_agreement_is_something_that_persons_do() -> None:
    assert ASKED.keys() > UNDER_ANY_AGREEMENT


def test_the_lines_of_a_page_are_those_of_the_record() -> None:
    page = api.MatchRecordPage.from_json(BODIES[api.MatchRecordPage])
    decision = page.rows[0]
    assert isinstance(decision, Decision)
    assert list(page.lines()) == [decision.to_canonical() + b"\n", f"{page.rows[1]}\n".encode()]


def test_no_body_has_a_place_for_what_must_not_travel() -> None:
    of_both = r"handle|secret|birth|surname|record_id"
    for module, forbidden in (
        *((one, rf"{of_both}|ssn|identifier") for one in (api, projects, releases, runs)),
        (rounds, rf"{of_both}|token|link_id"),
    ):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Model) and kind.__module__ == module.__name__:
                names = re.findall(r'"([a-z_0-9]+)": \{"', json.dumps(kind.model_json_schema()))
                found = [name for name in names if re.search(forbidden, name, re.IGNORECASE)]
                assert found == [], kind.__name__


def test_a_proposal_brings_the_profile_that_it_names() -> None:
    with pytest.raises(DocumentError, match="encoding profile"):
        negotiation.AgreementProposal.from_json({"agreement": AGREEMENT, "profile": PROFILE})


def test_handle_and_salt_of_a_withdrawal_show_in_no_repr() -> None:
    withdrawal = BODIES[destruction_api.RecordWithdrawal]
    shown = repr(destruction_api.RecordWithdrawal.from_json(withdrawal))
    assert withdrawal["handle"][:4] not in shown
    assert withdrawal["salt"][:4] not in shown


def test_the_code_is_the_last_part_of_the_type() -> None:
    problem = Problem.from_json(changed(PROBLEM, "type", f"{TYPE_PREFIX}storage-full"))
    assert problem.code == "storage-full"
