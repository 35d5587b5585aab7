"""The list of frozen files: what is destroyed is noted of the study that it was frozen for."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoding.destruction.freezes import Freeze, keep_freeze, note_destroyed, read_freezes
from encoding.workspace.workspace import Workspace

DAY = "2026-11-20"


def frozen(project: str, study: str) -> Freeze:
    return Freeze(
        project=project,
        study=study,
        why="IRB 1",
        path="/one.csv",
        sha256="0" * 64,
        rows=1,
        columns=("grade",),
        round=1,
        day=DAY,
        agreement="1" * 64,
        purpose="study",
        until="2027-01-31",
    )


@pytest.mark.parametrize(
    ("study", "destroyed"),
    [("study-a", {"study-a": DAY, "study-b": None}), (None, {"study-a": DAY, "study-b": DAY})],
)
def test_of_files_at_one_place_the_studys_own_is_noted(
    tmp_path: Path, study: str | None, destroyed: dict[str, str | None]
) -> None:
    workspace = Workspace(tmp_path)
    for project, name in (("one", "study-a"), ("one", "study-b"), ("other", "study-a")):
        keep_freeze(workspace, frozen(project, name))
    note_destroyed(workspace, "one", {"/one.csv": DAY}, study)
    assert {one.study: one.destroyed for one in read_freezes(workspace, "one")} == destroyed
    assert [one.destroyed for one in read_freezes(workspace, "other")] == [None]
