"""What one command works with: settings, workspace, own keys, broker. Each is opened when asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import click
import httpx2

from encoding.agreement.kept_agreements import read_kept
from encoding.broker.client import BrokerClient
from encoding.broker.connection import Connection, Waiting, certificates_in
from encoding.broker.credential import SignIn
from encoding.errors import AgencyError, BrokerRefusedError
from encoding.log.heads import seen_head
from encoding.log.log_copy import LogCopy
from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder
from encoding.log.trust import Trust
from encoding.log.witness import Witness
from encoding.people.identity import Identity
from encoding.people.identity_lock import Unlocking
from encoding.project.own_keys import unlock_own
from encoding.workspace.config import Config, is_broker_url, read_config
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.shared.command_line import remark
from schemas.shared.progress_bar import ProgressBar, working
from schemas.shared.terminal import clear, draw, is_terminal
from schemas.signing.signed_request import Where

INTERACTIVE_S: Final = 20.0
UNATTENDED_S: Final = 900.0
# The folder of the person who has no settings, such as the operator's steward.
DEFAULT_WORKSPACE: Final = "workspace"


def place_of(workspace: Workspace, project: str, proven: str | None, today: date) -> Where:
    """Return the log that is pinned, the project with its head, and the agreement that is held for binding."""
    log = PinnedLog(workspace.pins, workspace.log_key)
    origin = log.name if log.has_key() else None
    if proven is None:
        kept = read_kept(workspace.agreements(project), project).binding_on(today.isoformat())
        proven = None if kept is None else kept.digest
    return Where(origin, project, proven, seen_head(workspace.pins, project))


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Session:
    """The options of the call, and what follows from them.

    `waits_for_runs` is false where something else can be done meanwhile. `transport`, `now` and `sleep` are
    replaced in tests; None is the network. `own` is the identity of the user, `own_file` where it is, and
    `unlocking` what opened it, once that was needed: a passphrase is asked for once. `credential` is what
    several projects share. `proven` is the digest of the agreement that the broker's view was held against
    last, null before that. `read` is the copy of the log that was read last, so that a night replays it once.
    """

    config_path: Path = Path("blindlink.toml")
    workspace_path: Path | None = None
    named_project: str | None = None
    broker: str | None = None
    ca_file: Path | None = None
    identity: Path | None = None
    passphrase_file: Path | None = None
    key_file: Path | None = None
    is_quiet: bool = False
    patience_s: float = INTERACTIVE_S
    waits_for_runs: bool = True
    transport: httpx2.BaseTransport | None = None
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    own: Identity | None = field(default=None, init=False, repr=False)
    own_file: Path | None = field(default=None, init=False)
    unlocking: Unlocking | None = field(default=None, init=False, repr=False)
    credential: SignIn | None = field(default=None, init=False, repr=False)
    proven: str | None = field(default=None, init=False)
    read: LogCopy | None = field(default=None, init=False, repr=False)
    _config: Config | None = field(default=None, init=False)
    _workspace: Workspace | None = field(default=None, init=False)

    @property
    def config(self) -> Config:
        """The settings."""
        if self._config is None:
            self._config = read_config(self.config_path)
        return self._config

    def forget_settings(self) -> None:
        """Read the settings anew when they are asked for: they were written."""
        self._config = self._workspace = None

    @property
    def workspace(self) -> Workspace:
        """The workspace, made where it is missing."""
        if self._workspace is None:
            named = self.config.resolve(self.config.sections.output.workspace)
            folder = self.workspace_path or named
            self._workspace = open_workspace(folder, lambda: unlock_own(self))
        return self._workspace

    @property
    def seat_folder(self) -> Path:
        """Where anyone who signs without settings keeps what has to be remembered of it."""
        return self.workspace_path or self.config_path.parent / DEFAULT_WORKSPACE

    @property
    def signing_workspace(self) -> Workspace:
        """The workspace or, without settings, the one in which someone has signed here before."""
        folder = self.seat_folder
        if not self.config_path.exists() and Workspace(folder).pins.is_dir():
            return open_workspace(folder)
        return self.workspace

    @property
    def project(self) -> str:
        """The project's name."""
        return self.config.sections.project.name

    @property
    def party(self) -> str:
        """This agency's name in the project."""
        return self.config.sections.project.party

    @property
    def links_path(self) -> Path:
        """Where the settings put the file of links."""
        return self.config.resolve(self.config.sections.output.links)

    def connect(self) -> BrokerClient:
        """Return a client of the broker; nothing is sent yet."""
        broker = self.config.sections.broker
        ca_file = self.config.resolve(broker.ca_file) if broker.ca_file else None
        return self.connect_to(broker.url, ca_file, self._credential(), self.place)

    def place(self) -> Where:
        """Return where the user acts: what each request names, by this workspace alone."""
        return place_of(self.workspace, self.project, self.proven, self.now().date())

    def connect_to(
        self,
        url: str,
        ca_file: Path | None,
        credential: SignIn | None,
        where: Callable[[], Where] = Where,
    ) -> BrokerClient:
        """Return a client of the broker at this address, with a credential or, for what anybody may ask, none.

        `where` says where the person acts; by default nowhere, which is for what no log records.
        """
        return BrokerClient(self.connection_to(url, ca_file, credential, where))

    def connection_to(
        self,
        url: str,
        ca_file: Path | None,
        credential: SignIn | None,
        where: Callable[[], Where] = Where,
    ) -> Connection:
        """Return the connection under such a client."""
        waiting = Waiting(self.patience_s, self._wait_for_broker, self.say)
        tls = certificates_in(ca_file) if ca_file else None
        return Connection(
            url, credential, tls=tls, waiting=waiting, transport=self.transport, where=where
        )

    def _wait_for_broker(self, seconds: float) -> None:
        """Sleep; where someone looks, count the seconds down."""
        while seconds > 0:
            if not self.is_quiet:
                draw(f"trying the broker again in {seconds:.0f} s")
            pause_s = min(1.0, seconds) if is_terminal(sys.stderr) else seconds
            self.sleep(pause_s)
            seconds -= pause_s
        clear()

    def _credential(self) -> SignIn:
        return SignIn(unlock_own(self), self.config.sections.broker.url.rstrip("/"), self.now)

    def trust(self, client: BrokerClient, *, cosigns: bool = True) -> Trust:
        """Return what the broker's answers are held against, after making sure that its log only grew.

        Anyone who has signed in with keys of their own cosigns what they have seen, unless told otherwise.
        """
        log = self.pinned(client, self.workspace, self.config.sections.broker.log_key)
        trust = Trust(log, ReceiptFolder(self.workspace.receipts))
        if cosigns:
            self._cosign_if_possible(client, trust)
        return trust

    def pinned(self, client: BrokerClient, workspace: Workspace, given: str | None) -> PinnedLog:
        """Return the log as a workspace has pinned it, the first time by the key given; it only grew."""
        log = PinnedLog(workspace.pins, workspace.log_key)
        is_first = not log.has_key()
        keys = log.key(given, client)
        log.check(client)
        if log.keys() != keys:
            self.say(
                f"the broker's log has a new key, for which the old one has signed: {log.keys().text}"
            )
        if is_first and given is None:
            self.say(
                f"the broker's log key is pinned now; compare it with the operator: {keys.text}"
            )
        return log

    def trust_again(self, client: BrokerClient, trust: Trust) -> None:
        """Pin and cosign the log once more, after a command has waited for something to be logged."""
        trust.log.check(client)
        self._cosign_if_possible(client, trust)

    def witness(self) -> Witness | None:
        """Return the person who has signed in with keys of their own, as a witness; None where a token was
        shown.
        """
        return None if self.own is None else Witness.of(self.own, self.workspace.pins)

    def _cosign_if_possible(self, client: BrokerClient, trust: Trust) -> None:
        witness, pin = self.witness(), trust.log.settled()
        if witness is None or pin is None:
            return
        try:
            witness.cosign(pin, self.now(), client)
        except AgencyError as exc:
            # An older broker takes no cosignatures.
            if isinstance(exc, BrokerRefusedError) and exc.problem == "not-found":
                return
            # The command's own work does not depend on it, and the next one tries again.
            self.warn(f"the match log is pinned, but not cosigned: {exc}")

    def progress(self) -> ProgressBar:
        """Return a progress bar for anything over a second, on a terminal."""
        return ProgressBar(is_shown=not self.is_quiet)

    def working(self, step: str) -> AbstractContextManager[None]:
        """Show, on a terminal, that a step goes on of which nobody can tell how far it is."""
        return working(step, is_shown=not self.is_quiet)

    def say(self, sentence: str) -> None:
        """Write a remark to the error output, unless quiet."""
        if not self.is_quiet:
            remark("blindlink", sentence)

    def warn(self, sentence: str) -> None:
        """Write a warning to the error output, quiet or not."""
        remark("blindlink", sentence, is_warning=True)


def broker_of(session: Session) -> tuple[str, Path | None]:
    """Return the broker's address and certificate file, from the options or else the settings."""
    if session.broker is not None:
        if not is_broker_url(session.broker):
            raise click.BadParameter(
                "not an address that begins with https://", param_hint="--broker"
            )
        return session.broker.rstrip("/"), session.ca_file
    broker = session.config.sections.broker
    configured = None if broker.ca_file is None else session.config.resolve(broker.ca_file)
    return broker.url.rstrip("/"), session.ca_file or configured
