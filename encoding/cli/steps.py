"""The steps of a linkage, as single commands and `refresh` take them; each is safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoding.agency_file import agency_file
from encoding.cli.agreed import hold_run, hold_to_kept
from encoding.cli.noting import note_file
from encoding.cli.session import Session
from encoding.cli.subject import Subject
from encoding.client import BrokerClient
from encoding.errors import BrokerUnreachableError, NotReadyError, OutputExistsError
from encoding.files import refuse_to_overwrite
from encoding.links import fetch_release, join_links, newest_release
from encoding.links_file import LINKS_START, write_links
from encoding.outbox import read_outbox
from encoding.receipts import KeptReceipt
from encoding.runs import ask_run, require_success, wait_for_run
from encoding.uploads import Trust, check_party, send_outbox
from schemas.api import ProjectView, RunView

if TYPE_CHECKING:
    from encoding.packing import Filled


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says in place of the settings; null and empty leave the settings as they are."""

    file: Path | None = None
    id_column: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    date_format: str | None = None
    as_of: str | None = None
    population: str | None = None
    skip_invalid: Path | None = None


@dataclass(frozen=True, slots=True)
class LinksWritten:
    """Which release was written where; `missing` link IDs belong to records that the file has not."""

    path: Path
    release: str
    run: str
    links: int
    missing: int


def current_view(session: Session) -> ProjectView:
    """Return the project as the broker shows it, or, where it cannot be reached, as it was last seen."""
    try:
        with session.connect() as client:
            session.trust(client)
            return session.view(client)
    except BrokerUnreachableError as exc:
        known = session.workspace.project()
        if known is None:
            raise
        session.say(f"{exc}; going by the project's terms as they were last seen")
        hold_to_kept(session, known)
        return known


def remembered_view(session: Session) -> ProjectView:
    """Return the project as it was last seen, without asking the broker.

    Raises:
        NotReadyError: it never was.
    """
    known = session.workspace.project()
    if known is None:
        raise NotReadyError(
            "the project's terms are not known here yet",
            hint="leave out --offline, or give the file of the project with --project-file",
        )
    hold_to_kept(session, known)
    return known


def check(session: Session, view: ProjectView, source: Source) -> int:
    """Check the file, say what is worth a look, and return the number of its rows.

    Raises:
        QualityError: it should not be encoded as it is.
    """
    from encoding.cli.checking import checked, refuse_stops

    as_of = source.as_of or session.config.as_of(session.now().date())
    report = checked(session, _subject(session, view, source), date.fromisoformat(as_of))
    refuse_stops(report)
    for finding in report.findings:
        if finding.standing == "warn":
            session.say(f"worth a look: {finding.sentence()}")
    return report.counts.rows


def audit(session: Session, view: ProjectView, source: Source, rows: int) -> None:
    """Attack the encodings of the file, unless an earlier audit still holds for so many rows.

    Raises:
        PrivacyAuditError: more was found than is allowed, and the hardening is not known to be broken.
    """
    from encoding.cli.auditing import audited, kept_audit, refuse_missed
    from encoding.privacy_audit.audit import QUICK
    from encoding.privacy_audit.report import summary

    profile = view.profile
    # What does not protect is known to fail: every encoding of it comes with that warning already.
    if not profile.hardening.protects or kept_audit(session).still_holds(profile.digest(), rows):
        return
    report = audited(session, _subject(session, view, source), QUICK)
    refuse_missed(report)
    session.say(f"privacy audit: {summary(report)}")


def refuse_list(session: Session, source: Source) -> None:
    """Refuse to list left-out rows in the place of another file; call it before any work.

    Raises:
        OutputExistsError: the file is there and is no such list, or the settings name it for something else.
    """
    from encoding.problem_log import LIST_START

    if source.skip_invalid is None:
        return
    refuse_to_overwrite(source.skip_invalid, own_start=LIST_START)
    links_file = session.config.resolve(session.config.sections.output.links)
    # What is not there yet would be refused later, by whoever is to write it.
    if source.skip_invalid.resolve() == links_file.resolve():
        raise OutputExistsError(
            f"{source.skip_invalid} is where the settings put your links",
            hint="choose another name for the list of rows",
        )


def encode(session: Session, view: ProjectView, source: Source) -> Filled:
    """Fill the outbox and say what the analyst must know about it."""
    # Here, since the encoder takes half a second to load and the other steps do without it.
    from encoding.cli.auditing import kept_audit
    from encoding.cli.checking import kept_digest, weak_by_itself
    from encoding.disclosed import DisclosedRecords
    from encoding.packing import Order, fill_outbox

    settings = session.config.sections
    file = agency_file(session.config, source.file, source.id_column)
    order = Order(
        view=view,
        party=session.party,
        file=file,
        columns=settings.columns | source.columns,
        date_format=source.date_format or session.config.source.date_format,
        as_of=source.as_of or session.config.as_of(session.now().date()),
        population=source.population or session.config.source.population,
        skip_invalid=source.skip_invalid,
        quality_digest=kept_digest(session, file.path),
        privacy_audit_digest=kept_audit(session).digest_for(view.profile.digest()),
    )
    check_party(view.terms, order.party, order.population)
    weak = weak_by_itself(view.profile)
    secret = session.secret(view)
    with session.workspace.lock(), session.progress() as progress:
        filled = fill_outbox(session.workspace, secret, order, progress, session.now())
        # Before it can leave: later this says in which disclosures a record was.
        kept = DisclosedRecords(session.workspace, view.project, view.terms.epoch)
        kept.keep_container(filled.outbox)
    for warning in (*weak, *filled.warnings):
        session.warn(warning)
    if filled.rows_skipped:
        session.warn(
            f"{filled.rows_skipped:,} rows were left out; they are listed in {source.skip_invalid}"
        )
    if filled.rows_withdrawn:
        session.say(f"{filled.rows_withdrawn:,} rows were left out: their records are withdrawn")
    if filled.variants_dropped:
        session.say(f"{filled.variants_dropped:,} variants beyond the agreed number were left out")
    return filled


def _subject(session: Session, view: ProjectView, source: Source) -> Subject:
    settings = session.config.sections
    return Subject(
        profile=view.profile,
        file=agency_file(session.config, source.file, source.id_column),
        columns=settings.columns | source.columns,
        date_format=source.date_format or session.config.source.date_format,
    )


def upload(session: Session, client: BrokerClient, trust: Trust, view: ProjectView) -> KeptReceipt:
    """Send the outbox and keep the receipt."""
    outbox = read_outbox(session.workspace, session.project)
    with session.workspace.lock(), session.progress() as progress:
        return send_outbox(client, outbox, view, trust, progress)


def run(session: Session, client: BrokerClient, *, wait: bool, again: bool = False) -> RunView:
    """Ask for a run, or join the one there is; with `wait`, return when it has succeeded."""
    found = ask_run(client, session.project, again=again)
    hold_run(session, client, found)
    if not wait:
        return require_success(found)
    with session.progress() as progress:
        done = wait_for_run(client, found.run, progress, session.sleep)
    hold_run(session, client, done)
    return done


def links(
    session: Session,
    client: BrokerClient,
    trust: Trust,
    source: Source,
    *,
    output: Path | None = None,
    run: str | None = None,
    force: bool = False,
) -> LinksWritten:
    """Fetch the newest release, hold it against the log, and replace the file of links at the very end."""
    from encoding.disclosed import DisclosedRecords

    path = output or session.config.resolve(session.config.sections.output.links)
    refuse_to_overwrite(path, own_start=LINKS_START, force=force)
    note_file(session, "link-table", path)
    session.view(client)
    release = newest_release(client, session.project, session.party, run)
    hold_run(session, client, client.run(release.run), for_release=True)
    with session.workspace.lock():
        fetched = fetch_release(client, release, trust)
        header = fetched.header
        kept = DisclosedRecords(session.workspace, header.project, header.epoch)
        kept.keep_release(header.release, fetched.links)
        file = agency_file(session.config, source.file, source.id_column)
        joined = join_links(session.workspace, fetched, file)
        write_links(path, joined.links)
    if joined.n_missing:
        session.warn(
            f"{joined.n_missing:,} link IDs belong to records that {file.path.name} does not have"
        )
    return LinksWritten(path, release.release, release.run, len(joined.links), joined.n_missing)


def print_result(
    session: Session, as_json: bool, document: dict[str, object], sentence: str
) -> None:
    """Print the result: JSON on standard output, or a sentence on the error output."""
    import json

    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        session.say(sentence)
