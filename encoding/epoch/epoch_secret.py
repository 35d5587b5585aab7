"""Which secret the encodings of an epoch are made with, and whether all holders are known to have the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from encoding.epoch.exchange import differences, refuse_differences, unconfirmed
from encoding.errors import NotReadyError, ProjectChangedError
from encoding.log.receipts import ReceiptFolder
from encoding.secret.kept_secret import KeptSecret, kept_of
from encoding.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class EpochSecret:
    """A secret that was agreed on; `waiting` are the holders that have not confirmed it yet."""

    kept: KeptSecret = field(repr=False)
    waiting: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What anyone who encodes must know."""
        if not self.waiting:
            return ()
        parties = ", ".join(self.waiting)
        return (f"{parties} has not confirmed the secret yet: blindlink secret accept",)


def epoch_secret(workspace: Workspace, project: str, epoch: int, party: str) -> EpochSecret | None:
    """Return the secret that was agreed on for an epoch; None where agencies never agreed on one here.

    None is for a secret that was carried by hand: it counts until the first epoch that is agreed on. The
    secret of another epoch is never returned.

    Raises:
        ProjectChangedError: a later epoch has been encoded here already.
        NotReadyError: the epoch's secret is not made yet.
        SecretsDifferError: a holder has confirmed something else.
    """
    newest = max(_epochs_sent(workspace, project), default=epoch)
    if newest > epoch:
        raise ProjectChangedError(
            f"the project's terms name epoch {epoch}, and this agency has encoded for epoch {newest} already",
            hint="an earlier secret is never used again; ask the other agencies and the operator what happened",
        )
    epochs = workspace.epochs_with_secret(project)
    if not any(known <= epoch for known in epochs):
        return None
    if epoch not in epochs:
        raise NotReadyError(
            f"the project is in epoch {epoch}, whose secret has not been agreed on",
            hint="to begin: blindlink secret share",
        )
    kept = kept_of(workspace, project, epoch)
    if kept is None or not kept.is_made:
        raise NotReadyError(
            f"the secret of epoch {epoch} is not made yet",
            hint="to go on: blindlink secret accept",
        )
    refuse_differences(differences(kept, party))
    waiting = tuple(holder for holder in unconfirmed(kept) if holder != party)
    return EpochSecret(kept, waiting)


def _epochs_sent(workspace: Workspace, project: str) -> Iterator[int]:
    """Yield the epochs for which this agency has sent encodings, by the manifests of its receipts."""
    for kept in ReceiptFolder(workspace.receipts).all():
        if kept.manifest is not None and kept.manifest.manifest.project == project:
            yield kept.manifest.manifest.epoch
