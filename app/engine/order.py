"""Tasks that run in parallel and are handed over in order, few of them held at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


def threads(n_threads: int) -> ThreadPoolExecutor:
    """Return threads that end with the block that they are used in."""
    return ThreadPoolExecutor(n_threads, thread_name_prefix="matching")


def in_order(
    tasks: Sequence[TaskT], start: Callable[[TaskT], Future[ResultT]], n_ahead: int
) -> Iterator[tuple[TaskT, ResultT]]:
    """Yield each task with its result, with at most `n_ahead` tasks started and not yielded."""
    running: deque[tuple[TaskT, Future[ResultT]]] = deque()
    waiting = iter(tasks)
    try:
        for task in waiting:
            running.append((task, start(task)))
            if len(running) >= n_ahead:
                done, future = running.popleft()
                yield done, future.result()
        while running:
            done, future = running.popleft()
            yield done, future.result()
    finally:
        for _, future in running:
            future.cancel()
