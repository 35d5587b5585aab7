"""The main job from nothing to a verified log: real commands, at both agencies at once where neither waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from app.demo.agreement import write_parties
from app.demo.commands import Commands, DemoError, Step
from app.demo.plan import (
    OPERATOR,
    OPERATOR_TITLE,
    POPULATION,
    PROJECT,
    SHARED_COLUMNS,
    WELFARE,
    Agency,
    Rehearsal,
    Sizes,
)

SEALED: Final = "to-child-welfare.csv.sealed"
TOKEN: Final = "auditor.token"  # noqa: S105 - a file's name
SERVE_TIMEOUT_S: Final = 30


def found(commands: Commands, plan: Rehearsal, sizes: Sizes, *, seed: int) -> str:
    """Found a broker with its parties and a project, and write both agencies' files and the truth.

    Returns the public key of the match log.
    """
    broker = ("blindlink-broker", "--state", "state")
    keys: list[str] = []

    def found_broker(lane: Commands) -> None:
        founded = lane.run(
            "Eve: set up the broker", plan.broker,
            *broker, "init", "--self-signed", "--port", str(plan.port), "--public-url", plan.url,
            "--operator", OPERATOR, "--title", OPERATOR_TITLE,
        )  # fmt: skip
        keys.append(founded.output.strip())
        lane.run(
            "Eve: open the project, and invite everyone", plan.broker,
            *broker, "open", "--from", write_parties(plan),
        )  # fmt: skip

    def write_people(lane: Commands) -> None:
        lane.run(
            "create sample files for two agencies", plan.root,
            "blindlink", "synth", "people", "--children", str(sizes.children),
            "--students", str(sizes.students), "--overlap", "0.6", "--seed", str(seed),
        )  # fmt: skip

    commands.at_once(found_broker, write_people)
    return keys[0]


def await_broker(plan: Rehearsal) -> None:
    """Wait until the broker accepts connections."""
    deadline = time.monotonic() + SERVE_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("localhost", plan.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DemoError("the broker did not start", hint=f"see {plan.broker / 'serve.log'}")


def write_settings(commands: Commands, plan: Rehearsal) -> None:
    """Name each agency's file of people in its settings."""

    def write(agency: Agency, lane: Commands) -> None:
        lane.run(
            f"{agency.person}: say where the file of {agency.party} is", agency.folder,
            "blindlink", "init", "--file", agency.file, "--encoding", agency.text_encoding,
            "--preset", agency.preset, "--population", POPULATION, "--as-of", "today",
            "--share", ",".join(SHARED_COLUMNS),
        )  # fmt: skip

    commands.at_once(*(partial(write, agency) for agency in plan.agencies))


def share_secret(commands: Commands, plan: Rehearsal) -> None:
    """Make one secret, which the broker relays and cannot learn, and get ready for rounds."""

    def share(agency: Agency, lane: Commands) -> None:
        lane.run(
            f"{agency.person}: give the part of {agency.party}", agency.folder,
            "blindlink", "secret", "share",
        )  # fmt: skip

    def accept(agency: Agency, lane: Commands) -> None:
        lane.run(
            f"{agency.person}: make the secret at {agency.party}", agency.folder,
            "blindlink", "secret", "accept",
        )  # fmt: skip

    def make_ready(agency: Agency, lane: Commands) -> None:
        # Once more, since the other may not have confirmed yet.
        accept(agency, lane)
        lane.run(
            f"{agency.person}: get {agency.party} ready for rounds", agency.folder,
            "blindlink", "round", "ready",
        )  # fmt: skip

    for step in (share, accept, make_ready):
        commands.at_once(*(partial(step, agency) for agency in plan.agencies))


def encode(commands: Commands, plan: Rehearsal) -> None:
    """Encode and upload the files of both; each tests its own encodings first, which takes longest of all."""

    def send(agency: Agency, lane: Commands) -> None:
        lane.run(
            f"{agency.person}: encode the file of {agency.party}", agency.folder,
            "blindlink", "encode",
        )  # fmt: skip
        lane.run(
            f"{agency.person}: upload from {agency.party}", agency.folder, "blindlink", "upload"
        )

    commands.at_once(*(partial(send, agency) for agency in plan.agencies))


def link(commands: Commands, plan: Rehearsal) -> Step:
    """Await the run of the round, and agree on link IDs; return the wait for the run."""
    run = commands.run(
        "Ann: await the run", plan.welfare.folder, "blindlink", "run", "--wait", "--json"
    )
    agree_on_links(commands, plan, "agree on link IDs")
    return run


def agree_on_links(
    commands: Commands, plan: Rehearsal, title: str, *others: Callable[[Commands], object]
) -> None:
    """Let both agencies exchange claims and write their links; `others` are done meanwhile.

    Twice, since at the first time the other's claims may not be there yet.
    """

    def agree(agency: Agency, lane: Commands) -> None:
        lane.run(
            f"{agency.person}: {title} at {agency.party}", agency.folder, "blindlink", "links",
            may_wait=True,
        )  # fmt: skip

    lanes = [partial(agree, agency) for agency in plan.agencies]
    commands.at_once(*lanes, *others)
    commands.at_once(*lanes)


def exchange(lane: Commands, plan: Rehearsal) -> None:
    """Attach listed school columns to the child-welfare rows by link ID."""
    lane.run(
        "Bob: write school columns beside link IDs", plan.schools.folder,
        "blindlink", "extract", "--columns", ",".join(SHARED_COLUMNS), "--to", WELFARE, "-o", SEALED,
    )  # fmt: skip
    lane.run(
        "Ann: attach them to the child-welfare rows", plan.welfare.folder,
        "blindlink", "join", plan.schools.folder / SEALED,
        "--columns", ",".join(SHARED_COLUMNS), "-o", plan.joined.name,
    )  # fmt: skip


def sign_auditor_in(lane: Commands, plan: Rehearsal) -> None:
    """Give the auditor a token for the broker."""
    lane.run("Ida: sign in", plan.auditor, "blindlink", "identity", "token", "--out", TOKEN)


def audit(commands: Commands, plan: Rehearsal, log_key: str) -> str:
    """Verify the match log from a bundle alone, against an agency's pin; return the verdict."""
    commands.run(
        "Ida: export the match log", plan.auditor,
        "blindlink-audit", "fetch", plan.url, "--project", PROJECT,
        "--token-file", TOKEN, "--ca-file", plan.ca_file, "-o", plan.bundle.name,
    )  # fmt: skip
    pins = sorted((plan.welfare.folder / "workspace" / "pins").glob("*"))
    verified = commands.run(
        "Ida: verify the match log offline", plan.auditor,
        "blindlink-audit", "verify", plan.bundle.name, "--log-key", log_key,
        *[part for pin in pins for part in ("--pin", pin)],
        to="verdict.txt",
    )  # fmt: skip
    return verified.output.strip()


def page_links(commands: Commands, plan: Rehearsal) -> dict[str, str]:
    """Return links that sign the operator and the auditor in to the pages, once and soon."""
    links = {"operator": "", "auditor": ""}

    def operator(lane: Commands) -> None:
        made = lane.run(
            "Eve: make a link to the pages", plan.broker,
            "blindlink-broker", "--state", "state", "page-link", "--url", plan.url,
        )  # fmt: skip
        links["operator"] = made.output.strip()

    def auditor(lane: Commands) -> None:
        made = lane.run(
            "Ida: make a link to the pages", plan.auditor,
            "blindlink", "identity", "page-link",
        )  # fmt: skip
        links["auditor"] = made.output.strip()

    commands.at_once(operator, auditor)
    return links
