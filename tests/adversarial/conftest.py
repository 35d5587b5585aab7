from __future__ import annotations

from oracles.kill_scene import scene

__all__ = ["scene"]
