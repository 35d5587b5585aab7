"""The steps of a linkage, as single commands and `refresh` take them; each is safe to repeat."""

from __future__ import annotations

from datetime import date

from encoding.ledger.grants import SpaceName
from encoding.ledger.ledger_file import LedgerFile
from encoding.log.receipts import KeptReceipt, ReceiptFolder
from encoding.packing.crosswalk import CrosswalkFile
from encoding.packing.fill import Filled, Order, fill_outbox, kept_outbox
from encoding.packing.memory import Memory, memory_key
from encoding.packing.outbox import Outbox, read_outbox
from encoding.packing.partition import Buckets
from encoding.profiles.profile_files import require_usable
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.agreement.project_view import warn_of_lacking
from encoding.project.context import Context
from encoding.project.own_keys import unlock_own
from encoding.project.reviewing.kept_reviews import kept_verdicts
from encoding.project.secret.shared_secret import require_secret, secret_for
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.project.uploading.file_audit import audit_that_counts
from encoding.project.uploading.file_check import checked, kept_digest, refuse_stops
from encoding.project.uploading.subject import Subject
from encoding.quality.findings import NO_SEX
from encoding.records.agency_file import agency_file
from encoding.rounds.nonces import Nonces
from encoding.rounds.turns import Turn, turns_of
from encoding.transfers.uploads import Sending, check_party, send_outbox
from schemas.agreement.agreement import ProjectTerms
from schemas.api.projects import ProjectView


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


def upload(context: Context, turn: Turn) -> KeptReceipt:
    """Send the outbox of one turn and keep the receipt."""
    session, view = context.session, context.view

    def partner_root() -> str | None:
        now = turns_of(context.api.round(turn.round), view.terms, session.party)
        return next(one.partner_root for one in now if one.partner == turn.partner)

    with session.workspace.lock(), session.progress() as progress:
        # Under the lock, so that no other container takes its place while its parts are sent.
        outbox = read_outbox(session.workspace, session.project, turn.round, turn.partner)
        sending = Sending(own_nonces(session), turn, unlock_own(session), partner_root, None)
        return send_outbox(
            context.client,
            outbox,
            view,
            trust=context.trust,
            sending=sending,
            progress=progress,
            sleep=session.sleep,
        )


def own_memory(session: Session, terms: ProjectTerms, partner: str) -> Memory:
    """Return what is remembered; use it under the workspace's lock."""
    workspace, project, review = session.workspace, session.project, terms.review
    key = memory_key(workspace.key(), project)
    space = _lasting_space(terms, session.party, partner)
    # What is known from before counts until the record has a link ID.
    linked = dict(
        CrosswalkFile(
            workspace.crosswalk(project, partner), project, partner, workspace.key()
        ).read()
    )
    if space is not None:
        linked |= _linked(session, space)
    rejected = {}
    if review is not None and review.reviewer == session.party:
        rejected = kept_verdicts(session, partner).rejections(review.persons)
    return Memory(key, linked, rejected, is_named=is_asked(terms, session.party, partner))


def own_buckets(session: Session, terms: ProjectTerms, partner: str) -> Buckets | None:
    """Return how records are put together for a partner that reviews them; None: it does not.

    Use it under the workspace's lock.
    """
    if terms.review is None or not is_asked(terms, session.party, partner):
        return None
    spaces = [
        one.space for one in terms.recipients if (one.party, one.mode) == (session.party, "linked")
    ]
    linked = {record for space in spaces for record in _linked(session, space)}
    return Buckets(terms.review.bucket, linked)


def is_asked(terms: ProjectTerms, party: str, partner: str) -> bool:
    """Tell whether a partner's people review pairs with this party's records."""
    return terms.review is not None and partner == terms.review.reviewer != party


def _linked(session: Session, space: str) -> dict[str, str]:
    """Return the link IDs of the own records in a link-ID set, by record key."""
    workspace, project = session.workspace, session.project
    path = workspace.ledger(project, space)
    name = SpaceName(project, space)
    ledger = LedgerFile(path, name, session.party, workspace.key()).read()
    return {record: held.link.hex() for record, held in ledger.everyone().items()}


def _lasting_space(terms: ProjectTerms, *parties: str) -> str | None:
    """Return the link-ID set in which both receive matches of their own records, if link IDs last there."""
    lasting = {space.name for space in terms.spaces if space.lifetime == "lasting"}
    received = {
        one.party: one.space
        for one in terms.recipients
        if one.mode == "linked" and one.space in lasting
    }
    one, other = (received.get(party) for party in parties)
    return one if one == other else None
