"""`blindlink-audit matches`: a run's match record, from the broker or from a file."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, get_args

import click

from app.auditor.broker_api import BrokerApi
from app.auditor.errors import FileUnreadableError
from app.auditor.files import why_unreadable, write_text, written_whole
from app.auditor.match_records import (
    MatchRecordBook,
    RecordRead,
    RowFilter,
    fetch_record,
    read_record,
)
from app.auditor.matches import COLUMNS, UNHELD, record_page, row_of, summary_lines
from app.auditor.options import (
    EXIT_CODES,
    OUTPUT,
    LogOptions,
    failures,
    log_options,
    verified,
)
from app.auditor.source import is_url
from schemas.linkage.decision_steps import PROBABILITY_STEPS
from schemas.rounds.match_record import Decision, DecisionRule, MatchRecordHeader
from schemas.shared.command_line import emit

if TYPE_CHECKING:
    from app.auditor.verdict import Verdict

STEP: Final = click.Choice(PROBABILITY_STEPS)
# A page with more rows than that is read by nobody; the CSV file has all.
PAGE_ROWS: Final = 1_000


@click.command(epilog=EXIT_CODES)
@click.argument("source", metavar="FILE|URL")
@click.option("--run", "run_id", help="With a URL: the run whose match record is fetched.")
@click.option(
    "--release",
    type=click.IntRange(1, 10**6),
    default=1,
    help="With a URL: of which release, from 2 on what reviewers accepted.",
)
@click.option("--save", type=OUTPUT, help="With a URL: keep the match record in this file.")
@click.option("--log", "bundle", metavar="BUNDLE|URL", help="The log to hold the record to.")
@click.option("--band", type=click.Choice(["auto", "review"]), help="Only decisions of this band.")
@click.option("--rule", help="Only decisions by this rule, such as lead-too-small.")
@click.option("--from", "least", type=STEP, help="Only from this step of match probability on.")
@click.option("--to", "most", type=STEP, help="Only up to and with this step of match probability.")
@click.option("--csv", "csv_file", type=OUTPUT, help="Write each decision as a line of CSV.")
@click.option(
    "--html", "html_file", type=OUTPUT, help="Write weights, counts, histogram and decisions."
)
def matches(
    *,
    source: str,
    run_id: str | None,
    release: int,
    save: Path | None,
    bundle: str | None,
    csv_file: Path | None,
    html_file: Path | None,
    **given: Any,
) -> None:
    """Show the match record of a run: its weights, and every decision: band, rule, probability, lead.

    FILE is a match record that was saved; from the broker at URL it is fetched with --run. Whose records a
    decision is about is under commitments that only the agencies can open. With --log the record is held to
    its root in the match log. The filters narrow what --csv and --html list, not the counts.

    Example: blindlink-audit matches https://broker.example.gov --run run-4f... --token-file auditor.token
    --save run.record --log log.bundle --html run.html
    """
    wanted = RowFilter(**given)
    _require_sense(wanted)
    book, verdict = MatchRecordBook(), None
    options = log_options(bundle=bundle or "")
    with failures(), tempfile.TemporaryFile("w+b") as table:
        options.require_free([save, csv_file, html_file], source)
        listing = _Listing(wanted, table)
        with _opened(source, run_id, release, save, options) as record:
            found = read_record(record, listing.take)
        if bundle is not None:
            verdict = verified(replace(options, project=found.header.project), book.take)
            book.compare(found)
        listing.write(csv_file, html_file, found, verdict)
    held = None if verdict is None else verdict.to_json()
    emit({**found.to_json(), "listed": listing.count, "log": held}, summary_lines(found))
    click.echo(f"not shown: {UNHELD}" if verdict is None else "held to the match log", err=True)


def _require_sense(wanted: RowFilter) -> None:
    """Refuse a filter that nothing can pass."""
    rules = get_args(DecisionRule)
    if wanted.rule is not None and wanted.rule not in rules:
        raise click.BadParameter(f"it is one of {', '.join(rules)}", param_hint="--rule")
    if (
        wanted.least is not None
        and wanted.most is not None
        and float(wanted.most) < float(wanted.least)
    ):
        raise click.UsageError("--to is below --from")


@dataclass(slots=True)
class _Listing:
    """Collects the decisions that are asked for: as CSV on the way, and the first ones for a page."""

    wanted: RowFilter
    table: IO[bytes]
    count: int = 0
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def take(self, header: MatchRecordHeader, number: int, decision: Decision) -> None:
        if not self.wanted.holds(decision):
            return
        row = row_of(header, number, decision)
        self.count += 1
        if len(self.rows) < PAGE_ROWS:
            self.rows.append(row)
        self.table.write(_csv_line(row))

    def write(
        self,
        csv_file: Path | None,
        html_file: Path | None,
        read: RecordRead,
        verdict: Verdict | None,
    ) -> None:
        if csv_file is not None:
            with written_whole(csv_file) as file:
                file.write(_csv_line(COLUMNS))
                self.table.seek(0)
                shutil.copyfileobj(self.table, file)
        if html_file is not None:
            write_text(html_file, record_page(read, self.rows, self.count, verdict))


def _csv_line(row: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(row)
    return line.getvalue().encode("utf-8")


@contextmanager
def _opened(
    source: str,
    run: str | None,
    release: int,
    save: Path | None,
    options: LogOptions,
) -> Iterator[IO[bytes]]:
    if (run is not None) != is_url(source):
        raise click.UsageError("give --run with the URL of a broker, and not with a file")
    if run is None:
        if save is not None or release != 1:
            raise click.UsageError(
                "give --save and --release with the URL of a broker, and not with a file"
            )
        try:
            file = Path(source).open("rb")  # noqa: SIM115
        except OSError as exc:
            raise FileUnreadableError(why_unreadable(Path(source), exc)) from exc
        with file:
            yield file
        return
    place = tempfile.TemporaryFile("w+b") if save is None else written_whole(save)  # noqa: SIM115
    with BrokerApi(source, options.token_file, options.ca_file) as api, place as fetched:
        fetch_record(api, run, fetched, release)
        fetched.seek(0)
        yield fetched
        fetched.seek(0, io.SEEK_END)
