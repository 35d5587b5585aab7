"""Commands of a round that are killed between two writes of the workspace: the next ones raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from rigs.near_broker import NearBroker
from rigs.weeks import links, settle

from encoding.ledger.ledger_file import LedgerFile
from encoding.rounds.round_memory import Said

pytestmark = pytest.mark.long


class Killed(KeyboardInterrupt):
    pass


@dataclass
class Killer:
    """Stands before a method that writes, and kills the command at one of its calls."""

    real: Callable[..., Any]
    left: int
    is_armed: bool = False

    def __get__(self, owner: Any, kind: type) -> Callable[..., Any]:
        return partial(self._call, owner)

    def _call(self, owner: Any, *given: Any, **named: Any) -> Any:
        self.left -= self.is_armed
        if self.is_armed and self.left == 0:
            raise Killed
        return self.real(owner, *given, **named)


@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [(LedgerFile, "write", 1), (Said, "keep", 1), (Said, "keep", 2)],
    ids=["ledger", "said", "heard"],
)
@pytest.mark.campaign("kills-agency", database="sqlite")
def test_killed_before_a_write_the_next_rounds_go_on_without_an_alarm(
    ready_desks: NearBroker, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, at: int
) -> None:
    near, schools, welfare = ready_desks, *ready_desks.desks.values()
    killer = Killer(getattr(owner, name), at)
    monkeypatch.setattr(owner, name, killer)
    assert schools.type("refresh").exit_code == 7
    for _ in range(3):
        killer.is_armed = True
        welfare.type("refresh")
        killer.is_armed = False
        schools.type("refresh")
    settle(near)
    before = links(welfare)
    assert len(before) == 3
    for _ in range(2):
        near.move(days=7)
        settle(near)
        assert links(welfare) == before
    assert killer.left < 1
