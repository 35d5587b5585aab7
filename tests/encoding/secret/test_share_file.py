"""The file that carries shares by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from vectors.file import read_vectors

from encoding.errors import ShareError
from encoding.secret.share_file import Carried, parse_share_file, read_share_file, write_share_file
from schemas.secret_share import SignedConfirmation, SignedShare

VECTORS = read_vectors("secret-share")
DOCUMENTS = [vector["document"] for vector in VECTORS["shares"] + VECTORS["confirmations"]]
FILE = "\n".join(["blindlink/shares/1", *DOCUMENTS, ""]).encode()
CARRIED = Carried(
    tuple(SignedShare.from_canonical(v["document"].encode()) for v in VECTORS["shares"]),
    tuple(
        SignedConfirmation.from_canonical(v["document"].encode()) for v in VECTORS["confirmations"]
    ),
)


def test_the_file_is_written_as_the_spec_page_says(tmp_path: Path) -> None:
    write_share_file(tmp_path / "shares.txt", CARRIED)
    assert (tmp_path / "shares.txt").read_bytes() == FILE


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_share_file(tmp_path / "shares.txt", CARRIED)
    assert read_share_file(tmp_path / "shares.txt") == CARRIED


@pytest.mark.parametrize(
    "change", [lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: raw.removesuffix(b"\n")]
)
def test_line_ends_of_windows_and_a_missing_last_one_are_read(change) -> None:
    assert parse_share_file(change(FILE)) == CARRIED


def test_what_comes_from_several_files_is_put_together() -> None:
    assert Carried(shares=CARRIED.shares) + Carried((), CARRIED.confirmations) == CARRIED


def lines(*changed: str) -> bytes:
    return "\n".join(["blindlink/shares/1", *changed]).encode()


BAD = {
    "empty": b"",
    "another version": FILE.replace(b"shares/1", b"shares/2", 1),
    "no document": b"blindlink/shares/1\n",
    "an empty line": FILE + b"\n",
    "white space": lines(DOCUMENTS[0].replace(":", ": ", 1)),
    "a third kind of document": lines('{"identity":{}}'),
    "a secret": lines("blindlink/secret/1", "A" * 43 + "="),
    "not JSON": lines('{"share":'),
    "too many": lines(*DOCUMENTS[-1:] * 257),
    "a share cut short": lines(DOCUMENTS[0][:-1]),
}


@pytest.mark.parametrize("name", BAD)
def test_another_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(BAD[name])
    with pytest.raises(ShareError, match="cannot be used"):
        read_share_file(tmp_path / "bad")


def test_a_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(ShareError, match="line 3: signed confirmation"):
        parse_share_file(lines(DOCUMENTS[0], "{}"))


def test_a_file_longer_than_any_is_refused() -> None:
    with pytest.raises(ShareError):
        parse_share_file(FILE + b" " * (4 * 1024 * 1024))


def test_a_missing_file_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match="cannot be read"):
        read_share_file(tmp_path / "none")
