"""The steps of a linkage, as single commands and `refresh` take them; each is safe to repeat."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from encoding.log.receipts import KeptReceipt, ReceiptFolder
from encoding.packing.fill import Filled, Order, fill_outbox, kept_outbox
from encoding.packing.outbox import Outbox, read_outbox
from encoding.profiles.profile_files import require_usable
from encoding.project.agreement.agreed_columns import warn_of_lacking
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.own_keys import unlock_own
from encoding.project.secret.shared_secret import require_secret, secret_for
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.project.uploading.file_audit import audit_that_counts
from encoding.project.uploading.file_check import checked, kept_digest, refuse_stops
from encoding.project.uploading.own_memory import own_buckets, own_memory
from encoding.project.uploading.subject import Subject
from encoding.quality.findings import NO_SEX
from encoding.records.agency_file import agency_file
from encoding.rounds.api import RoundsApi
from encoding.rounds.nonces import Nonces
from encoding.rounds.turns import Turn, turns_of
from encoding.transfers.uploads import Sending, check_party, send_outbox
from schemas.api.bodies import ProjectView

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient
    from encoding.log.trust import Trust


def check(session: Session, view: ProjectView, source: Source) -> None:
    """Check the file, and say what is worth a look."""
    as_of = source.as_of or session.config.as_of(session.now().date())
    report = checked(session, _subject(session, view, source), date.fromisoformat(as_of))
    refuse_stops(report)
    for finding in report.findings:
        if finding.standing == "warn":
            session.say(f"worth a look: {finding.sentence()}")


def encode(session: Session, view: ProjectView, source: Source, turn: Turn) -> Filled:
    """Fill the outbox for one turn, and say what the analyst must know about it.

    Where no full privacy audit counts for the file, it is attacked first.
    """
    settings = session.config.sections
    file = agency_file(session.config, source.file, source.id_column)
    population = source.population or session.config.source.population
    check_party(view.terms, session.party, population)
    require_usable(view.profile)
    warn_of_lacking(session, agreement_in_force(session, view), source)
    with session.workspace.lock():
        memory = own_memory(session, view.terms, turn.partner)
        buckets = own_buckets(session, view.terms, turn.partner)
    header = (settings.columns | source.columns).get("sex", "sex")
    if "sex" in view.profile.columns and header not in file.table().columns:
        session.warn(NO_SEX)
    require_secret(session, view, warns=True)
    subject = _subject(session, view, source)
    with session.progress() as progress:
        audit = audit_that_counts(
            session,
            subject,
            turn.side,
            progress,
            terms=view.terms,
            partner=turn.partner,
        )
    order = Order(
        view=view,
        party=session.party,
        turn=turn,
        file=file,
        columns=settings.columns | source.columns,
        date_format=source.date_format or session.config.source.date_format,
        as_of=source.as_of or session.config.as_of(session.now().date()),
        population=population,
        memory=memory,
        buckets=buckets,
        skip_invalid=source.skip_invalid,
        quality_digest=kept_digest(session, file.path),
        audit=audit,
    )
    with session.workspace.lock(), session.progress() as progress:
        own_nonces(session).require_unspent(turn.own_nonce.number, turn.own_nonce.nonce)
        secret = secret_for(session, view, turn.round)
        filled = fill_outbox(session.workspace, secret, order, progress, session.now())
    if filled.rows_skipped:
        session.warn(
            f"{filled.rows_skipped:,} rows were left out; they are listed in {source.skip_invalid}"
        )
    if filled.rows_withdrawn:
        session.say(f"{filled.rows_withdrawn:,} rows were left out: their records are withdrawn")
    if len(filled.shared):
        session.warn(
            f"{filled.shared.n_records:,} records were encoded without their known number, which others hold,"
            f" too; different numbers: {len(filled.shared):,}"
        )
    dropped = sum(one.rows_dropped for one in filled.counts.passes)
    if dropped:
        session.say(
            f"{dropped:,} rows were dropped in blocks that are too large; see: blindlink check"
        )
    return filled


def encoded(session: Session, view: ProjectView, source: Source, turn: Turn) -> Outbox:
    """Return what is to be sent in a turn: what was encoded for it before, else the file encoded now."""
    kept = kept_outbox(session.workspace, session.project, turn)
    if kept is not None and own_nonces(session).is_spent(turn.own_nonce.number):
        # It may have left already, in part: no other container goes out for this turn.
        return kept
    return encode(session, view, source, turn).outbox


def lacks_receipt(session: Session, turn: Turn) -> bool:
    """Tell whether what was sent in a turn is kept here, and no receipt of it."""
    kept = kept_outbox(session.workspace, session.project, turn)
    if kept is None:
        return False
    receipts = ReceiptFolder(session.workspace.receipts).all()
    sent = kept.manifest.container_sha256
    return all(
        one.manifest is None or one.manifest.manifest.container_sha256 != sent for one in receipts
    )


def own_nonces(session: Session) -> Nonces:
    """Return the nonces of this workspace; use them under its lock."""
    workspace = session.workspace
    return Nonces(workspace.nonces(session.project), session.project, workspace.key())


def _subject(session: Session, view: ProjectView, source: Source) -> Subject:
    settings = session.config.sections
    return Subject(
        profile=view.profile,
        file=agency_file(session.config, source.file, source.id_column),
        columns=settings.columns | source.columns,
        date_format=source.date_format or session.config.source.date_format,
    )


def upload(
    session: Session, client: BrokerClient, trust: Trust, view: ProjectView, turn: Turn
) -> KeptReceipt:
    """Send the outbox of one turn and keep the receipt."""
    api = RoundsApi(client, session.project)

    def partner_root() -> str | None:
        now = turns_of(api.round(turn.round), view.terms, session.party)
        return next(one.partner_root for one in now if one.partner == turn.partner)

    with session.workspace.lock(), session.progress() as progress:
        # Under the lock, so that no other container takes its place while its parts are sent.
        outbox = read_outbox(session.workspace, session.project, turn.round, turn.partner)
        sending = Sending(own_nonces(session), turn, unlock_own(session), partner_root, None)
        return send_outbox(
            client,
            outbox,
            view,
            trust=trust,
            sending=sending,
            progress=progress,
            sleep=session.sleep,
        )
