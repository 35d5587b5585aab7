"""A hub's night: what is due at all spokes, in a few processes, with the file read and cleaned once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from encoding.errors import AgencyError
from encoding.extras.hub.report import WAITS, Outcome
from encoding.extras.hub.spoke_job import Done, Errand, Worker, begin_process, do_errand
from encoding.people.identity import read_identity
from encoding.recipe.rows import RowCleaner
from encoding.records.agency_file import open_reading
from encoding.records.read_once import KeptTable, Reading, Readings
from encoding.workspace.config import CONFIG_NAME, read_config, settings_path
from encoding.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from encoding.extras.hub.sessions import HubDesk
    from encoding.extras.hub.spokes import Spoke
    from encoding.project.delivering.exchange import ColumnsOrder

_FIRST_LOOK_S: Final = 2.0
_LAST_LOOK_S: Final = 60.0
# A run that nobody has to wait for, but that takes longer than this, is another night's.
_LONGEST_RUN_S: Final = 3 * 3600.0
# How often a spoke may take its process down with it.
_MOST_CRASHES: Final = 2


@dataclass(frozen=True, slots=True)
class NightOrder:
    """What a night does: how long late spokes are waited for, in how many processes, and what of columns."""

    wait_s: float
    processes: int
    begin: bool
    columns: ColumnsOrder


@dataclass(slots=True)
class Night:
    """One night; `outcomes` is what came of each spoke, by project."""

    desk: HubDesk
    order: NightOrder
    tell: Callable[[Outcome], None]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    readings: Readings = field(default_factory=Readings)
    _crashes: dict[str, int] = field(default_factory=dict)
    _pool: ProcessPoolExecutor | None = None

    def do(self, spokes: Sequence[Spoke]) -> None:
        """Do what is due at the spokes; late ones are asked again until the patience is over."""
        try:
            self._do(spokes)
        finally:
            self._end_processes()

    def _do(self, spokes: Sequence[Spoke]) -> None:
        left = list(self._errands(spokes))
        patience_s, runs_s, look_s = self.order.wait_s, _LONGEST_RUN_S, _FIRST_LOOK_S
        while left:
            under_way = self._pass(left)
            waiting = [e for e in left if self._waits(e)]
            left = [e for e in waiting if e.project in under_way] if patience_s <= 0 else waiting
            if not left or runs_s <= 0:
                return
            pause_s = min(look_s, patience_s) if patience_s > 0 else look_s
            self.desk.session.sleep(pause_s)
            patience_s, runs_s = patience_s - pause_s, runs_s - pause_s
            look_s = min(_LAST_LOOK_S, look_s * 1.5)

    def _waits(self, errand: Errand) -> bool:
        return self.outcomes[errand.project].state in WAITS

    def _errands(self, spokes: Iterable[Spoke]) -> Iterator[Errand]:
        """Yield an errand for each spoke; one whose folder cannot be laid out is told, and costs no other."""
        hub = self.desk.hub
        for spoke in spokes:
            errand = Errand(
                settings=hub.folder_of(spoke) / CONFIG_NAME,
                project=spoke.project,
                party=spoke.name,
                agreement=spoke.agreement,
                begin=self.order.begin,
                columns=self.order.columns,
            )
            try:
                hub.lay_out(spoke)
            except AgencyError as exc:
                self._note(Worker(self.desk.session, self.readings).failed(errand, exc))
            else:
                yield errand

    def _pass(self, errands: Sequence[Errand]) -> set[str]:
        """Do errands once; those that want the file again, once it was read. Returns whose run is under way."""
        under_way: set[str] = set()
        left = list(errands)
        while left:
            wanting: dict[str, tuple[Errand, Reading]] = {}
            for done in self._done(left):
                if done.wanted is not None:
                    wanting[done.errand.project] = done.errand, done.wanted
                elif done.outcome is not None:
                    self._note(done.outcome)
                    under_way |= {done.errand.project} if done.is_under_way else set()
            left = [errand for errand, _ in wanting.values()]
            self._read(wanting.values())
        return under_way

    def _note(self, outcome: Outcome) -> None:
        before = self.outcomes.get(outcome.project)
        self.outcomes[outcome.project] = outcome
        is_the_same = before is not None and before.state == outcome.state
        if before is None or not (is_the_same and {*outcome.warnings} <= {*before.warnings}):
            self.tell(outcome)

    def _read(self, wanting: Iterable[tuple[Errand, Reading]]) -> None:
        """Read the files that were asked for and clean them by each recipe that is wanted, once.

        A file that cannot be read stays unread: each spoke then says itself what is wrong with it.
        """
        for errand, reading in wanting:
            # The processes of before do not have it.
            self._end_processes()
            if reading in self.readings.unreadable:
                continue
            try:
                if reading not in self.readings.tables:
                    self.readings.tables[reading] = KeptTable.read(open_reading(reading))
            except AgencyError:
                self.readings.unreadable.add(reading)
                continue
            with suppress(AgencyError):
                self._clean(errand, self.readings.tables[reading])

    def _clean(self, errand: Errand, table: KeptTable) -> None:
        view = open_workspace(errand.settings.parent / "workspace").project()
        config = read_config(errand.settings)
        if view is not None:
            cleaner = RowCleaner(
                view.profile,
                columns=config.sections.columns,
                available=table.columns,
                date_format=config.source.date_format,
            )
            cleaner.clean_kept(table.kept)

    def _done(self, errands: Sequence[Errand]) -> Iterator[Done]:
        """Do errands, in this process or in several, and yield them as they are done."""
        if self.order.processes == 1 or not self._may_be_shared():
            return map(Worker(self.desk.session, self.readings).do, errands)
        return self._in_processes(errands)

    def _may_be_shared(self) -> bool:
        """Tell whether other processes can open the keys, without a passphrase that someone types."""
        hub = self.desk.hub
        identity, session = hub.sections.identity, self.desk.session
        is_by_file = read_identity(settings_path(hub.folder, identity.file)).lock.kind == "key-file"
        return session.transport is None and (is_by_file or identity.passphrase_file is not None)

    def _in_processes(self, errands: Sequence[Errand]) -> Iterator[Done]:
        left, suspects = list(errands), list[Errand]()
        while left or suspects:
            under_way: dict[Future[Done], Errand] = {}
            pool = self._processes()
            try:
                while left or suspects or under_way:
                    # Few at a time, so that anyone who was under way when a process ended is known; these go on
                    # alone, so that it is known whose process it was.
                    queue, most = (suspects, 1) if suspects else (left, self.order.processes)
                    while queue and len(under_way) < most:
                        under_way[pool.submit(do_errand, queue[0])] = queue[0]
                        del queue[0]
                    ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in ready:
                        done = future.result()
                        del under_way[future]
                        yield done
            except BrokenProcessPool:
                self._end_processes()
                was_alone = len(under_way) == 1
                suspects += [
                    one
                    for one in under_way.values()
                    if not (was_alone and self._crashed_often(one))
                ]

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.order.processes,
                # Alike on all systems, and with nothing of this process but what is handed over.
                mp_context=get_context("spawn"),
                initializer=begin_process,
                initargs=(self.readings,),
            )
        return self._pool

    def _end_processes(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _crashed_often(self, errand: Errand) -> bool:
        n_crashes = self._crashes[errand.project] = self._crashes.get(errand.project, 0) + 1
        if n_crashes < _MOST_CRASHES:
            return False
        worker = Worker(self.desk.session, self.readings)
        self._note(worker.crashed(errand))
        return True
