"""The nightly job: every step that is due in a round, from the file to the links, as `refresh` takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from encoding.errors import (
    AgencyError,
    ChangeHeldError,
    OthersWaitedForError,
    UnseenAgreementError,
)
from encoding.project import rounds
from encoding.project.agreement.project_view import project_view
from encoding.project.agreement.seats import Seat, accept_agreement
from encoding.project.context import Context
from encoding.project.delivering.exchange import ColumnsOrder, exchange_columns
from encoding.project.linking.alarms import alarms_told
from encoding.project.linking.blind_links import blind_links
from encoding.project.linking.links_files import LinksOrder, refuse_held
from encoding.project.linking.past_rounds import (
    drain_links,
    finish_supplements,
    forget_past_rounds,
    sealed_owed,
)
from encoding.project.linking.round_links import RoundLinks
from encoding.project.own_keys import unlock_own
from encoding.project.reviewing.answers import answer_reviews
from encoding.project.reviewing.reviews import reviews_of
from encoding.project.reviewing.sittings import forget_ended
from encoding.project.runner import Runner, Step, is_outdated
from encoding.project.secret.secret_progress import begin_secret, settle_secrets
from encoding.project.secret.shared_secret import require_secret
from encoding.project.session import Session
from encoding.project.source import refuse_list
from encoding.project.uploading import steps
from encoding.rounds.words import BEGIN
from encoding.transfers.blind_fetch import blind_recipients, newest_blind
from schemas.api.releases import ReleaseView
from schemas.api.runs import RunView
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
    refuse_list(session, order.source)
    runner = Runner(session, wait_s)
    with session.workspace.refresh_lock(), session.connect() as client, alarms_told(session):
        trust = session.trust(client)
        if agreement is not None:
            at = Seat(session, client, session.project, session.workspace, unlock_own(session))
            runner.until_ready(lambda: accept_agreement(at, agreement))
        context = Context(session, project_view(session, client), client, trust)
        if agreement is not None:
            begin_secret(session, client, context.view)
        for _ in range(MAX_AMENDMENTS):
            try:
                return _Night(context, order, runner, begin, columns).work()
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
        return _Night(context, order, runner, begin, columns).work()


@dataclass(slots=True)
class _Night:
    """One job under the agreement that the context's view shows: what was ordered, and what comes of it.

    `found` is the round that is open, None where nothing is due; `runs` are those of it that have succeeded.
    """

    context: Context
    order: LinksOrder
    runner: Runner
    begin: bool
    columns: ColumnsOrder
    found: RoundView | None = None
    runs: tuple[RunView, ...] = ()
    document: dict[str, object] = field(default_factory=lambda: {"round": None})
    said: list[str] = field(default_factory=list)

    def work(self) -> tuple[dict[str, object], str]:
        """Do what is due in rounds, then exchange columns; return it as a document and in a sentence."""
        self.runner.left.clear()
        exchange = partial(exchange_columns, self.context, self.order.source, self.columns)
        try:
            self._work_on_rounds()
        except (OthersWaitedForError, ChangeHeldError):
            if self.columns.is_any:
                # By the link IDs in force: columns that came for them need not wait for the next ones.
                with suppress(AgencyError):
                    exchange(Runner(self.context.session, 0))
            raise
        if self.columns.is_any:
            exchanged, said = exchange(self.runner)
            self.document |= exchanged
            self.said += [said] if said else []
        return self.document, "; ".join(self.said)

    def _work_on_rounds(self) -> None:
        if self.context.party not in self.context.view.terms.providers:
            self.said.append("this party uploads nothing")
            return
        self.runner.take(self, *BEFORE_A_ROUND)
        if self.found is None:
            self.said.append(_nothing_due(self.context))
        else:
            # What went wrong before was told, and this round catches up.
            self.runner.left.clear()
            self.document |= {"round": self.found.round}
            self.runner.take(self, *IN_A_ROUND)
        if not self.runner.left:
            self.runner.take(self, SUPPLEMENTS)
        if self.context.space is not None:
            refuse_held(self.context)
        self.runner.raise_left()


def _once(_: _Night) -> Iterable[None]:
    """Yield that a step is always due, which looks for itself what is done."""
    return (None,)


def _the_round(night: _Night) -> Iterator[RoundView]:
    if night.found is not None:
        yield night.found


def _fetch_sealed(night: _Night, release: ReleaseView) -> None:
    blind_links(night.context, release=release, source=night.order.source)


def _bring_home(night: _Night, _: None) -> None:
    """Write the link IDs that closed rounds owe; the opening of a round has closed all releases before it."""
    below = None if night.found is None else night.found.round
    failed = drain_links(night.context, night.order, below=below)
    # Once a round is open, it catches up.
    night.runner.left += failed if below is None else ()


def _review(night: _Night, _: None) -> None:
    """Do what this agency owes to clerical review: cards for others' reviewers, and what is over forgotten.

    What goes wrong does not keep the round waiting. What waits for others, as for an approval, is done another
    night.
    """
    context, session = night.context, night.context.session
    reviews: tuple[ReviewView, ...] = ()
    try:
        reviews = reviews_of(context)
        forget_ended(context, reviews)
        Runner(session, 0).until_ready(lambda: answer_reviews(context, night.order.source, reviews))
    except OthersWaitedForError as exc:
        session.say(f"the clerical review waits: {exc}")
    for view in reviews:
        n_left = (view.questions or 0) - (view.decided or 0)
        if (view.reviewer, view.state) == (session.party, "answered") and n_left > 0:
            session.say(
                f"{n_left:,} pairs with {view.asked} wait for your reviewers until {view.deadline}:"
                " blindlink review"
            )


def _settle_secrets(night: _Night, _: None) -> None:
    settle_secrets(night.context.session, night.context.client, night.context.view)


def _open(night: _Night, _: None) -> None:
    find = rounds.required_round if night.begin else partial(rounds.open_round, asks=False)
    night.found = find(night.context)


def _nothing_due(context: Context) -> str:
    if context.view.terms.frequency != "on-request":
        return "nothing is due"
    return f"nothing is due: rounds are made on request; begin one with: {BEGIN}"


def _send(night: _Night, found: RoundView) -> None:
    """Check, encode and upload what this agency owes in a round."""
    context, session, source = night.context, night.context.session, night.order.source
    turns = rounds.own_turns(context, found)
    rounds.refuse_lost(context, turns)
    owed = [turn for turn in turns if not turn.is_sent]
    unanswered = [turn for turn in turns if turn.is_sent and steps.lacks_receipt(session, turn)]
    night.document["uploads"] = sent = dict[str, object]()
    if owed or unanswered:
        rounds.refuse_unfit(context, found)
    for turn in unanswered:
        # The command that sent it was killed before the answer came.
        steps.upload(context, turn)
    if owed:
        steps.check(session, context.view, source)
    for turn in owed:
        manifest = steps.encoded(session, context.view, source, turn).manifest
        session.say(f"encoded {manifest.records:,} records for {turn.partner}")
        kept = steps.upload(context, turn)
        session.say(f"uploaded for {turn.partner}, and logged as entry {kept.receipt.index}")
        sent[turn.partner] = kept.receipt.subject


def _await_runs(night: _Night, found: RoundView) -> None:
    night.runs = rounds.await_runs(night.context, found)
    # An agreement may let a release wait until the parties have cosigned a log that has the run's end.
    night.context.session.trust_again(night.context.client, night.context.trust)
    night.document |= {"runs": [run.run for run in night.runs], "links": None, "sealed": {}}
    night.said = ["the runs have ended; the agreement gives this agency no matches of its own"]


def _links_due(night: _Night) -> Iterator[RoundLinks]:
    if night.found is not None and night.context.space is not None and night.runs:
        yield RoundLinks(night.context, night.found)


def _write_links(night: _Night, links: RoundLinks) -> None:
    links.agree()
    # A change that is held is told at the very end, and kept till then.
    with suppress(ChangeHeldError):
        written = links.write(night.order)
        night.document |= written.to_document()
        night.said = [written.sentence()]


def _sealed_due(night: _Night) -> Iterator[tuple[str, str]]:
    for recipient in blind_recipients(night.context.view.terms):
        yield from ((recipient, run.run) for run in night.runs)


def _fetch_sealed_of_run(night: _Night, due: tuple[str, str]) -> None:
    recipient, run = due
    (release,) = newest_blind(night.context.client, night.context.view.terms, recipient, run)
    written = blind_links(night.context, release=release, source=night.order.source)
    sealed = night.document["sealed"]
    if isinstance(sealed, dict):
        sealed.setdefault(recipient, []).append(str(written.path))
    night.said.append(written.sentence())


def _finish_supplements(night: _Night, _: None) -> None:
    with suppress(ChangeHeldError):
        finish_supplements(night.context, night.order)


REVIEWS: Final = Step(_once, _review, fault=lambda _: "the clerical review could not go on")
PAST_LINKS: Final = Step(_once, _bring_home)
# A review may have ended before the round did.
SUPPLEMENTS: Final = Step(_once, _finish_supplements, waits=True)
BEFORE_A_ROUND: Final[tuple[Step[_Night, Any], ...]] = (
    Step(_once, lambda night, _: rounds.top_up_nonces(night.context)),
    Step(
        lambda night: sealed_owed(night.context),
        _fetch_sealed,
        fault=lambda release: f"the match IDs for {release.recipient} could not be fetched",
    ),
    PAST_LINKS,
    Step(_once, lambda night, _: forget_past_rounds(night.context)),
    REVIEWS,
    Step(_once, _settle_secrets, waits=True),
    Step(_once, lambda night, _: require_secret(night.context.session, night.context.view)),
    Step(_once, _open, waits=True),
)
IN_A_ROUND: Final[tuple[Step[_Night, Any], ...]] = (
    PAST_LINKS,
    Step(_the_round, _send),
    Step(_the_round, _await_runs, waits=True),
    REVIEWS,
    Step(_links_due, _write_links, waits=True),
    Step(_sealed_due, _fetch_sealed_of_run, waits=True),
)
