"""What `blindlink calibrate` predicts of a rehearsal, beside what its two files then give.

    python -m benchmarks.calibration                         mid errors, four seeds; low and high, one seed each
    python -m benchmarks.calibration --errors high --seeds 41 42 43

Each file is calibrated by the command as anybody types it; then both are encoded and matched, as in
benchmarks/quality.py. Prints a Markdown table of means.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.quality import SEEDS, measure
from benchmarks.rehearsed import LEVELS, clean, link, rehearsal_files
from encoding.profiles.catalog import shipped_profile
from encoding.synth import RehearsalFiles

# The words of `calibrate` for the levels of the rehearsal data.
WORDS = {"low": "light", "mid": "medium", "high": "heavy"}
COLUMNS = ("met", "linked", "wrong of 1,000", "review of 1,000")


def main() -> None:
    """Print what was found and predicted, a line for each level and set of passes."""
    arguments = _arguments()
    print(f"| mistakes, seeds | passes | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 2)}")
    levels = [arguments.errors] if arguments.errors else ["mid", "high", "low"]
    for errors in levels:
        seeds = arguments.seeds if arguments.errors or errors == "mid" else arguments.seeds[:1]
        for has_zip in (True, False):
            lines = [
                _compared(seed, errors, has_zip=has_zip, sizes=arguments.sizes) for seed in seeds
            ]
            cells = [
                f"{found:.3f} / {first:.3f}, {second:.3f}"
                if number < len(COLUMNS) // 2
                else f"{found:.1f} / {first:.1f}, {second:.1f}"
                for number, (found, first, second) in enumerate(
                    [mean(line[at][who] for line in lines) for who in range(3)]
                    for at in range(len(COLUMNS))
                )
            ]
            passes = "with ZIP" if has_zip else "without"
            print(f"| {WORDS[errors]}, {len(seeds)} | {passes} | {' | '.join(cells)} |", flush=True)


def _compared(
    seed: int, errors: str, *, has_zip: bool, sizes: Sequence[int]
) -> list[tuple[float, float, float]]:
    """Return for each of COLUMNS what was found, and what was predicted from either file."""
    files = rehearsal_files(seed, *sizes, errors)
    profile = shipped_profile("children", zip_code=has_zip)
    rehearsal = clean(files, profile)
    found = measure(link(rehearsal, profile).scored, rehearsal.truth).measured
    n_links = found.wrong + found.recall * len(set(rehearsal.truth.person.values()))
    counted = (
        found.met,
        found.recall,
        1_000 * found.wrong / max(1, n_links),
        1_000 * found.review / sizes[0],
    )
    predicted = [
        _predicted(files, own, partner, errors, has_zip=has_zip)
        for own, partner in (("child-welfare", sizes[1]), ("k12", sizes[0]))
    ]
    return list(zip(counted, *predicted, strict=True))


def _predicted(
    files: RehearsalFiles, own: str, n_partners: int, errors: str, *, has_zip: bool
) -> tuple[float, ...]:
    file = files.k12 if own == "k12" else files.child_welfare
    command = [str(Path(sys.executable).with_name("blindlink")), "calibrate", str(file)]
    command += ["--preset", f"rehearsal-{own}", "--partner-records", str(n_partners), "--json"]
    command += ["--errors", WORDS[errors]] + ([] if own == "k12" else ["--encoding", "cp1252"])
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    sets: list[dict[str, Any]] = json.loads(done.stdout)["sets"]
    passes = next(one for one in sets if one["zip"] == has_zip)
    shipped = shipped_profile("children", zip_code=has_zip).block_cap
    at_cap = next(one for one in passes["caps"] if one["block_cap"] == shipped)
    return tuple(
        float(at_cap[name])
        for name in ("ceiling", "recall", "wrong_per_1000_links", "review_per_1000_records")
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--errors", choices=LEVELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=(1_000, 20_000), metavar=("CHILDREN", "STUDENTS")
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
