"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

# Only what --help needs is imported here: the rest comes when a command runs.
if TYPE_CHECKING:
    from app.auditor.errors import AuditError
    from app.auditor.verdict import Verdict
    from app.auditor.verify import OnEntry, OnProgress
    from schemas.matchlog.entry import Entry

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXIT_CODES = (
    "Exit status: 0 verified, 1 the log does not verify, 2 usage, 3 the bundle or a pin cannot be "
    "read, 4 not authorised, 5 the broker cannot be reached."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement."""


def _common(command: Any) -> Any:
    for option in (
        click.option("--ca-file", type=FILE, help="Certificates to trust beside the system's."),
        click.option("--token-file", type=FILE, help="File with your token for the broker."),
        click.option(
            "--log-key",
            metavar="KEY|FILE",
            help="The log's first key, as you got it from its operator.",
        ),
        click.option(
            "--pin",
            "pins",
            type=FILE,
            multiple=True,
            help="File of checkpoints that you or an agency kept; may be repeated.",
        ),
        click.argument("bundle", metavar="BUNDLE|URL"),
    ):
        command = option(command)
    return command


@main.command(epilog=EXIT_CODES)
@click.argument("url", metavar="URL")
@click.option("--project", help="Only this project's entries; the rest as bare hashes.")
@click.option("--token-file", type=FILE, help="File with your token for the broker.")
@click.option("--ca-file", type=FILE, help="Certificates to trust beside the system's.")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The bundle to write; it is there only if it arrived whole.",
)  # fmt: skip
def fetch(
    *,
    url: str,
    project: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    output: Path,
) -> None:
    """Fetch a bundle of the log from the broker at URL, to keep and to verify later without it.

    Example: blindlink-audit fetch https://broker.example.gov --project foster-pupils
    --token-file auditor.token -o log.bundle
    """
    from app.auditor.source import bundle_url, save_bundle

    with _failures(as_json=False):
        size = save_bundle(bundle_url(url, project), output, token_file, ca_file)
    click.echo(f"wrote {output}, {size:,} bytes; check it with: blindlink-audit verify", err=True)


@main.command(epilog=EXIT_CODES)
@_common
@click.option("--project", help="With a URL: this project's view of the log.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(
    *,
    bundle: str,
    project: str | None,
    pins: tuple[Path, ...],
    log_key: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    as_json: bool,
) -> None:
    """Verify a bundle of the log: every entry, checkpoint, pin and rule.

    BUNDLE is a file, `-` for standard input, or the URL of the broker. Without a pin, a log that was cut
    off at its end, or written anew by someone who has its key, is not detectable.
    """
    from app.auditor.report import verdict_lines

    with _failures(as_json):
        verdict = _verified(
            bundle,
            project=project,
            pins=pins,
            log_key=log_key,
            token_file=token_file,
            ca_file=ca_file,
        )
    if as_json:
        click.echo(json.dumps(verdict.to_json(), indent=2))
    else:
        click.echo("\n".join(verdict_lines(verdict)))


@main.command(epilog=EXIT_CODES)
@_common
@click.option("--project", help="Only entries of this project; with a URL, its view of the log.")
@click.option("--party", help="Only what this party did.")
@click.option("--kind", help="Only entries of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print each entry as it stands in the log.")
def show(
    *,
    bundle: str,
    pins: tuple[Path, ...],
    log_key: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    project: str | None,
    party: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Print the log as a timeline in plain words, verifying it on the way.

    What is printed counts only if the command ends with status 0.
    """
    from app.auditor.timeline import timeline_line
    from schemas.matchlog.entry import entry_bytes

    def print_entry(entry: Entry) -> None:
        wanted = ((project, entry.project), (party, entry.actor.party), (kind, entry.kind))
        if all(want is None or want == found for want, found in wanted):
            click.echo(entry_bytes(entry) if as_json else timeline_line(entry))

    with _failures(as_json=False):
        verdict = _verified(
            bundle,
            project=project,
            pins=pins,
            log_key=log_key,
            token_file=token_file,
            ca_file=ca_file,
            on_entry=print_entry,
        )
    click.echo(f"verified {verdict.size:,} entries of {verdict.origin}", err=True)
    for caveat in verdict.caveats:
        click.echo(f"not shown: {caveat.text}", err=True)


@main.command("page-link")
@click.argument("url", metavar="URL")
@click.option("--token-file", type=FILE, required=True, help="File with your token for the broker.")
@click.option("--ca-file", type=FILE, help="Certificates to trust beside the system's.")
def page_link(url: str, token_file: Path, ca_file: Path | None) -> None:
    """Print a link that signs you in to the pages of the broker at URL; it works once, for 60 s.

    Example: blindlink-audit page-link https://broker.example.gov --token-file auditor.token
    """
    from app.auditor.page_link import new_page_link

    with _failures(as_json=False):
        link = new_page_link(url, token_file, ca_file)
    click.echo(link)
    click.echo("open it within 60 s; it works once", err=True)


def _verified(
    bundle: str,
    *,
    project: str | None,
    pins: tuple[Path, ...],
    log_key: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    on_entry: OnEntry | None = None,
) -> Verdict:
    from app.auditor.keys import read_log_key
    from app.auditor.pins import read_pins
    from app.auditor.source import bundle_url, is_url, open_bundle
    from app.auditor.verify import verify_bundle

    location = bundle_url(bundle, project) if is_url(bundle) else bundle
    given_pins = read_pins(pins)
    given_key = None if log_key is None else read_log_key(log_key)
    with open_bundle(location, token_file, ca_file) as source, _progress(on_entry) as on_progress:
        return verify_bundle(
            source,
            pins=given_pins,
            log_key=given_key,
            on_entry=on_entry,
            on_progress=on_progress,
        )


@contextmanager
def _progress(on_entry: OnEntry | None) -> Iterator[OnProgress | None]:
    # A timeline on the terminal shows its own progress.
    if not sys.stderr.isatty() or on_entry is not None:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _failures(as_json: bool) -> Iterator[None]:
    from app.auditor.errors import AuditError

    try:
        yield
    except AuditError as exc:
        _report_failure(exc, as_json)
        sys.exit(exc.exit_code)


def _report_failure(error: AuditError, as_json: bool) -> None:
    from app.auditor.report import failure_lines
    from app.auditor.verdict import failure_json

    if as_json:
        click.echo(json.dumps(failure_json(error), indent=2))
    first, *rest = failure_lines(error)
    click.echo(f"blindlink-audit: {first}", err=True)
    for line in rest:
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
