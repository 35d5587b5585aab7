"""The demo, as a newcomer starts it: it links, explains itself, and ends by itself."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
WITHOUT_POSIX = Path(__file__).parents[1] / "services" / "without_posix"
BROKER = shutil.which("blindlink-broker", path=str(Path(sys.executable).parent))


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert BROKER is not None, "the project is not installed in this environment"
    return subprocess.run(
        [BROKER, "demo", "--folder", str(folder), *options],
        env=os.environ | {"PYTHONPATH": str(WITHOUT_POSIX)},
        capture_output=True, text=True, timeout=240, check=False, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo's folder and report, of a run in which no process has what Windows lacks."""
    folder = tmp_path_factory.mktemp("demo") / "rehearsal"
    done = demo(folder, "--children", "300", "--students", "2000")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_one_file_is_in_the_code_page_and_with_the_line_ends_of_windows(
    report: tuple[Path, str],
) -> None:
    read = (report[0] / "people" / "child_welfare.csv").read_bytes()
    assert b"\r\n" in read
    with pytest.raises(UnicodeDecodeError):
        read.decode("utf-8")


def percentages(line: str) -> tuple[float, float]:
    precision, recall = re.findall(r"(\d+\.\d+) %", line)
    return float(precision), float(recall)


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


def test_demo_finds_most_people_and_joins_few_strangers(report: tuple[Path, str]) -> None:
    precision, recall = percentages(line_of(report[1], "links as released"))
    assert precision >= 97
    assert recall >= 88


def test_resolving_the_review_finds_no_fewer_people(report: tuple[Path, str]) -> None:
    released = percentages(line_of(report[1], "links as released"))
    resolved = percentages(line_of(report[1], "with the review resolved"))
    assert resolved[1] >= released[1]


def test_demo_says_what_was_compared_and_verified(report: tuple[Path, str]) -> None:
    assert "pairs compared" in report[1]
    assert "all part of this log" in report[1]


def test_school_columns_stand_beside_child_welfare_rows_without_identifiers(
    report: tuple[Path, str],
) -> None:
    with (report[0] / "child-welfare" / "children-with-school.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert rows
    assert set(rows[0]) == {"client_id", "district", "school", "grade"}


def test_demo_leaves_no_process_behind(report: tuple[Path, str]) -> None:
    if not Path("/proc").exists():
        pytest.skip("processes are listed through /proc")
    broker_folder = report[0] / "broker"
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                folder = (process / "cwd").readlink()
            except OSError:
                continue
            assert folder != broker_folder


def test_every_command_of_the_report_is_one_that_ran(report: tuple[Path, str]) -> None:
    lines = (
        report[1].partition("The commands, to repeat by hand")[2].partition("Where the files")[0]
    )
    commands = [line.split()[0] for line in lines.splitlines() if line.strip()]
    assert set(commands) <= {
        "cd",
        "cp",
        "blindlink",
        "blindlink-broker",
        "blindlink-audit",
        "(resolved.csv",
    }
    assert commands.count("blindlink") > 10


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "no demo made it" in done.stderr
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_service_that_ends_too_early_ends_the_demo(tmp_path: Path) -> None:
    from app.demo.commands import Commands, DemoError

    commands = Commands(tmp_path, lambda _: None)
    with (
        pytest.raises(DemoError, match="ended too early"),
        commands.serving(tmp_path, "blindlink-broker", "--state", "missing", "work", keep=False),
    ):
        # Nothing is founded there, so the worker ends at once, while this waits for its input for ever.
        commands.run("wait", tmp_path, "sleep", "100")


def test_a_step_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    from app.demo.commands import Commands, DemoError

    with pytest.raises(DemoError, match="exit code 2"):
        Commands(tmp_path, lambda _: None).run(
            "read", tmp_path, "blindlink-broker", "match", "a", "b", "--threshold", "7"
        )
