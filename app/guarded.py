"""Does several things that fail apart: one that fails keeps none of the others from being done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import structlog

log = structlog.get_logger()


def do_each(
    what: Literal["stage", "project"], calls: Iterable[tuple[str, Callable[[], int | None]]]
) -> int:
    """Make all of these calls, whichever fail, and return the sum of what they return.

    Args:
        what: the field of the operator's log that names the call that failed.
        calls: each with its name.
    """
    n_done, failures = 0, list[Exception]()
    for name, call in calls:
        try:
            n_done += call() or 0
        except Exception as exc:  # noqa: BLE001 - one's fault must not keep the others waiting
            log.warning("sweep_part_failed", **{what: name}, error=type(exc).__name__)
            failures.append(exc)
    if failures:
        raise failures[0]
    return n_done
