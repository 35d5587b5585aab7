"""A key-encryption key in a security module, by PKCS#11: the key never leaves the token.

The token computes HMAC-SHA-256 of a nonce and of what is wrapped for whom. That is the key of this wrapping,
by AES-256-GCM here; it opens one data key, which the broker holds at that moment as well. AES-GCM in the token
would be no safer, and fewer tokens let the caller choose nonce and associated data (ADR 0071).
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, cast

import pkcs11
from pkcs11 import (
    Attribute,
    KeyType,
    Mechanism,
    MechanismFlag,
    ObjectClass,
    Session,
    SignMixin,
    Token,
    TokenFlag,
)
from pkcs11.exceptions import (
    MechanismInvalid,
    MultipleTokensReturned,
    NoSuchKey,
    NoSuchToken,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from app.errors import ConfigurationError
from app.security.key_encryption import KEY_BYTES, NONCE_BYTES, keeper_fails, seal, unseal

T = TypeVar("T")

LABEL: Final = "blindlink"
# How long one caller waits for another, whom the module keeps waiting.
TURN_S: Final = 5.0
# What comes later may be wrapped under a key that the ring has dropped since (SETTLING_S of rewrapping).
LATE_S: Final = 30.0
_PURPOSE: Final = b"blindlink/kek-pkcs11/1\n"
_NAME: Final = re.compile(r"[0-9a-f]{16}")
_LAST_TRY: Final = TokenFlag.USER_PIN_FINAL_TRY | TokenFlag.USER_PIN_LOCKED
_PIN_REFUSED: Final = (PinExpired, PinIncorrect, PinInvalid, PinLenRange, PinLocked)
_SAID: Final[dict[type[PKCS11Error], str]] = {
    NoSuchToken: "The security module has no token of the name in hsm_label",
    MultipleTokensReturned: "The security module has several tokens of the name in hsm_label",
    NoSuchKey: "The token does not hold the key that the ring names",
    MechanismInvalid: "The token does not compute HMAC-SHA-256",
}
# One for all: the library starts modules in the way that lets one thread call them at a time, and who logs out
# of a token logs out everybody in this process.
_TURN: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key in the token."""

    module: SecurityModule
    name: str

    @property
    def place(self) -> str:
        """Name the token."""
        return f"in the token {self.module.token}"

    def wrap(self, secret: bytes, head: bytes) -> bytes:
        """Wrap under a key of this one wrapping."""
        nonce = os.urandom(NONCE_BYTES)
        return seal(self._key_of(nonce, head), nonce, secret, head)

    def unwrap(self, wrapped: bytes, head: bytes) -> bytes:
        """Unwrap with the key of that wrapping."""
        return unseal(self._key_of(wrapped[:NONCE_BYTES], head), wrapped, head)

    def _key_of(self, nonce: bytes, head: bytes) -> bytes:
        return self.module.authenticate(self.name, _PURPOSE + nonce + head)


class SecurityModule:
    """A token, with one login a process that is kept; after a fork, a logout or an outage all is begun anew."""

    def __init__(self, file: Path, token: str, pin: Callable[[], str]) -> None:
        """Take the module's library, the token's label, and what reads the PIN; nothing is loaded yet."""
        self._file = str(file)
        self.token = token
        self._pin = pin
        self._session: Session | None = None
        self._process = 0
        self._keys: dict[str, SignMixin] = {}
        # A PIN that the token has refused: another try might lock it.
        self._refused: str | None = None

    def draw(self, written: Sequence[str]) -> str:
        """Have the token make a key that it gives to nobody; its id there is its name here."""
        del written
        name = secrets.token_hex(8)
        self._ask(partial(_generate, name=name))
        return name

    def key(self, written: str) -> TokenKey:
        """Return the key of this name."""
        if not _NAME.fullmatch(written):
            raise ValueError("not the name of a key in a token")
        return TokenKey(self, written)

    def close(self) -> None:
        """Leave the session to the end of the process: to log out would be for all in it."""

    def authenticate(self, name: str, message: bytes) -> bytes:
        """Return the HMAC-SHA-256 of a message under a key in the token, 32 bytes."""

        def sign(login: Session) -> bytes:
            if name not in self._keys:
                # A session of its own, with the same login: a search by one that has ended leaves the library
                # with a search that it cannot end.
                self._keys[name] = _found(login.token.open(rw=True), name)
            return self._keys[name].sign(message, mechanism=Mechanism.SHA256_HMAC)

        return self._ask(sign)

    def _ask(self, step: Callable[[Session], T]) -> T:
        began_s = time.monotonic()
        if not _TURN.acquire(timeout=TURN_S):
            raise keeper_fails("The security module keeps another caller waiting")
        try:
            try:
                done = step(self._open())
            except PKCS11Error:
                # Logged out, unplugged or restarted meanwhile; what fails again is told.
                self._restart()
                done = step(self._open())
        except PKCS11Error as exc:
            self._session, self._keys = None, {}
            said = _SAID.get(type(exc), f"The security module fails with {type(exc).__name__}")
            raise keeper_fails(said) from None
        finally:
            _TURN.release()
        if time.monotonic() - began_s > LATE_S:
            raise keeper_fails("The security module answers too late")
        return done

    def _open(self) -> Session:
        # PKCS#11 3.0 §5.4: a child of a fork must initialize the library anew.
        if self._session is not None and self._process != os.getpid():
            self._restart()
        if self._session is None:
            if not Path(self._file).is_file():
                raise keeper_fails("The file of hsm_module is not there")
            token = pkcs11.lib(self._file).get_token(token_label=self.token)
            self._session, self._process = self._log_in(token), os.getpid()
        return self._session

    def _restart(self) -> None:
        self._session, self._keys = None, {}
        with suppress(PKCS11Error):
            pkcs11.lib(self._file).reinitialize()

    def _log_in(self, token: Token) -> Session:
        try:
            pin = self._pin()
        except ConfigurationError as exc:
            raise keeper_fails(exc.detail) from None
        if pin == self._refused:
            raise keeper_fails(
                "The token has refused the PIN of hsm_pin_file, and is not asked again"
            )
        if token.flags & _LAST_TRY:
            raise keeper_fails(
                "The token is locked, or one more wrong PIN would lock it: log in once with its own tool"
            )
        try:
            # For writing as well: AWS CloudHSM knows no other session.
            return token.open(rw=True, user_pin=pin)
        except UserAlreadyLoggedIn:
            return token.open(rw=True)
        except _PIN_REFUSED:
            self._refused = pin
            raise keeper_fails("The token refuses the PIN of hsm_pin_file") from None


def _generate(login: Session, *, name: str) -> None:
    login.generate_key(
        KeyType.GENERIC_SECRET,
        8 * KEY_BYTES,
        mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
        id=bytes.fromhex(name),
        label=LABEL,
        store=True,
        capabilities=MechanismFlag.SIGN,
        template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
        },
    )


def _found(login: Session, name: str) -> SignMixin:
    key = login.get_key(object_class=ObjectClass.SECRET_KEY, id=bytes.fromhex(name))
    if key[Attribute.EXTRACTABLE]:
        raise keeper_fails("The token would give out the key that the ring names")
    return cast("SignMixin", key)
