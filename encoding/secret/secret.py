"""The secret that only the agencies share, its file, and the keys that are made from it.

Spec page: `schemas/spec/secret.md`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, NoReturn, Protocol, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from encoding.errors import (
    PassphraseError,
    SecretExistsError,
    SecretExposedError,
    SecretFormatError,
    SecretMissingError,
)
from encoding.owner_only import OwnFile

SECRET_BYTES = 32
KEY_ID_BYTES = 8
FIRST_LINE = "blindlink/secret/1"

Label = Literal["clk", "canary", "confirm", "key-id"]
"""clk: field keys of clkhash, for plain CLKs · canary: self-test encodings · confirm: confirmation tags between
agencies · key-id: the name by which manifests tell secrets apart."""

# 32 random bytes have fewer different values than this once in 10^26 secrets.
_MIN_DIFFERENT_BYTES = 12
_MAX_FILE_BYTES = 4096
_KEPT_LABELS: Final[tuple[Label, ...]] = ("confirm", "canary")
_FILE: Final = OwnFile("secret file", SecretMissingError, SecretExposedError, SecretExistsError)


class AnySecret(Protocol):
    """What encoding needs of a secret, random or text."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that the agency must see before it encodes."""

    @property
    def clk_key(self) -> str:
        """The text that clkhash receives as its secret."""

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits that tell one secret from another and nothing else."""

    def sub_key(self, label: Label, *, project: str = "", epoch: int = 0) -> bytes:
        """Return the 32-byte key for one purpose."""


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """32 random bytes; never printed, logged, compared in varying time or pickled."""

    _value: bytes = field(repr=False)
    warnings: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if len(self._value) != SECRET_BYTES:
            raise SecretFormatError(f"a secret has {SECRET_BYTES} bytes")
        if len(set(self._value)) < _MIN_DIFFERENT_BYTES:
            raise SecretFormatError("the secret is not random")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @property
    def clk_key(self) -> str:
        """The clk sub-key as clkhash receives it: 64 lower-case hexadecimal digits."""
        return self.sub_key("clk").hex()

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits that tell one secret from another and nothing else."""
        return self.sub_key("key-id")[:KEY_ID_BYTES].hex()

    def sub_key(self, label: Label, *, project: str = "", epoch: int = 0) -> bytes:
        """Return the 32-byte key for one purpose, bound to a project and epoch where they are given."""
        return _derive(self._value, label, project, epoch)

    def to_bytes(self) -> bytes:
        """Return the secret itself, to be sealed to a peer and for nothing else."""
        return self._value

    def of_round(self, project: str, number: int) -> Secret:
        """Return the secret of a round, where this is the epoch's secret of that number: no way leads back."""
        return Secret(_step(self._value, "round", project, number))

    def after(self, project: str, first: int, number: int) -> Secret:
        """Return the epoch's secret of round `number`, where this is that of round `first`, not a later one."""
        value = self._value
        for passed in range(first, number):
            value = _step(value, "next", project, passed)
        return Secret(value)


@dataclass(frozen=True, slots=True)
class Marks:
    """What outlives an epoch's first secret, and is no way back to it.

    Attributes:
        key_id: by which agencies and manifests tell secrets apart.
        confirm: the key of the tags in confirmations.
        canary: the key of the self-test's people.
    """

    key_id: str
    confirm: bytes = field(repr=False)
    canary: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: Secret, project: str, epoch: int) -> Marks:
        """Return the marks of the secret of an epoch, as it was agreed on."""
        confirm, canary = (
            secret.sub_key(label, project=project, epoch=epoch) for label in _KEPT_LABELS
        )
        return cls(secret.key_id, confirm, canary)


@dataclass(frozen=True, slots=True, eq=False)
class RoundSecret:
    """What the keys of one round are made from, and the key id of the epoch's first secret."""

    key_id: str
    secret: Secret = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class TextSecret:
    """A text that clkhash users agreed on; it protects nothing from the person who can guess it.

    Only plain CLKs take it: a project's keys are made from a random secret.
    """

    _text: str = field(repr=False)
    warnings: ClassVar[tuple[str, ...]] = (
        "the secret is a text: anyone who guesses it can find out every record; use it only to exchange"
        " encodings with users of clkhash",
    )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @property
    def clk_key(self) -> str:
        """The text as it stands, since clkhash users give it so."""
        return self._text

    @property
    def key_id(self) -> str:
        """16 hexadecimal digits that tell one text from another."""
        return self.sub_key("key-id")[:KEY_ID_BYTES].hex()

    def sub_key(self, label: Label, *, project: str = "", epoch: int = 0) -> bytes:
        """Return the key for one purpose."""
        return _derive(self._text.encode(), label, project, epoch)


def new_secret() -> Secret:
    """Return a new random secret."""
    return Secret(secrets.token_bytes(SECRET_BYTES))


def write_secret(path: str | os.PathLike[str], secret: Secret) -> None:
    """Write a secret file that only its owner may read.

    Raises:
        SecretExistsError: there is a file of that name; it is left as it is.
        SecretMissingError: the folder cannot be written.
    """
    text = f"{FIRST_LINE}\n{base64.b64encode(secret.to_bytes()).decode('ascii')}\n"
    hint = "encodings made with it would be lost"
    _FILE.create(path, text.encode("ascii"), hint=hint)


def read_secret(path: str | os.PathLike[str]) -> Secret:
    """Read a secret file.

    Raises:
        SecretMissingError, SecretExposedError: the file is not there, or others may read it.
        PassphraseError: it holds a text, such as clkhash users share.
        SecretFormatError: it is a secret file, and damaged.
    """
    lines = _read_private_text(path).splitlines()
    if lines[:1] != [FIRST_LINE]:
        raise PassphraseError(
            f"{path} is not a secret file made by this program",
            hint="make one with: blindlink secret new",
        )
    if len(lines) != 2:
        raise SecretFormatError(f"the secret file {path} is damaged")
    try:
        value = base64.b64decode(lines[1], validate=True)
    except (binascii.Error, ValueError):
        raise SecretFormatError(f"the secret file {path} is damaged") from None
    return Secret(value)


def read_text_secret(path: str | os.PathLike[str]) -> TextSecret:
    """Read the text secret of clkhash users: the whole file but the line end, and a byte-order mark.

    Raises:
        SecretMissingError, SecretExposedError: the file is not there, or others may read it.
        SecretFormatError: it is empty, or a secret file of this program.
    """
    text = _read_private_text(path).removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if not text or text.startswith(FIRST_LINE):
        raise SecretFormatError(f"{path} does not hold a text secret")
    return TextSecret(text)


def spoken(key_id: str) -> str:
    """Return a key id in groups of four, as it is read aloud."""
    return " ".join(key_id[start : start + 4] for start in range(0, len(key_id), 4))


def _derive(value: bytes, label: Label, project: str, epoch: int) -> bytes:
    if label not in get_args(Label):
        raise ValueError("unknown label of a sub-key")
    if "\n" in project:
        raise ValueError("a project name has no line end")
    # Without a line end in any part, two different triples cannot give one text.
    info = f"blindlink/v1/sub-key\n{label}\n{project}\n{epoch}\n".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(value)


def _step(value: bytes, label: Literal["round", "next"], project: str, number: int) -> bytes:
    if "\n" in project:
        raise ValueError("a project name has no line end")
    info = f"blindlink/v1/secret-of-round\n{label}\n{project}\n{number}\n".encode()
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(value)


def _read_private_text(path: str | os.PathLike[str]) -> str:
    content = _FILE.read(path, _MAX_FILE_BYTES)
    if len(content) > _MAX_FILE_BYTES:
        raise SecretFormatError(f"{path} is too long to be a secret file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretFormatError(f"{path} is not a secret file") from None
