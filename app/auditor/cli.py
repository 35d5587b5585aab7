"""`blindlink-audit`: the auditor's command line. It believes no server: the bundle itself must hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.commands.certificate import certificate
from app.auditor.commands.disclosures import disclosures
from app.auditor.commands.key import key
from app.auditor.commands.matches import matches
from app.auditor.commands.proof import proof
from app.auditor.commands.report import report, report_verify
from app.auditor.commands.sample import sample
from app.auditor.commands.watch import watch
from app.auditor.options import (
    EXIT_CODES,
    FILE,
    OUTPUT,
    LogOptions,
    broker_options,
    failures,
    force_option,
    json_option,
    log_options,
    require_broker_for,
    say_verified,
    verified,
)

if TYPE_CHECKING:
    from schemas.matchlog.entry import Entry


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="blindlink", prog_name="blindlink-audit")
def main() -> None:
    """Check a Blindlink match log offline: who did what, under which agreement."""


@main.command(epilog=EXIT_CODES)
@click.argument("url", metavar="URL")
@click.option("--project", help="Only this project's entries; the rest as bare hashes.")
@broker_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT,
    help="The bundle to write; it is there only if it arrived whole.",
)
@force_option
@json_option
def fetch(
    *,
    url: str,
    project: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    output: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Fetch a bundle of the log from the broker at URL, to keep and to verify later without it.

    Example: blindlink-audit fetch https://broker.example.gov --project foster-pupils
    --token-file auditor.token -o log.bundle
    """
    from app.auditor.files import require_free
    from app.auditor.source import bundle_url, save_bundle

    if "://" in url:
        require_broker_for(project, url)
    with failures(as_json=as_json):
        require_free([output], read=[token_file, ca_file], force=force)
        size = save_bundle(bundle_url(url, project), output, token_file, ca_file)
    if as_json:
        click.echo(json.dumps({"file": str(output), "size_bytes": size}, indent=2))
    click.echo(f"wrote {output}, {size:,} bytes; check it with: blindlink-audit verify", err=True)


@main.command(epilog=EXIT_CODES)
@log_options
@click.option("--project", help="With a URL: this project's view of the log.")
@json_option
def verify(*, as_json: bool, **given: Any) -> None:
    """Verify a bundle of the log: every entry, checkpoint, pin and rule.

    BUNDLE is a file, `-` for standard input, or the URL of the broker. Without a pin, a log that was cut
    off at its end, or written anew by someone who has its key, is not detectable.

    Example: blindlink-audit verify log.bundle --log-key log.key --pin county.pin
    """
    from app.auditor.report import verdict_lines

    require_broker_for(given["project"], given["bundle"])
    with failures(as_json=as_json):
        verdict = verified(LogOptions(**given))
    if as_json:
        click.echo(json.dumps(verdict.to_json(), indent=2))
    else:
        click.echo("\n".join(verdict_lines(verdict)))


@main.command(epilog=EXIT_CODES)
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
    from app.auditor.names import NamesBook
    from app.auditor.timeline import timeline_line
    from schemas.matchlog.entry import entry_bytes
    from schemas.matchlog.kinds import KINDS

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


@main.command("page-link")
@click.argument("url", metavar="URL")
@click.option("--token-file", type=FILE, required=True, help="File with your token for the broker.")
@click.option("--ca-file", type=FILE, help="Certificates to trust beside the system's.")
@json_option
def page_link(*, url: str, token_file: Path, ca_file: Path | None, as_json: bool) -> None:
    """Print a link that signs you in to the pages of the broker at URL; it works once, for 60 s.

    Example: blindlink-audit page-link https://broker.example.gov --token-file auditor.token
    """
    from app.auditor.page_link import new_page_link

    with failures(as_json=as_json):
        link = new_page_link(url, token_file, ca_file)
    click.echo(json.dumps({"link": link, "valid_s": 60}, indent=2) if as_json else link)
    click.echo("open it within 60 s; it works once", err=True)


for command in (
    certificate,
    disclosures,
    key,
    matches,
    proof,
    report,
    report_verify,
    sample,
    watch,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
