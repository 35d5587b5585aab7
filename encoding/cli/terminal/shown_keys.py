"""Keys as someone shows them, in a file or at the broker, and as their owner reads them out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from encoding.cli.terminal import prompts
from encoding.errors import (
    IdentityFormatError,
    IdentityMissingError,
    NotReadyError,
    UntrustedKeyError,
)
from encoding.people.peers import read_fingerprint
from schemas.documents.canonical import parse_json
from schemas.documents.errors import FormatError, SignatureError
from schemas.signing.identity import IdentityHistory, PublicIdentity, SignedIdentity


def read_shown(path: Path) -> IdentityHistory:
    """Return the keys that someone shows in a file; whose they are, their fingerprint tells."""
    try:
        shown = parse_json(path.read_bytes())
    except OSError:
        raise IdentityMissingError(f"the file {path} cannot be read") from None
    except FormatError as exc:
        raise IdentityFormatError(f"the file {path} has nobody's keys in it: {exc}") from None
    try:
        if isinstance(shown, dict) and "enrolled" in shown:
            return IdentityHistory.from_json(shown)
        if isinstance(shown, dict):
            shown = {name: shown[name] for name in shown if name != "fingerprint"}
        return IdentityHistory(enrolled=SignedIdentity.from_json(shown))
    except FormatError as exc:
        raise IdentityFormatError(f"the file {path} has nobody's keys in it: {exc}") from None


def compared_person(
    shown: Sequence[IdentityHistory], party: str, person: str, read: str | None
) -> PublicIdentity:
    """Return the newest keys of a party's person, once they have the fingerprint that the person reads out."""
    history = next((one for one in shown if one.newest().person == person), None)
    if history is None or history.newest().party != party:
        raise NotReadyError(
            f"{party} has no person {person} at the broker whose keys are confirmed",
            hint="see who there is: blindlink people list",
        )
    try:
        found = history.verify()[-1]
    except SignatureError as exc:
        raise UntrustedKeyError(f"the broker shows forged keys of {person}: {exc}") from exc
    if read is not None:
        is_the_same = read_fingerprint(read) == found.fingerprint()
    else:
        if not prompts.is_interactive():
            raise click.UsageError(
                "missing option --fingerprint: there is no terminal to ask you on"
            )
        click.echo(f"{person} ({', '.join(found.duties)}): {found.fingerprint()}", err=True)
        is_the_same = click.confirm("Did they read you exactly this fingerprint?", err=True)
    if not is_the_same:
        raise UntrustedKeyError(
            f"the broker shows different keys of {person} from those that were read to you",
            hint="nothing was changed; call the operator",
        )
    return found
