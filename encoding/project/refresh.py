"""What is due in a round, from the file to the links: every step, as `refresh` takes them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from encoding.errors import (
    AgencyError,
    ChangeHeldError,
    OthersWaitedForError,
    UnseenAgreementError,
)
from encoding.project import rounds as round_steps
from encoding.project.agreement.accepted_agreement import accept_agreement
from encoding.project.agreement.agreements import Seat
from encoding.project.agreement.project_view import project_view
from encoding.project.context import Context
from encoding.project.delivering.exchange import ColumnsOrder, exchange_columns
from encoding.project.linking.alarms import alarms_told
from encoding.project.linking.blind_links import BlindLinksWritten, blind_links
from encoding.project.linking.links_files import LinksOrder, refuse_held
from encoding.project.linking.past_rounds import (
    drain,
    drain_links,
    finish_supplements,
    forget_past_rounds,
)
from encoding.project.linking.round_links import RoundLinks
from encoding.project.own_keys import unlock_own
from encoding.project.reviewing.answers import answer_reviews
from encoding.project.reviewing.reviews import reviews_of
from encoding.project.reviewing.sittings import forget_ended
from encoding.project.rounds import await_runs, own_turns, refuse_lost, refuse_unfit
from encoding.project.runner import WaitingTime, is_outdated
from encoding.project.secret.secret_progress import begin_secret, settle_secrets
from encoding.project.secret.shared_secret import require_secret
from encoding.project.session import Session
from encoding.project.source import Source, refuse_list
from encoding.project.uploading import steps
from encoding.rounds.words import BEGIN
from encoding.transfers.blind_fetch import blind_recipients, newest_blind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.rounds.review import ReviewView
    from schemas.rounds.rounds import RoundView


# So often an agreement may be replaced while one job runs.
MAX_AMENDMENTS: Final = 3


def do_what_is_due(
    session: Session,
    order: LinksOrder,
    *,
    wait_s: float,
    begin: bool,
    columns: ColumnsOrder,
    agreement: str | None = None,
) -> tuple[dict[str, object], str]:
    """Check, encode, upload, wait, fetch and agree on link IDs, and exchange columns, as far as that is due."""
    waiting = WaitingTime(wait_s, session.sleep, session.say)
    refuse_list(session, order.source)
    with session.workspace.refresh_lock(), session.connect() as client, alarms_told(session):
        trust = session.trust(client)
        if agreement is not None:
            at = Seat(session, client, unlock_own(session), session.project, session.workspace)
            waiting.until_ready(lambda: accept_agreement(at, agreement))
        context = Context(session, project_view(session, client), client, trust)
        if agreement is not None:
            begin_secret(session, client, context.view)
        for _ in range(MAX_AMENDMENTS):
            try:
                return _do_all(context, order, waiting, begin=begin, columns=columns)
            except AgencyError as exc:
                if not is_outdated(exc):
                    raise
                view = project_view(session, client)
                is_same = view.agreement == context.view.agreement
                if isinstance(exc, UnseenAgreementError) and is_same:
                    raise
            # What is signed names the agreement; every step goes on where it stopped.
            session.say("another agreement binds the project now; going on under that one")
            context = replace(context, view=view)
        return _do_all(context, order, waiting, begin=begin, columns=columns)


def _do_all(
    context: Context,
    order: LinksOrder,
    waiting: WaitingTime,
    *,
    begin: bool,
    columns: ColumnsOrder,
) -> tuple[dict[str, object], str]:
    """Do what is due in rounds, and exchange columns, under the agreement that the context's view shows."""
    try:
        document, sentence = _do_rounds(context, order, waiting, begin=begin)
    except (OthersWaitedForError, ChangeHeldError):
        if columns.is_any:
            # By the link IDs in force: columns that came for them need not wait for the next ones.
            with suppress(AgencyError):
                waiting.left_s = 0
                exchange_columns(context, order.source, columns, waiting)
        raise
    if columns.is_any:
        exchanged, said = exchange_columns(context, order.source, columns, waiting)
        document |= exchanged
        sentence = f"{sentence}; {said}" if said else sentence
    return document, sentence


def _do_rounds(
    context: Context, order: LinksOrder, waiting: WaitingTime, *, begin: bool
) -> tuple[dict[str, object], str]:
    session = context.session
    if session.party not in context.view.terms.providers:
        return {"round": None}, "this party uploads nothing"
    round_steps.top_up_nonces(context)
    unfinished = drain(context, order)
    forget_past_rounds(context)
    failed = _review(context, order.source)
    waiting.until_ready(lambda: settle_secrets(session, context.client, context.view))
    require_secret(session, context.view)
    find = round_steps.required_round if begin else partial(round_steps.open_round, asks=False)
    found = waiting.until_ready(lambda: find(context))
    document: dict[str, object] = {"round": None}
    sentence = _nothing_due(context)
    if found is not None:
        # Its opening has closed the supplementary releases of the round before.
        drain_links(context, order, below=found.round)
        document["round"] = found.round
        document |= _send(context, found, order.source)
        document, sentence = _finish(context, found, order, waiting, document)
    elif not (failed or unfinished):
        with suppress(ChangeHeldError):
            waiting.until_ready(partial(finish_supplements, context, order))
    if context.space is not None:
        refuse_held(context)
    if found is None and (failed or unfinished):
        raise failed or unfinished[0]
    return document, sentence


def _review(context: Context, source: Source) -> AgencyError | None:
    """Do what this agency owes to clerical review: cards for others' reviewers, and what is over forgotten.

    What goes wrong is returned, and does not keep the round waiting. What waits for others, as for an approval,
    is done another night.
    """
    session = context.session
    waiting = WaitingTime(0, session.sleep, session.say)
    reviews: Sequence[ReviewView] = ()
    try:
        reviews = reviews_of(context)
        forget_ended(context, reviews)
        waiting.until_ready(lambda: answer_reviews(context, source, reviews))
    except OthersWaitedForError as exc:
        session.say(f"the clerical review waits: {exc}")
    except AgencyError as exc:
        if is_outdated(exc):
            raise
        session.warn(f"the clerical review could not go on: {exc}")
        return exc
    for view in reviews:
        n_left = (view.questions or 0) - (view.decided or 0)
        if (view.reviewer, view.state) == (session.party, "answered") and n_left > 0:
            session.say(
                f"{n_left:,} pairs with {view.asked} wait for your reviewers until {view.deadline}:"
                " blindlink review"
            )
    return None


def _nothing_due(context: Context) -> str:
    if context.view.terms.frequency != "on-request":
        return "nothing is due"
    return f"nothing is due: rounds are made on request; begin one with: {BEGIN}"


def _send(context: Context, found: RoundView, source: Source) -> dict[str, object]:
    """Check, encode and upload what this agency owes in a round."""

    session = context.session
    turns = own_turns(context, found)
    refuse_lost(context, turns)
    owed = [turn for turn in turns if not turn.is_sent]
    unanswered = [turn for turn in turns if turn.is_sent and steps.lacks_receipt(session, turn)]
    sent: dict[str, object] = {}
    if owed or unanswered:
        refuse_unfit(context, found)
    for turn in unanswered:
        # The command that sent it was killed before the answer came.
        steps.upload(context, turn)
    if not owed:
        return {"uploads": sent}
    steps.check(session, context.view, source)
    for turn in owed:
        manifest = steps.encoded(session, context.view, source, turn).manifest
        session.say(f"encoded {manifest.records:,} records for {turn.partner}")
        kept = steps.upload(context, turn)
        session.say(f"uploaded for {turn.partner}, and logged as entry {kept.receipt.index}")
        sent[turn.partner] = kept.receipt.subject
    return {"uploads": sent}


def _finish(
    context: Context,
    found: RoundView,
    order: LinksOrder,
    waiting: WaitingTime,
    document: dict[str, object],
) -> tuple[dict[str, object], str]:
    """Wait for the round's runs, and bring home what they found."""

    session, client = context.session, context.client
    runs = waiting.until_ready(lambda: await_runs(context, found))
    # An agreement may let a release wait until the parties have cosigned a log that has the run's end.
    session.trust_again(client, context.trust)
    sealed: dict[str, list[str]] = {}
    document |= {"runs": [run.run for run in runs], "links": None, "sealed": sealed}
    failed = _review(context, order.source)
    sentence = "the runs have ended; the agreement gives this agency no matches of its own"
    if context.space is not None and runs:
        links = RoundLinks(context, found)
        waiting.until_ready(links.agree)
        # It is told at the very end, and kept till then.
        with suppress(ChangeHeldError):
            written = links.write(order)
            document |= written.to_document()
            sentence = written.sentence()
    for recipient in blind_recipients(context.view.terms):
        for run in runs:
            blind = waiting.until_ready(
                partial(_blind_links, context, recipient, run.run, order.source)
            )
            sealed.setdefault(recipient, []).append(str(blind.path))
            sentence = f"{sentence}; {blind.sentence()}"
    if failed is not None:
        raise failed
    # A review may have ended before the round did.
    with suppress(ChangeHeldError):
        waiting.until_ready(partial(finish_supplements, context, order))
    return document, sentence


def _blind_links(context: Context, recipient: str, run: str, source: Source) -> BlindLinksWritten:
    (release,) = newest_blind(context.client, context.view.terms, recipient, run)
    return blind_links(context, release=release, source=source)
