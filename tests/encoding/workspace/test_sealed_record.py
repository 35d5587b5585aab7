"""A sealed file of the workspace: written and read in pieces, and no piece is given of one that was changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import WorkspaceError
from encoding.workspace.sealed_record import MAGIC, NONCE_BYTES, PIECE_BYTES, SealedRecord

KEY = bytes(range(32))
CONTENT = bytes(range(251)) * (3 * PIECE_BYTES // 251)


@pytest.fixture
def record(tmp_path: Path) -> SealedRecord:
    return SealedRecord(tmp_path / "one.sealed", "kept/one", KEY)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:PIECE_BYTES], CONTENT])
def test_it_is_sealed_as_the_format_says_in_whatever_pieces_it_comes(
    record: SealedRecord, content: bytes
) -> None:
    record.write(content[:7], (content[at : at + 70_001] for at in range(7, len(content), 70_001)))
    raw = record.path.read_bytes()
    assert raw.startswith(MAGIC)
    nonce, sealed = raw[len(MAGIC) :][:NONCE_BYTES], raw[len(MAGIC) + NONCE_BYTES :]
    key = HKDF(SHA256(), 32, salt=None, info=b"blindlink/v1/workspace/record/kept/one").derive(KEY)
    assert AESGCM(key).decrypt(nonce, sealed, MAGIC + b"kept/one") == content
    pieces = record.pieces()
    assert pieces is not None
    found = list(pieces)
    assert b"".join(found) == content == record.read()
    assert max(map(len, found), default=0) <= PIECE_BYTES


@pytest.mark.parametrize("at", [0, len(MAGIC), PIECE_BYTES, -1])
def test_nothing_is_given_of_a_file_that_was_changed_anywhere(
    record: SealedRecord, at: int
) -> None:
    record.write(CONTENT)
    raw = bytearray(record.path.read_bytes())
    raw[at] ^= 1
    for changed in (raw, raw[:-1], raw[:20]):
        record.path.write_bytes(changed)
        pieces = record.pieces()
        assert pieces is not None
        with pytest.raises(WorkspaceError):
            next(pieces)
