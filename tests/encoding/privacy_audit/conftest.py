"""A sample of rehearsal students, drawn once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from encoding.records import open_table
from encoding.sample import RecordSampler, Sample
from encoding.synth import K12_LAYOUT, write_rehearsal


@pytest.fixture(scope="session")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of 1,600 rehearsal students."""
    folder = tmp_path_factory.mktemp("students")
    return write_rehearsal(
        folder, seed=5, n_children=200, n_students=1_600, overlap=0.6, error_level="mid"
    ).k12


@pytest.fixture(scope="session")
def student_columns(students: Path) -> Mapping[str, str]:
    """The recipe's inputs, each with the students' header."""
    return K12_LAYOUT.inputs


@pytest.fixture(scope="session")
def student_sample(students: Path, student_columns: Mapping[str, str]) -> Sample:
    """A thousand of the students."""
    sampler = RecordSampler(1_000, list(student_columns.values()))
    table = open_table(students).select([K12_LAYOUT.id_column, *student_columns.values()])
    for chunk in table.chunks():
        sampler.add(chunk.columns[K12_LAYOUT.id_column], chunk.columns)
    return sampler.sample()
