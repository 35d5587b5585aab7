"""A record that its agency has withdrawn takes part in no run that ends later; nothing says which it was."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from oracles.broker_twins import released_links
from oracles.linkage_rig import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from app.matching.exhaustive import Dataset, pack_words
from app.uploads.withdrawals import handle_digest, leave_out
from schemas.ids import Handle

PATH = f"/v1/projects/{PROJECT}/withdrawals"


def withdraw(
    linkage: Linkage, handle: bytes, party: str = CHILD_WELFARE, role: str = "agency"
) -> Any:
    headers = linkage.as_party(party, role)
    return linkage.client.post(PATH, json={"handle": handle.hex()}, headers=headers)


def linked_handles(linkage: Linkage, run: str) -> list[set[bytes]]:
    return [set(links) for links in released_links(linkage.broker, run).values()]


def test_a_withdrawn_record_is_in_no_later_run(linkage: Linkage) -> None:
    linkage.upload_both()
    first = linkage.ask().json()["run"]
    linkage.work()
    before = linked_handles(linkage, first)
    one = min(before[0])
    owner = CHILD_WELFARE
    assert withdraw(linkage, one, owner).status_code == 200
    assert withdraw(linkage, one, SCHOOL).status_code == 200
    second = linkage.ask().json()
    assert second["run"] != first
    linkage.work()
    later = linked_handles(linkage, second["run"])
    assert sorted(map(len, later)) == [len(before[0]) - 1] * 2
    assert all(one not in handles for handles in later)


def test_runs_that_have_not_ended_are_cancelled(linkage: Linkage) -> None:
    left, _ = linkage.upload_both()
    run = linkage.ask().json()["run"]
    assert withdraw(linkage, left[0].handle).json()["runs_cancelled"] == 1
    assert linkage.get(f"/v1/runs/{run}").json()["state"] == "cancelled"


def test_the_log_holds_a_commitment_that_the_agency_can_open(linkage: Linkage) -> None:
    left, _ = linkage.upload_both()
    handle = left[0].handle
    taken = withdraw(linkage, handle).json()
    entry = linkage.log_entries()[taken["index"]]
    assert entry["kind"] == "record-withdrawn"
    expected = hashlib.sha256(bytes.fromhex(taken["salt"]) + handle).hexdigest()
    assert entry["body"] == {"commitment": expected}
    assert handle.hex() not in str(linkage.log_entries())


def test_whether_there_is_such_a_record_is_not_told(linkage: Linkage) -> None:
    linkage.upload_both()
    assert withdraw(linkage, bytes(16)).status_code == 200


def test_only_providers_withdraw(linkage: Linkage) -> None:
    assert withdraw(linkage, bytes(16), AUDITOR, "auditor").status_code == 403
    linkage.founded.enrol("newcomer")
    assert withdraw(linkage, bytes(16), "newcomer").status_code == 404


@pytest.mark.parametrize("out", [set(), {0}, {2}, {0, 1, 2, 3}])
def test_leaving_out_drops_the_encodings_and_keeps_the_records(out: set[int]) -> None:
    rng = np.random.default_rng(7)
    handles = rng.integers(0, 256, (4, 16), dtype=np.uint8)
    record = np.array([0, 0, 1, 2, 2, 2, 3], dtype=np.uint32)
    words = pack_words(rng.integers(0, 256, (7, 16), dtype=np.uint8))
    before = words.copy()
    digests = frozenset(handle_digest(Handle(handles[n].tobytes())) for n in out)
    kept = leave_out(handles, Dataset(words, record, 4), digests)
    stay = [n for n in range(7) if record[n] not in out]
    assert kept.n_records == 4
    assert np.array_equal(kept.words, before[stay])
    assert np.array_equal(kept.record, record[stay])
    assert not out or not words.any()
