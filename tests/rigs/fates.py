"""Two agencies, a broker with its worker, and an auditor, among whom anything fails between any two steps.

A step is a write of the database, a file that is put into its place, a request, or an answer. At each of them
anyone who acts may die; a request or its answer may be lost. What happens follows from a seed.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal, NoReturn

import httpx2
import pytest
from rigs.broker_twins import expire_leases
from rigs.hooked_database import hooked
from rigs.near_broker import NearBroker
from rigs.weeks import links, settle

from app.auditor.verify import verify_bundle
from app.evidence.service import write_bundle
from app.main import create_app
from schemas.shared.command_line import INTERRUPTED

Actor = Literal["agency", "broker", "worker"]
# Ways to end a command: done, waiting for others, killed, the broker out of reach. No alarm is among them.
DONE, WAITING = 0, 7
ENDS = {DONE, WAITING, 4, INTERRUPTED}
# A run is given up once so many workers in a row have died at it; its failure says to ask for another.
GIVEN_UP = 6
# Longer than a worker's lease of a run, and than a client's patience.
LAPSED_MINUTES = 10
# How often it is, when a worker looks.
LAPSES = 0.2


class Killed(KeyboardInterrupt):
    """An agency's program is killed."""


class Died(Exception):
    """The broker's process, or its worker's, dies; it does nothing more, whatever it tries."""


@dataclass(frozen=True)
class PowerCut:
    """The power fails while a file is written that is to take another one's place, or a new one.

    Attributes:
        at: which file of the world it is, from 0.
        n_bytes: how many bytes of it the drive has taken.
        noise: what the drive has of the rest.
    """

    at: int
    n_bytes: int
    noise: bytes


class Fates:
    """A world of desks that are ready for rounds, in which about one step in `1 / rate` fails.

    Attributes:
        written: the sizes of all files that were written to take a place, in order.
    """

    def __init__(
        self, near: NearBroker, seed: int, rate: float, power_cut: PowerCut | None = None
    ) -> None:
        self.near, self.random, self.rate = near, Random(seed), rate
        self.written: list[int] = []
        self._power_cut = power_cut
        self.actor: Actor | None = None
        self.is_armed = self.is_dead = False
        # How often each step failed, by whose it was.
        self.failed: Counter[str] = Counter()
        self._entries: list[dict[str, Any]] = []
        self._links: dict[str, dict[str, str]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Stand between all steps until the block ends."""
        courier, real_replace = self.near.courier, os.replace

        def put_in_place(source: Any, target: Any, **named: Any) -> None:
            self._write(Path(source), Path(target))
            self.step("file")
            real_replace(source, target, **named)
            self.step("file kept")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "replace", put_in_place)
            patch.setattr(self.near, "work", self.work, raising=False)
            patch.setattr(courier, "before", self._before)
            patch.setattr(courier, "after", self._after)
            self._start_broker()
            yield

    def step(self, what: str) -> None:
        """Let anyone who acts die here, if this is their fate."""
        if self.actor is None:
            return
        if self.is_dead and self.actor != "agency":
            raise Died
        if self._fails(what):
            self._die()

    def _write(self, source: Path, target: Path) -> None:
        """Let the power fail, if it does here; what the drive has is found when it is back."""
        if not self.is_armed or self.actor is None:
            return
        cut, at = self._power_cut, len(self.written)
        self.written.append(source.stat().st_size)
        if cut is not None and cut.at == at:
            torn = source.read_bytes()[: cut.n_bytes] + cut.noise
            # The name that a writer gives it: its own it takes away when it is told to end.
            target.with_name(f".{target.name}.{12 * '0'}.partial").write_bytes(torn)
            self.failed[f"{self.actor}: power"] += 1
            self._die()

    def live(self, n_rounds: int) -> None:
        """Live through rounds; after each one everything has to be as if nothing had failed."""
        for _ in range(n_rounds):
            self.is_armed = True
            self._muddle_through()
            self.is_armed = False
            self.near.move(minutes=LAPSED_MINUTES)
            if self._has_given_up():
                assert self._ask_again(next(iter(self.near.desks))) in {DONE, WAITING}
            settle(self.near)
            self._require_sound()
            self.near.move(days=7)

    def work(self) -> None:
        """Let a worker do all that waits, or die; what another one died at may be free by then."""
        if self.random.random() < LAPSES:
            expire_leases(self.near.broker)
        with self._acting("worker"), suppress(Died):
            self.near.sweep()
            NearBroker.work(self.near)
        self._revive()

    def _muddle_through(self) -> None:
        """Let jobs and workers run in any order, until both jobs are done or the round has had its chances."""
        done: set[str] = set()
        for _ in range(16):
            party = self.random.choice([*self.near.desks, "worker"])
            self.near.move(minutes=self.random.choice([0, 1, LAPSED_MINUTES]))
            if party == "worker":
                self.work()
                continue
            with self._acting("agency"):
                ended = self.near.desks[party].type("refresh")
            if ended.exit_code == GIVEN_UP:
                assert "worker-lost" in ended.output
                assert self._ask_again(party) in {*ENDS, GIVEN_UP}
                continue
            assert ended.exit_code in ENDS, ended.output
            if ended.exit_code == DONE:
                done.add(party)
            if done == self.near.desks.keys():
                return

    def _ask_again(self, party: str) -> int:
        """Do as the failure of a run says."""
        with self._acting("agency"):
            return int(self.near.desks[party].type("round", "--again").exit_code)

    def _has_given_up(self) -> bool:
        """Tell whether a run of this round has been given up, and none was asked for since."""
        kinds = [one["kind"] for one in self.near.log_entries()[len(self._entries) :]]
        asked, failed = (
            max((at for at, kind in enumerate(kinds) if kind == wanted), default=-1)
            for wanted in ("run-asked", "run-failed")
        )
        return failed > asked

    def _require_sound(self) -> None:
        now = {party: links(desk) for party, desk in self.near.desks.items()}
        schools, welfare = now.values()
        assert len(welfare) == 3
        assert sorted(schools.values()) == sorted(welfare.values())
        assert self._links in ({}, now)
        self._links = now
        entries = self.near.log_entries()
        assert entries[: len(self._entries)] == self._entries
        self._entries = entries
        with write_bundle(self.near.broker, self.near.operator, None) as bundle:
            verify_bundle(io.BytesIO(bundle.read()), log_key=self.near.broker.log.key)

    def _fails(self, what: str) -> bool:
        if not self.is_armed or self.random.random() >= self.rate:
            return False
        self.failed[f"{self.actor}: {what}"] += 1
        return True

    def _die(self) -> NoReturn:
        self.is_dead = self.actor != "agency"
        raise Died if self.is_dead else Killed

    def _before(self, _: httpx2.Request) -> None:
        if self.actor == "agency":
            self.step("request")
            if self._fails("request lost"):
                raise httpx2.ConnectError("the request is lost")
            self.actor = "broker"

    def _after(self, _: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if self.actor != "broker":
            return response
        self.actor = "agency"
        if self.is_dead:
            self._revive()
            raise httpx2.ReadError("the broker has died")
        if self._fails("answer lost"):
            raise httpx2.ReadError("the answer is lost")
        self.step("answer")
        return response

    @contextmanager
    def _acting(self, actor: Actor) -> Iterator[None]:
        before, self.actor = self.actor, actor
        try:
            yield
        finally:
            self.actor = before

    def _revive(self) -> None:
        if self.is_dead:
            self.near.broker.close()
            self.near.open()
            self.is_dead = False
            self._start_broker()

    def _start_broker(self) -> None:
        def hook(_: int, moment: str) -> None:
            self.step(f"write, {moment}")

        self.near.broker = hooked(self.near.broker, hook)
        self.near.courier.inner.app = create_app(self.near.broker)  # type: ignore[attr-defined]
