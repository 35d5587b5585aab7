"""What the workspace keeps of disclosures: the same as plain sets would, sealed, and never guessed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from encoding.errors import WorkspaceError
from encoding.evidence.disclosed_records import DisclosedRecords
from encoding.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


def keys(n: int, seed: int = 3) -> list[str]:
    rng = random.Random(seed)
    return [rng.randbytes(16).hex() for _ in range(n)]


def test_each_round_is_remembered_as_it_was(workspace: Workspace) -> None:
    kept, people, rng = DisclosedRecords(workspace, "foster"), keys(60), random.Random(4)
    rounds = {number: set(rng.sample(people, rng.randrange(50))) for number in range(1, 9)}
    for number, matched in rounds.items():
        kept.keep_matches(number, matched)
    for person in people:
        found = {number: kept.was_matched(number, person) for number in rounds}
        assert found == {number: person in matched for number, matched in rounds.items()}


def test_what_was_not_kept_is_not_known(workspace: Workspace) -> None:
    one, other = keys(2)
    kept = DisclosedRecords(workspace, "foster")
    kept.keep_matches(1, [])
    assert kept.was_matched(1, one) is False
    assert kept.was_matched(2, one) is None
    kept.keep_matches(1, [one, one])
    assert (kept.was_matched(1, one), kept.was_matched(1, other)) == (True, False)
    assert DisclosedRecords(workspace, "other").was_matched(1, one) is None


def test_no_record_key_lies_open_and_a_changed_or_moved_file_is_noticed(
    workspace: Workspace,
) -> None:
    kept, (person,) = DisclosedRecords(workspace, "foster"), keys(1)
    kept.keep_matches(1, [person])
    (path,) = (workspace.folder / "disclosed").iterdir()
    whole = path.read_bytes()
    assert bytes.fromhex(person)[:8] not in whole
    for place in (0, 30, -1):
        raw = bytearray(whole)
        raw[place] ^= 1
        path.write_bytes(raw)
        with pytest.raises(WorkspaceError):
            kept.was_matched(1, person)
    path.write_bytes(whole)
    path.rename(path.with_name("foster.2.sealed"))
    with pytest.raises(WorkspaceError):
        kept.was_matched(2, person)
