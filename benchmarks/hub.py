"""One night of a hub with many spokes: a broker of real processes, late and broken spokes among the good ones.

    PYTHONPATH=.:tests python -m benchmarks.hub                        the whole: 400 spokes, 60,000 children
    PYTHONPATH=.:tests python -m benchmarks.hub --spokes 40 --children 2000 --late 4 --broken 1
    PYTHONPATH=.:tests python -m benchmarks.hub --only                 each child is meant for one spoke

Everybody signs first. Then the hub's job and the spokes' own jobs take turns until every good spoke is linked.
Prints a line a step to stderr: seconds by the clock and of processor time, of the hub's job and of the
broker, and the memory of the largest process of the hub; then whether every good spoke is linked, and whether
anything of one spoke lies in the folder of another.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rigs.hub_scene import HubScene, hub_scene
from rigs.live import started
from rigs.rehearsal import read_rows
from rigs.searching import files_under, found_in

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Night:
    """What one job of the hub took; memory in MiB of its largest process."""

    exit_code: int
    clock_s: float
    cpu_s: float
    memory_mib: float


def night(scene: HubScene, *words: str) -> Night:
    """Run the hub's job to its end."""
    begun = time.monotonic()
    process = started(scene.ann, "blindlink", "--quiet", "hub", "refresh", *words)
    _, status, used = os.wait4(process.pid, 0)
    return Night(
        os.waitstatus_to_exitcode(status),
        time.monotonic() - begun,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024,
    )


def broker_cpu_s(scene: HubScene) -> float:
    """Return the processor time of the broker so far, serving and working."""
    total = 0
    for process in scene.services:
        fields = Path(f"/proc/{process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


@contextmanager
def told(scene: HubScene, step: str) -> Iterator[None]:
    begun, before = time.monotonic(), broker_cpu_s(scene)
    yield
    print(
        f"{step}: {time.monotonic() - begun:.0f} s, broker {broker_cpu_s(scene) - before:.0f} s of processor",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def tell_night(scene: HubScene, step: str, *words: str) -> None:
    with told(scene, step):
        taken = night(scene, *words)
    print(
        f"  hub: exit code {taken.exit_code}, {taken.clock_s:.0f} s, {taken.cpu_s:.0f} s of processor,"
        f" {taken.cpu_s / len(scene.spokes):.1f} s a spoke, {taken.memory_mib:.0f} MiB",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def strangers(scene: HubScene, good: Sequence[str]) -> list[str]:
    """Return what of a good spoke lies in the folder of another one, at the spoke or at the hub."""
    written = b"".join((scene.at(spoke) / "pupils.csv").read_bytes() for spoke in good)
    planted = {}
    for spoke in good:
        pupils = [row["local_student_id"] for row in read_rows(scene.at(spoke) / "pupils.csv")]
        links = read_rows(scene.place(spoke) / "links.csv")
        planted[spoke] = {
            # Of nobody else, and not by chance a part of another number.
            f"pupil of {spoke}": next(
                one for one in map(str.encode, pupils) if written.count(one) == 1
            ),
            f"link ID of {spoke}": links[-1]["link_id"].encode(),
        }
    everything = {name: raw for one in planted.values() for name, raw in one.items()}
    found: list[str] = []
    for spoke in good:
        for folder in (scene.at(spoke), scene.place(spoke)):
            seen = found_in(files_under(folder), everything)
            own = tuple(f"{name} in " for name in planted[spoke])
            found += [one for one in seen if not one.startswith(own)]
    return found


def main() -> None:
    """Run the night."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spokes", type=int, default=400)
    parser.add_argument("--children", type=int, default=60_000)
    parser.add_argument("--pupils", type=int, default=1_000, help="of each spoke")
    parser.add_argument("--late", type=int, default=40)
    parser.add_argument("--broken", type=int, default=5)
    parser.add_argument("--only", action="store_true", help="each child is meant for one spoke")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        hub_scene(
            Path(folder), spokes=given.spokes, children=given.children, pupils=given.pupils,
            only=given.only,
        ) as scene,
    ):  # fmt: skip
        run(scene, given.late, given.broken)


def run(scene: HubScene, n_late: int, n_broken: int) -> None:
    """Let the last spokes be late and broken, and all others take part in one night."""
    n_good = len(scene.spokes) - n_late - n_broken
    good, broken = scene.spokes[:n_good], scene.spokes[len(scene.spokes) - n_broken :]
    print(f"begun: {n_good} good, {n_late} late, {n_broken} broken", file=sys.stderr, flush=True)
    tell_night(scene, "the hub's part of the secrets")
    for spoke in broken:
        (scene.place(spoke) / "workspace" / "peers.json").write_bytes(b"{}")
    with told(scene, "the spokes upload"):
        for spoke in good:
            scene.nightly(spoke, status=7)
    tell_night(scene, "the hub encodes, uploads, and sends its claims")
    with told(scene, "the spokes' claims"):
        for spoke in good:
            scene.nightly(spoke)
    tell_night(scene, "the hub's link IDs")
    report = json.loads((scene.ann / "hub-report.json").read_bytes())
    state_of = {one["party"]: one["state"] for one in report["spokes"]}
    print(json.dumps({
        "states": report["states"],
        "good": Counter(state_of[spoke] for spoke in good),
        "of one spoke at another": strangers(scene, good),
        "folder of a spoke at the hub, MiB": round(size_of(scene.place(good[0])) / 2**20, 1),
    }))  # fmt: skip


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
