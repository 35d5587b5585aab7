"""The main job from nothing to a verified log, one real command after another."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import Final

from app.demo.commands import Commands, DemoError, Step
from app.demo.plan import (
    AUDITOR,
    KEY_FILE,
    OPERATOR,
    POPULATION,
    PROJECT,
    SCHOOLS,
    SHARED_COLUMNS,
    WELFARE,
    Rehearsal,
    Sizes,
)

SEALED: Final = "to-child-welfare.csv.sealed"
SERVE_TIMEOUT_S: Final = 30


def write_people(commands: Commands, plan: Rehearsal, sizes: Sizes, *, seed: int) -> None:
    """Write both agencies' files of invented people, and the truth."""
    commands.run(
        "create sample files for two agencies", plan.root,
        "blindlink", "synth", "people", "--children", str(sizes.children), "--students", str(sizes.students),
        "--overlap", "0.6", "--seed", str(seed),
    )  # fmt: skip


def found_broker(commands: Commands, plan: Rehearsal) -> str:
    """Found a broker with its parties and one project to agree on; return the public key of its match log."""
    folder = plan.state.parent
    broker = ("blindlink-broker", "--state", "state")
    founded = commands.run(
        "set up the broker", folder,
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
            "--share", ",".join(SHARED_COLUMNS),
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
    """Do one round: encode, upload, await the run, agree on link IDs; return the wait for the run."""
    agencies = (plan.welfare, plan.schools)
    for agency in agencies:
        commands.run(
            f"get {agency.party} ready for rounds", agency.folder, "blindlink", "round", "ready"
        )
    # Each attacks its own file first, which takes longest of all.
    commands.run_at_once(
        partial(commands.run, f"encode the file of {one.party}", one.folder, "blindlink", "encode")
        for one in agencies
    )
    for agency in agencies:
        commands.run(f"upload from {agency.party}", agency.folder, "blindlink", "upload")
    run = commands.run("await the run", plan.welfare.folder, "blindlink", "run", "--wait", "--json")
    # The first one again, since the other had not sent its claims yet.
    for agency in (*agencies, plan.welfare):
        commands.run(
            f"agree on link IDs at {agency.party}", agency.folder, "blindlink", "links",
            may_wait=True,
        )  # fmt: skip
    return run


def exchange(commands: Commands, plan: Rehearsal) -> None:
    """Attach listed school columns to the child-welfare rows by link ID."""
    commands.run(
        "write school columns beside link IDs", plan.schools.folder,
        "blindlink", "extract", "--columns", ",".join(SHARED_COLUMNS), "--to", WELFARE, "-o", SEALED,
    )  # fmt: skip
    commands.run(
        "attach them to the child-welfare rows", plan.welfare.folder,
        "blindlink", "join", plan.schools.folder / SEALED,
        "--columns", ",".join(SHARED_COLUMNS), "-o", plan.joined.name,
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
