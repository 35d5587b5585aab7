"""What a reviewer does: questions and cards fetched and checked, a sitting over them, decisions sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from encoding.errors import NotReadyError, OthersWaitedForError
from encoding.people.identity import Identity
from encoding.project.agreement.rosters import signers_then
from encoding.project.context import Context, fetched_log
from encoding.project.own_keys import own_keys, unlock_own
from encoding.project.reviewing.kept_reviews import (
    journal_file,
    kept_file,
    kept_review,
    kept_verdicts,
)
from encoding.project.reviewing.reviews import (
    ProvenReview,
    decisions_logged,
    own_handles,
    own_reading,
    prove_review,
    reviews_of,
)
from encoding.project.session import Session
from encoding.project.source import Source
from encoding.recipe import Recipe
from encoding.review.api import ReviewsApi
from encoding.review.cards import ReviewOf, open_card
from encoding.review.errors import (
    CardUntrustedError,
    DecisionError,
    NotReviewerError,
)
from encoding.review.journal import Diary, Journal
from encoding.review.kept import KeptReview
from encoding.review.records import read_records
from encoding.review.sitting import Sent, Sitting, open_cases, shown_cases
from encoding.transfers.matches import keys_of_handles
from schemas.matchlog.review_kinds import ReviewAnswered
from schemas.rounds.review import (
    Card,
    ReviewState,
    ReviewView,
    StatedDecisions,
)
from schemas.signing.identity import PublicIdentity


def own_reviews(context: Context) -> tuple[ReviewView, ...]:
    """Return the reviews that this agency's people decide, newest first."""
    review, party = context.view.terms.review, context.session.party
    if review is None:
        raise NotReadyError("the agreement has no clerical review")
    if review.reviewer != party:
        raise NotReadyError(
            f"the people of {review.reviewer} decide pairs, not the people of {party}",
            hint="cards are made by: blindlink refresh, or: blindlink review --answer",
        )
    return tuple(one for one in reviews_of(context) if one.reviewer == party)


def open_review(views: Sequence[ReviewView], partner: str | None) -> ReviewView:
    """Return the review that waits for decisions, of several the first to end; partner None: of anybody."""
    found = [one for one in views if one.state != "ended" and partner in (None, one.asked)]
    answered = [one for one in found if one.state == "answered"]
    if answered:
        return min(answered, key=lambda one: (one.deadline, one.asked))
    if found:
        raise OthersWaitedForError(
            f"{found[0].asked} has yet to send its cards for round {found[0].round}",
            hint="its job does so by itself the next time it runs",
        )
    over = next((one for one in views if partner in (None, one.asked)), None)
    raise NotReadyError(
        "no pairs wait for a decision"
        + ("" if over is None else f"; the review of round {over.round} with {over.asked} is over"),
        hint="see: blindlink review --list",
    )


@contextmanager
def sitting_over(
    context: Context, view: ReviewView, source: Source, *, again: bool = False
) -> Iterator[Sitting]:
    """Give a sitting over a review, for the user; nobody else writes their journal meanwhile."""
    session = context.session
    own = unlock_own(session)
    if "reviewer" not in own.public.duties:
        raise NotReviewerError(
            "your keys do not have the duty reviewer",
            hint="name the file of keys that have it with --identity; the agreement lists who has it",
        )
    with session.workspace.review_lock(own.public.person):
        proven = prove_review(context, view)
        with session.workspace.lock():
            kept = kept_review(context, view, proven)
            verdicts = kept_verdicts(session, view.asked)
            handles = own_handles(session, view)
            reading = own_reading(session, context.view.profile, source)
            senders = _senders(context, view, proven)
        diary = _diary(session, proven.of, own)
        diary.settle(decisions_logged(proven.history.entries, view.run, own.public.person))
        keys = keys_of_handles(handles, [one.handle for one in kept.questions])
        inputs = Recipe.load(context.view.profile.recipe).inputs
        names = dict.fromkeys((*proven.of.elements, *inputs))
        with session.progress() as progress:
            records = read_records(
                reading, frozenset(keys.values()), (), progress, if_there=tuple(names)
            )
        cards = _opened(session, proven, kept, senders)
        cases = open_cases(
            kept.questions,
            keys,
            records,
            cards,
            verdicts=verdicts,
            person=own.public.person,
        )
        decided = {one.reference for one in diary.journal.looked if one.choice is not None}
        shown = shown_cases(cases, decided, again=again)
        yield Sitting(
            review=proven.of,
            deadline=view.deadline,
            persons=proven.clause.persons,
            cases=shown,
            again=len(cases) - len(shown),
            missing=len(kept.questions) - len(cases),
            diary=diary,
        )


def send_decisions(session: Session, sitting: Sitting, *, is_last: bool) -> Sent:
    """Send what was decided, and return how many decisions that is."""
    own = unlock_own(session)
    with session.connect() as client:
        api, states = ReviewsApi(client, session.project), list[ReviewState]()

        def post(stated: StatedDecisions) -> None:
            states.append(api.decide(sitting.review.run, stated).state)

        n_sent = sitting.diary.send(post, own, session.now(), is_last=is_last)
        return Sent(n_sent, is_over=states[-1:] == ["ended"])


def forget_ended(context: Context, reviews: Sequence[ReviewView]) -> None:
    """Remember what was decided in those of all reviews that are over, and remove what was kept for them."""
    session = context.session
    workspace, project = session.workspace, session.project
    kept, journals = workspace.reviews(project), workspace.journals(project)
    if not kept and not journals:
        return
    going_on = {one.run for one in reviews if one.state != "ended"}
    over = [(run, person) for run, person in journals if run not in going_on]
    for run, person in over:
        _settle(context, run, person)
    with workspace.lock():
        for partner in context.view.terms.providers:
            kept_verdicts(session, partner)
        for run in kept:
            if run not in going_on:
                kept_file(session, run).remove()
        for run, person in over:
            journal_file(session, run, person).remove()


def _settle(context: Context, run: str, person: str) -> None:
    """Hold a journal to the match log where it is open whether its last batch has come."""
    file = journal_file(context.session, run, person)
    journal = file.read()
    if journal is None or journal.waiting is None:
        return
    entries = fetched_log(context.session, context.client, context.trust).entries
    with suppress(DecisionError):
        Diary(journal, file.write).settle(decisions_logged(entries, run, person))


def _diary(session: Session, review: ReviewOf, own: Identity) -> Diary:
    file = journal_file(session, review.run, own.public.person)
    journal = file.read() or Journal(
        project=review.project,
        agreement=review.agreement,
        run=review.run,
        round=review.round,
        partner=review.asked,
        person=own.public.person,
    )
    return Diary(journal, file.write)


def _senders(context: Context, view: ReviewView, proven: ProvenReview) -> Sequence[PublicIdentity]:
    """Return whose cards count: who could sign them when the log took them, with the keys that they had."""
    answered = (
        one
        for one in proven.history.entries
        if one.object == view.run and isinstance(one.body, ReviewAnswered)
    )
    logged = next(answered, None)
    if logged is None:
        return ()
    return [*signers_then(context, view.asked, proven.history, logged).values()]


def _opened(
    session: Session,
    proven: ProvenReview,
    kept: KeptReview,
    senders: Sequence[PublicIdentity],
) -> dict[bytes, Card]:
    """Return the cards that can be trusted, by reference; of others it is said how many there are."""
    keys = [*own_keys(session)]
    cards, faults = dict[bytes, Card](), list[str]()
    sealed_cards = kept.cards or {}
    for reference, sealed in sealed_cards.items():
        try:
            cards[reference] = open_card(proven.of, sealed, keys, senders)
        except CardUntrustedError as exc:
            faults.append(str(exc))
    if faults:
        session.warn(
            f"{len(faults):,} of {len(sealed_cards):,} cards cannot be trusted, and are not shown: {faults[0]}"
        )
    return cards
