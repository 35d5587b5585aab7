"""The version after this one: the same code with one more step of the database; and workers that wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import app
from app.migrations.steps import FOLDER, REVISION_DIGITS, newest_revision

# As `blindlink-broker`, but that parts are small, that `work --pausing` waits for a line after each range that
# it has stored, and `migrate` for one before it begins.
COMMAND = """
import sys
import schemas.rounds.upload
import app.worker.comparison as comparison

schemas.rounds.upload.ROWS_PER_PIECE = 40
keep = comparison.Share._keep

def keep_and_wait(*arguments):
    more = keep(*arguments)
    print("stored", flush=True)
    sys.stdin.readline()
    return more

if "--pausing" in sys.argv:
    sys.argv.remove("--pausing")
    comparison.Share._keep = keep_and_wait
from app.cli.main import main

if sys.argv[-1] == "migrate":
    sys.stdin.readline()
main()
"""

STEP = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{}", "{}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table("of_the_next_version", sa.Column("number", sa.Integer()))
"""


class NextVersion:
    """The next version's code in a folder, of links to this one's, and the schema that it brings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        newest = newest_revision()
        self.revision = f"{int(newest) + 1:0{REVISION_DIGITS}}"
        here = Path(app.__file__).parent
        _link_all(here.parent, folder, "encoding", "schemas")
        _link_all(here, folder / "app", *{one.name for one in here.iterdir()} - {"migrations"})
        _link_all(FOLDER, folder / "app" / "migrations", *(one.name for one in FOLDER.glob("*.py")))
        versions = folder / "app" / "migrations" / "versions"
        _link_all(
            FOLDER / "versions", versions, *(one.name for one in FOLDER.glob("versions/0*.py"))
        )
        (versions / f"{self.revision}_next.py").write_text(STEP.format(self.revision, newest))


def started(
    version: Path, state: Path, *arguments: str, **environment: str
) -> subprocess.Popen[str]:
    """Start a command of the broker, in the version whose code lies in a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--state", str(state), *arguments],
        env={**os.environ, **environment, "PYTHONPATH": str(version)},
        cwd=version,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Let a process go on and wait for its end; returns its exit code and what it said on standard error."""
    _, said = process.communicate("go\n", timeout=400)
    return process.returncode, said


def _link_all(source: Path, target: Path, *names: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        (target / name).symlink_to(source / name)
