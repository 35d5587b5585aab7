"""The demo as a process of its own, in which nothing has what Windows lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WITHOUT_POSIX = Path(__file__).parents[1] / "services" / "without_posix"
BROKER = shutil.which("blindlink-broker", path=str(Path(sys.executable).parent))


def demo(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end; the environment adds to this one's."""
    assert BROKER is not None, "the project is not installed in this environment"
    first = environment.pop("PYTHONPATH", str(WITHOUT_POSIX))
    # After it whatever this process was told, so that the demo is of the same tree.
    path = os.pathsep.join([first, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [BROKER, "demo", "--folder", str(folder), *options],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True, text=True, timeout=800, check=False, encoding="utf-8",
    )  # fmt: skip
