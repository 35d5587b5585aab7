"""Signed audit reports and their pages: every vector, and every byte of a page."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vectors.audit_report import KEY, PAGE, REPORT, public
from vectors.file import read_vectors

from schemas.documents.errors import FormatError
from schemas.reports.audit_report import (
    AuditReport,
    is_page,
    key_fingerprint,
    open_page,
    open_report,
    public_text,
    seal_page,
    sign_report,
)
from schemas.signing.identity import fingerprint_digits

VECTORS = read_vectors("audit-report")


def cases(what: str, which: str) -> list[Any]:
    return [
        pytest.param(vector["document"].encode(), id=vector["name"])
        for vector in VECTORS[what][which]
    ]


@pytest.mark.parametrize("raw", cases("reports", "good"))
def test_a_good_report_is_read_and_signed_again_to_the_byte(raw: bytes) -> None:
    signed = open_report(raw)
    assert signed.to_canonical() == raw
    assert sign_report(signed.report, KEY) == signed
    assert not is_page(raw)


@pytest.mark.parametrize("raw", cases("pages", "good"))
def test_a_good_page_is_read_and_sealed_again_to_the_byte(raw: bytes) -> None:
    report = AuditReport.from_json(REPORT)
    assert is_page(raw)
    assert open_page(raw).report_sha256 == report.digest()
    assert seal_page(PAGE, report, KEY) == raw


def test_every_changed_byte_of_a_page_is_found() -> None:
    raw = VECTORS["pages"]["good"][0]["document"].encode()
    for offset in range(len(raw)):
        bent = bytearray(raw)
        bent[offset] ^= 1
        with pytest.raises(FormatError):
            open_page(bytes(bent))


def test_a_page_may_quote_a_seal() -> None:
    quoting = VECTORS["pages"]["good"][0]["document"].encode()
    report = AuditReport.from_json(REPORT)
    assert open_page(seal_page(quoting, report, KEY)).page_sha256 != open_page(quoting).page_sha256


def test_a_fingerprint_is_that_of_the_key_alone() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert public_text(key) == public()
    raw = key.public_key().public_bytes_raw()
    assert key_fingerprint(public()) == fingerprint_digits(raw)
