"""Options by which a command is told whose keys it may use, and how they are unlocked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from encoding.cli.session import Session

if TYPE_CHECKING:
    from encoding.identity import Identity

DEFAULT_FILE: Final = "identity.txt"
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def identity_options(function: _Function) -> _Function:
    """Add --identity, --passphrase-file and --key-file."""
    options = (
        click.option(
            "--identity", type=_FILE, help=f"File of your keys; {DEFAULT_FILE} if left out."
        ),
        click.option(
            "--passphrase-file", type=_FILE, help="Read the passphrase from this file, do not ask."
        ),
        click.option("--key-file", type=_FILE, help="The key file that opens your keys."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def unlock_own(session: Session, given: Mapping[str, Any]) -> Identity:
    """Return the identity of whoever types, unlocked; asks for a passphrase where nothing else opens it.

    Args:
        session: the options of the call.
        given: the values of `identity_options`, by name.
    Raises:
        IdentityError: the file, or what opens it, is missing, exposed, damaged or the wrong one.
        ConfigError: it is somebody of another party than the settings name.
    """
    from encoding.errors import ConfigError
    from encoding.identity import read_identity
    from encoding.identity_lock import Passphrase, read_key_file, read_passphrase

    path = given["identity"] or session.config_path.parent / DEFAULT_FILE
    locked = read_identity(path)
    if locked.public.party != session.party:
        raise ConfigError(
            f"{path} is of somebody of {locked.public.party}, and the settings are of {session.party}"
        )
    if given["key_file"] is not None:
        return locked.unlock(read_key_file(given["key_file"]))
    if given["passphrase_file"] is not None:
        return locked.unlock(read_passphrase(given["passphrase_file"]))
    if locked.lock.kind == "key-file":
        raise click.UsageError("your keys are opened by a key file: give it with --key-file")
    typed = click.prompt("Passphrase for your keys", hide_input=True, err=True)
    return locked.unlock(Passphrase(typed))
