"""The worker: takes runs from the database and does them, one at a time."""

from __future__ import annotations

from app.worker.loop import run_worker

__all__ = ["run_worker"]
