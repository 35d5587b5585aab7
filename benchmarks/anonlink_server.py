"""anonlink in an environment of its own, on request: one JSON line in, one JSON line out.

    {"files": path, "left": [start, stop], "right": [start, stop], "threshold": t, "processes": p,
     "pairs": path}

compares rows of the two files, writes the pairs to the last path, and answers with seconds by the
clock and of the processors. {"groups": path of pairs} solves pairs with the greedy solver. Loading
is not timed.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from concurrent.futures import ProcessPoolExecutor

import anonlink
import numpy as np
from anonlink.similarities import dice_coefficient_accelerated
from bitarray import bitarray

FILES: dict = {}


def load(path: str) -> list:
    if path not in FILES:
        stored = np.load(path)
        FILES.clear()
        FILES[path] = [[as_bits(row) for row in stored[side]] for side in ("left", "right")]
    return FILES[path]


def as_bits(row) -> bitarray:
    bits = bitarray()
    bits.frombytes(row.tobytes())
    return bits


def compare(task: dict) -> tuple:
    """Compare rows of the loaded files; return scores, left rows, right rows, processor seconds."""
    began = time.process_time()
    files = FILES[task["files"]]
    (start, stop), (first, last) = task["left"], task["right"]
    sides = [files[0][start:stop], files[1][first:last]]
    scores, (left, right) = dice_coefficient_accelerated(sides, task["threshold"])
    left = array("I", (row + start for row in left))
    right = array("I", (row + first for row in right))
    return scores, left, right, time.process_time() - began


def run(request: dict) -> dict:
    load(request["files"])
    start, stop = request["left"]
    n = request["processes"]
    cuts = [start + (stop - start) * i // n for i in range(n + 1)]
    tasks = [{**request, "left": [cuts[i], cuts[i + 1]]} for i in range(n)]
    # Forked after loading, so that the encodings are not sent, and all started before the clock.
    with ProcessPoolExecutor(n) as pool:
        for started in [pool.submit(time.sleep, 0.1) for _ in range(n)]:
            started.result()
        began = time.perf_counter()
        parts = list(pool.map(compare, tasks))
        wall = time.perf_counter() - began
    columns = [np.concatenate([np.asarray(part[i]) for part in parts]) for i in range(3)]
    np.savez(request["pairs"], scores=columns[0], left=columns[1], right=columns[2])
    return {"wall_s": wall, "cpu_s": sum(part[3] for part in parts), "n_pairs": len(columns[0])}


def solve(request: dict) -> dict:
    stored = np.load(request["groups"])
    order = np.lexsort((stored["right"], stored["left"], -stored["scores"]))
    left, right = (array("I", stored[side][order].tolist()) for side in ("left", "right"))
    files = array("I", [0]) * len(order), array("I", [1]) * len(order)
    scores = array("d", stored["scores"][order].tolist())
    began = time.perf_counter()
    groups = anonlink.solving.greedy_solve((scores, files, (left, right)))
    return {"wall_s": time.perf_counter() - began, "groups": sorted(sorted(g) for g in groups)}


for line in sys.stdin:
    request = json.loads(line)
    answer = solve(request) if "groups" in request else run(request)
    print(json.dumps(answer), flush=True)
