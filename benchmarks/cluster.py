"""Every pair of two files of plain CLKs by a cluster's workers beside threads, on one machine, in one run.

    python -m benchmarks.cluster --rows 100000 --repeats 3

Scheduler and workers are processes of their own, of one thread each, and speak TLS as on several machines.
Both ways take turns, so that a slow minute of a shared machine slows both; medians are compared, of wall time
and, since others may use the machine, of processor time of all processes. Pairs are checked to be the same,
byte by byte. The time of the cluster has all in it: joining it, handing files over, and taking pairs in.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

from app.extras.cluster.certificates import certify, make_ca
from app.extras.cluster.executor import find_pairs_on_cluster
from app.extras.cluster.place import needed_place
from app.extras.exhaustive import OrderedPairs, pack_words
from app.extras.exhaustive.run import find_pairs
from app.settings import Settings
from benchmarks.matching_files import two_files
from benchmarks.processes import processor_s

THRESHOLD = Fraction(85, 100)


@contextmanager
def node(settings: Settings, *arguments: str) -> Iterator[int]:
    """Run a scheduler or worker until the block ends, and yield its process ID when it is ready."""
    given = settings.model_dump(exclude_defaults=True, exclude={"state_dir"})
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "app.cli",
            "--state",
            str(settings.state_dir),
            "cluster",
            *arguments,
        ],
        env={
            **os.environ,
            **{f"BLINDLINK_{name.upper()}": str(one) for name, one in given.items()},
        },
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stderr:
            if json.loads(line)["event"] in {"scheduler_started", "cluster_joined"}:
                break
        yield process.pid
    finally:
        process.kill()
        process.wait()


def digest(pairs: OrderedPairs) -> str:
    arrays = (pairs.left, pairs.right, pairs.common, pairs.total)
    return hashlib.sha256(b"".join(one.tobytes() for one in arrays)).hexdigest()


def processor_s_with(pids: list[int]) -> float:
    """Return the processor time of this process and of others so far."""
    return time.process_time() + sum(map(processor_s, pids))


def timed(find: Callable[[], OrderedPairs], pids: list[int]) -> tuple[float, float, OrderedPairs]:
    """Return wall and processor time, and what was found."""
    began, used = time.perf_counter(), processor_s_with(pids)
    found = find()
    return time.perf_counter() - began, processor_s_with(pids) - used, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    words = [pack_words(rows) for rows in two_files("sparse", given.rows)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name, ExitStack() as nodes:
        folder = Path(name)
        make_ca(folder)
        certify(folder, "here")
        settings = Settings(
            state_dir=folder,
            cluster_address=f"tls://127.0.0.1:{port}",
            cluster_ca_file=folder / "ca.crt",
            cluster_cert_file=folder / "here.crt",
            cluster_key_file=folder / "here.key",
        )
        pids = [nodes.enter_context(node(settings, "scheduler"))]
        for _ in range(given.workers):
            pids.append(nodes.enter_context(node(settings, "worker", "--threads", "1")))
        threads = partial(find_pairs, words, THRESHOLD, n_threads=given.workers)
        cluster = partial(
            find_pairs_on_cluster, needed_place(settings), words, THRESHOLD, n_threads=given.workers
        )
        wall: dict[str, list[float]] = {"threads": [], "cluster": []}
        processor: dict[str, list[float]] = {"threads": [], "cluster": []}
        found = set()
        for _ in range(given.repeats):
            for way, find in (("threads", threads), ("cluster", cluster)):
                duration, used, pairs = timed(find, pids)
                wall[way].append(duration)
                processor[way].append(used)
                found.add((len(pairs), digest(pairs)))
                print(
                    json.dumps(
                        {"way": way, "wall_s": round(duration, 2), "processor_s": round(used, 2)}
                    ),
                    flush=True,
                )
    ((n_pairs, _),) = found
    print(json.dumps({"rows": given.rows, "workers": given.workers, "n_pairs": n_pairs}))
    for name, seconds in (("wall", wall), ("processor", processor)):
        medians = {way: statistics.median(each) for way, each in seconds.items()}
        ratio = medians["cluster"] / medians["threads"]
        rounded = {way: round(one, 2) for way, one in medians.items()}
        print(json.dumps({"time": name, **rounded, "ratio": round(ratio, 3)}))


if __name__ == "__main__":
    main()
