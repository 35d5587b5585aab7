"""Numbers for the operator's monitoring, by route and status; nothing of any project or record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.api.runs import RunState
from schemas.reports.overdue import OverdueKind

# Seconds; a part of 4 MiB over a slow line takes tens of them.
_BUCKETS_S: Final = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        """Start at zero."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "blindlink_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "blindlink_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._log_entries = Gauge(
            "blindlink_log_entries", "Entries in the match log.", registry=self.registry
        )
        self._runs = Gauge("blindlink_runs", "Runs by state.", ("state",), registry=self.registry)
        self._overdue = Gauge(
            "blindlink_overdue", "Things overdue by kind.", ("what",), registry=self.registry
        )

    def note_stores(
        self, log_entries: int, runs: Mapping[str, int], overdue: Mapping[str, int]
    ) -> None:
        """Note what the database holds at this moment, and what is overdue."""
        self._log_entries.set(log_entries)
        for state in get_args(RunState):
            self._runs.labels(state).set(runs.get(state, 0))
        for what in get_args(OverdueKind):
            self._overdue.labels(what).set(overdue.get(what, 0))

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the path's pattern, never the path."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
