"""`blindlink-audit disclosures`: the register of disclosures, made from a log that verifies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.files import write_text
from app.auditor.names import NamesBook
from app.auditor.options import (
    BUNDLE,
    EXIT_CODES,
    OUTPUT,
    failures,
    log_options,
    say_verified,
    verified,
)
from app.auditor.register import register_csv, register_json, register_page
from schemas.matchlog.disclosures import DisclosureBook, Wanted
from schemas.shared.command_line import emit

if TYPE_CHECKING:
    from schemas.matchlog.entry import Entry

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command(epilog=EXIT_CODES)
@BUNDLE
@click.option("--party", help="Only what this party gave or received.")
@click.option("--since", type=DAY, help="From this day on, in UTC.")
@click.option("--until", type=DAY, help="Up to and with this day, in UTC.")
@click.option("--csv", "csv_file", type=OUTPUT, help="Write the register as CSV.")
@click.option("--html", "html_file", type=OUTPUT, help="Write the register as a page to print.")
def disclosures(
    *,
    bundle: str,
    party: str | None,
    since: Any,
    until: Any,
    csv_file: Path | None,
    html_file: Path | None,
) -> None:
    """Write the register of disclosures: who received what from whom, when, why, on what legal basis.

    It has what 34 CFR 99.32 asks of a record of disclosures; which child a line is about only the agencies
    know. Without --csv, --html or --json it is printed as CSV. The log is verified on the way, and nothing
    is written if it does not verify, or if no entry knows the project or party: the status is 2 then.

    Example: blindlink-audit disclosures log.bundle --project foster-pupils --since 2026-07-01
    --csv register.csv --html register.html
    """
    if since is not None and until is not None and until < since:
        raise click.UsageError("--until is before --since")
    book, names, options = DisclosureBook(), NamesBook(), log_options(bundle=bundle)
    wanted = Wanted(options.project, party, _day(since), _day(until))

    def take(entry: Entry) -> None:
        names.take(entry)
        book.take(entry)

    with failures():
        options.require_free([csv_file, html_file])
        verdict = verified(options, take)
        names.require(wanted.project, party)
        lines = list(book.select(wanted))
        if csv_file is not None:
            write_text(csv_file, register_csv(lines))
        if html_file is not None:
            write_text(html_file, register_page(lines, wanted, verdict))
    is_written = csv_file is not None or html_file is not None
    emit(
        register_json(lines, verdict),
        [] if is_written else [register_csv(lines).removesuffix("\n")],
    )
    click.echo(f"{len(lines):,} disclosures and refused requests", err=True)
    say_verified(verdict)


def _day(given: Any) -> str | None:
    return None if given is None else str(given.date().isoformat())
