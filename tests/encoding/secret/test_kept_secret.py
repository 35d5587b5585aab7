"""What a workspace keeps of a secret: sealed, replaced whole, and silent about itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from vectors.file import read_vectors

from encoding.errors import ShareError, WorkspaceError
from encoding.secret.agreement import Contribution
from encoding.secret.kept_secret import KeptSecret, read_kept, write_kept
from encoding.secret.secret import Marks, Secret
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.signing.secret_share import SecretHolders, SignedConfirmation, SignedShare

VECTORS = read_vectors("secret-share")
HOLDERS = SecretHolders.from_canonical(VECTORS["holders"].encode())
SHARES = {
    (vector["from"], vector["to"]): SignedShare.from_canonical(vector["document"].encode())
    for vector in VECTORS["shares"]
}
CONFIRMATIONS = {
    vector["party"]: SignedConfirmation.from_canonical(vector["document"].encode())
    for vector in VECTORS["confirmations"]
}
CONTRIBUTION = Contribution(bytes.fromhex(VECTORS["contributions_hex"]["schools"]))
SECRET = Secret(bytes.fromhex(VECTORS["secret_hex"]))
KEY = bytes(range(32))

BEGUN = KeptSecret.begin(HOLDERS, CONTRIBUTION, [SHARES["schools", "child-welfare"]])
FULL = (
    BEGUN.with_share(SHARES["health", "schools"])
    .with_share(SHARES["child-welfare", "schools"])
    .with_confirmation(CONFIRMATIONS["health"])
)
PATH = "river-county-3.sealed"


def test_what_is_kept_is_read_back_and_neither_contribution_nor_secret_lies_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / PATH
    assert read_kept(path, "river-county", 3, KEY) is None
    made = FULL.with_secret(SECRET)
    assert made.secret is not None
    assert FULL.contribution is not None
    for kept in (BEGUN, FULL, made):
        write_kept(path, kept, KEY)
        assert read_kept(path, "river-county", 3, KEY) == kept
        for text in (FULL.contribution, made.secret):
            assert text.encode() not in path.read_bytes()
            assert text not in repr(kept) + str(kept)


def test_it_opens_whole_for_its_project_epoch_and_key_alone(tmp_path: Path) -> None:
    path = tmp_path / PATH
    write_kept(path, FULL, KEY)
    for project, epoch, key in (
        *(("sea-county", 3, KEY), ("river-county", 4, KEY)),
        ("river-county", 3, bytes(32)),
    ):
        with pytest.raises(WorkspaceError, match="damaged, or sealed under another key"):
            read_kept(path, project, epoch, key)
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:30], whole[:20], b"", whole[1:]):
        path.write_bytes(damaged)
        with pytest.raises(WorkspaceError, match="damaged"):
            read_kept(path, "river-county", 3, KEY)


def test_making_the_secret_forgets_what_it_was_made_of() -> None:
    own = FULL.own_contribution()
    assert own is not None
    assert own.to_bytes() == CONTRIBUTION.to_bytes()
    assert FULL.marks() is None
    made = FULL.with_secret(SECRET)
    assert made.marks() == Marks.of(SECRET, HOLDERS.project, HOLDERS.epoch)
    assert made.own_contribution() is None
    assert made.received == ()
    assert made.sent == BEGUN.sent


def test_shares_lie_in_the_order_of_their_senders_and_each_sender_has_one() -> None:
    assert [kept.share.sender for kept in FULL.received] == ["child-welfare", "health"]
    assert FULL.with_share(SHARES["health", "schools"]) == FULL
    share = SHARES["health", "schools"].share.model_copy(update={"created": "2026-09-02T00:00:00Z"})
    other = SHARES["health", "schools"].model_copy(update={"share": share})
    with pytest.raises(ShareError, match="two different shares of health"):
        FULL.with_share(other)


def test_a_newer_confirmation_replaces_an_older_one_and_not_the_reverse() -> None:
    first = CONFIRMATIONS["health"]
    assert FULL.confirmation_of("health") == first
    assert FULL.confirmation_of("schools") is None
    changed = first.confirmation.model_copy(update={"created": "2026-09-02T00:00:00Z"})
    newer = first.model_copy(update={"confirmation": changed})
    assert FULL.with_confirmation(newer).confirmation_of("health") == newer
    assert FULL.with_confirmation(newer).with_confirmation(first) == FULL.with_confirmation(newer)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


def test_a_workspace_knows_the_epochs_of_which_it_keeps_a_secret(workspace: Workspace) -> None:
    for project, epoch in (("river-county", 3), ("river-county", 12), ("river-county-4", 5)):
        workspace.kept_secret(project, epoch).write_bytes(b"")
    assert workspace.epochs_with_secret("river-county") == (3, 12)
    assert workspace.epochs_with_secret("river") == ()


def test_a_workspace_key_is_not_made_anew_while_secrets_are_sealed_under_one(
    workspace: Workspace,
) -> None:
    write_kept(workspace.kept_secret("river-county", 3), FULL, workspace.key())
    (workspace.folder / "workspace.key").unlink()
    with pytest.raises(WorkspaceError, match="key is gone"):
        workspace.key()
