"""The secret: its file, its sub-keys, and that it shows itself nowhere."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

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


def test_sub_keys_and_key_id_are_those_of_the_vectors_and_each_key_is_of_one_use() -> None:
    for vector in VECTORS["sub_keys"]:
        key = SECRET.sub_key(vector["label"], project=vector["project"], epoch=vector["epoch"])
        assert key.hex() == vector["sub_key_hex"], vector
    assert SECRET.key_id == VECTORS["key_id"]
    assert SECRET.clk_key == VECTORS["sub_keys"][0]["sub_key_hex"]
    labels = ("clk", "canary", "confirm", "key-id")
    bound = [("", 0), ("river", 0), ("river", 1)]
    keys = {SECRET.sub_key(la, project=p, epoch=e) for la in labels for p, e in bound}  # type: ignore[arg-type]
    assert len(keys) == 12


def test_the_secrets_of_rounds_are_those_of_the_vectors_whether_by_one_step_or_many() -> None:
    for vector in VECTORS["rounds"]:
        project, number = vector["project"], vector["number"]
        present = SECRET.after(project, 1, number)
        assert present.to_bytes().hex() == vector["secret_hex"]
        assert SECRET.after(project, 1, 2).after(project, 2, max(number, 2)) == SECRET.after(
            project, 1, max(number, 2)
        )
        assert present.of_round(project, number).to_bytes().hex() == vector["round_hex"]
    with pytest.raises(ValueError, match="line end"):
        SECRET.of_round("a\nb", 1)


def test_an_unknown_label_or_a_project_with_a_line_end_is_refused() -> None:
    for label in ("other", "diffusion", "salt"):
        with pytest.raises(ValueError, match="label"):
            SECRET.sub_key(label)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="line end"):
        SECRET.sub_key("clk", project="a\nb")


def test_a_secret_comes_back_from_its_file_which_is_its_owners_alone(tmp_path: Path) -> None:
    for content in (VECTORS["file"], VECTORS["file"].replace("\n", "\r\n")):
        assert read_secret(private_file(tmp_path / "s", content.encode())) == SECRET
    secret = new_secret()
    assert secret != new_secret()
    write_secret(tmp_path / "new", secret)
    assert read_secret(tmp_path / "new") == secret
    assert os.name == "nt" or stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_bad_files_are_refused_without_their_content(tmp_path: Path) -> None:
    for vector in VECTORS["bad_files"]:
        print(vector["name"])
        path = private_file(tmp_path / "s", vector["file"].encode())
        with pytest.raises(SecretError) as refusal:
            read_secret(path)
        last_line = vector["file"].strip().rpartition("\n")[2]
        assert len(last_line) < 5 or last_line not in repr(refusal.value)
    for content in (b"x" * 5000, b"\xff\xfe"):
        with raises(SecretFormatError):
            read_secret(private_file(tmp_path / "s", content))


@posix_only
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = private_file(tmp_path / "s", VECTORS["file"].encode())
    for mode in (0o640, 0o604, 0o660, 0o610):
        path.chmod(mode)
        with raises(SecretExposedError) as refusal:
            read_secret(path)
        assert refusal.value.hint == f"to make it readable by you alone: chmod 600 {path}"


def test_a_missing_file_or_folder_is_refused_and_a_file_never_overwritten(tmp_path: Path) -> None:
    with raises(SecretMissingError):
        read_secret(tmp_path / "none")
    with raises(SecretMissingError):
        write_secret(tmp_path / "none" / "s", new_secret())
    path = private_file(tmp_path / "s", b"kept")
    with raises(SecretExistsError):
        write_secret(path, new_secret())
    assert path.read_bytes() == b"kept"


def test_a_secret_is_of_32_random_bytes_and_neither_printed_nor_pickled_nor_hashed() -> None:
    for value in (b"", bytes(31), bytes(32), bytes(33), b"ab" * 16):
        with raises(SecretFormatError):
            Secret(value)
    for secret in (SECRET, TextSecret("horse")):
        assert repr(secret) == f"{type(secret).__name__}()"
        with pytest.raises(TypeError):
            pickle.dumps(secret)
        with pytest.raises(TypeError):
            hash(secret)


def test_a_text_secret_is_given_to_clkhash_as_it_stands_under_a_key_id_of_its_own(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s"
    secret = read_text_secret(private_file(path, " hörse \r\n".encode()))
    assert secret.clk_key == " hörse "
    assert "text" in secret.warnings[0]
    # A byte order mark of an editor is no part of it.
    marked = private_file(path, "\ufeffhorse\r\n".encode())
    assert read_text_secret(marked).clk_key == "horse"
    assert TextSecret("horse").key_id != TextSecret("house").key_id
    assert len(TextSecret("horse").key_id) == 16
    for content in (b"", b"\n", VECTORS["file"].encode(), VECTORS["file"].encode("utf-8-sig")):
        with raises(SecretFormatError):
            read_text_secret(private_file(path, content))
