"""How fast rows become CLKs, beside clkhash 0.18.3 in an environment of its own, and in how much memory.

    python benchmarks/encoding.py                  500,000 rows, both programs, every rate and the ratio
    python benchmarks/encoding.py --memory         6,000,000 rows through ours, with the peak of memory
    python benchmarks/encoding.py --salted N       the larger file of N records as block-salted rows

Each run is a process of its own that starts with empty caches, reads the CSV file and encodes every row;
both programs check every cell. The CLKs of both are compared by digest. Rates are by the wall clock and, since
machines are shared, also by processor time. Files are kept in .bench/.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# This file is named like the package that it measures.
sys.path[:] = [
    entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent
]

BENCH = Path(__file__).resolve().parent.parent / ".bench"
SECRET = "a secret of the benchmark"
CLKHASH = "clkhash==0.18.3"


def feature(identifier: str, text_format: dict, comparison: dict, bits: int) -> dict:
    return {
        "identifier": identifier,
        "format": text_format,
        "hashing": {
            "comparison": comparison,
            "strategy": {"bitsPerFeature": bits},
            "hash": {"type": "blakeHash"},
        },
    }


TEXT = {"type": "string", "encoding": "utf-8"}
BIGRAMS = {"type": "ngram", "n": 2}
PLACES = {"type": "ngram", "n": 1, "positional": True}
SCHEMA: dict[str, Any] = {
    "version": 3,
    "clkConfig": {"l": 1024, "kdf": {"type": "HKDF", "hash": "SHA256", "keySize": 64}},
    "features": [
        {"identifier": "record_id", "ignored": True},
        feature("first_name", TEXT, BIGRAMS, 120),
        feature("last_name", TEXT, BIGRAMS, 120),
        feature("birth_date", {"type": "date", "format": "%Y-%m-%d"}, PLACES, 150),
        feature("sex", {"type": "enum", "values": ["F", "M", "X"]}, {"type": "exact"}, 30),
        feature("zip", {"type": "string", "pattern": "[0-9]{5}"}, PLACES, 60),
        feature("street", TEXT, BIGRAMS, 100),
    ],
}
HEADER = [f["identifier"] for f in SCHEMA["features"]]


def write_people(path: Path, n_rows: int) -> None:
    """Write seeded people with the names, and the frequencies of names, that clkhash ships."""
    import clkhash
    import numpy as np

    folder = Path(clkhash.__file__).parent / "data"
    random = np.random.default_rng(7)

    def names(*files: str) -> tuple[np.ndarray, np.ndarray]:
        rows = [r for f in files for r in csv.reader((folder / f).open(encoding="utf-8"))][1:]
        rows = [r for r in rows if r[1].strip().isdigit()]
        counts = np.array([int(r[1]) for r in rows], dtype=float)
        return np.array([r[0].lower() for r in rows]), counts / counts.sum()

    firsts, first_share = names("female-first-names.csv", "male-first-names.csv")
    lasts, last_share = names("last-names.csv")
    days = np.datetime64("2003-09-01") + np.arange(18 * 365).astype("timedelta64[D]")
    days = np.datetime_as_string(days)
    streets = np.array([f"{a} {b}" for a in lasts[:800] for b in ("st", "ave", "rd", "ln", "dr")])
    zips = np.array([f"{z:05}" for z in random.integers(90001, 96199, 2600)])
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for start in range(0, n_rows, 100_000):
            n = min(100_000, n_rows - start)
            numbers = random.integers(1, 9999, n).astype(str)
            columns = [
                np.arange(start, start + n).astype(str),
                random.choice(firsts, n, p=first_share),
                random.choice(lasts, n, p=last_share),
                random.choice(days, n),
                random.choice(np.array(["F", "M", "X"]), n, p=[0.489, 0.509, 0.002]),
                random.choice(zips, n),
                np.char.add(np.char.add(numbers, " "), random.choice(streets, n)),
            ]
            writer.writerows(zip(*(c.tolist() for c in columns), strict=True))
    partial.replace(path)


def run_clkhash(path: Path, n_processes: int) -> dict:
    from clkhash import clk
    from clkhash.schema import from_json_dict

    schema = from_json_dict(SCHEMA)
    started, cpu = time.perf_counter(), os.times()
    with path.open(encoding="utf-8", newline="") as stream:
        filters = clk.generate_clk_from_csv(
            stream, SECRET, schema, progress_bar=False, max_workers=n_processes
        )
    wall = time.perf_counter() - started
    for child in __import__("multiprocessing").active_children():
        child.join()
    digest = hashlib.sha256()
    for one in filters:
        digest.update(one.tobytes())
    return timing(len(filters), wall, cpu, digest)


def run_blindlink(path: Path) -> dict:
    from encoding.extras.plain_clks.encoder import Encoder
    from encoding.records import open_table

    started, cpu = time.perf_counter(), os.times()
    digest = hashlib.sha256()
    n_rows = 0
    with Encoder(SCHEMA, SECRET) as encoder:
        for chunk in open_table(path).select(encoder.columns).chunks():
            encoded = encoder.encode(chunk.columns, chunk.first_row)
            if encoded.problems:
                raise SystemExit(f"{len(encoded.problems)} rows were refused")
            digest.update(encoded.filters)
            n_rows += chunk.n_rows
    return timing(n_rows, time.perf_counter() - started, cpu, digest)


def timing(n_rows: int, wall: float, cpu: os.times_result, digest) -> dict:
    now = os.times()
    used = sum(now[:4]) - sum(cpu[:4])
    return {
        "rows": n_rows,
        "rows_per_s": round(n_rows / wall),
        "rows_per_cpu_s": round(n_rows / used),
        "peak_mib": peak_mib(),
        "sha256": digest.hexdigest(),
    }


def peak_mib() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run_rows(n_records: int) -> None:
    """Print how long block-salted rows of made-up people take, by the clock and by processor time."""
    import resource
    import tempfile

    import numpy as np

    from encoding.blocks.assembly import Assembly
    from encoding.blocks.keys import CellKeys
    from encoding.profiles.catalog import shipped_profile
    from encoding.recipe import Recipe
    from schemas.linkage.profile import memory_columns

    profile = shipped_profile("children", size="nation" if n_records > 1_000_000 else "state")
    recipe = Recipe.load(profile.recipe)
    path = BENCH / f"people-{n_records}.csv"
    if not path.exists():
        write_people(path, n_records)
    with tempfile.TemporaryDirectory(dir=BENCH) as folder, Assembly(
        profile, CellKeys(bytes(32)), "larger", n_records=n_records,
        repeated=np.zeros(n_records, dtype=bool), folder=Path(folder),
    ) as assembly, path.open(encoding="utf-8", newline="") as text:  # fmt: skip
        started, cpu = time.perf_counter(), time.process_time()
        rows = csv.DictReader(text)
        for start in range(0, n_records, 10_000):
            taken = [row for _, row in zip(range(10_000), rows, strict=False)]
            columns = {name: [row.get(name, "") for row in taken] for name in recipe.inputs}
            derived = recipe.derive(columns, date_format="YYYY-MM-DD", first_row=start)
            blank = dict.fromkeys(memory_columns(profile), [""] * len(derived.row_of))
            row_of = np.array(derived.row_of, dtype=np.uint32) + start
            assembly.add({**derived.columns, **blank}, row_of)
        counts = assembly.file_counts()
        n_rows = sum(len(part) for part in assembly.rows())
    print(
        f"{n_records:,} records: {n_rows:,} rows in {time.perf_counter() - started:.1f} s,"
        f" {time.process_time() - cpu:.1f} s of processor time, peak"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB,"
        f" {counts.twin_pairs:,} pairs of twins counted"
    )


def clkhash_python() -> Path:
    """Return the interpreter of an environment that has clkhash 0.18.3, made at the first call."""
    folder = BENCH / "clkhash-0.18.3"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", CLKHASH], check=True)
    return python


def run_apart(python: Path, *arguments: str) -> dict:
    command = [python, "-W", "ignore", __file__, "--one", *arguments]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def people(n_rows: int) -> Path:
    BENCH.mkdir(exist_ok=True)
    path = BENCH / f"people-{n_rows}.csv"
    if not path.exists():
        write_people(path, n_rows)
    return path


def compare(n_rows: int, n_repeats: int) -> None:
    path = str(people(n_rows))
    n_cores = str(os.cpu_count() or 1)
    theirs, ours = [], []
    for _ in range(n_repeats):
        # In turn, so that a slow minute of a shared machine slows both.
        for processes in dict.fromkeys(["1", n_cores]):
            theirs.append(run_apart(clkhash_python(), "clkhash", path, processes))
            show(f"clkhash 0.18.3, {processes} processes", theirs[-1])
        ours.append(run_apart(Path(sys.executable), "blindlink", path))
        show("blindlink, 1 process", ours[-1])
    if len({run["sha256"] for run in theirs + ours}) != 1:
        raise SystemExit("the CLKs differ")
    print("the CLKs are identical; our best rate is so many times theirs in any mode:")
    for measure in ("rows_per_s", "rows_per_cpu_s"):
        ratio = max(r[measure] for r in ours) / max(r[measure] for r in theirs)
        print(f"  {ratio:.1f} by {measure}")


def show(name: str, run: dict) -> None:
    rates = f"{run['rows_per_s']:>9,} rows/s {run['rows_per_cpu_s']:>9,} rows/CPU-s"
    print(f"{name:28} {rates} {run['peak_mib']} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--salted", type=int)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        program, path, *processes = given.one
        answer = (
            run_clkhash(Path(path), int(processes[0]))
            if program == "clkhash"
            else run_blindlink(Path(path))
        )
        print(json.dumps(answer))
    elif given.salted:
        run_rows(given.salted)
    elif given.memory:
        print(run_apart(Path(sys.executable), "blindlink", str(people(6_000_000))))
    else:
        compare(given.rows, given.repeats)


if __name__ == "__main__":
    main()
