"""What the workspace keeps of disclosures: the same as plain sets would, sealed, and never guessed."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from encoding.outbox import Outbox
from oracles.containers import build_container, random_rows

from encoding.disclosed import DisclosedRecords
from encoding.errors import WorkspaceError
from encoding.workspace import Workspace, open_workspace
from schemas.ids import Handle
from schemas.upload import Manifest

BITS = 128


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "workspace")


def outbox(folder: Path, handles: list[bytes]) -> Outbox:
    """A container of these records; a third of them has a second variant."""
    rng = random.Random(len(handles))
    plain = random_rows(rng, len(handles), bits=BITS)
    rows = [
        replace(row, handle=handle, variant=variant)
        for number, (row, handle) in enumerate(zip(plain, sorted(handles), strict=True))
        for variant in range(2 if number % 3 == 0 else 1)
    ]
    raw = build_container(
        rows, project="foster", party="cw", epoch=1, profile="ab" * 32, key_id="00" * 8,
        encoding_bits=BITS,
    )  # fmt: skip
    sha256 = hashlib.sha256(raw).hexdigest()
    path = folder / f"{sha256}.enc"
    path.write_bytes(raw)
    fields: dict[str, Any] = {"container_sha256": sha256}
    return Outbox(path, Manifest.model_construct(**fields))


def test_each_container_is_remembered_as_it_was(tmp_path: Path, workspace: Workspace) -> None:
    rng = random.Random(3)
    kept = DisclosedRecords(workspace, "foster", 1)
    people = [rng.randbytes(16) for _ in range(60)]
    weeks = [set(rng.sample(people, rng.randrange(0, 50))) for _ in range(8)]
    sent = []
    for week in weeks:
        box = outbox(tmp_path, list(week))
        kept.keep_container(box)
        sent.append((box.manifest.container_sha256, week))
    for person in people:
        expected = {name: person in week for name, week in sent}
        assert kept.containers_with(Handle(person)) == expected


def test_the_same_container_twice_changes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    kept = DisclosedRecords(workspace, "foster", 1)
    box = outbox(tmp_path, [bytes([9]) * 16])
    for _ in range(2):
        kept.keep_container(box)
    assert list(kept.containers_with(Handle(bytes([9]) * 16)).values()) == [True]


def test_weeks_that_are_alike_take_little_room(tmp_path: Path, workspace: Workspace) -> None:
    rng = random.Random(4)
    people = [rng.randbytes(16) for _ in range(2000)]
    kept = DisclosedRecords(workspace, "foster", 1)
    for number in range(3):
        kept.keep_container(outbox(tmp_path, people[number : 1990 + number]))
    sizes = sorted(path.stat().st_size for path in (workspace.folder / "disclosed").iterdir())
    assert sizes[-1] > 1990 * 8
    assert sizes[-2] < 500


def test_what_was_lost_is_not_known_and_nothing_after_it(
    tmp_path: Path, workspace: Workspace
) -> None:
    kept = DisclosedRecords(workspace, "foster", 1)
    handle = Handle(bytes([7]) * 16)
    boxes = [outbox(tmp_path, [handle, bytes([number]) * 16]) for number in range(1, 4)]
    for box in boxes:
        kept.keep_container(box)
    second = boxes[1].manifest.container_sha256
    (workspace.folder / "disclosed" / f"foster-1-{second}.sealed").unlink()
    assert kept.containers_with(handle) == {boxes[0].manifest.container_sha256: True}


def test_a_release_is_remembered_and_others_are_not_known(workspace: Workspace) -> None:
    kept = DisclosedRecords(workspace, "foster", 1)
    kept.keep_release("rel-" + "1" * 32, [Handle(bytes([1]) * 16), Handle(bytes([3]) * 16)])
    kept.keep_release("rel-" + "2" * 32, [])
    assert kept.release_has("rel-" + "1" * 32, Handle(bytes([3]) * 16)) is True
    assert kept.release_has("rel-" + "1" * 32, Handle(bytes([2]) * 16)) is False
    assert kept.release_has("rel-" + "2" * 32, Handle(bytes([2]) * 16)) is False
    assert kept.release_has("rel-" + "3" * 32, Handle(bytes([2]) * 16)) is None


@pytest.mark.parametrize("place", [0, 30, 120, -1])
def test_a_changed_file_is_noticed(workspace: Workspace, place: int) -> None:
    kept = DisclosedRecords(workspace, "foster", 1)
    release = "rel-" + "1" * 32
    kept.keep_release(release, [Handle(bytes([1]) * 16)])
    path = workspace.folder / "disclosed" / f"foster-1-{release}.sealed"
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(WorkspaceError):
        kept.release_has(release, Handle(bytes([1]) * 16))


def test_no_handle_lies_open(tmp_path: Path, workspace: Workspace) -> None:
    kept = DisclosedRecords(workspace, "foster", 1)
    handle = bytes(range(16))
    kept.keep_container(outbox(tmp_path, [handle]))
    kept.keep_release("rel-" + "1" * 32, [Handle(handle)])
    for path in (workspace.folder / "disclosed").iterdir():
        assert handle[:8] not in path.read_bytes()
