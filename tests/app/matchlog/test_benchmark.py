"""The benchmark of the match log runs from end to end, on a log that verifies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "matchlog.py"


@pytest.mark.long
def test_a_small_log_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--entries", "600", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measures = {line["measure"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert set(measures) == {"append", "inclusion-proof", "export", "verify", "append-single"}
    assert measures["verify"]["entries"] >= 600
    assert measures["append"]["bare_commits_per_s_median"] > 0
