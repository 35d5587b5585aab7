"""`blindlink refresh` as a real process, killed at random moments, against a real broker.

Whatever the moment: the links in force are the old ones or the new ones, whole; the next start goes on; and in
the end they are those of an undisturbed week.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from oracles import febrl
from oracles.live import LiveAgency, live_broker, set_up_agency

from encoding.secret import Secret, write_secret

POLICY = ("--auto", "0.67", "--review", "0.60", "--margin", "0.01", "--solver", "one-to-one")
N_ROWS = 400


def shorten(source: Path, target: Path, n_rows: int) -> None:
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(lines[: n_rows + 1]), encoding="utf-8")


def kill_after(agency: LiveAgency, seconds: float) -> bool:
    """Start a refresh and kill it after this long; true if it had ended well before."""
    program = shutil.which("blindlink", path=str(Path(sys.executable).parent))
    process = subprocess.Popen(
        [str(program), "--quiet", "refresh"], cwd=agency.folder, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def record_ids(path: Path) -> list[str]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert header == "record_id,link_id"
    assert all(len(line.split(",")) == 2 and len(line.split(",")[1]) == 32 for line in lines)
    return [line.split(",")[0] for line in lines]


@pytest.mark.parametrize(
    "n_kills", [pytest.param(4, marks=pytest.mark.long), pytest.param(40, marks=pytest.mark.soak)]
)
def test_killed_refresh_leaves_whole_links_and_ends_as_undisturbed(
    tmp_path: Path, n_kills: int
) -> None:
    files = febrl.write_halves(tmp_path)
    moments = random.Random(n_kills)
    with live_broker(tmp_path / "broker", febrl.profile(), *POLICY) as broker:
        schools = set_up_agency(
            broker, tmp_path / "s", "schools", files[1], "--id-column", "rec_id"
        )
        mine = tmp_path / "mine.csv"
        shorten(files[0], mine, N_ROWS)
        welfare = set_up_agency(broker, tmp_path / "w", "welfare", mine, "--id-column", "rec_id")
        # Always the same, so that no pair lies now above the threshold and now below.
        for agency in (schools, welfare):
            write_secret(agency.folder / "secret.txt", Secret(bytes(range(32))))
        schools.type("encode")
        schools.type("upload")
        welfare.type("refresh")
        links = welfare.folder / "links.csv"
        last_week = links.read_bytes()
        handles = (welfare.folder / "workspace" / "handles" / "foster-pupils-1.map").stat().st_size

        shorten(files[0], mine, N_ROWS // 2)
        # Half of the rows are gone: a refresh goes on only if a person has said that this is right.
        welfare.type("check", "--accept")
        n_killed = 0
        while n_killed < n_kills and not kill_after(welfare, moments.uniform(0.3, 4)):
            n_killed += 1
            assert links.read_bytes() == last_week or record_ids(links) == sorted(record_ids(links))
        welfare.type("refresh")
        this_week = record_ids(links)
        undisturbed = {line.split(",")[0] for line in mine.read_text().splitlines()[1:]}
        assert this_week == [name for name in record_ids_of(last_week) if name in undisturbed]
        map_path = welfare.folder / "workspace" / "handles" / "foster-pupils-1.map"
        assert map_path.stat().st_size == handles
        left = [path.name for path in (welfare.folder / "workspace").iterdir()]
        assert not {"lock", "refresh-lock", "scratch"} & set(left)
        welfare.type("receipt", "verify")


def record_ids_of(raw: bytes) -> list[str]:
    return [line.split(",")[0] for line in raw.decode().splitlines()[1:]]
