"""The steps of a round: nonces offered, the round asked for, its runs waited for, its link IDs agreed on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from encoding.broker.runs import require_success, wait_for_run
from encoding.cli.parts.agreements import agreements_kept, require_agreed_run
from encoding.cli.parts.corrections import require_asked
from encoding.cli.parts.counter import Counter
from encoding.cli.parts.log_copies import log_under_lock
from encoding.cli.parts.own_identity import unlock_own
from encoding.cli.parts.session import Session
from encoding.cli.parts.steps import own_nonces
from encoding.errors import (
    NonceUnknownError,
    NotReadyError,
    OthersWaitedForError,
    RoundUnprovenError,
    RunFailedError,
    RunUnderWayError,
)
from encoding.rounds.history import RoundHistory, round_history
from encoding.rounds.turns import Turn, prove_round, turns_of
from encoding.rounds.words import is_on_request, why_nothing_ran
from schemas.api.bodies import RunRequest, RunView
from schemas.documents.ids import utc_text
from schemas.rounds.rounds import NonceOffer, RoundView, SignedNonceOffer, nonces_kept
from schemas.rounds.upload import Signature
from schemas.signing.signatures import sign_document

_RUN_IS_OVER: Final = frozenset({"succeeded", "failed", "cancelled"})


def top_up_nonces(counter: Counter, *, voids: bool = False) -> None:
    """Keep as many unspent nonces of this workspace in the log as are agreed."""
    session, known = counter.session, counter.api.nonces()
    kept = nonces_kept(len(counter.view.terms.providers) - 1)
    with session.workspace.lock():
        # What another workspace drew, such as the one that this was restored from, is of no use here.
        voids = voids or (known.next > 1 and not own_nonces(session).has_drawn(known.next - 1))
    with session.workspace.lock():
        nonces = own_nonces(session)
        missing = kept if voids else kept - known.unspent
        if missing <= 0:
            return
        ready = nonces.to_offer(known.next, missing)
    identity = unlock_own(session)
    offer = NonceOffer(
        project=session.project,
        party=session.party,
        person=identity.public.person,
        first=known.next,
        nonces=ready,
        void_below=known.next if voids else 1,
        at=utc_text(session.now()),
    )
    counter.api.offer(_signed(session, offer))


def open_round(counter: Counter, *, asks: bool = True) -> RoundView | None:
    """Return the round that is open, or a new one where one is due; None where nothing is due."""
    listed = counter.api.rounds()
    newest = listed.rounds[0] if listed.rounds else None
    if newest is not None and newest.state == "open":
        return proven(counter, newest)
    if not listed.due:
        if listed.waiting_for:
            raise OthersWaitedForError(
                f"no round can begin: {', '.join(listed.waiting_for)} has yet to get ready",
                hint="their job does so by itself the next time it runs",
            )
        return None
    if not asks and is_on_request(counter.view.terms, newest):
        return None
    # Signed for this number; who shows another newest round than the log has could keep it for later.
    following = 1 if newest is None else proven(counter, newest).round + 1
    return proven(counter, counter.api.ask(following))


def required_round(counter: Counter) -> RoundView:
    """Return the round that is open, or a new one where one is due."""
    found = open_round(counter)
    if found is None:
        raise NotReadyError(
            "by the agreement's schedule, no round is due yet", hint="see: blindlink round status"
        )
    return found


def newest_round(counter: Counter) -> RoundView:
    """Return the newest round, proven."""
    listed = counter.api.rounds().rounds
    if not listed:
        raise NotReadyError("no round has been made yet", hint="begin one: blindlink refresh")
    return proven(counter, listed[0])


def proven(counter: Counter, found: RoundView) -> RoundView:
    """Return a round once the log vouches for it."""
    counter.trust.log.vouch(found.receipt.checkpoint.encode("utf-8"), counter.client)
    prove_round(found, counter.trust.keys)
    return found


def as_it_stands(counter: Counter, found: RoundView) -> RoundView:
    """Return a round that was proven before as it stands now."""
    now = counter.api.round(found.round)
    # The log vouched for this opening, and for no other that its keys may have signed since.
    if _opening(now) != _opening(found):
        raise RoundUnprovenError(
            f"the broker shows round {found.round} differently from before",
            hint="nothing of this round is stored; tell the other agencies and the operator",
        )
    return now


def _opening(found: RoundView) -> tuple[object, ...]:
    stated = found.project, found.round, found.deadline, found.pairs
    return *stated, found.receipt.index, found.receipt.entry


def own_turns(counter: Counter, found: RoundView) -> tuple[Turn, ...]:
    """Return what this agency owes in a round."""
    return turns_of(found, counter.view.terms, counter.session.party)


def history_under_lock(counter: Counter) -> RoundHistory:
    """Return the project's rounds as the match log shows them; call it under the workspace's lock."""
    session = counter.session
    entries = log_under_lock(session, counter.client, counter.trust).entries
    return round_history(entries, session.project)


def refuse_unfit(counter: Counter, found: RoundView) -> None:
    """Refuse to encode or send for a round that the match log shows as over, not due, or with used nonces.

    What this agency has sent by the log is marked as spent, as in a workspace whose files were put back.
    """
    session = counter.session
    with session.workspace.lock():
        history = history_under_lock(counter)
    history.refuse_unfit(found.round, agreements_kept(session).signed(), session.party)
    correction = history.correction_by(found.round)
    if correction is not None:
        require_asked(counter, history, correction)
    with session.workspace.lock():
        nonces = own_nonces(session)
        for turn in own_turns(counter, found):
            sent = history.upload_of(turn.round, session.party, turn.partner)
            if sent is not None and nonces.has_drawn(turn.own_nonce.number):
                nonces.spend(
                    turn.own_nonce.number,
                    round_number=turn.round,
                    partner=turn.partner,
                    container=sent.container_sha256,
                )


def refuse_lost(counter: Counter, turns: Iterable[Turn]) -> None:
    """Refuse a round for which another workspace of this agency gave the nonce: this one took its place.

    What that one has sent goes on if its handles are here, as they are in a backup that was made afterwards.
    """
    session = counter.session
    with session.workspace.lock():
        nonces = own_nonces(session)
        for turn in turns:
            if turn.is_sent and _has_handles(session, turn):
                continue
            try:
                nonces.require(turn.own_nonce.number, turn.own_nonce.nonce)
            except NonceUnknownError:
                raise NonceUnknownError(
                    f"this workspace was restored or handed over after it got ready for round {turn.round}:"
                    " repeat that round with: blindlink round correct --reason workspace-lost, or wait"
                    " for the next one"
                ) from None


def _has_handles(session: Session, turn: Turn) -> bool:
    return session.workspace.handle_map(session.project, turn.round, turn.partner).exists()


def runs_of(counter: Counter, found: RoundView) -> tuple[RunView, ...]:
    """Return the runs of this agency's pairs that there are, held against the agreement."""
    party = counter.session.party
    runs = []
    for pair in counter.api.round(found.round).progress:
        if pair.run is not None and party in (pair.larger, pair.smaller):
            run = counter.client.run(pair.run)
            require_agreed_run(counter.session, counter.client, run)
            runs.append(run)
    return tuple(runs)


def reasons_of(counter: Counter, found: RoundView, runs: Iterable[RunView]) -> tuple[str, ...]:
    """Say why a pair of this agency has no result in a round: one sentence for each such pair."""
    party, said = counter.session.party, []
    by_id = {run.run: run for run in runs}
    for pair in counter.api.round(found.round).progress:
        if party not in (pair.larger, pair.smaller) or pair.has_result:
            continue
        partner = pair.smaller if party == pair.larger else pair.larger
        run = by_id.get(pair.run or "")
        if run is None:
            said.append(why_nothing_ran(found, pair, party))
        elif run.state == "awaiting":
            said.append(f"the run with {partner} waits until it is approved, as the agreement asks")
        elif run.state in _RUN_IS_OVER:
            try:
                require_success(run)
            except RunFailedError as exc:
                said.append(f"with {partner}: {exc}")
    return tuple(said)


def ask_again(counter: Counter, found: RoundView) -> None:
    """Ask once more for each run of this agency's pairs that has failed or was cancelled."""
    for run in runs_of(counter, found):
        if run.state in ("failed", "cancelled"):
            parties = {one.party for one in run.specification.uploads}
            (partner,) = parties - {counter.session.party}
            request = RunRequest(round=found.round, partner=partner)
            counter.client.ask_run(counter.session.project, request)


def await_runs(counter: Counter, found: RoundView) -> tuple[RunView, ...]:
    """Return the runs of this agency's pairs once all of them have ended."""
    session = counter.session
    now = counter.api.round(found.round)
    if now.state == "superseded":
        raise OthersWaitedForError(
            f"round {found.round} was corrected; round {now.superseded_by} takes its place",
            hint="start again: blindlink refresh",
        )
    done: list[RunView] = []
    for pair in now.progress:
        if session.party not in (pair.larger, pair.smaller):
            continue
        partner = pair.smaller if session.party == pair.larger else pair.larger
        if pair.run is None:
            if now.state == "closed":
                continue
            raise OthersWaitedForError(
                f"round {now.round} waits for the upload of {partner}",
                hint=f"it waits until {now.deadline}",
            )
        run = counter.client.run(pair.run)
        if run.state not in _RUN_IS_OVER:
            require_agreed_run(session, counter.client, run)
            if run.state != "awaiting" and not session.waits_for_runs:
                raise RunUnderWayError(f"the run with {partner} is under way")
            # One pair's run that fails does not keep the others' matches from coming home.
            with session.progress() as progress, suppress(RunFailedError):
                wait_for_run(counter.client, run.run, progress, session.sleep)
            run = counter.client.run(run.run)
        require_agreed_run(session, counter.client, run)
        done.append(run)
    succeeded = tuple(run for run in done if run.state == "succeeded")
    if done and not succeeded:
        require_success(done[0])
    return succeeded


def void_nonces(counter: Counter) -> None:
    """Void all nonces that this party has offered: the workspace that drew them is lost, or handed over."""
    top_up_nonces(counter, voids=True)


def _signed(session: Session, offer: NonceOffer) -> SignedNonceOffer:
    identity = unlock_own(session)
    public = identity.public
    return SignedNonceOffer(
        offer=offer,
        signature=Signature(
            party=public.party,
            person=public.person,
            key=public.key_sha256(),
            signature=sign_document("nonces", offer.to_json(), identity.keys.signing_key),
        ),
    )
