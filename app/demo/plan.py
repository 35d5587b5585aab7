"""Who takes part in a demo, what was agreed for it, and where everything lies."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.demo.commands import DemoError
from app.durable import make_private_folder

PROJECT: Final = "foster-pupils"
WELFARE: Final = "child-welfare"
SCHOOLS: Final = "k12"
POPULATION: Final = "school-age"
SHARED_COLUMNS: Final = ("district", "school", "grade")
# By the names of the recipe: what a card shows of a pupil to whoever reviews a pair.
SHOWN_COLUMNS: Final = (
    *("first_name", "middle_name", "last_name", "alias_first", "alias_last"),
    *("birth_date", "sex"),
)
OPERATOR: Final = "data-center"
OPERATOR_TITLE: Final = "State Data Center"
AUDITOR: Final = "state-auditor"
KEY_FILE: Final = "identity.key"


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency of the demo: who acts for it, its folder, its file, and that file's encoding and layout."""

    person: str
    party: str
    folder: Path
    file: Path
    text_encoding: str
    preset: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many people each agency has; of students there are more than of children."""

    children: int
    students: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Where everything of one demo lies, and the address of its broker."""

    root: Path
    url: str
    port: int
    welfare: Agency
    schools: Agency

    @property
    def agencies(self) -> tuple[Agency, Agency]:
        """Both agencies."""
        return self.welfare, self.schools

    @property
    def state(self) -> Path:
        """The broker's state folder."""
        return self.broker / "state"

    @property
    def broker(self) -> Path:
        """The operator's folder."""
        return self.root / "broker"

    @property
    def auditor(self) -> Path:
        """The auditor's folder."""
        return self.root / "auditor"

    @property
    def ca_file(self) -> Path:
        """The certificate by which everybody knows the broker."""
        return self.state / "tls" / "broker.crt"

    @property
    def truth(self) -> Path:
        """The rehearsal's true pairs."""
        return self.root / "people" / "truth.csv"

    @property
    def joined(self) -> Path:
        """The child-welfare rows with school columns."""
        return self.welfare.folder / "children-with-school.csv"

    @property
    def bundle(self) -> Path:
        """The auditor's copy of the match log."""
        return self.auditor / "log.bundle"


def plan_rehearsal(root: Path) -> Rehearsal:
    """Lay out the folders of a demo under `root`, which is emptied if a demo made it.

    Raises:
        DemoError: `root` is there and is not a demo's.
    """
    marker = root / ".blindlink-demo"
    if root.exists() and any(root.iterdir()):
        if not marker.exists():
            raise DemoError(f"the folder {root} is not empty and no demo made it")
        shutil.rmtree(root)
    make_private_folder(root)
    marker.touch()
    for name in ("people", "broker", "auditor", WELFARE, SCHOOLS):
        make_private_folder(root / name)
    port = _free_port()
    return Rehearsal(
        root=root,
        url=f"https://localhost:{port}",
        port=port,
        welfare=Agency(
            "Ann", WELFARE, root / WELFARE, root / "people" / "child_welfare.csv", "cp1252",
            "rehearsal-child-welfare",
        ),
        schools=Agency(
            "Bob", SCHOOLS, root / SCHOOLS, root / "people" / "k12.csv", "utf-8", "rehearsal-k12"
        ),
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
