"""The file that carries shares by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from vectors.file import read_vectors

from encoding.errors import ShareError
from encoding.secret.share_file import Carried, parse_share_file, read_share_file, write_share_file
from schemas.signing.secret_share import SignedConfirmation, SignedShare

VECTORS = read_vectors("secret-share")
DOCUMENTS = [vector["document"] for vector in VECTORS["shares"] + VECTORS["confirmations"]]
FILE = "\n".join(["blindlink/shares/1", *DOCUMENTS, ""]).encode()
CARRIED = Carried(
    tuple(SignedShare.from_canonical(v["document"].encode()) for v in VECTORS["shares"]),
    tuple(
        SignedConfirmation.from_canonical(v["document"].encode()) for v in VECTORS["confirmations"]
    ),
)


def test_the_file_is_written_as_the_spec_page_says_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "shares.txt"
    write_share_file(path, CARRIED)
    assert path.read_bytes() == FILE
    assert read_share_file(path) == CARRIED
    # Also with line ends of Windows, and without the last one.
    for content in (FILE.replace(b"\n", b"\r\n"), FILE.removesuffix(b"\n")):
        assert parse_share_file(content) == CARRIED
    # What comes from several files is put together.
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


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShareError, match="cannot be read"):
        read_share_file(tmp_path / "none")
    for name, content in BAD.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ShareError, match="cannot be used"):
            read_share_file(tmp_path / name)
    with pytest.raises(ShareError, match="line 3: signed confirmation"):
        parse_share_file(lines(DOCUMENTS[0], "{}"))
    with pytest.raises(ShareError):
        parse_share_file(FILE + b" " * (4 * 1024 * 1024))
