"""Invitations: read to the byte, refused where anything is bent, and silent about their code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from vectors.file import naming, read_vectors

from schemas.documents.errors import DocumentError
from schemas.signing.invitation import FIRST_BYTES, Invitation

VECTORS = read_vectors("invitation")


def test_a_good_invitation_is_read_and_written_to_the_byte() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            raw = vector["file"].encode()
            read = Invitation.from_file(raw)
            assert read.to_file() == raw
            assert raw.startswith(FIRST_BYTES)
            assert Invitation.from_file(raw.replace(b"\n", b"\r\n")) == read
            given = read.to_json() | {"duties": read.duties}
            del given["version"], given["check"]
            assert Invitation.of(**given) == read


def test_no_error_and_no_repr_holds_the_code() -> None:
    good = VECTORS["good"][0]["file"]
    code = Invitation.from_file(good.encode()).code
    assert code not in repr(Invitation.from_file(good.encode()))
    with pytest.raises(DocumentError) as caught:
        Invitation.from_file(good.replace("child-welfare", "k12").encode())
    assert code not in str(caught.value)
    assert code not in repr(caught.value)


def test_it_is_over_from_the_second_that_it_names() -> None:
    read = Invitation.from_file(VECTORS["good"][0]["file"].encode())
    assert not read.is_over(datetime(2026, 9, 8, 5, 59, 59, tzinfo=UTC))
    assert read.is_over(datetime(2026, 9, 8, 6, tzinfo=UTC))
