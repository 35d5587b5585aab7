"""`blindlink-audit watch`: look at a log again and again, and notice when it is not the same one."""

from __future__ import annotations

from pathlib import Path

import click

from app.auditor.broker_api import BrokerApi
from app.auditor.errors import KeyChainError, LogBrokenError, PinUnreadableError
from app.auditor.options import (
    LogOptions,
    failures,
    log_options,
    require_broker_for,
    verified,
)
from app.auditor.packs import log_manifest
from app.auditor.pins import read_pins
from app.auditor.source import bundle_url, save_bundle
from app.extras.watch.state import BUNDLE_FILE, WatchState
from app.extras.watch.watch import OTHER_KEY, Watched, note_verdict
from app.extras.watch.watch import watch as look
from schemas.shared.command_line import emit

WATCH_CODES = (
    "Exit status: 0 the log extends all that was seen, 1 ALERT: it does not, or does not verify, 2 usage, "
    "3 a pin, a token or the state folder cannot be read or written, 4 not authorised or the broker's "
    "certificate not trusted, 5 the broker cannot be reached."
)


@click.command(epilog=WATCH_CODES)
@click.argument("url", metavar="URL")
@click.option(
    "--state",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder in which this watch remembers what it saw; made where it is missing.",
)
@click.option(
    "--full",
    is_flag=True,
    help="Fetch and verify the whole log too, and keep the bundle.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing unless something is wrong.")
def watch(*, url: str, state: Path, full: bool, quiet: bool) -> None:
    """Fetch the newest checkpoint of the broker at URL and hold it against everything seen before.

    What was seen is kept in a folder of your own. Give the pins of agencies with --pin, so that a log which
    is shown differently to different parties is found. For cron or Task Scheduler: an alert is status 1,
    and the contradicting checkpoints are kept in the folder as evidence.

    Example: blindlink-audit watch https://broker.example.gov --state watch --token-file auditor.token
    --pin county.pin --quiet
    """
    given = log_options(bundle=url)
    if given.project is not None and not full:
        raise click.UsageError("give --project with --full: a checkpoint is of the whole log")
    require_broker_for(given.project, url)
    with failures():
        kept = WatchState.open(state)
        if full:
            seen = _verify_whole(kept, given)
        else:
            with BrokerApi(url, given.token_file, given.ca_file) as source:
                seen = look(kept, source, given_key=given.log_key(), others=read_pins(given.pins))
    emit(seen.to_json(), [] if quiet else _lines(seen))


def _verify_whole(kept: WatchState, given: LogOptions) -> Watched:
    """Fetch the log into the state folder and verify all of it; a bundle that does not verify is kept apart."""
    fetched, bundle = kept.folder / f"{BUNDLE_FILE}.new", kept.folder / BUNDLE_FILE
    address = bundle_url(given.bundle, given.project)
    save_bundle(address, fetched, given.token_file, given.ca_file)
    held = LogOptions(str(fetched), (*given.pins, *kept.pin_files()), given.log_keys)
    try:
        seen = _noted(kept, held)
    except LogBrokenError:
        fetched.replace(_evidence_place(kept.folder))
        raise
    fetched.replace(bundle)
    return seen


def _noted(kept: WatchState, held: LogOptions) -> Watched:
    """Verify the log that was fetched, and keep its newest checkpoint."""
    try:
        return note_verdict(kept, verified(held))
    except PinUnreadableError as exc:
        with Path(held.bundle).open("rb") as file:
            listed = log_manifest(file, Path(held.bundle).name).log_keys
        known = kept.keys()
        if known is not None and not set(known.texts()) <= set(listed):
            raise KeyChainError(OTHER_KEY) from exc
        raise


def _evidence_place(folder: Path) -> Path:
    """Return where to keep a bundle that does not verify: the first one stays, of later ones the newest."""
    first = folder / "evidence.bundle"
    return folder / "evidence-newest.bundle" if first.exists() else first


def _lines(seen: Watched) -> list[str]:
    grown = f"{seen.before:,} to {seen.size:,}" if seen.before else f"{seen.size:,}, seen first now"
    found = [
        f"log          {seen.origin}",
        f"entries      {grown}",
        f"pins         {seen.pins}, all part of this log",
    ]
    if seen.is_new_key:
        found.append(f"log key      {seen.keys.text}, pinned now: compare it with the operator")
    elif seen.before and seen.n_new_keys:
        found.append(f"log key      {seen.keys.text}, handed over to: ask the operator why")
    return found
