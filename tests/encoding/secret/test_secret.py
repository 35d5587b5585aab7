"""The secret: its file, its sub-keys, and that it shows itself nowhere."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest
from samples.refusals import raises
from vectors.file import read_vectors

from encoding.errors import (
    SecretError,
    SecretExistsError,
    SecretExposedError,
    SecretFormatError,
    SecretMissingError,
)
from encoding.secret.secret import (
    Secret,
    TextSecret,
    new_secret,
    read_secret,
    read_text_secret,
    write_secret,
)

VECTORS = read_vectors("secret")
SECRET = Secret(bytes.fromhex(VECTORS["secret_hex"]))
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


def private_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "vector", VECTORS["sub_keys"], ids=lambda v: f"{v['label']} {v['project']}"
)
def test_sub_keys_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    key = SECRET.sub_key(vector["label"], project=vector["project"], epoch=vector["epoch"])
    assert key.hex() == vector["sub_key_hex"]


def test_the_key_id_is_that_of_the_vectors() -> None:
    assert SECRET.key_id == VECTORS["key_id"]


def test_clkhash_receives_64_lower_case_hexadecimal_digits() -> None:
    assert SECRET.clk_key == VECTORS["sub_keys"][0]["sub_key_hex"]


def test_every_label_project_and_epoch_gives_its_own_key() -> None:
    labels = ("clk", "canary", "confirm", "key-id")
    bound = [("", 0), ("river", 0), ("river", 1)]
    keys = {SECRET.sub_key(la, project=p, epoch=e) for la in labels for p, e in bound}  # type: ignore[arg-type]
    assert len(keys) == 12


def test_an_unknown_label_or_a_project_with_a_line_end_is_refused() -> None:
    for label in ("other", "diffusion", "salt"):
        with pytest.raises(ValueError, match="label"):
            SECRET.sub_key(label)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="line end"):
        SECRET.sub_key("clk", project="a\nb")


def test_the_file_of_the_vectors_is_read(tmp_path: Path) -> None:
    assert read_secret(private_file(tmp_path / "s", VECTORS["file"].encode())) == SECRET


def test_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    content = VECTORS["file"].replace("\n", "\r\n").encode()
    assert read_secret(private_file(tmp_path / "s", content)) == SECRET


def test_a_secret_comes_back_from_its_file(tmp_path: Path) -> None:
    secret = new_secret()
    write_secret(tmp_path / "s", secret)
    assert read_secret(tmp_path / "s") == secret


@posix_only
def test_a_secret_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    write_secret(tmp_path / "s", new_secret())
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600


@pytest.mark.parametrize("vector", VECTORS["bad_files"], ids=lambda vector: vector["name"])
def test_bad_files_are_refused_without_their_content(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    path = private_file(tmp_path / "s", vector["file"].encode())
    with pytest.raises(SecretError) as refusal:
        read_secret(path)
    last_line = vector["file"].strip().rpartition("\n")[2]
    assert len(last_line) < 5 or last_line not in repr(refusal.value)


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = private_file(tmp_path / "s", VECTORS["file"].encode())
    path.chmod(mode)
    with raises(SecretExposedError) as refusal:
        read_secret(path)
    assert refusal.value.hint == f"to make it readable by you alone: chmod 600 {path}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with raises(SecretMissingError):
        read_secret(tmp_path / "none")


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = private_file(tmp_path / "s", b"kept")
    with raises(SecretExistsError):
        write_secret(path, new_secret())
    assert path.read_bytes() == b"kept"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with raises(SecretMissingError):
        write_secret(tmp_path / "none" / "s", new_secret())


@pytest.mark.parametrize("content", [b"x" * 5000, b"\xff\xfe"])
def test_what_is_plainly_no_secret_file_is_refused(content: bytes, tmp_path: Path) -> None:
    with raises(SecretFormatError):
        read_secret(private_file(tmp_path / "s", content))


@pytest.mark.parametrize("value", [b"", bytes(31), bytes(32), bytes(33), b"ab" * 16])
def test_values_that_are_not_32_random_bytes_are_refused(value: bytes) -> None:
    with raises(SecretFormatError):
        Secret(value)


@pytest.mark.parametrize("secret", [SECRET, TextSecret("horse")])
def test_a_secret_is_neither_printed_nor_pickled_nor_hashed(secret: Secret | TextSecret) -> None:
    assert repr(secret) == f"{type(secret).__name__}()"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)


def test_new_secrets_differ() -> None:
    assert new_secret() != new_secret()


def test_a_text_secret_is_given_to_clkhash_as_it_stands(tmp_path: Path) -> None:
    secret = read_text_secret(private_file(tmp_path / "s", " hörse \r\n".encode()))
    assert secret.clk_key == " hörse "
    assert "text" in secret.warnings[0]


def test_a_byte_order_mark_of_an_editor_is_no_part_of_a_text_secret(tmp_path: Path) -> None:
    marked = private_file(tmp_path / "s", "\ufeffhorse\r\n".encode())
    assert read_text_secret(marked).clk_key == "horse"


def test_text_secrets_have_key_ids_of_their_own() -> None:
    assert TextSecret("horse").key_id != TextSecret("house").key_id
    assert len(TextSecret("horse").key_id) == 16


@pytest.mark.parametrize(
    "content", [b"", b"\n", VECTORS["file"].encode(), VECTORS["file"].encode("utf-8-sig")]
)
def test_a_file_without_a_text_is_no_text_secret(content: bytes, tmp_path: Path) -> None:
    with raises(SecretFormatError):
        read_text_secret(private_file(tmp_path / "s", content))
