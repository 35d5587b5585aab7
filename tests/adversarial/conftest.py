from __future__ import annotations

from rigs.kill_scene import scene

__all__ = ["scene"]
