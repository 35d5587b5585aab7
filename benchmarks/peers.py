"""Python environments of programs that are compared with: each is made under .bench at the first time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.rehearsed import BENCH


def peer_python(name: str, *packages: str) -> Path:
    """Return the interpreter of the environment of this name, with these packages."""
    folder = BENCH / f"{name}-venv"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python
