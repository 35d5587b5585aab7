"""Keys in Vault's transit engine, at a stub of it: what it refuses is told, and passes."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from services.vault_stub import TOKEN, VaultStub

from app.cli.self_signed import write_certificate
from app.errors import KeyKeeperUnavailableError, SealBrokenError
from app.extras.key_keepers.vault import Vault
from app.security.keepers import keepers_of
from app.security.key_encryption import try_out
from app.security.keyring import Keepers, KeyRing, make_ring
from app.settings import Settings

OPERATOR = (Path(__file__).parents[4] / "docs" / "operator.md").read_text("utf-8")
SECRET, HEAD = bytes(range(32)), b"upl-1"


@pytest.fixture
def given(vault: VaultStub, tmp_path: Path) -> dict[str, object]:
    return vault.settings(tmp_path / "secrets")


@pytest.fixture
def keepers_with(
    given: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Keepers]]:
    """Make keepers by the settings, with changes; the environment names a proxy that there is not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    begun: list[Keepers] = []

    def make(**changes: object) -> Keepers:
        begun.append(keepers_of(Settings(key_keeper="vault", **(given | changes))))
        return begun[-1]

    yield make
    for keepers in begun:
        keepers.close()


@pytest.fixture
def keeper(keepers_with: Callable[..., Keepers]) -> Vault:
    found = keepers_with().of("vault")
    assert isinstance(found, Vault)
    return found


def refused(call: Callable[[], object], said: str) -> None:
    """Check that a call is refused, and what is said: nothing of the token, nor of Vault's own words."""
    with pytest.raises(KeyKeeperUnavailableError, match=said) as caught:
        call()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not re.search(f"{TOKEN}|permission denied|127.0.0.1", shown)
    assert caught.value.__cause__ is None


def test_a_key_of_the_ring_is_a_version_of_the_transit_key(keeper: Vault, vault: VaultStub) -> None:
    first = keeper.draw([])
    # Someone may rotate there; the newest version is taken before another is made.
    second = keeper.draw([first])
    assert (first, second, keeper.draw([first])) == (
        "transit/blindlink 1",
        "transit/blindlink 2",
        "transit/blindlink 2",
    )
    assert sum(call.endswith("/rotate") for call in vault.calls) == 1
    old, new = keeper.key(first), keeper.key(second)
    wrapped = old.wrap(SECRET, HEAD)
    assert old.unwrap(wrapped, HEAD) == SECRET
    # The policy of the operator's page lets just these calls through.
    policy = re.findall(r'^path "(.*)" { capabilities = \["(.*)"\] }$', OPERATOR, re.MULTILINE)
    verbs = {"read": "GET", "update": "POST"}
    assert set(vault.calls) == {f"{verbs[verb]} {path}" for path, verb in policy}
    with pytest.raises(SealBrokenError):
        new.unwrap(wrapped, HEAD)
    assert old.name != new.name
    assert old.place == "version 1 of transit/blindlink in Vault"


def test_what_vault_refuses_is_told_and_may_pass(
    keeper: Vault, vault: VaultStub, given: dict[str, Any], keepers_with: Callable[..., Keepers]
) -> None:
    key = keeper.key(keeper.draw([]))
    wrapped = key.wrap(SECRET, HEAD)
    vault.is_sealed = True
    refused(lambda: key.unwrap(wrapped, HEAD), "sealed")
    vault.is_sealed = False
    given["vault_token_file"].write_text("hvs.one-that-has-ended\n")
    refused(lambda: key.unwrap(wrapped, HEAD), "refuses the token of vault_token_file")
    given["vault_token_file"].unlink()
    refused(lambda: key.unwrap(wrapped, HEAD), "vault_token_file")
    # Vault's agent writes a new one.
    given["vault_token_file"].write_text(f"{TOKEN}\n")
    vault.min_decryption_version = 2
    refused(lambda: key.unwrap(wrapped, HEAD), "refuses what it is asked")
    vault.min_decryption_version = 1
    assert key.unwrap(wrapped, HEAD) == SECRET
    vault.may_rotate = False
    refused(lambda: keeper.draw(["transit/blindlink 1"]), "or its policy does")
    for other in ("transit/other", "elsewhere/blindlink"):
        refused(lambda: keepers_with(vault_key=other).of("vault").draw([]), "no such engine or key")  # noqa: B023


def test_an_answer_that_is_not_documented_is_none(keeper: Vault, vault: VaultStub) -> None:
    key = keeper.key(keeper.draw([]))
    wrapped = key.wrap(SECRET, HEAD)
    for says in (
        *(b"", b"no json", b"[]", b'{"data": null}', b'{"data": {"ciphertext": "vault:v1:AAAA"}}'),
        b'{"data": {"ciphertext": "vault:v2:%s", "plaintext": "AA=="}}' % (b"A" * 80),
    ):
        vault.says = says
        refused(lambda: key.wrap(SECRET, HEAD), "otherwise than is documented")
        refused(lambda: key.unwrap(wrapped, HEAD), "otherwise than is documented")
        refused(lambda: keeper.draw([]), "otherwise than is documented|not a plain one")


def test_a_key_that_does_not_stay_in_vault_or_seals_otherwise_is_not_taken(
    keeper: Vault, vault: VaultStub
) -> None:
    abouts: list[tuple[dict[str, object], str]] = [
        ({"type": "rsa-4096"}, "not a plain one of type aes256-gcm96"),
        ({"derived": True}, "not a plain one"),
        ({"exportable": True}, "would give out the key"),
        ({"allow_plaintext_backup": True}, "would give out the key"),
    ]
    for about, said in abouts:
        vault.about_key = about
        refused(lambda: keeper.draw([]), said)


def test_a_vault_too_old_to_bind_keys_to_their_objects_gets_none(
    vault: VaultStub, keepers_with: Callable[..., Keepers], tmp_path: Path
) -> None:
    keepers = keepers_with()
    vault.knows_associated_data = False
    refused(lambda: make_ring(tmp_path / "keys" / "ring", keepers), "does not bind")
    assert not (tmp_path / "keys" / "ring").exists()
    vault.knows_associated_data = True
    make_ring(tmp_path / "keys" / "ring", keepers)
    try_out(KeyRing(tmp_path / "keys" / "ring", keepers).primary())


def test_a_vault_that_is_silent_slow_or_not_trusted_is_given_up(
    vault: VaultStub,
    keepers_with: Callable[..., Keepers],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_certificate(tmp_path / "another")
    untrusted = keepers_with(vault_ca_file=tmp_path / "another" / "broker.crt").of("vault")
    refused(lambda: untrusted.draw([]), "cannot be reached, or is not trusted")
    nobody = keepers_with(vault_url="https://127.0.0.1:1").of("vault")
    refused(lambda: nobody.draw([]), "cannot be reached")
    monkeypatch.setattr("app.extras.key_keepers.vault.WAIT_S", 0.05)
    vault.waits_s = 0.2
    refused(lambda: keepers_with().of("vault").draw([]), "cannot be reached")
    vault.waits_s = 0.0
    monkeypatch.setattr("app.extras.key_keepers.vault.WHOLE_S", -1.0)
    refused(lambda: keepers_with().of("vault").draw([]), "cannot be reached")
