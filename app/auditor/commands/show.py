"""`blindlink-audit show`: the log as a timeline in plain words."""

from __future__ import annotations

import click

from app.auditor.names import NamesBook
from app.auditor.options import (
    BUNDLE,
    EXIT_CODES,
    failures,
    log_options,
    say_verified,
    verified,
)
from app.auditor.timeline import timeline_line
from schemas.matchlog.entry import Entry, entry_bytes
from schemas.matchlog.kinds import KINDS
from schemas.shared.command_line import wants_json


@click.command("show", epilog=EXIT_CODES)
@BUNDLE
@click.option("--party", help="Only what this party did.")
@click.option("--kind", help="Only entries of this kind.")
def show(*, bundle: str, party: str | None, kind: str | None) -> None:
    """Print the log as a timeline in plain words, verifying it on the way.

    What is printed counts only if the command ends with status 0. A project or party that no entry knows is
    status 2. With --json each entry is printed as it stands in the log.

    Example: blindlink-audit show log.bundle --project foster-pupils --kind release-fetched
    """
    options, names = log_options(bundle=bundle), NamesBook()
    project, as_json = options.project, wants_json()
    if kind is not None and kind not in KINDS:
        raise click.BadParameter(f"there are no entries of kind {kind}", param_hint="--kind")

    def print_entry(entry: Entry) -> None:
        names.take(entry)
        wanted = ((project, entry.project), (party, entry.actor.party), (kind, entry.kind))
        if all(want is None or want == found for want, found in wanted):
            click.echo(entry_bytes(entry) if as_json else timeline_line(entry))

    with failures(in_json=False):
        verdict = verified(options, print_entry, bar=False)
        names.require(project, party)
    say_verified(verdict)
