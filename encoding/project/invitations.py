"""What `blindlink start` does with an invitation: keys first, then the code, then settings, and the log pinned.

In this order a call that was killed anywhere is finished by the next one: keys that are there are used, the
same code with the same keys again is safe, and the settings come last.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from encoding.broker.client import BrokerClient
from encoding.errors import (
    BrokerAnswerError,
    BrokerRefusedError,
    InvitationError,
    OutputExistsError,
)
from encoding.files import why_unread, write_durably
from encoding.log.pins import PinnedLog
from encoding.people.identity import new_identity, read_identity, write_identity
from encoding.people.identity_lock import Unlocking, read_key_file
from encoding.project.own_keys import DEFAULT_FILE, new_unlocking
from encoding.project.session import Session
from encoding.workspace.config import ConfigFile, parse_sections, render_config
from schemas.api.sign_in import EnrolmentRequest, EnrolmentView
from schemas.documents.errors import DocumentError
from schemas.signing.identity import PublicIdentity, SignedIdentity
from schemas.signing.invitation import Invitation

CERTIFICATE: Final = "broker.crt"
LOG_KEY: Final = "broker-log.vkey"
_ELSEWHERE: Final = "use the invitation in a folder of its own"


def read_invitation(path: Path) -> Invitation:
    """Return an invitation."""
    try:
        return Invitation.from_file(path.read_bytes())
    except OSError as exc:
        raise InvitationError(why_unread(exc, path, f"{path} cannot be read")) from exc
    except DocumentError as exc:
        raise InvitationError(
            f"{path} is not an invitation, or was changed since the broker wrote it",
            hint="use the file as you got it from the operator, or ask for a new one",
        ) from exc


@dataclass(frozen=True, slots=True)
class Place:
    """The folder in which someone begins, with what is to stand there."""

    invitation: Invitation
    folder: Path
    sections: ConfigFile
    passphrase_file: Path | None
    key_file: Path | None

    @classmethod
    def of(
        cls,
        session: Session,
        invitation: Invitation,
    ) -> Place:
        """Return it, after making sure that nothing of another person or broker is there."""
        folder = session.config_path.parent
        sections = settings_of(invitation, _project(invitation, session.named_project))
        place = cls(invitation, folder, sections, session.passphrase_file, session.key_file)
        place.refuse_others(session)
        return place

    @property
    def identity(self) -> Path:
        """The file of the person's keys."""
        return self.folder / DEFAULT_FILE

    def files(self) -> dict[Path, bytes]:
        """Return what goes beside the settings, for programs that have none."""
        found = {LOG_KEY: f"{self.invitation.log_key}\n", CERTIFICATE: self.invitation.certificate}
        return {self.folder / name: text.encode() for name, text in found.items() if text}

    def refuse_others(self, session: Session) -> None:
        """Refuse a folder in which there are settings, keys or files of someone or something else."""
        wanted = self.sections
        if session.config_path.exists():
            kept = session.config.sections
            theirs = (kept.broker.url, kept.project.name, kept.project.party)
            if theirs != (wanted.broker.url, wanted.project.name, wanted.project.party):
                raise InvitationError(
                    f"{session.config_path} has settings of another broker, project or party",
                    hint=_ELSEWHERE,
                )
        self.refuse_other_files(session)

    def refuse_other_files(self, session: Session) -> None:
        """Refuse a folder in which there are keys, or files beside the settings, of someone else."""
        for path, content in self.files().items():
            if path.exists() and path.read_bytes() != content:
                raise OutputExistsError(
                    f"{path} is there already, and is another one", hint=_ELSEWHERE
                )
        if not self.identity.exists():
            if self.invitation.is_over(session.now()):
                raise InvitationError(
                    f"the invitation expired at {self.invitation.expires}",
                    hint="ask the operator for a new one",
                )
            return
        public = read_identity(self.identity).public
        if (public.party, public.duties) != (self.invitation.party, self.invitation.duties):
            raise InvitationError(
                f"{self.identity} holds keys of {public.party} with other duties than the invitation names",
                hint=_ELSEWHERE,
            )


def enrolled(session: Session, place: Place) -> tuple[EnrolmentView, PublicIdentity]:
    """Return what the broker says of the person's keys, which are made where there are none, and sent."""
    with _asking(session, place.invitation) as client:
        is_new = not place.identity.exists()
        # A key file that was there may lock someone else's keys.
        has_key_file = place.key_file is not None and place.key_file.exists()
        if is_new:
            # So that no keys are left of a call that cannot come to anything.
            client.reach()
        signed = _made_keys(session, place) if is_new else read_identity(place.identity).signed
        try:
            view = client.enrol(EnrolmentRequest(code=place.invitation.code, identity=signed))
        except BrokerRefusedError as exc:
            if exc.problem != "enrolment-refused":
                raise
            if is_new:
                place.identity.unlink(missing_ok=True)
                if place.key_file is not None and not has_key_file:
                    place.key_file.unlink(missing_ok=True)
            raise InvitationError(
                "the broker does not accept the invitation: its code was used for other keys, or has expired",
                hint="ask the operator for a new one; if nobody here has used it, tell them that, too",
            ) from exc
    require_same_keys(view, signed.identity)
    return view, signed.identity


def require_same_keys(view: EnrolmentView, sent: PublicIdentity) -> None:
    """Make sure that the broker has the keys that were sent."""
    if view.fingerprint != sent.fingerprint():
        raise BrokerAnswerError(
            "the broker says that it has different keys from those you sent",
            hint="tell its operator: someone may be intercepting your connection",
        )


def settle(session: Session, place: Place) -> None:
    """Write the settings, what goes beside them, and the pin of the match log; what is there stays."""
    settle_files(place)
    if not session.config_path.exists():
        sections = opened_sections(place)
        write_durably(session.config_path, render_config(sections).encode("utf-8"))
    log = PinnedLog(session.workspace.pins, session.workspace.log_key)
    # The log itself is shown to nobody before they are confirmed; then every command holds it against this key.
    log.pinned_key(place.invitation.log_key)


def settle_files(place: Place) -> None:
    """Write what goes beside the settings, for programs that have none; what is there stays."""
    for path, content in place.files().items():
        if not path.exists():
            write_durably(path, content)


def opened_sections(place: Place) -> ConfigFile:
    """Return the settings with what opens the keys."""
    identity = place.sections.identity.model_copy(update=_opened_by(place))
    return place.sections.model_copy(update={"identity": identity})


@contextmanager
def _asking(session: Session, invitation: Invitation) -> Iterator[BrokerClient]:
    """Give a client of the broker that the invitation names, known by the certificate that stands in it."""
    with tempfile.TemporaryDirectory() as scratch:
        ca_file = None
        if invitation.certificate is not None:
            ca_file = Path(scratch) / CERTIFICATE
            ca_file.write_text(invitation.certificate, "ascii")
        with session.connect_to(invitation.broker, ca_file, None) as client:
            yield client


def _made_keys(session: Session, place: Place) -> SignedIdentity:
    invitation = place.invitation
    made = new_identity(invitation.party, invitation.duties, session.now())
    write_identity(place.identity, made, _lock(place))
    return made.signed


def _lock(place: Place) -> Unlocking:
    """Return what is to open the keys; a key file that a killed call has left locks nothing yet."""
    if place.key_file is not None and place.passphrase_file is None and place.key_file.exists():
        return read_key_file(place.key_file)
    return new_unlocking(place.passphrase_file, place.key_file)


def _opened_by(place: Place) -> dict[str, str | None]:
    if read_identity(place.identity).lock.kind == "key-file":
        if place.key_file is None:
            raise click.UsageError(
                "your keys are locked by a key file: name it with --key-file again"
            )
        return {"key_file": _as_setting(place.key_file, place.folder)}
    if place.passphrase_file is None:
        return {}
    return {"passphrase_file": _as_setting(place.passphrase_file, place.folder)}


def _as_setting(path: Path, folder: Path) -> str:
    """Return a path as settings name it: from their folder on, where it lies there."""
    whole = path.resolve()
    with suppress(ValueError):
        whole = whole.relative_to(folder.resolve())
    return whole.as_posix()


def _project(invitation: Invitation, given: str | None) -> str:
    if invitation.project is None and given is None:
        raise click.UsageError("missing option --project: the invitation names none")
    if None not in (given, invitation.project) and given != invitation.project:
        raise click.UsageError("the invitation names another project")
    return given or invitation.project or ""


def settings_of(invitation: Invitation, project: str) -> ConfigFile:
    """Return the settings that follow from an invitation."""
    broker: dict[str, object] = {"url": invitation.broker, "log_key": invitation.log_key}
    if invitation.certificate is not None:
        broker["ca_file"] = CERTIFICATE
    return parse_sections(
        {
            "broker": broker,
            "identity": {"file": DEFAULT_FILE},
            "project": {"name": project, "party": invitation.party},
        }
    )
