"""A broker whose keys someone else keeps: it does its work, and refuses it while they do not answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rigs.broker_twins import expire_leases
from rigs.destroying import checked, destroy
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from rigs.searching import database_rows, files_under, found_in
from samples.round_files import two_files
from services.soft_hsm import PIN
from services.vault_stub import TOKEN, VaultStub

from app.security import keyring
from app.security.keepers import keepers_of
from app.security.rewrapping import rewrap_all
from app.settings import Settings
from app.worker.loop import Worker
from schemas.documents.problem import Problem


@dataclass
class Kept:
    """What keeps the keys of a test's broker: its settings, a while without it, and its secret."""

    settings: dict[str, Any]
    down: Callable[[], AbstractContextManager[None]]
    secret: bytes


@contextmanager
def sealed(stub: VaultStub) -> Iterator[None]:
    stub.is_sealed = True
    yield
    stub.is_sealed = False


@pytest.fixture(params=["pkcs11", "vault"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    service = request.getfixturevalue("soft_hsm" if request.param == "pkcs11" else "vault")
    given = {"key_keeper": request.param, **service.settings(tmp_path / "secrets")}
    if request.param == "pkcs11":
        return Kept(given, service.unplugged, PIN.encode())
    return Kept(given, lambda: sealed(service), TOKEN.encode())


@pytest.fixture
def moved(linkage: Linkage, kept: Kept) -> Iterator[Linkage]:
    """A linkage whose broker has been moved from the ring's file to the keeper."""
    ring = linkage.broker.keystore.ring
    with closing(keepers_of(Settings(**kept.settings))) as ring.keepers:
        ring.add_primary()
        rewrap_all(linkage.broker.keystore)
        ring.keep_only(ring.primary().name)
        yield linkage


def test_an_outage_of_the_keys_loses_nothing(
    moved: Linkage, kept: Kept, log_stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage = moved
    monkeypatch.setattr(keyring, "TRIED_FOR_S", 0.0)
    linkage.open_round()
    people, others = two_files(linkage.rng, 30, 12)
    made = linkage.container(people, CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    assert linkage.client.get("/readyz").status_code == 200
    with kept.down():
        refused = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
        problem = Problem.from_json(refused.json())
        assert (problem.status, problem.code) == (503, "key-keeper-unavailable")
        # Anyone who calls learns no more: the reason is the operator's.
        assert (problem.hint, "token" in problem.detail, "Vault" in problem.detail) == (
            None,
            False,
            False,
        )
        assert refused.headers["retry-after"]
        assert linkage.client.get("/readyz").status_code == 503
        assert linkage.client.get("/healthz").status_code == 200
    for number, part in enumerate(made.parts):
        assert linkage.put(upload, number, part, CHILD_WELFARE).status_code == 200
    manifest = linkage.manifest(made, CHILD_WELFARE)
    with kept.down():
        assert linkage.ask_commit(upload, manifest, CHILD_WELFARE).status_code == 202
        assert linkage.get(f"/v1/uploads/{upload}").json()["state"] == "checking"
    expire_leases(linkage.broker)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    linkage.upload(others, SCHOOL)
    with kept.down():
        # However long it takes, no attempt is counted.
        for _ in range(2):
            assert not Worker(linkage.broker).work_once()
        assert linkage.run()["state"] == "queued"
    linkage.work()
    assert linkage.run()["state"] == "succeeded"
    release = linkage.get(f"/v1/projects/{linkage.terms.project}/releases").json()["releases"][0]
    path = f"/v1/releases/{release['release']}/file"
    with kept.down():
        assert linkage.get(path).status_code == 503
        # To destroy a key is to remove its file: that needs nobody.
        certificate = destroy(linkage, party="operator", role="operator").json()["certificate"]
        linkage.work()
        assert checked(linkage, certificate).certificate.objects
        assert list(linkage.broker.keystore.object_ids()) == []
    broker = linkage.broker
    places = [
        ("operator's log", log_stream.getvalue().encode()),
        *files_under(broker.settings.state_dir),
        *database_rows(broker.database),
    ]
    assert found_in(places, {"secret of the keeper": kept.secret}) == []
    assert "key_keeper_unavailable" in log_stream.getvalue()
