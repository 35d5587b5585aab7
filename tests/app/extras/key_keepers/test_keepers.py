"""Anyone who keeps the keys that wrap: the key store is the same, moves from one to another, and loses
nothing.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rigs.refused_calls import refuses
from services.soft_hsm import SoftHsm
from services.vault_stub import VaultStub

from app.errors import ConfigurationError, KeyKeeperUnavailableError, SealBrokenError
from app.ids import new_id
from app.security.keepers import keepers_of
from app.security.keyring import Keepers, KeyRing, make_ring
from app.security.keystore import KeyStore
from app.security.rewrapping import count_wrapped, retire_old_keys, rewrap_all
from app.settings import Settings, read_settings

Open = Callable[[str], KeyStore]
KINDS = ("file", "pkcs11", "vault")
# Written by the version that had files alone.
RING = f"blindlink/kek-ring/1\n{base64.b64encode(bytes(range(32))).decode()}\n"
WRAPPED = (
    b'{"kek":"fa0909aade9c2c9c","object":"upl-1","sealed":"AAECAwQFBgcICQoLZyP0OOHA5DylaL2gncRWQrPntQfETmlLAF7f'
    b'viFUPo374sBS06NarQlgSyK+Y14p","version":"blindlink/wrapped-key/1"}'
)


@pytest.fixture
def both(soft_hsm: SoftHsm, vault: VaultStub, tmp_path: Path) -> dict[str, object]:
    """Settings of a token and of a transit key."""
    return {**soft_hsm.settings(tmp_path / "secrets"), **vault.settings(tmp_path / "secrets")}


@pytest.fixture
def opened(both: dict[str, object], tmp_path: Path) -> Iterator[Open]:
    """Open the one key store of the test, whose new keys a keeper makes, as a process that starts does."""
    begun: list[Keepers] = []

    def with_keeper(kind: str) -> KeyStore:
        settings = Settings(state_dir=tmp_path / "state", key_keeper=kind, **both)
        keepers = keepers_of(settings)
        begun.append(keepers)
        if not settings.ring_file.exists():
            make_ring(settings.ring_file, keepers)
        return KeyStore(settings.key_store_dir, KeyRing(settings.ring_file, keepers))

    yield with_keeper
    for keepers in begun:
        keepers.close()


def key_file(tmp_path: Path, object_id: str) -> Path:
    return tmp_path / "state" / "keystore" / f"{object_id}.key"


def test_what_was_wrapped_before_there_were_keepers_opens(tmp_path: Path) -> None:
    (tmp_path / "ring").write_text(RING)
    (tmp_path / "ring").chmod(0o600)
    store = KeyStore(tmp_path / "keystore", KeyRing(tmp_path / "ring"))
    (tmp_path / "keystore" / "upl-1.key").write_bytes(WRAPPED)
    assert store.open("upl-1").secret == bytes(range(32, 64))
    store.ring.keep_only(store.ring.primary().name)
    assert (tmp_path / "ring").read_text() == RING


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.campaign("damage")
def test_a_wrapped_key_opens_for_its_object_alone(opened: Open, tmp_path: Path, kind: str) -> None:
    store = opened(kind)
    keys = [store.create("upl-1"), store.create("upl-2")]
    assert [opened(kind).open(key.object_id) for key in keys] == keys
    file = key_file(tmp_path, "upl-1")
    assert len(file.read_bytes()) == len(WRAPPED)
    whole = file.read_bytes()
    # The object's id within, and what is sealed, are both changed.
    for spoilt in (
        key_file(tmp_path, "upl-2").read_bytes(),
        key_file(tmp_path, "upl-2").read_bytes().replace(b"upl-2", b"upl-1"),
        whole.replace(b'"sealed":"', b'"sealed":"AAAA')[:-4],
    ):
        file.write_bytes(spoilt)
        with pytest.raises(SealBrokenError):
            store.open("upl-1")
    file.write_bytes(whole)
    assert store.open("upl-1") == keys[0]


def test_keys_move_from_one_keeper_to_the_next_and_back(opened: Open, tmp_path: Path) -> None:
    keys = []
    for before, after in pairwise((*KINDS, "pkcs11", "file")):
        old = opened(before)
        keys.append(old.create(new_id("upl")))
        new = opened(after)
        with pytest.raises(ConfigurationError, match=f"key_keeper is {after}.* {before}"):
            new.ring.require_drawn_where_wanted()
        new.ring.add_primary()
        new.ring.require_drawn_where_wanted()
        # A process that runs with both keepers in its settings wraps under the new key from now on.
        keys.append(old.create(new_id("upl")))
        assert rewrap_all(new) == len(keys) - 1
        for store in (old, new):
            assert [store.open(key.object_id) for key in keys] == keys
    places = [key.place.split()[0] for key in new.ring.known()]
    assert places == ["in", "in", "version", "in", "in"]
    assert retire_old_keys(new, clock_s=lambda: 1e12) == 4
    assert [key.place for key in new.ring.known()] == ["in the ring's file"]
    assert list(count_wrapped(new).values()) == [len(keys)]
    assert [
        KeyStore(tmp_path / "state" / "keystore", KeyRing(new.ring.file)).open(keys[0].object_id)
    ] == keys[:1]


@pytest.mark.parametrize("kind", ["pkcs11", "vault"])
def test_each_rotation_has_a_key_of_its_own(opened: Open, kind: str) -> None:
    store = opened(kind)
    key = store.create("upl-1")
    first = store.ring.primary().name
    store.ring.add_primary()
    assert rewrap_all(store) == 1
    assert len({first, *(one.name for one in store.ring.known())}) == 2
    assert opened(kind).open("upl-1") == key
    assert retire_old_keys(store, clock_s=lambda: 1e12) == 1
    assert [one.name for one in opened(kind).ring.known()] == [store.wrapped_under("upl-1")]


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_move_that_is_killed_anywhere_loses_nothing_and_goes_on(
    opened: Open, vault: VaultStub, at: int
) -> None:
    old = opened("pkcs11")
    keys = [old.create(new_id("upl")) for _ in range(3)]
    new = opened("vault")
    new.ring.add_primary()
    vault.seals_after = len(vault.calls) + at
    if at < len(keys):
        with pytest.raises(KeyKeeperUnavailableError, match="sealed"):
            rewrap_all(new)
    else:
        assert rewrap_all(new) == 3
    vault.is_sealed, vault.seals_after = False, None
    started = opened("vault")
    assert sorted(count_wrapped(started).values()) == sorted([at, len(keys) - at])
    assert [started.open(key.object_id) for key in keys] == keys
    assert retire_old_keys(started, clock_s=lambda: 1e12) == 1
    assert [opened("vault").open(key.object_id) for key in keys] == keys


def test_a_keeper_that_makes_no_key_leaves_the_ring_as_it_was(
    opened: Open, vault: VaultStub, tmp_path: Path
) -> None:
    store = opened("file")
    before = store.ring.file.read_bytes()
    vault.is_sealed = True
    with pytest.raises(KeyKeeperUnavailableError):
        opened("vault").ring.add_primary()
    assert store.ring.file.read_bytes() == before
    # Nor is there a key without one that wraps it.
    vault.is_sealed = False
    moved = opened("vault")
    moved.ring.add_primary()
    vault.is_sealed = True
    with pytest.raises(KeyKeeperUnavailableError):
        moved.create("upl-1")
    assert os.listdir(tmp_path / "state" / "keystore") == []


def test_a_ring_with_a_key_of_a_keeper_that_the_settings_lack_says_which_setting(
    opened: Open, both: dict[str, object], tmp_path: Path
) -> None:
    store = opened("pkcs11")
    running = KeyRing(store.ring.file, keepers_of(Settings(state_dir=tmp_path / "state", **both)))
    lacking = Settings(state_dir=tmp_path / "state")
    with pytest.raises(KeyKeeperUnavailableError, match="hsm_module is not set"):
        KeyRing(store.ring.file, keepers_of(lacking))
    assert running.primary().name == store.ring.primary().name


def test_a_ring_that_names_no_key_is_malformed(opened: Open) -> None:
    file = opened("file").ring.file
    for line in ("pkcs11 short", "pkcs11", "vault transit/key", "vault a/b 0", "tpm x"):
        file.write_text(f"blindlink/kek-ring/1\n{line}\n")
        with refuses(ConfigurationError, line, match="malformed"):
            opened("file")


def test_half_a_keeper_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    whole: dict[str, Any] = {
        "hsm_module": Path("module.so"),
        "hsm_label": "blindlink",
        "hsm_pin_file": tmp_path / "pin",
        "vault_url": "https://vault.example.org",
        "vault_key": "transit/blindlink",
        "vault_token_file": tmp_path / "token",
    }
    assert read_settings(tmp_path, **whole).key_keeper == "file"
    refused: list[tuple[dict[str, Any], str]] = [
        (whole | {"key_keeper": "paper"}, "key_keeper"),
        (whole | {"key_keeper": "pkcs11", "hsm_module": None}, "go together"),
        (whole | {"hsm_pin_file": None}, "hsm_module, hsm_label and hsm_pin_file go together"),
        (whole | {"vault_key": None}, "vault_url, vault_key and vault_token_file go together"),
        (whole | {"vault_key": "blindlink"}, "vault_key"),
        (whole | {"vault_key": "transit/../sys"}, "vault_key"),
        (whole | {"vault_url": "http://vault.example.org"}, "vault_url is https"),
        (whole | {"vault_url": "https://user:secret@vault.example.org"}, "without a user"),
        ({"key_keeper": "pkcs11"}, "key_keeper pkcs11 needs hsm_module"),
        ({"key_keeper": "vault"}, "key_keeper vault needs vault_url"),
        ({"vault_namespace": "x"}, "vault_namespace says nothing without vault_url"),
    ]
    for given, said in refused:
        with pytest.raises(ConfigurationError, match=said) as caught:
            read_settings(tmp_path, **given)
        assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("kind", ["pkcs11", "vault"])
def test_a_secret_that_cannot_be_read_keeps_no_keeper_from_starting(
    opened: Open, both: dict[str, object], kind: str
) -> None:
    key = opened(kind).create("upl-1")
    name = {"pkcs11": "hsm_pin_file", "vault": "vault_token_file"}[kind]
    file = Path(str(both[name]))
    secret = file.read_bytes()
    file.unlink()
    store = opened(kind)
    with pytest.raises(KeyKeeperUnavailableError, match=name):
        store.open("upl-1")
    file.write_bytes(secret)
    assert store.open("upl-1") == key
    # To destroy needs no secret.
    file.unlink()
    opened(kind).destroy("upl-1")


def test_certificates_that_cannot_be_read_are_named(
    both: dict[str, object], tmp_path: Path
) -> None:
    settings = Settings(state_dir=tmp_path, **(both | {"vault_ca_file": tmp_path / "none"}))
    with pytest.raises(ConfigurationError, match="vault_ca_file"):
        keepers_of(settings)
