"""Certificates in a workspace: kept once verified, never replaced by another one, held to receipts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples.refusals import raises

import schemas
from encoding.destruction.certificates import CertificateFolder, read_certificate, verify_file
from encoding.errors import CertificateError
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.person_keys import PersonKeys
from schemas.reports.certificate import CertificateFile
from schemas.signing.note import VerifierKey

VECTORS = json.loads(
    (Path(schemas.__file__).parent / "vectors" / "destruction.json").read_text("utf-8")
)
KEYS = LogKeys.only(VerifierKey.from_text(VECTORS["log_keys"][0]))
GOOD = CertificateFile.from_canonical(VECTORS["files"]["good"][0]["document"].encode())
NUMBER, PROJECT = GOOD.certificate.certificate, GOOD.certificate.project


@pytest.fixture
def folder(tmp_path: Path) -> CertificateFolder:
    return CertificateFolder(tmp_path / "certificates")


def test_a_certificate_is_kept_with_what_is_signed_later(folder: CertificateFolder) -> None:
    assert folder.find(NUMBER) is None
    bare = GOOD.model_copy(update={"countersignatures": (), "statements": ()})
    folder.keep(bare)
    folder.keep(GOOD)
    assert folder.find(NUMBER) == GOOD
    assert list(folder.all()) == [GOOD]


def test_another_certificate_of_the_same_number_is_refused(folder: CertificateFolder) -> None:
    folder.keep(GOOD)
    other = GOOD.certificate.model_copy(update={"objects": ()})
    with raises(CertificateError, match="a different certificate"):
        folder.keep(GOOD.model_copy(update={"certificate": other}))
    assert folder.find(NUMBER) == GOOD


def test_a_good_one_verifies_and_one_of_another_number_or_project_does_not() -> None:
    assert verify_file(GOOD, NUMBER, PROJECT, KEYS).certificate == GOOD.certificate
    for number, project in ((f"crt-{'0' * 32}", PROJECT), (NUMBER, "elsewhere")):
        with raises(CertificateError, match="not the one that you asked for"):
            verify_file(GOOD, number, project, KEYS)
    with raises(CertificateError, match="not known to be theirs"):
        verify_file(GOOD, NUMBER, PROJECT, KEYS, PersonKeys())


@pytest.mark.parametrize("vector", VECTORS["files"]["bad"], ids=lambda vector: vector["name"])
def test_bad_ones_prove_nothing(vector: dict[str, str]) -> None:
    file = CertificateFile.from_canonical(vector["document"].encode())
    number, project = file.certificate.certificate, file.certificate.project
    with raises(CertificateError):
        verify_file(file, number, project, KEYS)


def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    with raises(CertificateError, match="cannot be read"):
        read_certificate(tmp_path / "none.json")
    path = tmp_path / "other.json"
    path.write_bytes(b"{}")
    with raises(CertificateError, match="not a certificate"):
        read_certificate(path)
