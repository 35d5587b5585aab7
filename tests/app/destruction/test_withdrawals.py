"""A record that its agency has withdrawn takes part in no run that ends later; nothing says which it was."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from rigs.broker_twins import released_matches
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage

from app.uploads.withdrawals import handle_digest, withdrawn_records
from schemas.documents.ids import Handle
from schemas.linkage.run import Recipient

PATH = f"/v1/projects/{PROJECT}/withdrawals"
SALT = "5a" * 32


def withdraw(
    linkage: Linkage, handle: bytes, party: str = CHILD_WELFARE, role: str = "agency"
) -> Any:
    headers = linkage.as_party(party, role)
    return linkage.client.post(PATH, json={"handle": handle.hex(), "salt": SALT}, headers=headers)


def linked_handles(linkage: Linkage, run: str) -> list[set[bytes]]:
    return [set(links) for links in released_matches(linkage.broker, run).values()]


def test_runs_of_other_agencies_go_on(make_linkage: MakeLinkage) -> None:
    health = "health-department"
    parties = (CHILD_WELFARE, health, SCHOOL)
    linkage = make_linkage(
        providers=parties,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in parties),
    )
    left, _ = linkage.upload_both()
    path = f"/v1/runs/{linkage.run_id()}"
    assert withdraw(linkage, left.handles[0], SCHOOL).json()["runs_cancelled"] == 0
    assert linkage.get(path).json()["state"] == "queued"
    assert withdraw(linkage, left.handles[0]).json()["runs_cancelled"] == 1
    assert linkage.get(path).json()["state"] == "cancelled"


def test_only_providers_withdraw_records_which_take_part_in_no_later_run_and_only_a_commitment_is_told(
    uploaded: Linkage,
) -> None:
    linkage, first = uploaded, uploaded.run_id()
    one = linkage.containers[0].handles[0]
    assert withdraw(linkage, bytes(16), AUDITOR, "auditor").status_code == 403
    linkage.founded.enrol("newcomer")
    assert withdraw(linkage, bytes(16), "newcomer").status_code == 404
    # The log holds a commitment that the agency can open.
    taken = withdraw(linkage, one).json()
    assert taken["runs_cancelled"] == 1
    assert linkage.get(f"/v1/runs/{first}").json()["state"] == "cancelled"
    entry = linkage.log_entries()[taken["index"]]
    assert entry["kind"] == "record-withdrawn"
    expected = hashlib.sha256(bytes.fromhex(SALT) + one).hexdigest()
    assert entry["body"] == {"commitment": expected}
    assert one.hex() not in str(linkage.log_entries())
    # A withdrawn record is in no later run.
    assert withdraw(linkage, one, SCHOOL).status_code == 200
    second = linkage.ask().json()
    assert second["run"] != first
    linkage.work()
    later = linked_handles(linkage, second["run"])
    assert sorted(map(len, later)) == [11, 11]
    assert all(one not in handles for handles in later)
    # Whether there is such a record is not told.
    assert withdraw(linkage, bytes(16)).status_code == 200


@pytest.mark.parametrize("out", [set(), {0}, {2}, {0, 1, 2, 3}])
def test_withdrawn_records_are_found_over_the_pieces_of_a_table(out: set[int]) -> None:
    handles = np.random.default_rng(7).integers(0, 256, (4, 16), dtype=np.uint8)
    digests = frozenset(handle_digest(Handle(handles[n].tobytes())) for n in out)
    found = withdrawn_records([handles[:3], handles[3:]], digests)
    assert found.tolist() == sorted(out)
