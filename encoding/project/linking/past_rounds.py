"""What rounds before the open one still owe this agency, and what it forgets of those that are over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from encoding.errors import (
    ALARM,
    AgencyError,
    ChangeHeldError,
    LogRewrittenError,
    NotReadyError,
    OthersWaitedForError,
)
from encoding.ledger.values import Turn
from encoding.packing.outbox import manifest_path
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.context import Context
from encoding.project.linking.alarms import is_given_up
from encoding.project.linking.links_files import LinksOrder
from encoding.project.linking.own_links import own_links
from encoding.project.linking.round_links import RoundLinks
from encoding.project.rounds import proven
from encoding.project.runner import is_outdated
from encoding.secret.kept_secret import end_rounds, without_past
from encoding.transfers.blind_fetch import blind_recipients, newest_blind
from encoding.workspace.workspace import Workspace
from schemas.api.releases import ReleaseView
from schemas.documents.errors import FormatError
from schemas.documents.ids import utc_text
from schemas.rounds.rounds import RoundView
from schemas.rounds.upload import Manifest
from schemas.shared.durable import sync_folder


def sealed_owed(context: Context) -> Iterator[ReleaseView]:
    """Yield the newest sealed match IDs for others that this agency has yet to fetch."""
    terms = context.view.terms
    for recipient in blind_recipients(terms):
        # Where none was made so far, none is owed.
        with suppress(NotReadyError):
            for release in newest_blind(context.client, terms, recipient):
                if release.verified is None:
                    yield release


def drain_links(
    context: Context, order: LinksOrder, *, below: int | None = None
) -> tuple[AgencyError, ...]:
    """Bring home the link IDs that closed rounds still owe, in order; what could not be finished is returned.

    Not returned are supplementary releases that wait for others: `finish_supplements` does.
    """
    return tuple(_drain_links(context, order, below))


def _drain_links(context: Context, order: LinksOrder, below: int | None) -> Iterator[AgencyError]:
    if context.space is None:
        return
    for found, supplement in _turns(context):
        if below is not None and found.round >= below:
            return
        if not _is_owed(context, found, supplement, order):
            continue
        is_agreed = False
        try:
            links = RoundLinks(context, proven(context, found), supplement)
            links.agree()
            is_agreed = True
            links.write(order)
        except AgencyError as exc:
            if supplement is not None and isinstance(exc, OthersWaitedForError):
                # What comes after it comes in its turn; `finish_supplements` waits.
                return
            if is_outdated(exc):
                raise
            what = "" if supplement is None else f", supplementary release {supplement},"
            context.session.warn(f"round {found.round}{what} could not be finished: {exc}")
            if exc.exit_code == ALARM or isinstance(exc, LogRewrittenError):
                raise
            # What cannot be agreed on, as in a workspace that was restored, comes right with the next round.
            is_here = is_agreed and not isinstance(exc, ChangeHeldError)
            if is_here or isinstance(exc, OthersWaitedForError):
                yield exc


def finish_supplements(context: Context, order: LinksOrder) -> None:
    """Bring home the supplementary releases of rounds that are closed, in order."""
    if context.space is None:
        return
    for found, supplement in _turns(context):
        if supplement is not None and _is_owed(context, found, supplement, order):
            links = RoundLinks(context, proven(context, found), supplement)
            links.agree()
            links.write(order)


def own_supplements(context: Context, found: RoundView) -> tuple[int, ...]:
    """Return the numbers of the supplementary releases of this agency's pairs in a round, in order."""
    party = context.session.party
    return tuple(one.release for one in found.supplements if party in (one.larger, one.smaller))


def _turns(context: Context) -> Iterator[tuple[RoundView, int | None]]:
    """Yield the releases of rounds that are closed, in order: the first one, then supplementary ones."""
    for found in reversed(context.api.rounds().rounds):
        if found.state == "closed":
            yield found, None
            yield from ((found, number) for number in own_supplements(context, found))


def _is_owed(context: Context, found: RoundView, supplement: int | None, order: LinksOrder) -> bool:
    """Tell whether links have yet to be written of a release in which this agency had matches.

    A round that waits until someone accepts it is looked at again once someone does.
    """
    party, turn = context.session.party, Turn(found.round, supplement or 1)
    ran = any(one.has_result and party in (one.larger, one.smaller) for one in found.progress)
    if supplement is None and not ran:
        return False
    last, kept = context.ledger_file.read().last, own_links(context)
    written, held = kept.newest(), kept.held()
    if held is not None and held.round == found.round and order.accepted is None:
        return False
    if is_given_up(context.session, turn):
        return False
    is_over = last is not None and last > turn
    return not is_over and (written is None or written.turn < turn)


def forget_past_rounds(context: Context) -> None:
    """Remove secrets, containers and messages of rounds that are over, and containers older than is agreed.

    Until then the matches of the newest round and of its supplementary releases are proven by them. Under a
    legal hold all stays.
    """
    session = context.session
    workspace, project = session.workspace, session.project
    with workspace.lock():
        newest = _newest_round(context)
        ended = {*_ended(context, newest)}
        past = [path for number, path in workspace.said(project) if number < newest]
        stay = {
            number
            for number, partner in workspace.containers(project)
            if (number, partner) not in ended
        }
        over = {number for number, _ in ended} - stay

        def is_over(number: int) -> bool:
            return number in over or (number < newest and number not in stay)

        secrets = without_past(workspace, project, newest, is_over)
        if not (ended or past or secrets):
            return
        if context.client.legal_holds(project).is_held:
            return
        # First: where a command is killed now, the containers are what is left, and the next one removes them.
        end_rounds(workspace, secrets)
        for name in ended:
            container = workspace.container(project, *name)
            past += [container, manifest_path(container)]
        for path in past:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in past}:
            sync_folder(folder)


def _ended(context: Context, newest: int) -> Iterator[tuple[int, str]]:
    workspace, project = context.session.workspace, context.session.project
    kept_days = agreement_in_force(context.session, context.view).retention.keep_encodings_days
    too_old = utc_text(context.session.now() - timedelta(days=kept_days))
    for number, partner in workspace.containers(project):
        if number < newest or _made(workspace, project, number, partner) < too_old:
            yield number, partner


def _newest_round(context: Context) -> int:
    """Return the newest round that gave this agency link IDs, or for which it encoded where it gets none.

    No release of a round before that one is ever applied.
    """
    if context.space is None:
        kept = context.session.workspace.containers(context.session.project)
        return max((number for number, _ in kept), default=0)
    last = context.ledger_file.read().last
    return 0 if last is None else last.round


def _made(workspace: Workspace, project: str, number: int, partner: str) -> str:
    """Return when a container was made; one without its manifest, which is never sent, is as old as can be."""
    try:
        raw = manifest_path(workspace.container(project, number, partner)).read_bytes()
        return Manifest.from_canonical(raw).created
    except (OSError, FormatError):
        return ""
