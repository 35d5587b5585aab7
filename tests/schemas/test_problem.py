from __future__ import annotations

from samples.documents import PROBLEM, changed

from schemas.documents.problem import TYPE_PREFIX, Problem


def test_the_code_is_the_last_part_of_the_type() -> None:
    problem = Problem.from_json(changed(PROBLEM, "type", f"{TYPE_PREFIX}storage-full"))
    assert problem.code == "storage-full"
