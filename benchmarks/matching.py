"""Blindlink's matching beside anonlink 0.15.3, on the same encodings, in one run.

    python benchmarks/matching.py              every case at 10k and 100k, a few minutes
    python benchmarks/matching.py --quick      the 10k cases
    python benchmarks/matching.py --million    also 1,000,000 x 1,000,000 in full
    python benchmarks/matching.py --only dense a case by the start of its name

Both programs take turns and medians are compared, so that a slow minute of a shared machine slows both;
ratios are of wall time and, since others may use the machine, also of processor time. anonlink compares a
share of the left rows where all would take minutes; its rate does not depend on the number of rows. Each
case prints one JSON line, and the table comes last. Pairs are checked to be the same.

anonlink is installed into .bench/ at the first run, from its wheel for Python 3.11 if that is here.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
# benchmarks/encoding.py is named like the package that it measures.
sys.path[:] = [
    str(ROOT),
    *(entry for entry in sys.path if Path(entry).resolve() != ROOT / "benchmarks"),
]

import numpy as np  # noqa: E402

from app.extras.exhaustive import (  # noqa: E402
    BLOCK_PAIRS,
    Block,
    Candidates,
    Words,
    dice_candidates,
    order_pairs,
    pack_words,
    plan_blocks,
    solve_pairs,
)
from app.extras.exhaustive.candidates import sort_candidates  # noqa: E402
from app.extras.exhaustive.comparison import prepare_comparison  # noqa: E402
from app.extras.exhaustive.kernels import available_kernels, load_kernel  # noqa: E402
from app.extras.exhaustive.limits import make_limits  # noqa: E402
from app.extras.exhaustive.run import match_blocks  # noqa: E402
from benchmarks.matching_files import BENCH, two_files  # noqa: E402

ANONLINK = "anonlink==0.15.3"


class Anonlink:
    """anonlink in a process of its own."""

    def __init__(self) -> None:
        command = [anonlink_python(), "-W", "ignore", ROOT / "benchmarks/anonlink_server.py"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request) -> dict:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def anonlink_python() -> Path:
    """Return the interpreter of an environment with anonlink, made at the first call."""
    folder = BENCH / "anonlink-0.15.3"
    python = folder / "bin/python"
    if not python.exists():
        BENCH.mkdir(exist_ok=True)
        # Only Python 3.11 has a wheel; elsewhere pip builds it, with g++.
        base = shutil.which("python3.11") or sys.executable
        subprocess.run([base, "-m", "venv", folder], check=True)
        # It imports pkg_resources, which setuptools 81 dropped.
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "setuptools<81", ANONLINK], check=True
        )
    return python


Result = TypeVar("Result")


@dataclass
class Timed:
    """Wall and processor seconds of each turn."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, wall_s: float, cpu_s: float) -> None:
        self.wall_s.append(wall_s)
        self.cpu_s.append(cpu_s)

    def run(self, action: Callable[[], Result]) -> Result:
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        self.add(time.perf_counter() - wall, time.process_time() - cpu)
        return result

    def rates(self, n: int) -> tuple[float, float]:
        """Return millions of comparisons a second by the clock, and a processor second."""
        return tuple(n / statistics.median(s) / 1e6 for s in (self.wall_s, self.cpu_s))


@dataclass(frozen=True)
class Case:
    """Two files to compare with both programs."""

    name: str
    kind: str
    n: int
    threshold: str
    n_threads: int = 1
    kernel: str = "auto"
    n_turns: int = 5
    left_rows: int = 0  # how many left rows Blindlink compares; 0: all
    anonlink_rows: int = 0  # how many left rows anonlink compares a turn; 0: all

    @property
    def path(self) -> Path:
        two_files(self.kind, self.n)
        return BENCH / f"matching-{self.kind}-{self.n}.npz"


TEN = 10_000
HUNDRED = 100_000


def cases(*, is_quick: bool) -> Iterator[Case]:
    """Return the cases of the table; the slow ones only if not quick."""
    for t in ("0.8", "0.85", "0.9"):
        yield Case(f"plain 10k {t}", "sparse", TEN, t)
    yield Case("plain 10k 0.7", "sparse", TEN, "0.7")
    for t in ("0.8", "0.85", "0.9"):
        yield Case(f"half full 10k {t}", "half", TEN, t)
    yield Case("dense 10k 0.59", "half", TEN, "0.59")
    for kernel in available_kernels()[1:]:
        rows = 0 if kernel == "avx2" else 2000
        for t in ("0.7", "0.8", "0.85", "0.9"):
            yield Case(f"{kernel} plain 10k {t}", "sparse", TEN, t, kernel=kernel, left_rows=rows)
        yield Case(f"{kernel} dense 10k 0.59", "half", TEN, "0.59", kernel=kernel, left_rows=rows)
    if is_quick:
        return
    for t in ("0.8", "0.85", "0.9"):
        yield Case(f"plain 100k {t}", "sparse", HUNDRED, t, n_threads=2, anonlink_rows=8000)
    yield Case("plain 100k 0.7", "sparse", HUNDRED, "0.7", left_rows=20_000, anonlink_rows=4000)
    for t in ("0.8", "0.85", "0.9"):
        yield Case(f"half full 100k {t}", "half", HUNDRED, t, n_threads=2, anonlink_rows=8000)
    yield Case("dense 100k 0.59", "half", HUNDRED, "0.59", left_rows=20_000, anonlink_rows=4000)


def run_case(case: Case, anonlink: Anonlink) -> dict:
    """Return the rates of both programs, in turn, and check that their pairs are the same."""
    left, right = (pack_words(rows) for rows in two_files(case.kind, case.n))
    left = left[: case.left_rows or case.n]
    n_theirs = min(case.anonlink_rows or case.n, len(left))
    ours, theirs, threshold = Timed(), Timed(), Fraction(case.threshold)
    with tempfile.TemporaryDirectory() as folder:
        pairs_path = f"{folder}/pairs.npz"
        for turn in range(case.n_turns):
            start = turn * n_theirs % max(1, len(left) - n_theirs + 1)
            answer = anonlink.ask(
                files=str(case.path),
                left=[start, start + n_theirs],
                right=[0, case.n],
                threshold=float(threshold),
                processes=case.n_threads,
                pairs=pairs_path,
            )
            theirs.add(answer["wall_s"], answer["cpu_s"])
            found = ours.run(
                lambda: dice_candidates(
                    left, right, threshold, kernel=case.kernel, n_threads=case.n_threads
                )
            )
            n_extra = check_pairs(found, np.load(pairs_path), start, start + n_theirs, threshold)
    our_rates = ours.rates(len(left) * case.n)
    their_rates = theirs.rates(n_theirs * case.n)
    return {
        "case": case.name,
        "kernel": load_kernel(case.kernel).name,
        "threads": case.n_threads,
        "n_pairs": len(found),
        "pairs_at_the_threshold_that_anonlink_dropped": n_extra,
        "blindlink_million_per_s": round(our_rates[0]),
        "blindlink_million_per_cpu_s": round(our_rates[1]),
        "anonlink_million_per_s": round(their_rates[0]),
        "anonlink_million_per_cpu_s": round(their_rates[1]),
        "ratio": round(our_rates[0] / their_rates[0], 1),
        "cpu_ratio": round(our_rates[1] / their_rates[1], 1),
    }


def check_pairs(found: Candidates, theirs, start: int, stop: int, threshold: Fraction) -> int:
    """Exit unless anonlink's pairs are ours; return how many exactly at the threshold it dropped."""
    is_shared = (found.left >= start) & (found.left < stop)
    mine = found.take(is_shared)
    key = mine.left.astype(np.int64) << 32 | mine.right
    score_of = dict(zip(key.tolist(), mine.similarity().tolist(), strict=True))
    other = theirs["left"].astype(np.int64) << 32 | theirs["right"]
    for pair, score in zip(other.tolist(), theirs["scores"].tolist(), strict=True):
        if score_of.pop(pair, None) != score:
            raise SystemExit("a pair of anonlink is missing, or has another score")
    if any(score != float(threshold) for score in score_of.values()):
        raise SystemExit("there are pairs above the threshold that anonlink does not have")
    return len(score_of)


def run_boundary(anonlink: Anonlink) -> Iterator[dict]:
    """Yield how many constructed pairs at exactly the threshold each program finds."""
    for text in ("0.65", "0.75", "0.8", "0.82", "0.9", "0.95"):
        threshold = Fraction(text)
        left, right = constructed_pairs(threshold)
        path = BENCH / "matching-boundary.npz"
        n_theirs = 0
        with tempfile.TemporaryDirectory() as folder:
            np.savez(path, left=left, right=right)
            copy = Path(folder) / "files.npz"
            shutil.copy(path, copy)
            anonlink.ask(
                files=str(copy),
                left=[0, len(left)],
                right=[0, len(right)],
                threshold=float(threshold),
                processes=1,
                pairs=f"{folder}/pairs.npz",
            )
            theirs = np.load(f"{folder}/pairs.npz")
            n_theirs = int(np.count_nonzero(theirs["left"] == theirs["right"]))
        found = dice_candidates(pack_words(left), pack_words(right), threshold)
        n_ours = int(np.count_nonzero(found.left == found.right))
        if n_ours != len(left):
            raise SystemExit("a pair at exactly the threshold was lost")
        yield {
            "case": f"boundary {text}",
            "n_constructed": len(left),
            "blindlink_finds": n_ours,
            "anonlink_finds": n_theirs,
        }


def constructed_pairs(threshold: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of 1,024 bits, one inside the other, whose similarity is exactly the threshold."""
    random = np.random.default_rng(5)
    sides: tuple[list, list] = [], []
    for small in range(1, 1025):
        # 2 small / (small + large) = threshold
        large = Fraction(2 * small) / threshold - small
        if large.denominator != 1 or not small <= large <= 1024:
            continue
        for _ in range(2):
            order = random.permutation(1024)
            rows = np.zeros((2, 1024), dtype=np.uint8)
            rows[0, order[:small]] = 1
            rows[1, order[: int(large)]] = 1
            swap = random.integers(2)
            sides[swap].append(rows[0])
            sides[1 - swap].append(rows[1])
    return tuple(np.packbits(np.array(side), axis=1) for side in sides)


def run_peak() -> dict | None:
    """Return how near the full-width kernel comes to load, AND, population count, add alone."""
    peak = popcount_peak()
    if peak is None or available_kernels()[0] != "avx512":
        return None
    left, right = (pack_words(rows) for rows in two_files("half", TEN))
    limits = make_limits(Fraction(59, 100), 1024)
    opened = load_kernel("avx512").open(prepare_comparison(left, right, limits, 32))
    kernel, ceiling = Timed(), Timed()
    vectors = aligned_words(256 * 8)
    turns = 100_000
    for _ in range(15):
        kernel.run(lambda: list(opened.find_pairs(0, len(left))))
        ceiling.run(
            lambda: peak(
                vectors.ctypes.data_as(ctypes.c_void_p),
                left.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_long(turns),
            )
        )
    # A pair of 1,024 bits is 2 vectors of 512; by processor time, since both are one thread.
    rate = len(left) * len(right) / statistics.median(kernel.cpu_s) / 1e6
    most = turns * 1024 / 2 / statistics.median(ceiling.cpu_s) / 1e6
    return {
        "case": "full width of the ceiling",
        "blindlink_million_per_cpu_s": round(rate),
        "ceiling_million_per_cpu_s": round(most),
        "share": round(rate / most, 3),
    }


def popcount_peak() -> Callable | None:
    """Return the ceiling loop, built for this processor, or None if it cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = BENCH / "popcount_peak.so"
    source = ROOT / "benchmarks/popcount_peak.c"
    command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return ctypes.CDLL(str(library)).popcount_peak


def aligned_words(n: int) -> np.ndarray:
    octets = np.random.default_rng(0).integers(0, 256, n * 8 + 64, dtype=np.uint8)
    start = -octets.ctypes.data % 64
    return octets[start : start + n * 8].view(np.uint64)


def run_solvers(n: int) -> Iterator[dict]:
    """Yield time and groups of each solver."""
    datasets = [pack_words(rows) for rows in two_files("sparse", n)]
    for solver in ("groups", "one-to-one"):
        yield run_solver(datasets, solver)


def run_solver(datasets: list[Words], solver: str) -> dict:
    blocks = plan_blocks(datasets, block_pairs=BLOCK_PAIRS)
    comparing, solving = Timed(), Timed()
    run = match_blocks(datasets, blocks, Fraction(4, 5), n_threads=2)
    matched = comparing.run(lambda: [(each.block, each.pairs) for each in run])
    n_records = [len(words) for words in datasets]
    groups = solving.run(lambda: solve_pairs(order_pairs(n_records, matched), solver))
    return {
        "case": f"solver {solver} {n_records[0] // 1000}k",
        "compare_s": round(comparing.wall_s[0], 2),
        "solve_s": round(solving.wall_s[0], 2),
        "n_comparisons": sum(block.n_comparisons for block in blocks),
        "pairs": sum(len(pairs) for _, pairs in matched),
        "groups": len(groups),
    }


def run_groups_of_anonlink(anonlink: Anonlink) -> dict:
    """Return whether anonlink's greedy solver gives the same groups on the same pairs."""
    left, right = (pack_words(rows) for rows in two_files("sparse", TEN))
    pairs = dice_candidates(left, right, Fraction(7, 10))
    (block,) = plan_blocks([left, right], block_pairs=BLOCK_PAIRS)
    ours = Timed()
    groups = ours.run(lambda: solve_pairs(order_pairs([TEN, TEN], [(block, pairs)]), "groups"))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/pairs.npz"
        np.savez(path, scores=pairs.similarity(), left=pairs.left, right=pairs.right)
        answer = anonlink.ask(groups=path)
    if [[list(record) for record in group] for group in groups] != answer["groups"]:
        raise SystemExit("anonlink has other groups on the same pairs")
    return {
        "case": "groups of anonlink 10k 0.7",
        "n_pairs": len(pairs),
        "n_groups": len(groups),
        "blindlink_s": round(ours.wall_s[0], 3),
        "anonlink_s": round(answer["wall_s"], 3),
    }


def run_ten_million_pairs() -> dict:
    """Solve ten million random pairs of three files."""
    n, per_files = 1_000_000, 3_350_000
    random = np.random.default_rng(3)
    blocks = []
    for number, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
        key = np.unique(random.integers(0, n * n, per_files))
        total = random.integers(500, 560, len(key)).astype(np.uint16)
        common = (total * (0.4 + 0.1 * random.random(len(key)) ** 3)).astype(np.uint16)
        left, right = (part.astype(np.uint32) for part in np.divmod(key, n))
        pairs = sort_candidates(Candidates(left, right, common, total))
        blocks.append((Block(number, a, b, 0, n, 0, n), pairs))
    solving, before = Timed(), peak_mib()
    solving.run(lambda: solve_pairs(order_pairs([n, n, n], blocks), "groups"))
    return {
        "case": "solver 10 million pairs of 3 files",
        "n_pairs": sum(len(pairs) for _, pairs in blocks),
        "solve_s": round(solving.wall_s[0], 1),
        "solve_cpu_s": round(solving.cpu_s[0], 1),
        "peak_mib_above_the_pairs": peak_mib() - before,
    }


def run_scaling(*, has_million: bool) -> Iterator[dict]:
    """Yield time from 10k to 1M at 0.85, two threads; 1M from a sample unless asked for in full."""
    for n in (10_000, 30_000, 100_000, 300_000):
        yield measure_scale("sparse", n, n, n, "0.85")
    yield measure_scale(
        "sparse", 1_000_000, 1_000_000 if has_million else 100_000, 1_000_000, "0.85"
    )


def measure_scale(kind: str, n: int, n_left: int, n_right: int, threshold: str) -> dict:
    """Return the time and peak memory of one comparison in blocks."""
    # Made before, since making the files takes more memory than comparing them.
    apart("make", kind, n)
    return apart("scale", kind, n, n_left, n_right, threshold)


def apart(what: str, *arguments: object) -> dict:
    """Run one measurement in a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, __file__, "--apart", what, *map(str, arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def peak_mib() -> int:
    """Return the most memory that this process has held, in MiB; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    # Not ru_maxrss, which a new process inherits from the one that started it.
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def make_files(kind: str, n: str) -> dict:
    two_files(kind, int(n))
    return {}


def run_scale(kind: str, n: str, left_rows: str, right_rows: str, decimal: str) -> dict:
    n_left, n_right, threshold = int(left_rows), int(right_rows), Fraction(decimal)
    stored = two_files(kind, int(n))
    left, right = pack_words(stored[0][:n_left]), pack_words(stored[1][:n_right])
    del stored
    datasets = [left, right]
    blocks = plan_blocks(datasets, block_pairs=BLOCK_PAIRS)
    timed = Timed()
    n_pairs = timed.run(
        lambda: sum(
            len(each.pairs) for each in match_blocks(datasets, blocks, threshold, n_threads=2)
        )
    )
    n_comparisons = sum(block.n_comparisons for block in blocks)
    return {
        "case": f"scaling {kind} {n_left // 1000}k x {n_right // 1000}k {float(threshold)}",
        "threads": 2,
        "n_comparisons": n_comparisons,
        "n_pairs": n_pairs,
        "compare_s": round(timed.wall_s[0], 3),
        "blindlink_million_per_s": round(n_comparisons / timed.wall_s[0] / 1e6),
        "blindlink_million_per_cpu_s": round(n_comparisons / timed.cpu_s[0] / 1e6),
        "peak_mib": peak_mib(),
    }


def all_results(given: argparse.Namespace, anonlink: Anonlink) -> Iterator[dict]:
    """Yield the result of every case that was asked for."""

    def is_wanted(name: str) -> bool:
        return name.startswith(given.only)

    for case in cases(is_quick=given.quick):
        if is_wanted(case.name):
            yield run_case(case, anonlink)
    if is_wanted("full width"):
        peak = run_peak()
        if peak is not None:
            yield peak
    if is_wanted("boundary"):
        yield from run_boundary(anonlink)
    if is_wanted("groups"):
        yield run_groups_of_anonlink(anonlink)
    if is_wanted("solver"):
        yield from run_solvers(TEN if given.quick else HUNDRED)
        yield apart("solve")
    if given.quick:
        return
    if is_wanted("scaling"):
        yield from run_scaling(has_million=given.million)


def print_table(results: list[dict]) -> None:
    """Print one line a case: the numbers that matter for it."""
    print(
        f"\n{'case':42} {'kernel':8} {'thr':>3} {'M/s':>7} {'anonlink':>8} {'ratio':>6} {'by CPU':>6}"
    )
    for result in results:
        name = result["case"]
        if "ratio" in result:
            rate, theirs = result["blindlink_million_per_s"], result["anonlink_million_per_s"]
            print(
                f"{name:42} {result['kernel']:8} {result['threads']:>3} {rate:>7,} {theirs:>8,}"
                f" {result['ratio']:>6} {result['cpu_ratio']:>6}"
            )
        else:
            rest = ", ".join(f"{k} {v:,}" for k, v in result.items() if not isinstance(v, str))
            print(f"{name:42} {rest}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the 10k cases")
    parser.add_argument("--million", action="store_true", help="1M x 1M in full")
    parser.add_argument("--only", default="", metavar="NAME", help="cases that start with this")
    parser.add_argument("--apart", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.apart:
        what, *arguments = given.apart
        measure = {"make": make_files, "scale": run_scale, "solve": run_ten_million_pairs}[what]
        print(json.dumps(measure(*arguments)))
        return
    anonlink = Anonlink()
    results = []
    try:
        for result in all_results(given, anonlink):
            print(json.dumps(result), flush=True)
            results.append(result)
    finally:
        anonlink.close()
    print_table(results)


if __name__ == "__main__":
    main()
