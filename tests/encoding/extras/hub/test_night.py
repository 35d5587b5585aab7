"""A hub's night in several processes: a spoke that takes its process down costs no other spoke its turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from encoding.extras.hub import night as hub_night
from encoding.extras.hub.night import Night, NightOrder
from encoding.extras.hub.report import Outcome
from encoding.extras.hub.spoke_job import Done, Errand
from encoding.extras.hub.spokes import Spoke
from encoding.project.delivering.exchange import ColumnsOrder
from encoding.project.session import Session

FALLS, BESIDE = "d-1", ("d-2", "d-3", "d-4")
N_PROCESSES = 2


class FallingPool:
    """Processes of which one ends in the middle of a spoke's errand, as of a `ProcessPoolExecutor`."""

    def __init__(self, n_falls: int) -> None:
        self.n_falls = n_falls
        self.under_way: list[Future[Done]] = []
        self.tried: list[str] = []

    def submit(self, _: Callable[[Errand], Done], errand: Errand) -> Future[Done]:
        self.tried.append(errand.party)
        future: Future[Done] = Future()
        if errand.party == FALLS and self.n_falls:
            self.n_falls -= 1
            self.under_way.append(future)
        elif self.under_way:
            self.under_way.append(future)
        else:
            future.set_result(Done(errand, linked(errand)))
        return future

    def wait(self, futures: Iterable[Future[Done]], return_when: str) -> Any:
        """Let a process end as soon as nothing more is begun beside it."""
        fallen, self.under_way = self.under_way, []
        for future in fallen:
            future.set_exception(BrokenProcessPool())
        return wait(futures, return_when=return_when)

    def shutdown(self, *, cancel_futures: bool) -> None:
        assert cancel_futures


def linked(errand: Errand) -> Outcome:
    return Outcome(
        project=errand.project, party=errand.party, at="2026-10-25T23:00:00Z", state="linked",
        code="done", exit_code=0, message="linked", hint=None, warnings=(), seconds=1, round=1,
        linked_at=None, links=None, new=None, ended=None, changed=None,
    )  # fmt: skip


def night_with(pool: FallingPool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    def lay_out(spoke: Spoke) -> Path:
        (folder / spoke.project).mkdir()
        return folder / spoke.project / "blindlink.toml"

    monkeypatch.setattr(Night, "_may_be_shared", lambda _: True)
    monkeypatch.setattr(Night, "_processes", lambda _: pool)
    monkeypatch.setattr(hub_night, "wait", pool.wait)
    hub = SimpleNamespace(lay_out=lay_out, folder_of=lambda spoke: folder / spoke.project)
    desk = SimpleNamespace(session=Session(is_quiet=True), hub=hub)
    columns = ColumnsOrder(deliver=False, attach=False)
    order = NightOrder(wait_s=0, processes=N_PROCESSES, begin=False, columns=columns)
    night = Night(cast("Any", desk), order, lambda _: None)
    night.do([Spoke(one, one, f"hub-{one}", {}) for one in (FALLS, *BESIDE)])
    return night


@pytest.mark.parametrize("n_falls", [2, 99])
def test_whoever_was_beside_a_spoke_whose_process_ends_is_tried_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_falls: int
) -> None:
    pool = FallingPool(n_falls)
    night = night_with(pool, tmp_path, monkeypatch)
    states = {one.party: one.state for one in night.outcomes.values()}
    fallen = "failed" if n_falls > 2 else "linked"
    assert states == {FALLS: fallen, **dict.fromkeys(BESIDE, "linked")}
    # Once beside another, and twice alone.
    assert pool.tried.count(FALLS) == 3
    assert pool.tried.count(BESIDE[0]) == 2
