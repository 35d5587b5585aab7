"""The main job from nothing to a verified log, one real command after another."""

from __future__ import annotations

import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.demo.agreeing import KEY_FILE
from app.demo.commands import Commands, DemoError, Step
from app.durable import make_private_folder

PROJECT: Final = "foster-pupils"
WELFARE: Final = "child-welfare"
SCHOOLS: Final = "k12"
POPULATION: Final = "school-age"
SHARED_COLUMNS: Final = "district,school,grade"
OPERATOR: Final = "data-center"
AUDITOR: Final = "state-auditor"
SEALED: Final = "to-child-welfare.csv.sealed"
SERVE_TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency of the demo: its folder, its file, and the file's text encoding and layout."""

    party: str
    folder: Path
    file: Path
    text_encoding: str
    preset: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Where everything of one demo lies, and the address of its broker."""

    root: Path
    url: str
    port: int
    welfare: Agency
    schools: Agency
    project: str = PROJECT
    population: str = POPULATION
    shared_columns: str = SHARED_COLUMNS
    operator: str = OPERATOR
    auditor: str = AUDITOR

    @property
    def state(self) -> Path:
        """The broker's state folder."""
        return self.root / "broker" / "state"

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
        return self.root / "auditor" / "log.bundle"


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
            WELFARE, root / WELFARE, root / "people" / "child_welfare.csv", "cp1252",
            "rehearsal-child-welfare",
        ),
        schools=Agency(
            SCHOOLS, root / SCHOOLS, root / "people" / "k12.csv", "utf-8", "rehearsal-k12"
        ),
    )  # fmt: skip


def write_people(
    commands: Commands, plan: Rehearsal, *, children: int, students: int, seed: int
) -> None:
    """Write both agencies' files of invented people, and the truth."""
    commands.run(
        "invent two agencies' files", plan.root,
        "blindlink", "synth", "people", "--children", str(children), "--students", str(students),
        "--overlap", "0.6", "--seed", str(seed),
    )  # fmt: skip


def found_broker(commands: Commands, plan: Rehearsal) -> str:
    """Found a broker with its parties and one project to agree on; return the public key of its match log."""
    folder = plan.state.parent
    broker = ("blindlink-broker", "--state", "state")
    founded = commands.run(
        "found the broker", folder,
        *broker, "init", "--self-signed", "--port", str(plan.port), "--public-url", plan.url,
        "--operator", OPERATOR, "--title", "State Data Center",
    )  # fmt: skip
    for party, title, role in (
        (WELFARE, "County Child Welfare", "agency"),
        (SCHOOLS, "State Education Agency", "agency"),
        (AUDITOR, "State Auditor", "auditor"),
    ):
        commands.run(
            f"enrol {title}", folder,
            *broker, "agency", "add", party, "--title", title, "--role", role,
        )  # fmt: skip
    commands.run(
        "open the project", folder,
        *broker, "project", "open", PROJECT, "--party", WELFARE, "--party", SCHOOLS,
        "--party", AUDITOR,
    )  # fmt: skip
    return founded.output.strip()


def await_broker(plan: Rehearsal) -> None:
    """Wait until the broker accepts connections.

    Raises:
        DemoError: it does not within 30 seconds.
    """
    deadline = time.monotonic() + SERVE_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("localhost", plan.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DemoError("the broker did not start", hint=f"see {plan.state.parent / 'serve.log'}")


def prepare_agencies(commands: Commands, plan: Rehearsal, log_key: str) -> None:
    """Give both agencies their settings, and one secret, which the broker relays and cannot learn."""
    agencies = (plan.welfare, plan.schools)
    for agency in agencies:
        commands.run(
            f"write the settings of {agency.party}", agency.folder,
            "blindlink", "init", "--broker", plan.url, "--project", PROJECT, "--party", agency.party,
            "--identity", "identity.txt", "--key-file", KEY_FILE, "--log-key", log_key,
            "--ca-file", plan.ca_file, "--file", agency.file,
            "--encoding", agency.text_encoding, "--preset", agency.preset,
            "--population", POPULATION, "--as-of", "today",
            "--share", SHARED_COLUMNS,
        )  # fmt: skip
    for agency in agencies:
        commands.run(
            f"give {agency.party}'s part of the secret", agency.folder,
            "blindlink", "secret", "share",
        )  # fmt: skip
    # The first one again, since the other had not confirmed yet.
    for agency in (*agencies, plan.welfare):
        commands.run(
            f"make the secret at {agency.party}", agency.folder, "blindlink", "secret", "accept"
        )


def link(commands: Commands, plan: Rehearsal) -> Step:
    """Encode and upload both files, run the linkage, fetch each agency's link IDs; return the run."""
    for agency in (plan.welfare, plan.schools):
        commands.run(f"encode the file of {agency.party}", agency.folder, "blindlink", "encode")
        commands.run(f"upload from {agency.party}", agency.folder, "blindlink", "upload")
    run = commands.run(
        "run the linkage", plan.welfare.folder, "blindlink", "run", "--wait", "--json"
    )
    for agency in (plan.welfare, plan.schools):
        commands.run(f"fetch the link IDs of {agency.party}", agency.folder, "blindlink", "links")
    return run


def exchange(commands: Commands, plan: Rehearsal) -> None:
    """Attach listed school columns to the child-welfare rows by link ID."""
    commands.run(
        "write school columns by link ID", plan.schools.folder,
        "blindlink", "extract", "--columns", SHARED_COLUMNS, "--to", WELFARE, "-o", SEALED,
    )  # fmt: skip
    commands.run(
        "attach them to the child-welfare rows", plan.welfare.folder,
        "blindlink", "join", plan.schools.folder / SEALED,
        "--columns", SHARED_COLUMNS, "-o", plan.joined.name,
    )  # fmt: skip


def audit(commands: Commands, plan: Rehearsal, log_key: str) -> str:
    """Verify the match log from a bundle alone, against an agency's pin; return the verdict."""
    folder = plan.bundle.parent
    commands.run(
        "sign the auditor in", folder,
        "blindlink", "identity", "token", "--out", "auditor.token", "--broker", plan.url,
        "--ca-file", plan.ca_file, "--key-file", KEY_FILE,
    )  # fmt: skip
    commands.run(
        "export the match log", folder,
        "blindlink-audit", "fetch", plan.url, "--project", PROJECT,
        "--token-file", "auditor.token", "--ca-file", plan.ca_file, "-o", plan.bundle.name,
    )  # fmt: skip
    pins = sorted((plan.welfare.folder / "workspace" / "pins").glob("*"))
    verified = commands.run(
        "verify the match log offline", folder,
        "blindlink-audit", "verify", plan.bundle.name, "--log-key", log_key,
        *[part for pin in pins for part in ("--pin", pin)],
    )  # fmt: skip
    return verified.output.strip()


def sign_in_page(commands: Commands, plan: Rehearsal) -> str:
    """Return a link that signs the operator in to the pages, once and soon."""
    link = commands.run(
        "make a link to the pages", plan.state.parent,
        "blindlink-broker", "--state", "state", "page-link", "--url", plan.url,
    )  # fmt: skip
    return link.output.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
