"""The steps of a round: nonces offered, the round asked for or corrected, its runs waited for."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from encoding.broker.runs import require_success, wait_for_run
from encoding.errors import (
    NonceUnknownError,
    NotReadyError,
    OthersWaitedForError,
    RoundUnprovenError,
    RunFailedError,
    RunUnderWayError,
)
from encoding.project.agreement.agreements import (
    agreements_kept,
    require_agreed_run,
)
from encoding.project.context import Context, log_under_lock
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.project.uploading.steps import own_nonces
from encoding.rounds.history import RoundHistory, round_history
from encoding.rounds.turns import Turn, prove_round, turns_of
from encoding.rounds.words import is_on_request, why_nothing_ran
from schemas.api.runs import RunRequest, RunView
from schemas.documents.ids import utc_text
from schemas.rounds.rounds import NonceOffer, RoundView, SignedNonceOffer, nonces_kept
from schemas.rounds.upload import Signature
from schemas.signing.signatures import sign_document

_RUN_IS_OVER: Final = frozenset({"succeeded", "failed", "cancelled"})


def top_up_nonces(context: Context, *, voids: bool = False) -> None:
    """Keep as many unspent nonces of this workspace in the log as are agreed."""
    session, known = context.session, context.api.nonces()
    kept = nonces_kept(len(context.view.terms.providers) - 1)
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
    context.api.offer(_signed(session, offer))


def open_round(context: Context, *, asks: bool = True) -> RoundView | None:
    """Return the round that is open, or a new one where one is due; None where nothing is due."""
    listed = context.api.rounds()
    newest = listed.rounds[0] if listed.rounds else None
    if newest is not None and newest.state == "open":
        return proven(context, newest)
    if not listed.due:
        if listed.waiting_for:
            raise OthersWaitedForError(
                f"no round can begin: {', '.join(listed.waiting_for)} has yet to get ready",
                hint="their job does so by itself the next time it runs",
            )
        return None
    if not asks and is_on_request(context.view.terms, newest):
        return None
    # Signed for this number; who shows another newest round than the log has could keep it for later.
    following = 1 if newest is None else proven(context, newest).round + 1
    return proven(context, context.api.ask(following))


def required_round(context: Context) -> RoundView:
    """Return the round that is open, or a new one where one is due."""
    found = open_round(context)
    if found is None:
        raise NotReadyError(
            "by the agreement's schedule, no round is due yet", hint="see: blindlink round"
        )
    return found


def newest_round(context: Context) -> RoundView:
    """Return the newest round, proven."""
    listed = context.api.rounds().rounds
    if not listed:
        raise NotReadyError("no round has been made yet", hint="begin one: blindlink refresh")
    return proven(context, listed[0])


def proven(context: Context, found: RoundView) -> RoundView:
    """Return a round once the log vouches for it."""
    context.trust.log.vouch(found.receipt.checkpoint.encode("utf-8"), context.client)
    prove_round(found, context.trust.keys)
    return found


def as_it_stands(context: Context, found: RoundView) -> RoundView:
    """Return a round that was proven before as it stands now."""
    now = context.api.round(found.round)
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


def own_turns(context: Context, found: RoundView) -> tuple[Turn, ...]:
    """Return what this agency owes in a round."""
    return turns_of(found, context.view.terms, context.session.party)


def history_under_lock(context: Context) -> RoundHistory:
    """Return the project's rounds as the match log shows them; call it under the workspace's lock."""
    session = context.session
    entries = log_under_lock(session, context.client, context.trust).entries
    return round_history(entries, session.project)


def refuse_unfit(context: Context, found: RoundView) -> None:
    """Refuse to encode or send for a round that the match log shows as over, or under an unknown agreement.

    What this agency has sent by the log is marked as spent, as in a workspace whose files were put back.
    """
    session = context.session
    with session.workspace.lock():
        history = history_under_lock(context)
    history.refuse_unfit(found.round, agreements_kept(session).signed())
    with session.workspace.lock():
        nonces = own_nonces(session)
        for turn in own_turns(context, found):
            sent = history.upload_of(turn.round, session.party, turn.partner)
            if sent is not None and nonces.has_drawn(turn.own_nonce.number):
                nonces.spend(
                    turn.own_nonce.number,
                    round_number=turn.round,
                    partner=turn.partner,
                    container=sent.container_sha256,
                )


def refuse_lost(context: Context, turns: Iterable[Turn]) -> None:
    """Refuse a round for which another workspace of this agency gave the nonce: this one took its place.

    What that one has sent goes on if its handles are here, as they are in a backup that was made afterwards.
    """
    session = context.session
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
                    " repeat that round with: blindlink round --correct workspace-lost, or wait"
                    " for the next one"
                ) from None


def _has_handles(session: Session, turn: Turn) -> bool:
    return session.workspace.handle_map(session.project, turn.round, turn.partner).exists()


def runs_of(context: Context, found: RoundView) -> tuple[RunView, ...]:
    """Return the runs of this agency's pairs that there are, held against the agreement."""
    party = context.session.party
    runs = []
    for pair in context.api.round(found.round).progress:
        if pair.run is not None and party in (pair.larger, pair.smaller):
            run = context.client.run(pair.run)
            require_agreed_run(context.session, context.client, run)
            runs.append(run)
    return tuple(runs)


def reasons_of(context: Context, found: RoundView, runs: Iterable[RunView]) -> tuple[str, ...]:
    """Say why a pair of this agency has no result in a round: one sentence for each such pair."""
    party, said = context.session.party, []
    by_id = {run.run: run for run in runs}
    for pair in context.api.round(found.round).progress:
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


def ask_again(context: Context, found: RoundView) -> None:
    """Ask once more for each run of this agency's pairs that has failed or was cancelled."""
    for run in runs_of(context, found):
        if run.state in ("failed", "cancelled"):
            parties = {one.party for one in run.specification.uploads}
            (partner,) = parties - {context.session.party}
            request = RunRequest(round=found.round, partner=partner)
            context.client.ask_run(context.session.project, request)


def await_runs(context: Context, found: RoundView) -> tuple[RunView, ...]:
    """Return the runs of this agency's pairs once all of them have ended."""
    session = context.session
    now = context.api.round(found.round)
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
        run = context.client.run(pair.run)
        if run.state not in _RUN_IS_OVER:
            require_agreed_run(session, context.client, run)
            if run.state != "awaiting" and not session.waits_for_runs:
                raise RunUnderWayError(f"the run with {partner} is under way")
            # One pair's run that fails does not keep the others' matches from coming home.
            with session.progress() as progress, suppress(RunFailedError):
                wait_for_run(context.client, run.run, progress, session.sleep)
            run = context.client.run(run.run)
        require_agreed_run(session, context.client, run)
        done.append(run)
    succeeded = tuple(run for run in done if run.state == "succeeded")
    if done and not succeeded:
        require_success(done[0])
    return succeeded


def void_nonces(context: Context) -> None:
    """Void all nonces that this party has offered: the workspace that drew them is lost, or handed over."""
    top_up_nonces(context, voids=True)


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
