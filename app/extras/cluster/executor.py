"""Blocks of plain CLKs compared on the cluster, as if by threads: the same pairs, whatever dies meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, InvalidStateError
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog

from app.engine import threads
from app.extras.cluster.client import connected, strength_of
from app.extras.cluster.exchange import Exchange
from app.extras.cluster.fetching import BlockTask
from app.extras.cluster.place import ClusterUnavailableError
from app.extras.cluster.tasks import compare_block
from app.extras.exhaustive import match_block
from app.extras.exhaustive.run import find_pairs

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from fractions import Fraction

    from app.extras.cluster.configuration import distributed
    from app.extras.cluster.place import Place
    from app.extras.exhaustive import Block, Candidates, OrderedPairs, Words

_LOOK_S: Final = 0.5
# When nothing has come for so long, whatever the scheduler says, what is awaited is done here.
PATIENCE_S: Final = 60.0

log = structlog.get_logger()


def find_pairs_on_cluster(
    place: Place, datasets: Sequence[Words], threshold: Fraction, *, n_threads: int, **how: Any
) -> OrderedPairs:
    """Return what `find_pairs` returns, compared on the cluster.

    Args:
        place: the cluster.
        datasets, threshold: as `find_pairs`.
        n_threads: threads of this process that do what the cluster does not.
        how: what else `find_pairs` takes, but an executor.

    Raises:
        ClusterUnavailableError, ConfigurationError: as `cluster_blocks`; nothing was compared.
        DatasetError, EncodingWidthError, PairCapError: as `find_pairs`.
    """
    with cluster_blocks(place, datasets, n_threads) as executor:
        n_tasks = executor.n_tasks
        return find_pairs(datasets, threshold, n_threads=n_tasks, executor=executor, **how)


@contextlib.contextmanager
def cluster_blocks(
    place: Place, datasets: Sequence[Words], n_threads: int
) -> Iterator[ClusterExecutor]:
    """Yield an executor that compares blocks of these files on the cluster, until the block of code ends."""
    with (
        connected(place) as client,
        Exchange(place, datasets) as exchange,
        threads(n_threads) as here,
    ):
        n_tasks = strength_of(client).n_threads
        if not n_tasks:
            raise ClusterUnavailableError(
                "The cluster has no workers.", hint="start one: blindlink-broker cluster worker"
            )
        shapes = tuple((len(words), words.shape[1]) for words in datasets)
        with ClusterExecutor(client, exchange, here, datasets, shapes) as executor:
            # One more for each thread, so that none waits until the next block has come.
            executor.n_tasks = 2 * n_tasks
            yield executor


@dataclass(frozen=True, slots=True, eq=False)
class _Awaited:
    """A block that the cluster has: its task there, and how to do it here."""

    future: Future[Candidates]
    remote: distributed.Future
    compare: Callable[[], Candidates]


class ClusterExecutor(Executor):
    """Does `match_block` on the cluster, and here what is lost or refused there.

    Attributes:
        n_tasks: blocks that should be under way at a time.
    """

    n_tasks = 1

    def __init__(
        self,
        client: distributed.Client,
        exchange: Exchange,
        here: ThreadPoolExecutor,
        datasets: Sequence[Words],
        shapes: tuple[tuple[int, int], ...],
    ) -> None:
        self._client = client
        self._exchange = exchange
        self._here = here
        self._datasets = datasets
        self._shapes = shapes
        self._awaited: list[_Awaited] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="cluster-blocks", daemon=True)
        self._watching.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Compare a block of the files: `match_block` with its arguments, and nothing else.

        Raises:
            TypeError: it is something else, or of other files.
        """
        if fn is not match_block or args[0] is not self._datasets:
            raise TypeError("the cluster compares blocks of the files that it was opened with")
        _, block, threshold = args
        future = self._exchange.expect(block)
        compare = partial(fn, *args, **kwargs)
        task = self._task(block, threshold, **kwargs)
        remote = self._submit(task)
        if remote is None:
            self._do_here(future, compare)
        else:
            with self._lock:
                self._awaited.append(_Awaited(future, remote, compare))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up what is under way; `wait` and `cancel_futures` change nothing."""
        del wait, cancel_futures
        self._ended.set()
        self._exchange.arrived.set()
        self._watching.join()
        self._here.shutdown(wait=False, cancel_futures=True)
        # What nobody holds a reference to, the scheduler forgets.
        self._awaited.clear()

    def _task(
        self, block: Block, threshold: Fraction, *, kernel: str, max_pairs: int | None
    ) -> BlockTask:
        place = self._exchange
        return BlockTask(
            host=place.host,
            port=place.port,
            reference=place.reference,
            shapes=self._shapes,
            block=block,
            threshold=threshold,
            kernel=kernel,
            max_pairs=max_pairs,
        )

    def _submit(self, task: BlockTask) -> distributed.Future | None:
        """Return the task at the scheduler; None where there is no scheduler."""
        # While it looks for one, the client would let everybody wait.
        if self._client.status != "running":
            return None
        try:
            return self._client.submit(compare_block, task, pure=False)
        except Exception as exc:  # noqa: BLE001 - whatever Dask raises, the block is done
            log.warning("cluster_lost", error=type(exc).__name__)
            return None

    def _watch(self) -> None:
        arrived = time.monotonic()
        while not self._ended.is_set():
            if self._exchange.arrived.wait(_LOOK_S):
                self._exchange.arrived.clear()
                arrived = time.monotonic()
            is_over = time.monotonic() - arrived > PATIENCE_S
            for one in self._lost(is_over):
                log.warning("block_lost")
                self._do_here(one.future, one.compare)
            if is_over:
                arrived = time.monotonic()

    def _lost(self, is_over: bool) -> list[_Awaited]:
        """Return, and await no more, what the cluster will not bring."""
        is_gone = is_over or self._client.status != "running"
        with self._lock:
            # Pairs arrive before the task ends, so that one without them has failed.
            ended = [one for one in self._awaited if is_gone or one.remote.done()]
            self._awaited = [
                one for one in self._awaited if one not in ended and not one.future.done()
            ]
        return [one for one in ended if not one.future.done()]

    def _do_here(self, future: Future[Candidates], compare: Callable[[], Candidates]) -> None:
        def do() -> None:
            if future.done():
                return
            try:
                pairs = compare()
            except Exception as exc:  # noqa: BLE001 - it is the caller's
                with contextlib.suppress(InvalidStateError):
                    future.set_exception(exc)
                return
            with contextlib.suppress(InvalidStateError):
                future.set_result(pairs)

        self._here.submit(do)
