"""A broker as real processes on loopback TLS, and agencies that sign in with keys and type real commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner
from rigs.agreed import OPERATOR, bind
from rigs.persons import enrol_agencies, enrolled_person, lay_down_keys
from samples.agreed import agreement_of, usual_clauses

from app.agencies.service import operator_actor
from app.auditor.cli import main as auditor_program
from app.broker import Broker, open_broker
from app.security.actor import Actor
from app.settings import Settings
from encoding.cli.main import main as agency_program
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement, ProjectTerms
from schemas.agreement.clauses import FileSize
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RECOMMENDED_POLICY, IdSpace, Recipient
from schemas.signing.identity import Duty, PublicIdentity

PROJECT = "foster-pupils"
PARTIES = ("schools", "welfare")
TIMEOUT_S = 400


# Typed within this process where nothing says otherwise: a program loads for longer than it works.
OWN_PROCESSES = "BLINDLINK_OWN_PROCESSES"
PROGRAMS: Final = {"blindlink": agency_program, "blindlink-audit": auditor_program}


def command(folder: Path, *words: str | Path, status: int = 0) -> str:
    """Run one command to its end and return its standard output; another exit code is a failure."""
    found, output, said = ended(folder, *words)
    assert found == status, (words, found, said)
    return output


def ended(folder: Path, *words: str | Path) -> tuple[int, str, str]:
    """Run one command to its end and return its exit code, standard output and error output.

    Under `OWN_PROCESSES`, as by `make campaign`, each is a process of its own; the broker's are always.
    """
    program, *rest = map(str, words)
    if program in PROGRAMS and OWN_PROCESSES not in os.environ:
        with chdir(folder):
            result = CliRunner().invoke(PROGRAMS[program], rest)
        return result.exit_code, result.stdout, result.stderr
    done = subprocess.run(
        _program(*words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    return done.returncode, done.stdout, done.stderr


def started(folder: Path, *words: str | Path) -> subprocess.Popen[str]:
    """Start one command, and let it go on."""
    return subprocess.Popen(
        _program(*words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _program(*words: str | Path) -> list[str]:
    """Return the words of a command, with the program of this environment."""
    program = shutil.which(str(words[0]), path=str(Path(sys.executable).parent))
    assert program is not None, words[0]
    return [program, *map(str, words[1:])]


@dataclass(frozen=True)
class LiveBroker:
    """A broker with all parties enrolled; it serves at `url`, by the processes `services`.

    `people` are the analyst of each agency, by party, and who signs for each party.
    """

    folder: Path
    url: str
    log_key: str
    services: dict[str, subprocess.Popen[str]]
    terms: ProjectTerms
    profile: EncodingProfile
    people: dict[str, Identity]

    def admin(self, *words: str | Path) -> str:
        return command(self.folder, "blindlink-broker", "--state", "state", *words)

    def kill(self, name: str) -> None:
        """Kill `serve` or `work` where it stands, and start it again at the same address."""
        self.services[name].kill()
        self.services[name].communicate(timeout=TIMEOUT_S)
        port = ("--port", self.url.rpartition(":")[2].strip("/")) if name == "serve" else ()
        self.services[name] = service(self.folder, name, *port)
        if name == "serve":
            address(self.services[name])

    @property
    def ca_file(self) -> Path:
        return self.folder / "state" / "tls" / "broker.crt"

    def agree(self, *more: PublicIdentity, **clauses: Any) -> Agreement:
        """Let every party sign the agreement of the project; it lists these persons, too, with these clauses.

        A person of an agency who is an analyst holds its secret in place of the rig's.
        """
        replaced = {one.party for one in more if "analyst" in one.duties}
        listed = [one.public for name, one in self.people.items() if name not in replaced]
        with opened(self.folder) as (broker, operator):
            log = broker.log.key.name
            agreement = agreement_of(self.terms, [*listed, *more], log=log, **clauses)
            bind(broker, operator, agreement, self.profile, self.people.values())
        return agreement

    def token_file(self, auditor: str) -> Path:
        """Sign an auditor in, and return the file that holds the token."""
        folder = self.folder / auditor
        if not folder.exists():
            folder.mkdir()
            lay_down_keys(folder, self.people[f"steward of {auditor}"])
        command(
            folder, "blindlink", "people", "sign-in", "--token", "token.txt", "--broker", self.url,
            "--ca-file", self.ca_file, "--key-file", "identity.key",
        )  # fmt: skip
        return folder / "token.txt"


@dataclass(frozen=True)
class LiveAgency:
    """One agency's folder."""

    folder: Path
    party: str

    def type(self, *words: str | Path, status: int = 0) -> str:
        return command(self.folder, "blindlink", *words, status=status)

    def audit(self, *words: str | Path) -> str:
        return command(self.folder, "blindlink-audit", *words)

    def json(self, *words: str | Path) -> Any:
        return json.loads(self.type(*words, "--json"))


@contextmanager
def live_broker(
    folder: Path, profile: EncodingProfile, *, is_agreed: bool = True, **terms: Any
) -> Iterator[LiveBroker]:
    """Found a broker, let all sign the project's agreement, serve and work until the block ends.

    Args:
        is_agreed: nothing is signed before the test calls `agree`, if false.
        terms: what they say otherwise than that both agencies receive links in one link-ID set.
    """
    folder.mkdir(parents=True)
    made = command(folder, "blindlink-broker", "--state", "state", "init", "--self-signed")
    log_key = made.strip()
    said = _terms(profile, **terms)
    receivers = sorted({one.party for one in said.recipients} - {*PARTIES})
    with opened(folder) as (broker, operator):
        enrol_agencies(broker, operator, *PARTIES, *receivers)
        enrol_agencies(broker, operator, *said.auditors, role="auditor")
    services: dict[str, subprocess.Popen[str]] = {}
    try:
        services["serve"] = service(folder, "serve", "--port", "0")
        services["work"] = service(folder, "work")
        people = _people(folder, receivers, said.auditors)
        url = address(services["serve"])
        live = LiveBroker(folder, url, log_key, services, said, profile, people)
        if is_agreed:
            live.agree()
        yield live
    finally:
        for process in services.values():
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)


def set_up_agency(
    broker: LiveBroker, folder: Path, party: str, file: Path, *options: str
) -> LiveAgency:
    """Give an agency its settings and its person's keys; its secret is the business of the test."""
    folder.mkdir(parents=True)
    lay_down_keys(folder, broker.people[party])
    agency = LiveAgency(folder, party)
    agency.type(
        "init", "--broker", broker.url, "--project", PROJECT, "--party", party,
        "--identity", "identity.txt", "--key-file", "identity.key", "--ca-file", broker.ca_file,
        "--log-key", broker.log_key, "--file", file, "--population", "everyone",
        *options,
    )  # fmt: skip
    return agency


def compare(*agencies: LiveAgency) -> None:
    """Have every two agencies compare their fingerprints."""
    shown = {one.party: one.json("people", "me")["fingerprint"].split() for one in agencies}
    for agency in agencies:
        for party, fingerprint in shown.items():
            if party != agency.party:
                agency.type("people", "trust", party, *fingerprint)


def upload(*agencies: LiveAgency) -> None:
    """Let each agency encode and upload for the open round, which is opened where there is none."""
    for agency in agencies:
        agency.type("round", "--ready")
    for agency in agencies:
        agency.type("encode")
        agency.type("upload")


def link(*agencies: LiveAgency) -> None:
    """Do a whole round of agencies that share one link-ID set; whose claims come last closes it."""
    upload(*agencies)
    for agency in agencies:
        agency.type("round", "--wait")
    *others, last = agencies
    for agency in others:
        agency.type("links", status=7)
    for agency in (last, *others):
        agency.type("links")


def _terms(profile: EncodingProfile, **changes: Any) -> ProjectTerms:
    """Return terms for a year; the students' file is the larger one."""
    today = datetime.now(UTC).date()
    given: dict[str, Any] = {
        "project": PROJECT,
        "purpose": "rehearsal",
        "providers": PARTIES,
        "recipients": tuple(
            Recipient(party=party, mode="linked", space="shared") for party in PARTIES
        ),
        "spaces": (IdSpace(name="shared", lifetime="lasting"),),
        "profile": profile.digest(),
        # So few people have more twins by chance than such a guard lets pass.
        "policy": RECOMMENDED_POLICY.model_copy(update={"twin_guard": False}),
        "population": "everyone",
        "files": (
            FileSize(party="schools", least=1, most=100_000),
            FileSize(party="welfare", least=1, most=50_000),
        ),
        "start": today.isoformat(),
        "end": (today + timedelta(days=365)).isoformat(),
    }
    return ProjectTerms(**usual_clauses(PARTIES[0]) | given | changes)


def _people(folder: Path, receivers: Sequence[str], auditors: Sequence[str]) -> dict[str, Identity]:
    """Enrol an analyst of each agency, and anyone who signs for a party."""
    with opened(folder) as (broker, operator):

        def person(party: str, *duties: Duty) -> Identity:
            return enrolled_person(broker, operator, party, *duties)

        analysts = {party: person(party, "analyst", "recipient") for party in PARTIES}
        signers = {
            **{party: person(party, "approver", "steward") for party in (*PARTIES, *receivers)},
            **{party: person(party, "auditor", "steward") for party in auditors},
            OPERATOR: person(OPERATOR, "operator", "steward"),
        }
    return analysts | {f"steward of {party}": one for party, one in signers.items()}


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Broker, Actor]]:
    """Give the broker of a folder, and its operator, until the block ends."""
    broker = open_broker(Settings(state_dir=folder / "state"))
    try:
        with broker.database.read() as session:
            operator = operator_actor(session, broker.settings.operator, broker.clock)
        yield broker, operator
    finally:
        broker.close()


def service(folder: Path, *words: str, **settings: str) -> subprocess.Popen[str]:
    """Start `serve` or `work` of a broker."""
    with (folder / f"{words[0]}.log").open("ab") as log:
        return subprocess.Popen(
            _program("blindlink-broker", "--state", "state", *words),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # A worker that was killed is not waited for as long as a real one.
            env=os.environ | {"BLINDLINK_LEASE_S": "3"} | settings,
        )


def address(serving: subprocess.Popen[str]) -> str:
    """Return where a broker serves, once it does."""
    assert serving.stdout is not None
    url = serving.stdout.readline().strip()
    assert url.startswith("https://"), url
    return url
