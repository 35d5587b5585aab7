"""The ring of key-encryption keys: the first wraps, all unwrap, so that keys rotate while serving.

The ring is one text file for its owner only: a first line that names the format, then one key a line. A key
that the ring itself keeps is its base64: anyone who reads that, and the key store, can open every upload that
still has its key. Of a key that someone else keeps, the line has the keeper's kind and its name of the key.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.durable import held, make_private_folder, refuse_shared, write_durably, write_new
from app.errors import ConfigurationError, KeyKeeperUnavailableError, SealBrokenError
from app.security.key_encryption import (
    FileKeeper,
    KeyEncryptionKey,
    KeyKeeper,
    keeper_fails,
    try_out,
)

FORMAT: Final = "blindlink/kek-ring/1"
FILE: Final = "file"
PKCS11: Final = "pkcs11"
VAULT: Final = "vault"
# How long it counts what a trial of the key that wraps has shown.
TRIED_FOR_S: Final = 10.0
# The setting without which there is no keeper of a kind.
_NEEDED: Final = {PKCS11: "hsm_module", VAULT: "vault_url"}


@dataclass(frozen=True, slots=True)
class Keepers:
    """Who keeps keys, by kind; who is named in `drawing` draws new ones."""

    drawing: str = FILE
    by_kind: Mapping[str, KeyKeeper] = field(default_factory=lambda: {FILE: FileKeeper()})

    def of(self, kind: str) -> KeyKeeper:
        """Return the keeper of a kind.

        Raises:
            ConfigurationError: a ring names no such kind.
            KeyKeeperUnavailableError: the settings say nothing of it.
        """
        if kind in self.by_kind:
            return self.by_kind[kind]
        if kind not in _NEEDED:
            raise ConfigurationError("the ring of key-encryption keys is malformed")
        raise KeyKeeperUnavailableError(
            f"The ring has a key of the kind {kind}, and {_NEEDED[kind]} is not set",
            hint=f"set {_NEEDED[kind]} and what goes with it, and start the broker anew",
        )

    def close(self) -> None:
        """Close what they keep open."""
        for keeper in self.by_kind.values():
            keeper.close()


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str
    written: str = field(repr=False)
    key: KeyEncryptionKey

    @property
    def text(self) -> str:
        return self.written if self.kind == FILE else f"{self.kind} {self.written}"


class KeyRing:
    """The ring in a file, read again whenever a key is wanted that was not there before."""

    def __init__(self, file: Path, keepers: Keepers | None = None) -> None:
        """Read the ring; without `keepers` it keeps all its keys itself.

        Raises:
            ConfigurationError: no such file, others may read it, or it is malformed.
            KeyKeeperUnavailableError: the settings lack the keeper of one of its keys.
        """
        self.file = file
        self.keepers = keepers or Keepers()
        self._lines = self._read()
        self._trying = threading.Lock()
        self._tried_s: float | None = None
        self._fault: str | None = None

    def primary(self) -> KeyEncryptionKey:
        """Return the key that wraps."""
        self._lines = self._read()
        return self._lines[0].key

    def require_answering(self) -> None:
        """Check that the key that wraps does so, by a trial of the last seconds: for those who may ask often.

        Raises:
            KeyKeeperUnavailableError: as `try_out`.
        """
        key = self.primary()
        # Anyone who comes while another tries takes what is known, so that a slow keeper keeps no more threads.
        if self._trying.acquire(blocking=self._tried_s is None):
            try:
                if self._tried_s is None or time.monotonic() - self._tried_s >= TRIED_FOR_S:
                    self._fault = _fault_of(key)
                    self._tried_s = time.monotonic()
            finally:
                self._trying.release()
        fault = self._fault
        if fault is not None:
            raise keeper_fails(fault)

    def known(self) -> tuple[KeyEncryptionKey, ...]:
        """Return all keys, the one that wraps first."""
        self._lines = self._read()
        return tuple(line.key for line in self._lines)

    def find(self, name: str) -> KeyEncryptionKey:
        """Return the key of this name."""
        for is_old in (True, False):
            for line in self._lines if is_old else self._read():
                if line.key.name == name:
                    return line.key
        raise SealBrokenError("A key is wrapped under a key that is not in the ring.")

    def require_drawn_where_wanted(self) -> None:
        """Check that the key that wraps is kept where the settings want new ones.

        Raises:
            ConfigurationError: it is not.
        """
        kind, wanted = self._read()[0].kind, self.keepers.drawing
        if kind != wanted:
            raise ConfigurationError(
                f"key_keeper is {wanted}, and the key that wraps is still of the kind {kind}",
                hint="blindlink-broker key-ring rotate; a minute later, key-ring retire",
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the ring for a change of several steps; other processes of this machine can't do so meanwhile.

        Raises:
            ConfigurationError: another one holds it, or its disk knows no locks.
        """
        with held(self.file, "the ring of key-encryption keys"):
            yield

    def add_primary(self) -> None:
        """Have a new key made, try it, and put it first; the others stay, to unwrap.

        Raises:
            KeyKeeperUnavailableError: its keeper makes none, or it does not wrap; the ring is as it was.
        """
        old = self._read()
        new = _drawn(
            self.keepers, [line.written for line in old if line.kind == self.keepers.drawing]
        )
        write_durably(self.file, _ring_text([new, *old]))

    def keep_only(self, primary: str) -> None:
        """Drop all keys but the first, of this name: what is still wrapped under another is lost for good."""
        first = self._read()[0]
        if first.key.name != primary:
            raise ConfigurationError(
                "another key has been put first in the ring meanwhile, and none is dropped",
                hint="wait a minute, then repeat the command",
            )
        write_durably(self.file, _ring_text([first]))

    def _read(self) -> tuple[_Line, ...]:
        refuse_shared(self.file, "the ring of key-encryption keys")
        try:
            first, *lines = self.file.read_text("ascii").splitlines() or [""]
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError("the ring of key-encryption keys cannot be read") from exc
        if not lines or first != FORMAT:
            raise ConfigurationError("the ring of key-encryption keys is malformed")
        return tuple(_parsed(line, self.keepers) for line in lines)


def make_ring(file: Path, keepers: Keepers | None = None) -> None:
    """Write a new ring with one key.

    Raises:
        FileExistsError: there is one already; it is never replaced, since it may hold the only key.
        KeyKeeperUnavailableError: the key's keeper makes none; there is no ring.
    """
    make_private_folder(file.parent)
    write_new(file, _ring_text([_drawn(keepers or Keepers(), [])]))


def _fault_of(key: KeyEncryptionKey) -> str | None:
    try:
        try_out(key)
    except KeyKeeperUnavailableError as exc:
        return exc.detail
    return None


def _drawn(keepers: Keepers, written: list[str]) -> _Line:
    keeper = keepers.of(keepers.drawing)
    new = keeper.draw(written)
    key = keeper.key(new)
    try_out(key, new=True)
    return _Line(keepers.drawing, new, key)


def _parsed(line: str, keepers: Keepers) -> _Line:
    kind, written = line.split(" ", 1) if " " in line else (FILE, line)
    try:
        return _Line(kind, written, keepers.of(kind).key(written))
    except ValueError as exc:
        raise ConfigurationError("the ring of key-encryption keys is malformed") from exc


def _ring_text(lines: list[_Line]) -> bytes:
    return "".join(f"{line}\n" for line in (FORMAT, *(one.text for one in lines))).encode("ascii")
