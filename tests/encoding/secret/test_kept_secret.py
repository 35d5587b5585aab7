"""What a workspace keeps of a secret: sealed, replaced whole, and silent about itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from vectors.file import read_vectors

from encoding.errors import ShareError, WorkspaceError
from encoding.secret.agreement import Contribution
from encoding.secret.kept_secret import KeptSecret, read_kept, write_kept
from encoding.secret.secret import Secret
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.secret_share import SecretHolders, SignedConfirmation, SignedShare

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
NOW = datetime(2026, 9, 1, tzinfo=UTC)

BEGUN = KeptSecret.begin(HOLDERS, CONTRIBUTION, [SHARES["schools", "child-welfare"]])
FULL = (
    BEGUN.with_share(SHARES["health", "schools"])
    .with_share(SHARES["child-welfare", "schools"])
    .with_confirmation(CONFIRMATIONS["health"])
)
PATH = "river-county-3.sealed"


@pytest.mark.parametrize("kept", [BEGUN, FULL, FULL.with_secret(SECRET)])
def test_what_is_kept_is_read_back(kept: KeptSecret, tmp_path: Path) -> None:
    write_kept(tmp_path / PATH, kept, KEY)
    assert read_kept(tmp_path / PATH, "river-county", 3, KEY) == kept


def test_nothing_kept_is_none(tmp_path: Path) -> None:
    assert read_kept(tmp_path / PATH, "river-county", 3, KEY) is None


@pytest.mark.parametrize(
    ("project", "epoch", "key"),
    [("sea-county", 3, KEY), ("river-county", 4, KEY), ("river-county", 3, bytes(32))],
)
def test_it_opens_for_its_project_epoch_and_key_alone(
    project: str, epoch: int, key: bytes, tmp_path: Path
) -> None:
    write_kept(tmp_path / PATH, FULL, KEY)
    with pytest.raises(WorkspaceError, match="damaged, or sealed under another key"):
        read_kept(tmp_path / PATH, project, epoch, key)


@pytest.mark.parametrize("kept_part", [slice(-1), slice(30), slice(20), slice(0), slice(1, None)])
def test_a_damaged_file_is_refused(kept_part: slice, tmp_path: Path) -> None:
    write_kept(tmp_path / PATH, FULL, KEY)
    (tmp_path / PATH).write_bytes((tmp_path / PATH).read_bytes()[kept_part])
    with pytest.raises(WorkspaceError, match="damaged"):
        read_kept(tmp_path / PATH, "river-county", 3, KEY)


def test_neither_contribution_nor_secret_lies_open_in_the_file(tmp_path: Path) -> None:
    for kept in (FULL, FULL.with_secret(SECRET)):
        write_kept(tmp_path / PATH, kept, KEY)
        raw = (tmp_path / PATH).read_bytes()
        for text in (FULL.contribution, FULL.with_secret(SECRET).secret):
            assert text is not None
            assert text.encode() not in raw


def test_neither_is_shown_when_it_is_printed() -> None:
    made = FULL.with_secret(SECRET)
    assert FULL.contribution not in repr(FULL)
    assert made.secret not in repr(made)
    assert made.secret not in str(made)


def test_making_the_secret_forgets_what_it_was_made_of() -> None:
    made = FULL.with_secret(SECRET)
    assert made.agreed() == SECRET
    assert made.own_contribution() is None
    assert made.received == ()
    assert made.sent == BEGUN.sent


def test_before_that_there_is_no_secret() -> None:
    own = FULL.own_contribution()
    assert own is not None
    assert own.to_bytes() == CONTRIBUTION.to_bytes()
    assert FULL.agreed() is None


def test_the_same_share_twice_is_kept_once() -> None:
    assert FULL.with_share(SHARES["health", "schools"]) == FULL


def test_a_second_share_of_a_sender_is_refused() -> None:
    share = SHARES["health", "schools"].share.model_copy(update={"created": "2026-09-02T00:00:00Z"})
    other = SHARES["health", "schools"].model_copy(update={"share": share})
    with pytest.raises(ShareError, match="two different shares of health"):
        FULL.with_share(other)


def test_shares_lie_in_the_order_of_their_senders() -> None:
    assert [kept.share.sender for kept in FULL.received] == ["child-welfare", "health"]


def test_a_newer_confirmation_replaces_an_older_one_and_not_the_reverse() -> None:
    first = CONFIRMATIONS["health"]
    changed = first.confirmation.model_copy(update={"created": "2026-09-02T00:00:00Z"})
    newer = first.model_copy(update={"confirmation": changed})
    assert FULL.with_confirmation(newer).confirmation_of("health") == newer
    assert FULL.with_confirmation(newer).with_confirmation(first) == FULL.with_confirmation(newer)


def test_confirmations_are_found_by_party() -> None:
    assert FULL.confirmation_of("health") == CONFIRMATIONS["health"]
    assert FULL.confirmation_of("schools") is None


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
