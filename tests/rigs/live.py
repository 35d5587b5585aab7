"""A broker as real processes on loopback TLS, and agencies that sign in with keys and type real commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigs.persons import enrolled_person, lay_down_keys

from app.agencies.service import operator_actor
from app.broker import open_broker
from app.settings import Settings
from schemas.identity import Duty
from schemas.profile import EncodingProfile

PROJECT = "foster-pupils"
PARTIES = ("schools", "welfare")
TIMEOUT_S = 120


def command(folder: Path, *words: str | Path, status: int = 0) -> str:
    """Run one command to its end and return its standard output; another exit code is a failure."""
    done = subprocess.run(
        _program(*words),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
        # The project of these brokers is one that nobody has signed.
        env=os.environ | {"PYTHONUTF8": "1", "BLINDLINK_INSECURE_OPERATOR_TERMS": "true"},
    )
    assert done.returncode == status, (words, done.returncode, done.stderr)
    return done.stdout


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
    """A broker with both parties enrolled and one project; it serves at `url`, by the processes `services`."""

    folder: Path
    url: str
    log_key: str
    services: dict[str, subprocess.Popen[str]]

    def admin(self, *words: str | Path) -> str:
        return command(self.folder, "blindlink-broker", "--state", "state", *words)

    def kill(self, service: str) -> None:
        """Kill `serve` or `work` where it stands, and start it again at the same address."""
        self.services[service].kill()
        self.services[service].communicate(timeout=TIMEOUT_S)
        port = ("--port", self.url.rpartition(":")[2].strip("/")) if service == "serve" else ()
        self.services[service] = _service(self.folder, service, *port)
        if service == "serve":
            _address(self.services[service])

    @property
    def ca_file(self) -> Path:
        return self.folder / "state" / "tls" / "broker.crt"

    def give_keys(self, folder: Path, party: str, *duties: Duty) -> None:
        """Write the keys of a new person of the party into a folder, whom the operator has confirmed."""
        broker = open_broker(Settings(state_dir=self.folder / "state"))
        try:
            with broker.database.read() as session:
                operator = operator_actor(session, broker.settings.operator, broker.clock())
            lay_down_keys(folder, enrolled_person(broker, operator, party, *duties))
        finally:
            broker.close()

    def token_file(self, auditor: str) -> Path:
        """Sign an auditor in, and return the file that holds the token."""
        folder = self.folder / auditor
        if not folder.exists():
            folder.mkdir()
            self.give_keys(folder, auditor, "auditor")
        command(
            folder, "blindlink", "identity", "token", "--out", "token.txt", "--broker", self.url,
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
    folder: Path,
    profile: EncodingProfile,
    *terms: str,
    others: tuple[str, ...] = (),
    auditors: tuple[str, ...] = (),
) -> Iterator[LiveBroker]:
    """Found a broker, create the project under `terms`, serve and work until the block ends.

    `others` are parties that are enrolled beside the two agencies, `auditors` those that read the log.
    """
    folder.mkdir(parents=True)
    admin = ("blindlink-broker", "--state", "state")
    log_key = command(folder, *admin, "init", "--self-signed").strip()
    for party in (*PARTIES, *others, *auditors):
        role = "auditor" if party in auditors else "agency"
        command(folder, *admin, "agency", "add", party, "--title", party, "--role", role)
    (folder / "profile.json").write_text(json.dumps(profile.to_json()))
    providers = [word for party in PARTIES for word in ("--provider", party)]
    drafted = command(
        folder, *admin, "project", "draft", PROJECT, "--profile", "profile.json", *providers,
        *(() if others else ("--space", "shared")),
        "--purpose", "rehearsal", "--population", "everyone", *terms,
    )  # fmt: skip
    drafted = json.loads(drafted)
    # So few people have more twins by chance than such a guard lets pass.
    drafted["policy"] |= {"twin_guard": False, "review_share": "0.5"}
    (folder / "terms.json").write_text(json.dumps(drafted))
    created = ("project", "create", "--terms", "terms.json", "--profile", "profile.json")
    command(folder, *admin, *created)
    services: dict[str, subprocess.Popen[str]] = {}
    try:
        services["serve"] = _service(folder, "serve", "--port", "0")
        services["work"] = _service(folder, "work")
        yield LiveBroker(folder, _address(services["serve"]), log_key, services)
    finally:
        for process in services.values():
            process.terminate()
            process.communicate(timeout=TIMEOUT_S)


def set_up_agency(
    broker: LiveBroker, folder: Path, party: str, file: Path, *options: str
) -> LiveAgency:
    """Give an agency its settings and its person's keys; its secret is the business of the test."""
    folder.mkdir(parents=True)
    broker.give_keys(folder, party, "analyst", "recipient")
    agency = LiveAgency(folder, party)
    agency.type(
        "init", "--broker", broker.url, "--project", PROJECT, "--party", party,
        "--identity", "identity.txt", "--key-file", "identity.key", "--ca-file", broker.ca_file,
        "--log-key", broker.log_key, "--file", file, "--population", "everyone",
        "--insecure-unsigned-terms", *options,
    )  # fmt: skip
    return agency


def compare(*agencies: LiveAgency) -> None:
    """Have every two agencies compare their fingerprints."""
    shown = {one.party: one.json("identity", "show")["fingerprint"].split() for one in agencies}
    for agency in agencies:
        for party, fingerprint in shown.items():
            if party != agency.party:
                agency.type("identity", "trust", party, *fingerprint)


def upload(*agencies: LiveAgency) -> None:
    """Let each agency encode and upload for the open round, which is opened where there is none."""
    for agency in agencies:
        agency.type("round", "ready")
    for agency in agencies:
        agency.type("encode")
        agency.type("upload")


def link(*agencies: LiveAgency) -> None:
    """Do a whole round of agencies that share one ID space; whose claims come last closes it."""
    upload(*agencies)
    for agency in agencies:
        agency.type("run", "--wait")
    *others, last = agencies
    for agency in others:
        agency.type("links", status=7)
    for agency in (last, *others):
        agency.type("links")


def _service(folder: Path, *words: str) -> subprocess.Popen[str]:
    with (folder / f"{words[0]}.log").open("ab") as log:
        return subprocess.Popen(
            _program("blindlink-broker", "--state", "state", *words),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # A worker that was killed is not waited for as long as a real one.
            env=os.environ | {"BLINDLINK_LEASE_S": "3"},
        )


def _address(serving: subprocess.Popen[str]) -> str:
    """Return where a broker serves, once it does."""
    assert serving.stdout is not None
    url = serving.stdout.readline().strip()
    assert url.startswith("https://"), url
    return url
