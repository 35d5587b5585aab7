"""A trial of two small files, in which each record has a reason of its own for being linked or not."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from encoding.profiles.catalog import shipped_profile
from encoding.trial.guess import guess_file
from encoding.trial.layout import Source
from encoding.trial.trial import Trial, profile_for, run_trial

TODAY = date(2026, 11, 20)
HEADER = ("ID", "First", "Last", "DOB", "Sex", "Zip", "Middle")
A = [
    ("same", "Ana", "Ortiz", "2012-03-14", "F", "27601"),
    ("typo", "Maribel", "Quintanilla", "2011-04-19", "F", "27601"),
    ("undated", "Bo", "Nguyen", "", "M", "27601"),
    ("odd-date", "Cy", "Oz", "yes", "M", "27601"),
    ("odd-sex", "Di", "Ax", "2013-05-06", "Q7", "27601"),
    ("nameless", "", "", "2013-05-06", "M", "27601"),
    ("new-year", "Eve", "Stone", "2014-01-01", "F", "27601"),
    ("alone", "Gus", "Moe", "2013-07-17", "M", "27601"),
    ("one-name", "Hal", "", "2013-08-18", "M", "27601"),
    ("twice", "Ida", "Kim", "2012-09-09", "F", "27601"),
    ("twice-again", "Ida", "Kim", "2012-09-09", "F", "27601"),
    ("stranger", "Marisa", "Moore", "2012-02-02", "F", "27601"),
]
B = [
    ("SAME", "Ana", "Ortiz", "2012-03-14", "F", "27601"),
    ("TYPO", "Maribell", "Quintanila", "2011-04-19", "F", "27601"),
    ("UNDATED", "Bo", "Nguyen", "2012-05-05", "M", "27601"),
    ("TWICE", "Ida", "Kim", "2012-09-09", "F", "27601"),
    ("STRANGER", "Merrick", "Zapata", "2012-02-02", "F", "28801"),
    *((f"B{n}", "Jo", f"Quill{n}", f"2010-02-{n + 1:02d}", "M", "27701") for n in range(12)),
]
# Two middle names as well, so that the two strangers are near each other and not likely.
MIDDLE = {"stranger": "Quinn", "STRANGER": "Tess"}
TRUTH = [(one[0], one[0].upper()) for one in A[:3]]


def write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The trial, held against the truth."""
    folder = tmp_path_factory.mktemp("trial")
    a_rows, b_rows = ([(*row, MIDDLE.get(row[0], "")) for row in rows] for rows in (A, B))
    paths = write(folder / "a.csv", HEADER, a_rows), write(folder / "b.csv", HEADER, b_rows)
    truth = write(folder / "truth.csv", ("a", "b"), TRUTH)
    a, b = (guess_file(path, shipped_profile("children"), TODAY) for path in paths)
    sources = Source(paths[0], a.layout), Source(paths[1], b.layout)
    return run_trial(profile_for("children", (a, b)), sources, (a, b), as_of=TODAY, truth=truth)
