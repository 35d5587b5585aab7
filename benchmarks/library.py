"""`blindlink.link` of two DataFrames beside `blindlink trial` of their files: seconds and memory, in one run.

python -m benchmarks.library --children 4000 --students 200000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from encoding.synth import write_rehearsal

LINK = """
import pandas, sys, time
left = pandas.read_csv(sys.argv[1], dtype=str, encoding="cp1252")
right = pandas.read_csv(sys.argv[2], dtype=str)
started = time.perf_counter()
import blindlink
links = blindlink.link(left, right)
n = len(links.pairs)
print(f"{n:,} pairs, {time.perf_counter() - started:.1f} s without reading the files")
"""
TRIAL = "from blindlink.programs import agency; agency()"


def measure(name: str, *words: str) -> None:
    """Run Python in a process of its own, and print what it took."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        told = process.stdout.read().splitlines()[:1]
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - started
    print(f"{name}: {took:.1f} s, {used.ru_maxrss / 1024:,.0f} MB; {told[0] if told else 'failed'}")


def main() -> None:
    """Make two files, and link them in both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=4_000)
    parser.add_argument("--students", type=int, default=200_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write_rehearsal(
            Path(folder), seed=1, n_children=asked.children, n_students=asked.students
        )
        paths = str(files.child_welfare), str(files.k12)
        measure("blindlink.link", LINK, *paths)
        measure("blindlink trial", TRIAL, "trial", *paths, "--yes", "--out", f"{folder}/trial")


if __name__ == "__main__":
    main()
