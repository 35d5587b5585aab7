"""How the broker's part grows with the files: both of one size, from stored containers to releases.

    python -m benchmarks.scale                      200,000, 1 and 6 million records a side; 30 GB of disk
    python -m benchmarks.scale --quick              20,000 and 200,000
    python -m benchmarks.scale --records 1000000    other sizes; 20 million take 80 GB and an hour
    python -m benchmarks.scale --cap 2              the passes of a nation, with blocks of so many rows
    python -m benchmarks.scale --splink 200000      and Splink in clear text, on invented people

The rows are of nobody: a person's are the same in both files, and nobody else's are. Beside each run stands
what numpy takes to sort as many keys. Prints a Markdown table, the exponent by which time grows, and how
memory does.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.encoding import BENCH, people
from benchmarks.nation_run import SHARE_IN_BOTH, Figures, run_of
from benchmarks.quality import run_splink
from encoding.profiles.catalog import shipped_profile

SIZES, QUICK_SIZES = (200_000, 1_000_000, 6_000_000), (20_000, 200_000)
# What the peer reads, and the columns of our people for it.
CLEAR = {
    "first_name": "first_name",
    "surname": "last_name",
    "birth_date": "birth_date",
    "sex": "sex",
    "zip": "zip",
}


def main() -> None:
    """Run at each size, and print what grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--records", type=int, nargs="+", metavar="N")
    parser.add_argument("--cap", type=int, metavar="N")
    parser.add_argument("--splink", type=int, metavar="N")
    given = parser.parse_args()
    sizes = sorted(given.records or (QUICK_SIZES if given.quick else SIZES))
    # That of a state, at every size: a smaller file of a nation's passes has eight times the rows.
    profile = shipped_profile("children", size="nation" if given.cap else "state")
    if given.cap:
        profile = profile.model_copy(update={"block_cap": given.cap})
    found = [(n, run_of(profile, n, n, made_up=True)) for n in sizes]
    print("\n| records a side | rows | run | numpy sorts as many keys | worker's memory | linked |")
    print("|---|---|---|---|---|---|")
    for n, one in found:
        print(
            f"| {n:,} | {one.n_rows:,} | {one.run_s:,.1f} s | {sort_s(one.n_rows):,.1f} s"
            f" | {one.worker_mib:,.0f} MiB | {one.n_linked:,} of {round(SHARE_IN_BOTH * n):,} |"
        )
    if len(found) > 1:
        print(f"\nTime grows with the power {exponent(found):.2f} of the records.")
    for (n, before), (more, after) in pairwise(found):
        growth = after.worker_mib / before.worker_mib - 1
        print(f"From {n:,} to {more:,} records memory grows by {growth:.0%}.")
    if given.splink:
        print(f"\nSplink, {given.splink:,} a side in clear text: {splink_s(given.splink)}")


def sort_s(n_keys: int) -> float:
    """Return how long numpy takes to find the order of so many keys of 8 bytes."""
    keys = np.random.default_rng(1).integers(0, 2**63, n_keys)
    started = time.perf_counter()
    keys.argsort(kind="stable")
    return time.perf_counter() - started


def exponent(found: Sequence[tuple[int, Figures]]) -> float:
    """Return the power of the records by which time grows, by least squares of the logarithms."""
    records, seconds = zip(*((n, one.run_s) for n, one in found), strict=True)
    return float(np.polyfit(np.log(records), np.log(seconds), 1)[0])


def splink_s(n: int) -> str:
    """Link two files of our invented people by Splink; return what it took."""
    n_both = round(SHARE_IN_BOTH * n)
    left, right, out = (BENCH / f"scale-{name}.csv" for name in ("left", "right", "out"))
    write_clear(
        people(2 * n - n_both), ((left, range(n)), (right, range(n - n_both, 2 * n - n_both)))
    )
    started = time.perf_counter()
    run_splink(left, right, out, "--zip")
    return f"{time.perf_counter() - started:,.1f} s from files to pairs"


def write_clear(source: Path, files: Sequence[tuple[Path, range]]) -> None:
    """Write some people of a file for the peer."""
    for path, chosen in files:
        with (
            source.open(encoding="utf-8", newline="") as rows,
            path.open("w", encoding="utf-8", newline="") as opened,
        ):
            table = csv.writer(opened)
            table.writerow(("row", *CLEAR, "middle_initial"))
            for at, row in enumerate(csv.DictReader(rows)):
                if at in chosen:
                    cells = {name: row[column] for name, column in CLEAR.items()}
                    cells["birth_date"] = cells["birth_date"].replace("-", "")
                    table.writerow((at - chosen.start, *cells.values(), ""))


if __name__ == "__main__":
    main()
