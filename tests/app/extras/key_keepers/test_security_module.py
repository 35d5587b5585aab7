"""A key in a token of SoftHSM: it never leaves, and whatever becomes of the token, nothing is lost."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import AttributeSensitive
from services.soft_hsm import MODULE, PIN, SoftHsm

from app.errors import KeyKeeperUnavailableError
from app.extras.key_keepers.security_module import _TURN, SecurityModule
from app.security.key_encryption import KeyEncryptionKey, try_out

SECRET, HEAD = bytes(range(32)), b"upl-1"


class Pin:
    """A file of a PIN, which counts how often it was tried at the token."""

    def __init__(self, pin: str = PIN) -> None:
        self.pin = pin
        self.n_read = 0

    def __call__(self) -> str:
        self.n_read += 1
        return self.pin


@pytest.fixture
def label(soft_hsm: SoftHsm) -> str:
    """The label of a token that nobody has logged in to."""
    return soft_hsm.new_token()


@pytest.fixture
def module(soft_hsm: SoftHsm) -> SecurityModule:
    return SecurityModule(MODULE, soft_hsm.token, Pin())


@pytest.fixture
def key(module: SecurityModule) -> KeyEncryptionKey:
    return module.key(module.draw([]))


def the_session(module: SecurityModule) -> pkcs11.Session:
    assert module._session is not None
    return module._session


def log_out(module: SecurityModule) -> None:
    """Log everybody in this process out, as a token does that is reset."""
    the_session(module).close()


def test_the_key_is_one_that_the_token_gives_to_nobody(
    module: SecurityModule, key: KeyEncryptionKey
) -> None:
    key.wrap(SECRET, HEAD)
    found = the_session(module).get_key(ObjectClass.SECRET_KEY, id=bytes.fromhex(key.name))
    kept = (Attribute.PRIVATE, Attribute.SENSITIVE, Attribute.NEVER_EXTRACTABLE)
    assert [found[attribute] for attribute in kept] == [True, True, True]
    with pytest.raises(AttributeSensitive):
        found[Attribute.VALUE]


def test_each_wrapping_has_a_key_of_its_own(key: KeyEncryptionKey) -> None:
    first, second = key.wrap(SECRET, HEAD), key.wrap(SECRET, HEAD)
    assert first[:12] != second[:12]
    assert key.unwrap(first, HEAD) == key.unwrap(second, HEAD) == SECRET


@pytest.mark.parametrize("what", ["logged out", "restarted", "closed"])
def test_a_login_that_is_lost_is_made_again(
    module: SecurityModule, key: KeyEncryptionKey, what: str
) -> None:
    wrapped = key.wrap(SECRET, HEAD)
    if what == "logged out":
        log_out(module)
    elif what == "restarted":
        pkcs11.lib(str(MODULE)).reinitialize()
    else:
        pkcs11.lib(str(MODULE)).finalize()
    assert key.unwrap(wrapped, HEAD) == SECRET


def test_a_token_that_is_unplugged_is_told_and_used_again_once_it_is_back(
    soft_hsm: SoftHsm, key: KeyEncryptionKey
) -> None:
    wrapped = key.wrap(SECRET, HEAD)
    with soft_hsm.unplugged():
        for _ in range(2):
            with pytest.raises(KeyKeeperUnavailableError, match="security module"):
                key.unwrap(wrapped, HEAD)
    assert key.unwrap(wrapped, HEAD) == SECRET


def test_a_wrong_pin_is_tried_once_and_the_right_one_when_it_is_there(label: str) -> None:
    pin = Pin("wrong-one")
    module = SecurityModule(MODULE, label, pin)
    for said in ("refuses the PIN", "not asked again", "not asked again"):
        with pytest.raises(KeyKeeperUnavailableError, match=said) as caught:
            module.draw([])
        assert "wrong-one" not in f"{caught.value!r} {caught.value} {caught.value.hint}"
        assert caught.value.__cause__ is None
    assert "wrong-one" not in repr(module)
    pin.pin = PIN
    try_out(module.key(module.draw([])), new=True)


def test_a_token_whose_next_wrong_pin_would_lock_it_is_left_alone(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SoftHSM never locks a token, so that what it says of the wrong PIN stands for the last try here.
    warned = pkcs11.TokenFlag.USER_PIN_COUNT_LOW
    with pytest.raises(KeyKeeperUnavailableError, match="refuses the PIN"):
        SecurityModule(MODULE, label, Pin("wrong-one")).draw([])
    monkeypatch.setattr("app.extras.key_keepers.security_module._LAST_TRY", warned)
    with pytest.raises(KeyKeeperUnavailableError, match="would lock it"):
        SecurityModule(MODULE, label, Pin()).draw([])


def test_what_is_missing_is_named(
    module: SecurityModule, key: KeyEncryptionKey, tmp_path: Path
) -> None:
    no_library = tmp_path / "library.so"
    no_library.write_text("no library")
    for file, label, said in (
        (tmp_path / "none.so", module.token, "file of hsm_module is not there"),
        (no_library, module.token, "fails with PKCS11Error"),
        (MODULE, "no-such-token", "name in hsm_label"),
    ):
        with pytest.raises(KeyKeeperUnavailableError, match=said):
            SecurityModule(file, label, Pin()).draw([])
    with pytest.raises(KeyKeeperUnavailableError, match="does not hold the key"):
        module.key("0" * 16).wrap(SECRET, HEAD)
    assert key.unwrap(key.wrap(SECRET, HEAD), HEAD) == SECRET


def test_many_threads_share_one_login(key: KeyEncryptionKey) -> None:
    faults: list[object] = []

    def wrap() -> None:
        try:
            for number in range(20):
                head = b"upl-%d" % number
                if key.unwrap(key.wrap(SECRET, head), head) != SECRET:
                    faults.append(number)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it fails the test below
            faults.append(exc)

    threads = [threading.Thread(target=wrap) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_nobody_waits_long_for_a_module_that_keeps_another_waiting(
    key: KeyEncryptionKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.extras.key_keepers.security_module.TURN_S", 0.01)
    with _TURN, pytest.raises(KeyKeeperUnavailableError, match="another caller"):
        key.wrap(SECRET, HEAD)
    monkeypatch.setattr("app.extras.key_keepers.security_module.LATE_S", -1.0)
    with pytest.raises(KeyKeeperUnavailableError, match="too late"):
        key.wrap(SECRET, HEAD)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_of_a_fork_logs_in_by_itself(module: SecurityModule, key: KeyEncryptionKey) -> None:
    wrapped = key.wrap(SECRET, HEAD)
    session = the_session(module)
    child = os.fork()
    if child == 0:
        opened = key.unwrap(wrapped, HEAD) == SECRET
        os._exit(0 if opened and module._session is not session else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert key.unwrap(wrapped, HEAD) == SECRET
    assert module._session is session
