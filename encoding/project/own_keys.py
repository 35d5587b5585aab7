"""Options by which a command is told whose keys it may use, and how they are unlocked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import click

from encoding.errors import ConfigError, IdentityError
from encoding.people.identity import Identity, read_identity
from encoding.people.identity_lock import (
    Passphrase,
    Unlocking,
    new_key_file,
    read_key_file,
    read_passphrase,
)
from encoding.people.key_rotation import replaced_files
from encoding.workspace.config import Config
from schemas.signing.identity import PublicIdentity

DEFAULT_FILE: Final = "identity.txt"


class KeyHolder(Protocol):
    """What of a session says whose keys are used; the last three keep them, once they are unlocked."""

    config_path: Path
    identity: Path | None
    passphrase_file: Path | None
    key_file: Path | None
    own: Identity | None
    own_file: Path | None
    unlocking: Unlocking | None

    @property
    def config(self) -> Config:
        """The settings."""
        ...

    @property
    def party(self) -> str:
        """The agency's name in the project."""
        ...


def unlock_own(session: KeyHolder) -> Identity:
    """Return the identity of the user, unlocked; asks for a passphrase where nothing else opens it."""
    if session.own is None:
        path = own_path(session)
        locked = read_identity(path)
        # Auditors and operators have keys, and no settings.
        if session.config_path.exists() and locked.public.party != session.party:
            raise ConfigError(
                f"{path} has keys of {locked.public.party}, but your settings are of {session.party}"
            )
        session.own_file, session.unlocking = path, _unlocking(session, locked.lock.kind)
        session.own = locked.unlock(session.unlocking)
    return session.own


def own_keys(session: KeyHolder) -> Iterator[Identity]:
    """Yield the keys of the user, then those that they have replaced, as far as the same opens them."""
    own = unlock_own(session)
    yield own
    for path in replaced_files(session.own_file or own_path(session)):
        with suppress(IdentityError):
            former = read_identity(path).unlock(unlocking_of(session))
            if former.public.person == own.public.person:
                yield former


def own_path(session: KeyHolder) -> Path:
    """Return the file of a person's keys: the given one, that of the settings, or else the one beside them."""
    return (
        session.identity
        or _configured(session, "file")
        or session.config_path.parent / DEFAULT_FILE
    )


def unlocking_of(session: KeyHolder) -> Unlocking:
    """Return what opens the identity of the user, after making sure that it does."""
    unlock_own(session)
    if session.unlocking is None:
        raise ValueError("an identity was unlocked without anything that opens it")
    return session.unlocking


def new_unlocking(
    passphrase_file: Path | None, key_file: Path | None, asked: str = "Passphrase for your keys"
) -> Unlocking:
    """Return what opens keys from now on: a new key file, or a passphrase from a file or typed twice."""
    if passphrase_file is not None and key_file is not None:
        raise click.UsageError("give a passphrase file or a key file, not both")
    if key_file is not None:
        return new_key_file(key_file)
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    return Passphrase(click.prompt(asked, hide_input=True, confirmation_prompt=True))


def identity_lines(public: PublicIdentity) -> Iterator[str]:
    """Return who someone is to the others, and the fingerprint of their keys."""
    yield f"party        {public.party}"
    yield f"person       {public.person}"
    yield f"duties       {', '.join(public.duties)}"
    groups = public.fingerprint().split()
    for start in range(0, len(groups), 4):
        label = "fingerprint" if start == 0 else ""
        yield f"{label:<12} {' '.join(groups[start : start + 4])}"


def identity_row(public: PublicIdentity) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "party": public.party,
        "person": public.person,
        "duties": list(public.duties),
        "fingerprint": public.fingerprint(),
    }


def _unlocking(session: KeyHolder, kind: str) -> Unlocking:
    key_file = session.key_file or _configured(session, "key_file")
    passphrase_file = session.passphrase_file or _configured(session, "passphrase_file")
    if kind == "key-file":
        if key_file is None:
            raise ConfigError(
                "your keys need a key file, and no setting names it",
                hint="name it as key_file in the section [identity], or give it with --key-file",
            )
        return read_key_file(key_file)
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    return Passphrase(click.prompt("Passphrase for your keys", hide_input=True, err=True))


def _configured(session: KeyHolder, field: str) -> Path | None:
    """Return a path of the section [identity]; None where there are no settings, or no such line."""
    if not session.config_path.exists():
        return None
    written: str | None = getattr(session.config.sections.identity, field)
    return None if written is None else session.config.resolve(written)
