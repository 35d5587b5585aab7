"""A person's own keys: their file, its two locks, and that they show themselves nowhere."""

from __future__ import annotations

import os
import pickle
import stat
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from samples.refusals import raises
from vectors.file import read_vectors

from encoding.errors import (
    IdentityError,
    IdentityExistsError,
    IdentityExposedError,
    IdentityFormatError,
    IdentityLockedError,
    IdentityMissingError,
)
from encoding.people.identity import (
    Identity,
    new_identity,
    parse_identity,
    read_identity,
    replace_keys,
    write_identity,
)
from encoding.people.identity_lock import (
    KeyFile,
    Passphrase,
    Unlocking,
    new_key_file,
    read_key_file,
    read_passphrase,
)
from schemas.errors import DocumentError

VECTORS = read_vectors("identity")
NOW = datetime(2026, 9, 1, 6, 0, 0, 999, tzinfo=UTC)
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")


def private_file(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def made() -> Identity:
    return new_identity("child-welfare", ("steward", "analyst"), NOW)


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return new_key_file(tmp_path / "key")


def unlocking_of(kind: str, tmp_path: Path) -> Unlocking:
    if kind == "passphrase":
        return Passphrase(VECTORS["passphrase"])
    return read_key_file(private_file(tmp_path / "key-of-vectors", VECTORS["key_file"]))


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda v: v["kind"])
def test_the_files_of_the_vectors_open(vector: dict[str, str], tmp_path: Path) -> None:
    opened = parse_identity(vector["file"].encode()).unlock(unlocking_of(vector["kind"], tmp_path))
    assert opened.keys.to_bytes().hex() == VECTORS["private_hex"]
    assert opened.public.fingerprint() == VECTORS["fingerprint"]


@pytest.mark.parametrize("vector", VECTORS["bad_files"], ids=lambda v: v["name"])
def test_a_bad_file_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(IdentityFormatError):
        parse_identity(vector["file"].encode())


def test_line_ends_of_windows_and_a_missing_last_one_are_read() -> None:
    file = VECTORS["files"][0]["file"]
    for text in (file.replace("\n", "\r\n"), file.removesuffix("\n")):
        assert parse_identity(text.encode()).public.fingerprint() == VECTORS["fingerprint"]


def test_a_file_longer_than_any_identity_is_refused() -> None:
    with pytest.raises(IdentityFormatError):
        parse_identity(VECTORS["files"][0]["file"].encode() + b" " * 20_000)


def test_what_is_written_is_read_back(made: Identity, key_file: KeyFile, tmp_path: Path) -> None:
    write_identity(tmp_path / "identity.txt", made, key_file)
    opened = read_identity(tmp_path / "identity.txt").unlock(key_file)
    assert opened.keys.to_bytes() == made.keys.to_bytes()
    assert opened.signed == made.signed


@posix_only
def test_only_the_owner_may_read_the_files(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    write_identity(tmp_path / "identity.txt", made, key_file)
    for name in ("identity.txt", "key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@posix_only
def test_files_that_others_may_read_are_refused(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    write_identity(tmp_path / "identity.txt", made, key_file)
    private_file(tmp_path / "passphrase", "a passphrase of words")
    for name, read in (
        ("identity.txt", read_identity),
        ("key", read_key_file),
        ("passphrase", read_passphrase),
    ):
        (tmp_path / name).chmod(0o640)
        with raises(IdentityExposedError):
            read(tmp_path / name)


def test_no_file_is_overwritten(made: Identity, key_file: KeyFile, tmp_path: Path) -> None:
    path = private_file(tmp_path / "identity.txt", "precious")
    with raises(IdentityExistsError):
        write_identity(path, made, key_file)
    with raises(IdentityExistsError):
        new_key_file(path)
    assert path.read_text() == "precious"


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    for read in (read_identity, read_key_file, read_passphrase):
        with raises(IdentityMissingError):
            read(tmp_path / "none")


def test_a_folder_that_is_not_there_is_said(made: Identity, key_file: KeyFile) -> None:
    with raises(IdentityMissingError):
        write_identity("/no/such/folder/identity.txt", made, key_file)


def test_another_passphrase_does_not_open() -> None:
    locked = parse_identity(VECTORS["files"][0]["file"].encode())
    with raises(IdentityLockedError):
        locked.unlock(Passphrase(VECTORS["passphrase"] + "!"))


def test_another_key_file_does_not_open(key_file: KeyFile) -> None:
    locked = parse_identity(VECTORS["files"][1]["file"].encode())
    with raises(IdentityLockedError):
        locked.unlock(key_file)


def test_the_wrong_kind_of_key_is_named(key_file: KeyFile) -> None:
    locked = parse_identity(VECTORS["files"][0]["file"].encode())
    with raises(IdentityLockedError, match="locked by a passphrase"):
        locked.unlock(key_file)


def test_a_passphrase_opens_however_its_accents_are_typed() -> None:
    decomposed = unicodedata.normalize("NFD", VECTORS["passphrase"])
    assert decomposed != VECTORS["passphrase"]
    parse_identity(VECTORS["files"][0]["file"].encode()).unlock(Passphrase(decomposed))


def test_the_lock_of_one_identity_does_not_open_another(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    other = new_identity("child-welfare", ("analyst",), NOW)
    for name, identity in (("a", made), ("b", other)):
        write_identity(tmp_path / name, identity, key_file)
    mine, theirs = ((tmp_path / name).read_bytes().split(b"\n") for name in "ab")
    grafted = b"\n".join([mine[0], mine[1], theirs[2]])
    with raises(IdentityLockedError):
        parse_identity(grafted).unlock(key_file)


def test_private_keys_of_another_identity_are_refused(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    other = new_identity("child-welfare", ("analyst",), NOW)
    write_identity(tmp_path / "mixed", Identity(made.signed, other.keys), key_file)
    with pytest.raises(IdentityFormatError):
        read_identity(tmp_path / "mixed").unlock(key_file)


@pytest.mark.parametrize("text", ["", "short", "x" * 11, "x" * 1025])
def test_a_passphrase_that_is_too_short_or_endless_is_refused(text: str) -> None:
    with raises(IdentityLockedError, match="12 to 1024"):
        Passphrase(text)


@pytest.mark.parametrize("content", ["", "two lines\nof a passphrase", "a passphrase here\n\n"])
def test_a_passphrase_file_holds_one_line(content: str, tmp_path: Path) -> None:
    with pytest.raises(IdentityError):
        read_passphrase(private_file(tmp_path / "p", content))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "blindlink/identity-key/1\n",
        "blindlink/identity-key/2\n" + "A" * 43 + "=\n",
        "blindlink/identity-key/1\n" + "A" * 42 + "=\n",
        "blindlink/identity-key/1\n" + "A" * 43 + "=\nmore\n",
        "é",
        "\n\n",
    ],
)
def test_a_bad_key_file_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(IdentityFormatError):
        read_key_file(private_file(tmp_path / "k", content))


def test_a_new_identity_is_signed_by_its_own_key_and_says_when_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    made = new_identity("education", ("approver",), east)
    assert made.signed.verify() == made.public
    assert made.public.created == "2026-09-01T06:00:00Z"


def test_no_two_persons_are_alike(made: Identity) -> None:
    other = new_identity("child-welfare", ("steward", "analyst"), NOW)
    assert other.public.person != made.public.person
    assert other.public.fingerprint() != made.public.fingerprint()


def test_duties_are_kept_in_order_and_once() -> None:
    made = new_identity("education", ("steward", "analyst", "steward"), NOW)
    assert made.public.duties == ("analyst", "steward")


def test_a_party_that_has_no_such_name_is_refused() -> None:
    with pytest.raises(DocumentError):
        new_identity("Education Agency", ("analyst",), NOW)


def test_new_keys_follow_the_old_ones_by_both_signatures(made: Identity) -> None:
    new, change = replace_keys(made, NOW)
    assert change.verify(made.public) == new.public
    assert new.public.person == made.public.person
    assert new.keys.to_bytes() != made.keys.to_bytes()


def test_keys_and_passphrases_show_themselves_nowhere(made: Identity, key_file: KeyFile) -> None:
    for secret in (made.keys, key_file, Passphrase("a passphrase of words")):
        assert "passphrase of" not in repr(secret)
        assert "<" not in repr(secret)
        with pytest.raises(TypeError):
            pickle.dumps(secret)
    assert "keys" not in repr(made)
