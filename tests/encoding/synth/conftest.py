"""One rehearsal that the tests share: large enough for rates, small enough for a second."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from encoding.synth import CHILD_WELFARE_LAYOUT, K12_LAYOUT, Layout, RehearsalFiles, write_rehearsal

Rows = Sequence[Mapping[str, str]]


def read_rows(path: Path, layout: Layout | None = None) -> Rows:
    with path.open(encoding=layout.text_encoding if layout else "utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> RehearsalFiles:
    folder = tmp_path_factory.mktemp("rehearsal")
    return write_rehearsal(folder, seed=5, n_children=3_000, n_students=9_000)


@pytest.fixture(scope="session")
def clients(files: RehearsalFiles) -> Rows:
    return read_rows(files.child_welfare, CHILD_WELFARE_LAYOUT)


@pytest.fixture(scope="session")
def students(files: RehearsalFiles) -> Rows:
    return read_rows(files.k12, K12_LAYOUT)


@pytest.fixture(scope="session")
def truth(files: RehearsalFiles) -> Rows:
    return read_rows(files.truth)


@pytest.fixture(scope="session")
def look_alikes(files: RehearsalFiles) -> Rows:
    return read_rows(files.look_alikes)
