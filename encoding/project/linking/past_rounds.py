"""What this agency forgets of rounds that are over: its encodings, and what was said in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from encoding.packing.outbox import manifest_path
from encoding.project.agreement.agreements import agreement_in_force
from encoding.project.context import Context
from encoding.project.linking.own_ledger import ledger_file, own_space
from encoding.secret.kept_secret import end_rounds, has_ended_rounds
from schemas.documents.errors import FormatError
from schemas.documents.ids import utc_text
from schemas.rounds.upload import Manifest
from schemas.shared.durable import sync_folder

if TYPE_CHECKING:
    from encoding.workspace.workspace import Workspace


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
        kept_on = {one[0] for one in workspace.containers(project) if one not in ended}
        over = _Over(newest, {number for number, _ in ended} - kept_on, kept_on)
        if not (ended or past or has_ended_rounds(workspace, project, over)):
            return
        if context.client.legal_holds(project).is_held:
            return
        # First: where a command is killed now, the containers are what is left, and the next one removes them.
        end_rounds(workspace, project, over)
        for name in ended:
            container = workspace.container(project, *name)
            past += [container, manifest_path(container)]
        for path in past:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in past}:
            sync_folder(folder)


@dataclass(frozen=True, slots=True)
class _Over:
    """Which rounds are over: those of which all containers go, and those before the newest of which none is."""

    newest: int
    gone: Collection[int]
    kept: Collection[int]

    def __call__(self, number: int) -> bool:
        return number in self.gone or (number < self.newest and number not in self.kept)


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
    if own_space(context) is None:
        kept = context.session.workspace.containers(context.session.project)
        return max((number for number, _ in kept), default=0)
    last = ledger_file(context).read().last
    return 0 if last is None else last.round


def _made(workspace: Workspace, project: str, number: int, partner: str) -> str:
    """Return when a container was made; one without its manifest, which is never sent, is as old as can be."""
    try:
        raw = manifest_path(workspace.container(project, number, partner)).read_bytes()
        return Manifest.from_canonical(raw).created
    except (OSError, FormatError):
        return ""
