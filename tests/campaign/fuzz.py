"""Gives every parser of what comes from outside bytes that are led by the lines they reach, by atheris.

`python -m campaign.fuzz FOLDER` takes the parsers one after the other, each in a process of its own, prints
what is wrong, and adds a line for each to the campaign's reports in FOLDER. What reached something new lies
below `.fuzz/`, by the parser's name, so that the next run goes on from there. A file there that is named
`crash-`, `timeout-` or `oom-` is what a fault was found with.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import atheris
from campaign.reports import append, report_of

if TYPE_CHECKING:
    from campaign.parsers import Parser

ROW = "fuzz"
KEPT = Path(".fuzz")
RUNS = 30_000
MAX_SEEDS, MAX_BYTES = 200, 32 * 1024
MAX_S, MAX_MIB = 2, 1024
DONE = re.compile(r"stat::number_of_executed_units: +(\d+)")


def fuzz(name: str, parser: Parser, folder: Path, n_runs: int) -> None:
    """Give bytes to a parser, and end this process: with 0 if nothing was wrong."""
    from campaign.parsers import seeds

    for raw in seeds(parser)[:MAX_SEEDS]:
        (folder / hashlib.sha256(raw).hexdigest()).write_bytes(raw)
    log = os.open(KEPT / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    flags = {
        "runs": n_runs,
        "max_len": MAX_BYTES,
        "timeout": MAX_S,
        "rss_limit_mb": MAX_MIB,
        "print_final_stats": 1,
        "artifact_prefix": f"{KEPT / name}.",
    }
    words = [f"-{flag}={value}" for flag, value in flags.items()]
    atheris.Setup([sys.argv[0], *words, str(folder)], parser.takes)
    atheris.Fuzz()


def tried(name: str, parser: Parser, n_runs: int) -> dict[str, object]:
    """Fuzz a parser in a process of its own, print what is wrong, and return its line of the reports."""
    folder, started = KEPT / name, time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process == 0:
        fuzz(name, parser, folder, n_runs)
    _, status = os.waitpid(process, 0)
    said = (KEPT / f"{name}.log").read_text("utf-8", "replace")
    done = DONE.search(said)
    is_good = status == 0 and done is not None
    print(
        f"{name}: {done[1] if done else 'nothing'} tried{'' if is_good else ': FAULT'}", flush=True
    )
    if not is_good:
        print(said[-3000:])
    return report_of(
        f"fuzz {name}",
        ROW,
        size="full" if n_runs >= RUNS else "quick",
        outcome="passed" if is_good else "failed",
        seconds=round(time.monotonic() - started, 3),
        tried=int(done[1]) if done else 0,
    )


def main() -> int:
    """Take the parsers one after the other; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of reports")
    parser.add_argument("--runs", type=int, default=RUNS, help="so many for each parser")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="this parser alone; repeat it"
    )
    given = parser.parse_args()
    # What the fuzzer is led by: which lines of these were reached.
    with atheris.instrument_imports(include=["app", "encoding", "schemas"]):
        from campaign.parsers import parsers

        all_parsers = parsers()
    is_good = True
    for name in given.only or all_parsers:
        report = tried(name, all_parsers[name], given.runs)
        is_good &= report["outcome"] == "passed"
        append(given.folder, report)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
