"""A person's own keys: their file, its two locks, and that they show themselves nowhere.
Whose keys are trusted: those whose fingerprint was compared, their successors, and nobody else's.
"""

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
    HoldersError,
    IdentityError,
    IdentityExistsError,
    IdentityExposedError,
    IdentityFormatError,
    IdentityLockedError,
    IdentityMissingError,
    UntrustedKeyError,
    WorkspaceError,
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
from encoding.people.peers import Peers, read_fingerprint, read_peers, write_peers
from schemas.documents.errors import DocumentError
from schemas.signing.identity import IdentityHistory, SignedIdentity, SignedKeyChange

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


def test_the_files_of_the_vectors_open_and_bad_ones_are_refused(tmp_path: Path) -> None:
    keys: dict[str, Unlocking] = {
        "passphrase": Passphrase(VECTORS["passphrase"]),
        "key-file": read_key_file(private_file(tmp_path / "key", VECTORS["key_file"])),
    }
    for vector in VECTORS["files"]:
        opened = parse_identity(vector["file"].encode()).unlock(keys[vector["kind"]])
        assert opened.keys.to_bytes().hex() == VECTORS["private_hex"]
        assert opened.public.fingerprint() == VECTORS["fingerprint"]
    file = VECTORS["files"][0]["file"]
    # Also with line ends of Windows, and without the last one.
    for text in (file.replace("\n", "\r\n"), file.removesuffix("\n")):
        assert parse_identity(text.encode()).public.fingerprint() == VECTORS["fingerprint"]
    for bad in (*(vector["file"] for vector in VECTORS["bad_files"]), file + " " * 20_000):
        print(bad[:300])
        with pytest.raises(IdentityFormatError):
            parse_identity(bad.encode())


def test_what_is_written_is_read_back(made: Identity, key_file: KeyFile, tmp_path: Path) -> None:
    write_identity(tmp_path / "identity.txt", made, key_file)
    opened = read_identity(tmp_path / "identity.txt").unlock(key_file)
    assert opened.keys.to_bytes() == made.keys.to_bytes()
    assert opened.signed == made.signed


@posix_only
def test_only_the_owner_may_read_the_files_and_they_are_refused_otherwise(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    write_identity(tmp_path / "identity.txt", made, key_file)
    private_file(tmp_path / "passphrase", "a passphrase of words")
    for name, read in (
        ("identity.txt", read_identity),
        ("key", read_key_file),
        ("passphrase", read_passphrase),
    ):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        (tmp_path / name).chmod(0o640)
        with raises(IdentityExposedError):
            read(tmp_path / name)


def test_no_file_is_overwritten_and_missing_files_and_folders_are_said(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    path = private_file(tmp_path / "identity.txt", "precious")
    with raises(IdentityExistsError):
        write_identity(path, made, key_file)
    with raises(IdentityExistsError):
        new_key_file(path)
    assert path.read_text() == "precious"
    for read in (read_identity, read_key_file, read_passphrase):
        with raises(IdentityMissingError):
            read(tmp_path / "none")
    with raises(IdentityMissingError):
        write_identity("/no/such/folder/identity.txt", made, key_file)


def test_a_passphrase_opens_however_its_accents_are_typed_and_no_other_key_does(
    key_file: KeyFile,
) -> None:
    by_passphrase, by_key = (parse_identity(one["file"].encode()) for one in VECTORS["files"])
    with raises(IdentityLockedError):
        by_passphrase.unlock(Passphrase(VECTORS["passphrase"] + "!"))
    with raises(IdentityLockedError):
        by_key.unlock(key_file)
    with raises(IdentityLockedError, match="locked by a passphrase"):
        by_passphrase.unlock(key_file)
    decomposed = unicodedata.normalize("NFD", VECTORS["passphrase"])
    assert decomposed != VECTORS["passphrase"]
    by_passphrase.unlock(Passphrase(decomposed))


def test_lock_and_private_keys_of_one_identity_are_of_no_use_to_another(
    made: Identity, key_file: KeyFile, tmp_path: Path
) -> None:
    other = new_identity("child-welfare", ("analyst",), NOW)
    for name, identity in (("a", made), ("b", other)):
        write_identity(tmp_path / name, identity, key_file)
    mine, theirs = ((tmp_path / name).read_bytes().split(b"\n") for name in "ab")
    grafted = b"\n".join([mine[0], mine[1], theirs[2]])
    with raises(IdentityLockedError):
        parse_identity(grafted).unlock(key_file)
    write_identity(tmp_path / "mixed", Identity(made.signed, other.keys), key_file)
    with pytest.raises(IdentityFormatError):
        read_identity(tmp_path / "mixed").unlock(key_file)


def test_bad_passphrases_and_files_of_them_or_of_keys_are_refused(tmp_path: Path) -> None:
    for text in ("", "short", "x" * 11, "x" * 1025):
        with raises(IdentityLockedError, match="12 to 1024"):
            Passphrase(text)
    for content in ("", "two lines\nof a passphrase", "a passphrase here\n\n"):
        with pytest.raises(IdentityError):
            read_passphrase(private_file(tmp_path / "p", content))
    first, key = "blindlink/identity-key/1\n", "A" * 43
    for content in (
        *("", first, f"blindlink/identity-key/2\n{key}=\n", f"{first}{key[:-1]}=\n"),
        *(f"{first}{key}=\nmore\n", "é", "\n\n"),
    ):
        with pytest.raises(IdentityFormatError):
            read_key_file(private_file(tmp_path / "k", content))


def test_a_new_identity_is_signed_by_its_own_key_and_says_when_in_utc(made: Identity) -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    other = new_identity("education", ("steward", "analyst", "steward"), east)
    assert other.signed.verify() == other.public
    assert other.public.created == "2026-09-01T06:00:00Z"
    # Duties are kept in order, and once.
    assert other.public.duties == ("analyst", "steward")
    assert other.public.person != made.public.person
    assert other.public.fingerprint() != made.public.fingerprint()
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


NOW_OF_PEERS = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


def history_of(identity: Identity, *changes: SignedKeyChange) -> IdentityHistory:
    return IdentityHistory(enrolled=identity.signed, changes=changes)


def person(party: str, *duties: str) -> Identity:
    return new_identity(party, duties or ("analyst",), NOW_OF_PEERS)  # type: ignore[arg-type]


BOB = person("schools")
MALLORY = person("schools")
SHOWN = [history_of(BOB)]


def trusting(identity: Identity = BOB) -> Peers:
    return Peers().trust(identity.public.party, identity.public.fingerprint(), NOW_OF_PEERS)


def test_a_person_whose_fingerprint_was_compared_is_trusted_whoever_else_is_shown() -> None:
    met = trusting().meet(SHOWN)
    # Also where nobody shows their keys any more.
    for shown in (SHOWN, []):
        assert met.person_of("schools", shown) == BOB.public
    shown = [history_of(MALLORY), *SHOWN]
    assert trusting().meet(shown).person_of("schools", shown) == BOB.public


def test_keys_that_were_never_compared_are_refused_with_their_fingerprint() -> None:
    with raises(UntrustedKeyError, match=BOB.public.fingerprint()) as caught:
        Peers().meet(SHOWN).person_of("schools", SHOWN)
    assert "blindlink people trust schools FINGERPRINT" in (caught.value.hint or "")


def test_other_keys_than_the_trusted_ones_are_refused_with_both_fingerprints() -> None:
    shown = [history_of(MALLORY)]
    with raises(UntrustedKeyError) as caught:
        trusting().meet(SHOWN).meet(shown).person_of("schools", shown)
    assert f"trusted {BOB.public.fingerprint()}" in str(caught.value)
    assert f"shown {MALLORY.public.fingerprint()}" in str(caught.value)
    for peers in (Peers(), trusting()):
        with raises(UntrustedKeyError) as caught:
            peers.person_of("schools", shown)
        # The hint never holds a fingerprint that could be pasted unread.
        assert MALLORY.public.fingerprint() not in (caught.value.hint or "")
        with raises(UntrustedKeyError, match="not known here yet"):
            peers.person_of("schools", [])


def test_a_fingerprint_trusted_for_one_party_counts_for_no_other() -> None:
    peers = Peers().trust("health", BOB.public.fingerprint(), NOW_OF_PEERS).meet(SHOWN)
    with raises(UntrustedKeyError):
        peers.person_of("schools", SHOWN)
    with raises(UntrustedKeyError):
        peers.person_of("health", SHOWN)


def test_replaced_keys_are_followed_and_the_old_ones_trusted_no_more() -> None:
    successor, change = replace_keys(BOB, NOW_OF_PEERS)
    newer = [history_of(BOB, change)]
    peers = trusting().meet(SHOWN).meet(newer)
    assert peers.person_of("schools", newer) == successor.public
    assert [peer.fingerprint for peer in peers.of("schools")] == [successor.public.fingerprint()]
    with raises(UntrustedKeyError, match="not those that you trust"):
        peers.meet(SHOWN).person_of("schools", SHOWN)


def test_another_successor_of_keys_that_were_replaced_is_refused() -> None:
    _, change = replace_keys(BOB, NOW_OF_PEERS)
    _, other = replace_keys(BOB, NOW_OF_PEERS)
    peers = trusting().meet([history_of(BOB, change)])
    shown = [history_of(BOB, other)]
    with raises(UntrustedKeyError, match="not those that you trust"):
        peers.meet(shown).person_of("schools", shown)


def test_two_successors_at_once_and_forged_histories_of_trusted_keys_are_refused() -> None:
    histories = [history_of(BOB, replace_keys(BOB, NOW_OF_PEERS)[1]) for _ in range(2)]
    with raises(UntrustedKeyError, match="two persons"):
        trusting().meet(histories)
    _, change = replace_keys(MALLORY, NOW_OF_PEERS)
    public = BOB.public.model_copy(update={"duties": ("analyst", "steward")})
    unsigned = SignedIdentity.of(public, MALLORY.keys.signing_key)
    for forged in (history_of(BOB, change), IdentityHistory(enrolled=unsigned)):
        with raises(UntrustedKeyError, match="forged"):
            trusting().meet([forged])


def test_comparing_anew_replaces_what_was_trusted_of_the_party_unless_both_are_kept() -> None:
    peers = trusting().trust("schools", MALLORY.public.fingerprint(), NOW_OF_PEERS)
    assert [peer.fingerprint for peer in peers.of("schools")] == [MALLORY.public.fingerprint()]
    peers = trusting().trust(
        "schools", MALLORY.public.fingerprint(), NOW_OF_PEERS, keep_others=True
    )
    assert len(peers.of("schools")) == 2
    assert peers.trust("health", BOB.public.fingerprint(), NOW_OF_PEERS).of("schools") == peers.of(
        "schools"
    )


def test_of_several_trusted_persons_the_analyst_holds_the_secret() -> None:
    steward = person("schools", "steward")
    shown = [history_of(steward), *SHOWN]
    peers = trusting().trust(
        "schools", steward.public.fingerprint(), NOW_OF_PEERS, keep_others=True
    )
    met = peers.meet(shown)
    assert met.person_of("schools", shown) == BOB.public
    assert met.person_of("schools", shown, person=steward.public.person) == steward.public


def test_which_of_two_analysts_who_are_shown_is_meant_must_be_said() -> None:
    shown = [history_of(MALLORY), *SHOWN]
    peers = trusting().trust(
        "schools", MALLORY.public.fingerprint(), NOW_OF_PEERS, keep_others=True
    )
    met = peers.meet(shown)
    for named in (None, "per-" + "0" * 32):
        with raises(HoldersError, match="not clear"):
            met.person_of("schools", shown, person=named)
    assert met.person_of("schools", shown, person=BOB.public.person) == BOB.public
    assert met.person_of("schools", SHOWN) == BOB.public


def test_the_list_is_kept_and_read_back_unless_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    assert read_peers(path) == Peers()
    peers = trusting().meet(SHOWN)
    write_peers(path, peers)
    assert read_peers(path) == peers
    for content in (b"", b"{}", b'{"peers":[],"version":"blindlink/peers/2"}'):
        path.write_bytes(content)
        with pytest.raises(WorkspaceError, match="damaged"):
            read_peers(path)


def test_a_fingerprint_is_read_however_it_is_spaced_and_nothing_else() -> None:
    written = BOB.public.fingerprint()
    for typed in (written, written.replace(" ", ""), f" {written.replace(' ', '  ')}\n"):
        assert read_fingerprint(typed) == written
    for typed in ("", "1" * 59, "1" * 61, "1" * 59 + "x", "١" * 60):
        with raises(UntrustedKeyError, match="12 groups of 5 digits"):
            read_fingerprint(typed)
