"""The main job from nothing to a verified log, one real command after another."""

from __future__ import annotations

import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.demo.commands import Commands, DemoError, Step
from app.durable import make_private_folder

PROJECT: Final = "foster-pupils"
WELFARE: Final = "child-welfare"
SCHOOLS: Final = "k12"
POPULATION: Final = "school-age"
SHARED_COLUMNS: Final = "district,school,grade"
# docs/recipe.md: measured for the profile `children` on rehearsal data of other seeds.
POLICY: Final = ("--auto", "0.88", "--review", "0.83", "--margin", "0.03")
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

    @property
    def state(self) -> Path:
        """The broker's state folder."""
        return self.root / "broker" / "state"

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
    """Found a broker with its parties and one project; return the public key of its match log."""
    folder = plan.state.parent
    broker = ("blindlink-broker", "--state", "state")
    founded = commands.run(
        "found the broker", folder, *broker, "init", "--self-signed", "--port", str(plan.port)
    )
    for party, title, role in (
        (WELFARE, "County Child Welfare", "agency"),
        (SCHOOLS, "State Education Agency", "agency"),
        ("state-auditor", "State Auditor", "auditor"),
    ):
        commands.run(
            f"enrol {title}",
            folder,
            *broker,
            "agency",
            "add",
            party,
            "--title",
            title,
            "--role",
            role,
        )
        commands.run(
            f"issue a token to {title}", folder,
            *broker, "token", "issue", party, "--role", role, "--out", f"{party}.token",
        )  # fmt: skip
    commands.run(
        "choose how to encode", folder,
        "blindlink", "schema", "show", "children", to="profile.json",
    )  # fmt: skip
    commands.run(
        "draft the project's terms", folder,
        *broker, "project", "draft", PROJECT, "--profile", "profile.json", "--provider", WELFARE,
        "--provider", SCHOOLS, "--auditor", "state-auditor", "--space", "pupils-in-care",
        "--purpose", "school-stability", "--population", POPULATION,
        "--solver", "one-to-one", *POLICY, to="terms.json",
    )  # fmt: skip
    commands.run(
        "create the project", folder,
        *broker, "project", "create", "--terms", "terms.json", "--profile", "profile.json",
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
    """Give both agencies their settings and one secret, as a courier would carry it."""
    for agency in (plan.welfare, plan.schools):
        commands.run(
            f"write the settings of {agency.party}", agency.folder,
            "blindlink", "init", "--broker", plan.url, "--project", PROJECT, "--party", agency.party,
            "--token-file", plan.state.parent / f"{agency.party}.token", "--log-key", log_key,
            "--ca-file", plan.state / "tls" / "broker.crt", "--file", agency.file,
            "--encoding", agency.text_encoding, "--preset", agency.preset,
            "--population", POPULATION, "--as-of", "today",
            "--share", SHARED_COLUMNS,
        )  # fmt: skip
    commands.run("make the shared secret", plan.welfare.folder, "blindlink", "secret", "new")
    secret = plan.welfare.folder / "secret.txt"
    commands.carry("carry it to the other agency", secret, plan.schools.folder / secret.name)


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
        "blindlink", "extract", "--columns", SHARED_COLUMNS, "-o", "to-child-welfare.csv",
    )  # fmt: skip
    commands.run(
        "attach them to the child-welfare rows", plan.welfare.folder,
        "blindlink", "join", plan.schools.folder / "to-child-welfare.csv",
        "--columns", SHARED_COLUMNS, "-o", plan.joined.name,
    )  # fmt: skip


def audit(commands: Commands, plan: Rehearsal, log_key: str) -> str:
    """Verify the match log from a bundle alone, against an agency's pin; return the verdict."""
    folder = plan.bundle.parent
    commands.run(
        "export the match log", folder,
        "blindlink-audit", "fetch", plan.url, "--project", PROJECT,
        "--token-file", plan.state.parent / "state-auditor.token",
        "--ca-file", plan.state / "tls" / "broker.crt", "-o", plan.bundle.name,
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
