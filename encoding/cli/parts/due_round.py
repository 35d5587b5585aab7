"""What is due in a round, from the file to the links: every step, as `refresh` takes them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from encoding.cli.parts import round_steps, steps
from encoding.cli.parts.accepted_agreement import accept_agreement
from encoding.cli.parts.agreements import Seat
from encoding.cli.parts.amendments import is_outdated
from encoding.cli.parts.blind_steps import BlindLinksWritten, blind_links
from encoding.cli.parts.claims_exchange import ColumnsOrder, exchange_columns
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.link_steps import RoundLinks
from encoding.cli.parts.links_files import LinksOrder, refuse_held
from encoding.cli.parts.owed_rounds import drain, drain_links, finish_supplements
from encoding.cli.parts.own_identity import unlock_own
from encoding.cli.parts.own_ledger import own_space
from encoding.cli.parts.past_rounds import forget_past_rounds
from encoding.cli.parts.patience import Patience
from encoding.cli.parts.project_view import project_view
from encoding.cli.parts.review_answers import answer_reviews
from encoding.cli.parts.review_sittings import forget_ended
from encoding.cli.parts.reviews import reviews_of
from encoding.cli.parts.round_alarms import alarms_told
from encoding.cli.parts.round_steps import await_runs, own_turns, refuse_lost, refuse_unfit
from encoding.cli.parts.secret_progress import begin_secret, settle_secrets
from encoding.cli.parts.session import Session
from encoding.cli.parts.shared_secret import require_secret
from encoding.cli.parts.source import Source, refuse_list
from encoding.errors import (
    AgencyError,
    ChangeHeldError,
    OthersWaitedForError,
    UnseenAgreementError,
)
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
    patience = Patience(wait_s, session.sleep, session.say)
    refuse_list(session, order.source)
    with session.workspace.refresh_lock(), session.connect() as client, alarms_told(session):
        trust = session.trust(client)
        if agreement is not None:
            at = Seat(session, client, unlock_own(session), session.project, session.workspace)
            patience.until_ready(lambda: accept_agreement(at, agreement))
        counter = Counter(session, client, trust, project_view(session, client))
        if agreement is not None:
            begin_secret(session, client, counter.view)
        for _ in range(MAX_AMENDMENTS):
            try:
                return _do_all(counter, order, patience, begin=begin, columns=columns)
            except AgencyError as exc:
                if not is_outdated(exc):
                    raise
                view = project_view(session, client)
                is_same = view.agreement == counter.view.agreement
                if isinstance(exc, UnseenAgreementError) and is_same:
                    raise
            # What is signed names the agreement; every step goes on where it stopped.
            session.say("another agreement binds the project now; going on under that one")
            counter = replace(counter, view=view)
        return _do_all(counter, order, patience, begin=begin, columns=columns)


def _do_all(
    counter: Counter,
    order: LinksOrder,
    patience: Patience,
    *,
    begin: bool,
    columns: ColumnsOrder,
) -> tuple[dict[str, object], str]:
    """Do what is due in rounds, and exchange columns, under the agreement that the counter's view shows."""
    try:
        document, sentence = _do_rounds(counter, order, patience, begin=begin)
    except (OthersWaitedForError, ChangeHeldError):
        if columns.is_any:
            # By the link IDs in force: columns that came for them need not wait for the next ones.
            with suppress(AgencyError):
                patience.left_s = 0
                exchange_columns(counter, order.source, columns, patience)
        raise
    if columns.is_any:
        exchanged, said = exchange_columns(counter, order.source, columns, patience)
        document |= exchanged
        sentence = f"{sentence}; {said}" if said else sentence
    return document, sentence


def _do_rounds(
    counter: Counter, order: LinksOrder, patience: Patience, *, begin: bool
) -> tuple[dict[str, object], str]:
    session = counter.session
    if session.party not in counter.view.terms.providers:
        return {"round": None}, "this party uploads nothing"
    round_steps.top_up_nonces(counter)
    unfinished = drain(counter, order)
    forget_past_rounds(counter)
    failed = _review(counter, order.source)
    patience.until_ready(lambda: settle_secrets(session, counter.client, counter.view))
    require_secret(session, counter.view)
    find = round_steps.required_round if begin else partial(round_steps.open_round, asks=False)
    found = patience.until_ready(lambda: find(counter))
    document: dict[str, object] = {"round": None}
    sentence = _nothing_due(counter)
    if found is not None:
        # Its opening has closed the supplementary releases of the round before.
        drain_links(counter, order, below=found.round)
        document["round"] = found.round
        document |= _send(counter, found, order.source)
        document, sentence = _finish(counter, found, order, patience, document)
    elif not (failed or unfinished):
        with suppress(ChangeHeldError):
            patience.until_ready(partial(finish_supplements, counter, order))
    if own_space(counter) is not None:
        refuse_held(counter)
    if found is None and (failed or unfinished):
        raise failed or unfinished[0]
    return document, sentence


def _review(counter: Counter, source: Source) -> AgencyError | None:
    """Do what this agency owes to clerical review: cards for others' reviewers, and what is over forgotten.

    What goes wrong is returned, and does not keep the round waiting. What waits for others, as for an approval,
    is done another night.
    """
    session = counter.session
    patience = Patience(0, session.sleep, session.say)
    reviews: Sequence[ReviewView] = ()
    try:
        reviews = reviews_of(counter)
        forget_ended(counter, reviews)
        patience.until_ready(lambda: answer_reviews(counter, source, reviews))
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


def _nothing_due(counter: Counter) -> str:
    if counter.view.terms.frequency != "on-request":
        return "nothing is due"
    return f"nothing is due: rounds are made on request; begin one with: {BEGIN}"


def _send(counter: Counter, found: RoundView, source: Source) -> dict[str, object]:
    """Check, encode and upload what this agency owes in a round."""

    session = counter.session
    turns = own_turns(counter, found)
    refuse_lost(counter, turns)
    owed = [turn for turn in turns if not turn.is_sent]
    unanswered = [turn for turn in turns if turn.is_sent and steps.lacks_receipt(session, turn)]
    sent: dict[str, object] = {}
    if owed or unanswered:
        refuse_unfit(counter, found)
    for turn in unanswered:
        # The command that sent it was killed before the answer came.
        steps.upload(session, counter.client, counter.trust, counter.view, turn)
    if not owed:
        return {"uploads": sent}
    steps.check(session, counter.view, source)
    for turn in owed:
        manifest = steps.encoded(session, counter.view, source, turn).manifest
        session.say(f"encoded {manifest.records:,} records for {turn.partner}")
        kept = steps.upload(session, counter.client, counter.trust, counter.view, turn)
        session.say(f"uploaded for {turn.partner}, and logged as entry {kept.receipt.index}")
        sent[turn.partner] = kept.receipt.subject
    return {"uploads": sent}


def _finish(
    counter: Counter,
    found: RoundView,
    order: LinksOrder,
    patience: Patience,
    document: dict[str, object],
) -> tuple[dict[str, object], str]:
    """Wait for the round's runs, and bring home what they found."""

    session, client = counter.session, counter.client
    runs = patience.until_ready(lambda: await_runs(counter, found))
    # An agreement may let a release wait until the parties have cosigned a log that has the run's end.
    session.trust_again(client, counter.trust)
    sealed: dict[str, list[str]] = {}
    document |= {"runs": [run.run for run in runs], "links": None, "sealed": sealed}
    failed = _review(counter, order.source)
    sentence = "the runs have ended; the agreement gives this agency no matches of its own"
    if own_space(counter) is not None and runs:
        links = RoundLinks(counter, found)
        patience.until_ready(links.agree)
        # It is told at the very end, and kept till then.
        with suppress(ChangeHeldError):
            written = links.write(order)
            document |= written.to_document()
            sentence = written.sentence()
    for recipient in blind_recipients(counter.view.terms):
        for run in runs:
            blind = patience.until_ready(
                partial(_blind_links, counter, recipient, run.run, order.source)
            )
            sealed.setdefault(recipient, []).append(str(blind.path))
            sentence = f"{sentence}; {blind.sentence()}"
    if failed is not None:
        raise failed
    # A review may have ended before the round did.
    with suppress(ChangeHeldError):
        patience.until_ready(partial(finish_supplements, counter, order))
    return document, sentence


def _blind_links(counter: Counter, recipient: str, run: str, source: Source) -> BlindLinksWritten:
    session, client = counter.session, counter.client
    (release,) = newest_blind(client, counter.view.terms, recipient, run)
    return blind_links(session, client, counter.trust, counter.view, release=release, source=source)
