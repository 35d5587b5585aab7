"""`blindlink-audit show`: the log as a timeline in plain words."""

from __future__ import annotations

from typing import Any

import click

from app.auditor.names import NamesBook
from app.auditor.options import (
    EXIT_CODES,
    LogOptions,
    failures,
    log_options,
    say_verified,
    verified,
)
from app.auditor.timeline import timeline_line
from schemas.matchlog.entry import Entry, entry_bytes
from schemas.matchlog.kinds import KINDS


@click.command("show", epilog=EXIT_CODES)
@log_options
@click.option("--project", help="Only entries of this project; with a URL, its view of the log.")
@click.option("--party", help="Only what this party did.")
@click.option("--kind", help="Only entries of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print each entry as it stands in the log.")
def show(*, party: str | None, kind: str | None, as_json: bool, **given: Any) -> None:
    """Print the log as a timeline in plain words, verifying it on the way.

    What is printed counts only if the command ends with status 0. A project or party that no entry knows is
    status 2.

    Example: blindlink-audit show log.bundle --project foster-pupils --kind release-fetched
    """
    project, names = given["project"], NamesBook()
    if kind is not None and kind not in KINDS:
        raise click.BadParameter(f"there are no entries of kind {kind}", param_hint="--kind")

    def print_entry(entry: Entry) -> None:
        names.take(entry)
        wanted = ((project, entry.project), (party, entry.actor.party), (kind, entry.kind))
        if all(want is None or want == found for want, found in wanted):
            click.echo(entry_bytes(entry) if as_json else timeline_line(entry))

    with failures():
        verdict = verified(LogOptions(**given), print_entry, bar=False)
        names.require(project, party)
    say_verified(verdict)
