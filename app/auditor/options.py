"""What the commands have in common: which log they read and hold to what, and how they say that one failed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.auditor_key import needs_passphrase, open_key_file, read_passphrase
from app.auditor.errors import AuditError, LogBrokenError
from app.auditor.files import require_free
from app.auditor.keys import read_log_key
from app.auditor.packs import PackHeld, split_named
from app.auditor.pins import Pin, is_pin_line, read_pins
from app.auditor.source import SourceDigest, bundle_url, is_url, open_bundle, source_name
from app.auditor.verdict import Verdict, failure_json
from app.auditor.verdict_words import failure_lines
from app.auditor.verify import OnEntry, OnProgress, verify_bundle
from schemas.documents.errors import other_version_behind
from schemas.documents.printable import printable
from schemas.shared.command_line import INPUT_FILE, emit, tinted
from schemas.shared.progress_bar import ProgressBar

# Only what --help needs is imported here: the rest comes when a command runs.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from schemas.matchlog.archive import Source
    from schemas.matchlog.entry import Entry
    from schemas.signing.note import VerifierKey

BUNDLE = click.argument("bundle", metavar="BUNDLE|URL")
OUTPUT = click.Path(dir_okay=False, path_type=Path)


EXIT_CODES = (
    "Exit status: 0 done and verified, 1 the log does not verify, 2 usage, 3 a bundle, pin or other file "
    "cannot be read or written, 4 not authorised or the broker's certificate not trusted, 5 the broker "
    "cannot be reached."
)


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which log, and what it is held to, as the program's options and a command's own say it.

    `project` narrows what is fetched from a broker; `agreements` are fingerprints of agreements that must have
    come into force in the log.
    """

    bundle: str = ""
    pins: tuple[Path | str, ...] = ()
    log_keys: tuple[str, ...] = ()
    token_file: Path | None = None
    ca_file: Path | None = None
    project: str | None = None
    agreements: tuple[str, ...] = ()
    force: bool = False

    def log_key(self) -> VerifierKey | None:
        """Return the log's first key, where one is given."""
        if len(self.log_keys) > 1:
            raise click.UsageError("give --log-key once: the log itself tells which key followed")
        return read_log_key(self.log_keys[0]) if self.log_keys else None

    def all_log_keys(self) -> list[VerifierKey]:
        """Return the log's keys for what is checked without a log, which would lead from one to the next."""
        if not self.log_keys:
            raise click.UsageError(
                "give the log's first key, and those that replaced it: --log-key"
            )
        return [read_log_key(given) for given in self.log_keys]

    def require_free(self, outputs: Sequence[Path | None], *more: Path | str | None) -> None:
        """Refuse to write over what is there without --force, and over what is read at all."""
        read = [self.bundle, *self.pins, *self.log_keys, self.token_file, self.ca_file, *more]
        require_free(outputs, read=read, force=self.force)


def with_option(ctx: click.Context, field: str, value: Any) -> LogOptions:
    """Return the options with one more, as it was typed."""
    if field == "pins":
        value = tuple(one if is_pin_line(one) else Path(one) for one in value)
    return replace(ctx.find_object(LogOptions) or LogOptions(), **{field: value})


def log_options(**own: Any) -> LogOptions:
    """Return the program's options, with those of the command that runs."""
    shared = click.get_current_context().find_object(LogOptions) or LogOptions()
    return replace(shared, **own)


def verified(
    given: LogOptions,
    on_entry: OnEntry | None = None,
    *,
    bar: bool = True,
    packs: Sequence[PackHeld] = (),
    seen: Sequence[Pin] = (),
    digest: SourceDigest | None = None,
) -> Verdict:
    """Verify the log that the options name, and give each entry to `on_entry`.

    A pack of an agency is held to the log in it: its pins are added, its receipts must be entries.

    Args:
        given: the options.
        on_entry: called with each entry as it has passed its checks; what it saw counts only if this
            function returns.
        bar: whether a terminal shows progress; a timeline shows its own.
        packs: packs of agencies that are held to this log, too.
        seen: pins beside those in files.
        digest: takes the digest of the whole file, also where the log does not verify.
    Raises:
        AuditError: the log does not verify, or something cannot be read or reached.
    """
    location = bundle_url(given.bundle, given.project) if is_url(given.bundle) else given.bundle
    pins = [*read_pins(given.pins), *seen]
    log_key = given.log_key()
    with (
        open_bundle(location, given.token_file, given.ca_file) as opened,
        _digested(opened, digest) as source,
        _progress(is_shown=bar) as on_progress,
    ):
        own, log = split_named(source, source_name(location))
        held = [*packs, *([own] if own else [])]
        pins += [pin for pack in held for pin in pack.pins()]
        takers = [*(pack.take for pack in held), *([on_entry] if on_entry else [])]

        def take(entry: Entry) -> None:
            for taker in takers:
                taker(entry)

        verdict = verify_bundle(
            log,
            pins=pins,
            log_key=log_key,
            agreements=given.agreements,
            on_entry=take,
            on_progress=on_progress,
        )
    for pack in held:
        pack.end()
    return replace(verdict, receipts={pack.party: len(pack.receipts) for pack in held})


def require_broker_for(project: str | None, location: str) -> None:
    """Refuse --project where it narrows nothing: a bundle is verified whole."""
    names_broker = is_url(location) and bundle_url(location, None) != location
    if project is not None and not names_broker:
        raise click.UsageError(
            "give --project with the URL of a broker: a bundle is what it is, of one project or of all"
        )


@contextmanager
def failures(*, in_json: bool = True) -> Iterator[None]:
    """Say what went wrong in the block, on standard error, and end with its exit status.

    Args:
        in_json: whether --json prints it as a document, too; not where the block prints its own.
    """
    try:
        yield
    except AuditError as exc:
        other = other_version_behind(exc)
        if other is not None and not isinstance(exc, LogBrokenError):
            exc.code, exc.message, exc.hint = other.code, str(other), other.hint
        if in_json:
            emit(failure_json(exc))
        label = tinted("blindlink-audit: error:", "red")
        first, *rest = map(printable, failure_lines(exc))
        click.echo(f"{label}{first.removeprefix('error:')}", err=True)
        for line in rest:
            hint = line.removeprefix("hint:")
            click.echo(line if hint == line else f"{tinted('hint:', 'cyan')}{hint}", err=True)
        sys.exit(exc.exit_code)


def say_verified(verdict: Verdict) -> None:
    """Say on standard error what was verified and what that does not show."""
    click.echo(f"verified {verdict.size:,} entries of {verdict.origin}", err=True)
    for caveat in verdict.caveats:
        click.echo(f"{caveat.label}: {caveat.text}", err=True)


@contextmanager
def _digested(source: Source, digest: SourceDigest | None) -> Iterator[Source]:
    if digest is None:
        yield source
        return
    try:
        yield digest.over(source)
    finally:
        digest.finish()


@contextmanager
def _progress(*, is_shown: bool) -> Iterator[OnProgress]:
    with ProgressBar(is_shown=is_shown) as bar:
        yield lambda done, total: bar("verifying", done / total if total else 0.0, done, "entries")


PASSPHRASE_FILE = click.option(
    "--passphrase-file", type=INPUT_FILE, help="Read the passphrase from this file, do not ask."
)


def opened_key(key_file: Path, passphrase_file: Path | None) -> Ed25519PrivateKey:
    """Return the key in a file; asks for its passphrase where it has one and no file gives it."""
    passphrase: Any = None
    if needs_passphrase(key_file):
        if passphrase_file is not None:
            passphrase = read_passphrase(passphrase_file)
        else:
            passphrase = click.prompt("Passphrase of your key", hide_input=True, err=True)
    return open_key_file(key_file, passphrase)
