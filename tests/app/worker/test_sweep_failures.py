"""A step of the sweep that fails keeps none of the others from being done, whichever project it is of."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rigs.agreed_copies import reach
from rigs.broker_twins import expire_leases
from rigs.destroying import destroy
from rigs.filling import Filling
from rigs.linkage import CHILD_WELFARE, PROJECT
from rigs.reviewing import Reviewing
from services.vault_stub import VaultStub, running_vault_stub

from app.blobs import FileBlobs
from app.errors import KeyKeeperUnavailableError, SealBrokenError, StorageFullError
from app.sealed import repository
from app.security import keyring
from app.security.keepers import keepers_of
from app.security.rewrapping import rewrap_all
from app.settings import Settings
from app.worker.loop import Worker
from app.worker.sweeper import Sweeper

MOST_PIECES = 40


@pytest.fixture
def later_accepted() -> None:
    """What `accepted` asks for, so that its broker is copied from one where that was done already."""


@pytest.fixture
def accepted(later_accepted: None, reviewing: Reviewing) -> Reviewing:
    """Of an open review, four pairs are accepted."""
    reach(reviewing, lambda: bool(accept(reviewing)))
    return reviewing


@pytest.fixture
def sealed_vault(
    accepted: Reviewing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VaultStub]:
    """What keeps the keys of `accepted` by now, and answers nobody until it is unsealed."""
    monkeypatch.setattr(keyring, "TRIED_FOR_S", 0.0)
    ring = accepted.broker.keystore.ring
    with running_vault_stub(tmp_path / "vault") as stub:
        settings = Settings(key_keeper="vault", **stub.settings(tmp_path / "secrets"))
        with closing(keepers_of(settings)) as ring.keepers:
            ring.add_primary()
            rewrap_all(accepted.broker.keystore)
            ring.keep_only(ring.primary().name)
            stub.is_sealed = True
            yield stub
            stub.is_sealed = False
            # Here, while the keeper is there.
            accepted.check_log()
            accepted.is_log_spoilt = True


def accept(reviewing: Reviewing) -> Reviewing:
    run = reviewing.hold_back(6)
    questions = reviewing.questions(run)
    reviewing.answer(run)
    answer = reviewing.decide(run, {one.reference: "accept" for one in questions[:4]})
    assert answer.status_code == 200, answer.text
    return reviewing


def another(reviewing: Reviewing, name: str) -> Reviewing:
    """Return what the same parties do in one more project."""
    other = copy.copy(reviewing)
    other.agreement = other.add_project(reviewing.terms.model_copy(update={"project": name}))
    other.terms = other.agreement.terms()
    return other


def keys(reviewing: Reviewing, prefix: str) -> list[str]:
    found = reviewing.broker.keystore.object_ids()
    return [one for one in found if one.startswith(prefix)]


def left(reviewing: Reviewing) -> set[str]:
    """Return all keys and blobs."""
    return {*keys(reviewing, ""), *reviewing.broker.blobs.digests()}


def uploads(reviewing: Reviewing) -> set[str]:
    """Return the states of all uploads of a project."""
    path = f"/v1/projects/{reviewing.terms.project}/uploads"
    found = reviewing.get(path, "operator", "operator").json()["uploads"]
    assert found
    return {one["state"] for one in found}


def damage(reviewing: Reviewing) -> None:
    """Let nobody be able to read the keys of reviews any more."""
    for one in keys(reviewing, "rvw"):
        (reviewing.broker.settings.key_store_dir / f"{one}.key").write_bytes(b"damaged")


def test_on_a_full_disk_what_is_overdue_is_destroyed_though_no_review_can_end(
    accepted: Reviewing,
) -> None:
    accepted.founded.clock.move(days=200)
    full = FileBlobs(accepted.broker.settings.blob_dir, reserve_percent=101)
    for _ in range(2):
        with pytest.raises(StorageFullError):
            Sweeper(replace(accepted.broker, blobs=full)).sweep()
    assert accepted.review()["state"] == "answered"
    assert uploads(accepted) == {"destroyed"}
    # The review alone is left: what was drawn for its release went with it.
    assert list(accepted.broker.keystore.object_ids()) == keys(accepted, "rvw") != []
    assert accepted.log_kinds().count("destruction-certified") == 1
    accepted.sweep()
    assert accepted.review()["state"] == "ended"
    assert len(accepted.releases(CHILD_WELFARE, 2)) == 1
    accepted.sweep()
    assert not keys(accepted, "rvw")
    assert accepted.log_kinds().count("destruction-certified") == 2


def test_wherever_the_disk_fills_up_a_review_that_cannot_end_leaves_nothing(
    accepted: Reviewing,
) -> None:
    accepted.founded.clock.move(days=14)
    before = left(accepted)
    for room in range(MOST_PIECES):
        blobs = Filling(accepted.broker.settings.blob_dir, room)
        try:
            Sweeper(replace(accepted.broker, blobs=blobs)).sweep()
        except StorageFullError:
            assert left(accepted) == before
        else:
            break
    # Two releases, and a match record with openings.
    assert room > 4
    assert len(accepted.releases(CHILD_WELFARE, 2)) == 1


def test_wherever_the_disk_fills_up_a_run_that_cannot_be_released_leaves_nothing(
    reviewing: Reviewing,
) -> None:
    reviewing.upload_both(30, 12, 6)
    before, n_failed = keys(reviewing, ""), 0
    for room in range(MOST_PIECES):
        blobs = Filling(reviewing.broker.settings.blob_dir, room)
        Worker(replace(reviewing.broker, blobs=blobs)).work(until_idle=True)
        run = reviewing.run()
        if run["state"] == "succeeded":
            break
        n_failed += run["progress"]["stage"] == "releasing"
        assert keys(reviewing, "") == before
        expire_leases(reviewing.broker)
    assert n_failed > 4
    assert run["state"] == "succeeded"


def test_while_the_keys_are_kept_back_what_is_overdue_is_destroyed(
    accepted: Reviewing, sealed_vault: VaultStub
) -> None:
    accepted.founded.clock.move(days=200)
    with pytest.raises(KeyKeeperUnavailableError):
        accepted.sweep()
    assert uploads(accepted) == {"destroyed"}
    assert list(accepted.broker.keystore.object_ids()) == keys(accepted, "rvw") != []
    assert accepted.log_kinds().count("destruction-certified") == 1
    sealed_vault.is_sealed = False
    accepted.sweep()
    assert accepted.review()["state"] == "ended"


def test_while_the_keys_are_kept_back_a_project_with_an_open_review_can_be_destroyed(
    accepted: Reviewing, sealed_vault: VaultStub
) -> None:
    assert sealed_vault.is_sealed
    answer = destroy(accepted)
    assert answer.status_code in (200, 202), answer.text
    assert not keys(accepted, "rvw")
    (ended,) = (one["body"] for one in accepted.log_entries() if one["kind"] == "review-ended")
    assert (ended["reason"], ended["release"]) == ("destroyed", None)
    assert "destruction-certified" in accepted.log_kinds()


def test_a_review_that_cannot_be_read_does_not_keep_that_of_another_project_open(
    accepted: Reviewing, log_stream: io.StringIO
) -> None:
    damage(accepted)
    other = accept(another(accepted, "second"))
    accepted.founded.clock.move(days=14)
    with pytest.raises(SealBrokenError):
        accepted.sweep()
    assert (accepted.review()["state"], other.review()["state"]) == ("answered", "ended")
    assert f'"project": "{PROJECT}"' in log_stream.getvalue()
    assert '"project": "second"' not in log_stream.getvalue()
    # Else the log's verdict is that it was never ended.
    assert destroy(accepted).status_code in (200, 202)


def test_a_worker_reports_a_sweep_of_which_something_failed(
    accepted: Reviewing, log_stream: io.StringIO
) -> None:
    damage(accepted)
    accepted.founded.clock.move(days=30)
    Worker(accepted.broker).work(until_idle=True)
    said = log_stream.getvalue()
    assert '"event": "sweep_failed"' in said
    assert '"stage": "reviews"' in said
    assert uploads(accepted) == {"destroyed"}
    assert destroy(accepted).status_code in (200, 202)


def test_what_the_disk_does_not_let_go_keeps_nothing_else(accepted: Reviewing) -> None:
    accepted.founded.clock.move(days=30)
    first = min(keys(accepted, "upl"))
    with accepted.broker.database.read() as session:
        stuck = repository.blobs_of(session, first)[0]
    path = accepted.broker.settings.blob_dir / stuck[:2] / stuck
    content = path.read_bytes()
    path.unlink()
    (path / "in-the-way").mkdir(parents=True)
    with pytest.raises(OSError, match=stuck):
        accepted.sweep()
    assert not keys(accepted, "upl")
    (path / "in-the-way").rmdir()
    path.rmdir()
    path.write_bytes(content)
    accepted.sweep()
    assert "destruction-certified" in accepted.log_kinds()
    assert stuck not in set(accepted.broker.blobs.digests())


def test_destroying_a_review_needs_nothing_of_it(accepted: Reviewing) -> None:
    damage(accepted)
    assert destroy(accepted).status_code in (200, 202)
    assert accepted.review()["state"] == "ended"
    assert not keys(accepted, "rvw")
