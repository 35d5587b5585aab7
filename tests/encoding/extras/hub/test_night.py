"""A hub's night in several processes: a spoke that takes its process down costs no other spoke its turn.
What extends an agreement: later days and whatever else needs no ink, and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rigs.negotiation import proposal

from encoding.errors import AgencyError
from encoding.extras.hub import night as hub_night
from encoding.extras.hub.extension import changes_of, extended
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


BEFORE = proposal()
END = date.fromisoformat(BEFORE.agreement.end)
LATER = (END + timedelta(365)).isoformat()
HERE = Path()


def test_what_is_kept_is_destroyed_as_long_after_the_last_day_as_before() -> None:
    made = extended(BEFORE, {"end": LATER}, HERE)
    assert made is not None
    old, new = (
        date.fromisoformat(one.agreement.retention.destroy_by)
        - date.fromisoformat(one.agreement.end)
        for one in (BEFORE, made)
    )
    assert old == new
    assert made.agreement.signers == made.agreement.names()
    changes = changes_of(BEFORE.agreement, made.agreement, "k12")
    assert changes.keys() == {"last day", "all is destroyed by"}
    assert changes["last day"] == f"{LATER} (was {END})"


def test_what_is_destroyed_earlier_may_be_said_but_nothing_is_shortened() -> None:
    made = extended(BEFORE, {"end": LATER, "retention": {"destroy_by": LATER}}, HERE)
    assert made is not None
    assert made.agreement.retention.destroy_by == LATER
    # The same is no new version.
    for end in (END, END - timedelta(1)):
        assert extended(BEFORE, {"end": end.isoformat()}, HERE) is None


def test_a_size_is_called_alike_at_all_spokes() -> None:
    files = BEFORE.agreement.to_json()["limits"]["files"]
    spoke = max(files, key=lambda one: int(one["most"]))
    spoke["most"] += 1
    made = extended(BEFORE, {"limits": {"files": files}}, HERE)
    assert made is not None
    changes = changes_of(BEFORE.agreement, made.agreement, spoke["party"])
    assert changes == {"most records of the spoke": f"{spoke['most']} (was {spoke['most'] - 1})"}


MORE: dict[str, tuple[dict[str, Any], str]] = {
    "another floor": ({"limits": {"floor": 3}}, "the floor changes"),
    "kept longer": ({"retention": {"keep_links_days": 3000}}, "something is kept longer"),
    "a new secret": ({"new_secret": True}, "it opens a new epoch"),
    "with counsel": ({"counsel": True, "end": LATER}, "or asks for counsel"),
    "no day": ({"end": "soon"}, "the answer end is a day"),
    "past all days": ({"end": "9999-12-31"}, "the answer end is a day"),
}


def test_what_takes_ink_is_refused_and_says_why() -> None:
    for answers, why in MORE.values():
        with pytest.raises(AgencyError, match=why):
            extended(BEFORE, answers, HERE)
