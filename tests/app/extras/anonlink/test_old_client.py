"""The old client and anonlink themselves, from an index: the page of the docs typed, and results compared."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rigs.anonlink_client import Anonlink
from rigs.documents import ROOT
from samples.encodings import seeded_rows
from samples.febrl_encodings import febrl4_encodings

from app.extras.anonlink.service import Limits

pytestmark = [pytest.mark.index, pytest.mark.timeout(900)]

PAGE = (ROOT / "docs" / "anonlink.md").read_text("utf-8")
# Reads {files: [[base64, ...], ...], threshold}, and writes what anonlink finds.
ANONLINK = """
import base64, json, sys
import anonlink
from bitarray import bitarray

asked = json.load(sys.stdin)
files = []
for file in asked["files"]:
    rows = []
    for text in file:
        bits = bitarray()
        bits.frombytes(base64.b64decode(text))
        rows.append(bits)
    files.append(rows)
found = anonlink.candidate_generation.find_candidate_pairs(
    files, anonlink.similarities.dice_coefficient, asked["threshold"]
)
scores, (a, b), (x, y) = found
pairs = [[[a, x], [b, y], s] for s, a, b, x, y in zip(scores, a, b, x, y)]
groups = [sorted(group) for group in anonlink.solving.greedy_solve(found)]
json.dump({"similarity_scores": pairs, "groups": sorted(groups)}, sys.stdout)
"""


@pytest.fixture(scope="module")
def old_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the old client and anonlink."""
    base = shutil.which("python3.11")
    if base is None:
        pytest.skip("anonlink has wheels for Python 3.11 and no newer one")
    folder = tmp_path_factory.mktemp("old") / "venv"
    subprocess.run([base, "-m", "venv", folder], check=True)
    (install,) = re.findall(r"^python (-m pip install .+)$", PAGE, re.MULTILINE)
    command = f'"{folder / "bin/python"}" {install} anonlink==0.15.3 --quiet'
    subprocess.run(["sh", "-c", command], check=True)
    return folder / "bin"


@pytest.fixture
def limits() -> Limits:
    return Limits()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "app.cli", "anonlink", "serve", "--port", "0"]
    started = subprocess.Popen(
        [*command, "--folder", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with started as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            assert process.wait(timeout=400) == 0


def test_the_page_can_be_typed(old_bin: Path, tmp_path: Path) -> None:
    blocks = [
        block
        for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
        if block.startswith("anonlink ") or "export SERVER" in block
    ]
    assert len(blocks) == 4
    environment = {**os.environ, "PATH": f"{old_bin}:{os.environ['PATH']}"}

    def typed(block: str) -> None:
        subprocess.run(
            ["bash", "-euc", block], cwd=tmp_path, env=environment, check=True, timeout=400
        )

    def written(name: str) -> Any:
        return json.loads((tmp_path / name).read_text("utf-8"))

    with serving(tmp_path / "state") as address:
        assert address.startswith("http://127.0.0.1:")
        typed(blocks[0])
        environment["SERVER"] = address
        typed(re.sub("^export SERVER=.*\n", "", blocks[1], flags=re.MULTILINE))
        made = written("credentials.json")
        environment |= {
            "PROJECT": made["project_id"],
            "UPDATE_TOKEN_1": made["update_tokens"][0],
            "UPDATE_TOKEN_2": made["update_tokens"][1],
            "RESULT_TOKEN": made["result_token"],
        }
        typed(blocks[2])
        environment["RUN"] = written("run.json")["run_id"]
        typed(blocks[3])
    groups = written("groups.json")["groups"]
    # The first 1,500 people and the last 1,000 of 2,000.
    expected = [[[0, 1_000 + i], [1, i]] for i in range(500)]
    assert sum(group in groups for group in expected) > 480


def data_sets() -> dict[str, tuple[list[np.ndarray], float]]:
    rng = np.random.default_rng(5)
    near, nearer = seeded_rows(300, 1024, 0.4, seed=1)
    third, _ = seeded_rows(200, 1024, 0.4, seed=1)
    ties = rng.integers(0, 2, (120, 8), dtype=np.uint8) * np.uint8(255)
    return {
        "febrl4": (febrl4_encodings(), 0.8),
        "near-0.7": ([near, nearer], 0.7),
        "three-parties": ([near, nearer, third], 0.72),
        "ties": ([ties[:60], ties[60:]], 0.6),
        "small": ([rng.integers(0, 256, (200, 8), dtype=np.uint8) for _ in range(2)], 0.6),
        "four-parties-sparse": (
            [rng.choice(np.array([0, 1, 3, 7], dtype=np.uint8), (80, 16)) for _ in range(4)],
            0.8,
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        name if name == "three-parties" else pytest.param(name, marks=pytest.mark.soak)
        for name in data_sets()
    ],
)
def test_pairs_and_groups_are_those_of_anonlink(
    old_bin: Path, anonlink: Anonlink, name: str
) -> None:
    files, threshold = data_sets()[name]
    texts = [[base64.b64encode(row.tobytes()).decode() for row in rows] for rows in files]
    asked = json.dumps({"files": texts, "threshold": threshold})
    found = subprocess.run(
        [old_bin / "python", "-W", "ignore", "-c", ANONLINK],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads(found.stdout)
    for kind in ("similarity_scores", "groups") if len(files) == 2 else ("groups",):
        project = anonlink.project(kind, number_parties=len(files))
        for party, clks in enumerate(texts):
            assert anonlink.upload(project, party, {"clks": clks}).status_code == 201
        result = anonlink.result(project, anonlink.run(project, threshold))[kind]
        if kind == "similarity_scores":
            assert sorted(result) == sorted(expected[kind])
        else:
            assert result == expected[kind]
        assert len(result) > 20
