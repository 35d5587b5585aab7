"""`blindlink people enrol|rotate`: what a person does at the broker with keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from encoding.broker.credential import SignIn
from encoding.errors import AgencyError, CodeFileError, NotAuthorisedError
from encoding.files import refuse_to_overwrite, why_unread, write_durably
from encoding.people.identity import Identity, read_identity
from encoding.people.key_rotation import Rotation, begin_rotation, finish_rotation, sign_anew
from encoding.project.invitations import require_same_keys
from encoding.project.own_keys import identity_lines, own_path, unlock_own, unlocking_of
from encoding.project.session import Session, broker_of
from encoding.workspace.config import HUB_NAME
from encoding.workspace.keepers import follow_keys
from encoding.workspace.workspace import Workspace
from schemas.api.sign_in import EnrolmentRequest, EnrolmentView
from schemas.documents.written_code import read_code, write_code
from schemas.shared.command_line import FILE

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient

_Function = TypeVar("_Function", bound=Callable[..., Any])


@click.command(
    "enrol",
    short_help="Send your public keys, with the operator's code.",
    epilog="Example: blindlink people enrol --broker https://broker.example.org",
)
@click.option(
    "--code-file", type=FILE, help="Read the operator's code from this file instead of asking."
)
@click.option(
    "--out",
    type=FILE,
    help="Write your public keys here, too, for the person who drafts the agreement.",
)
@click.pass_obj
def enrol(
    session: Session,
    /,
    *,
    code_file: Path | None,
    out: Path | None,
) -> None:
    """Send your public keys to the broker, with the code that its operator gave you.

    Then call the operator and read out the fingerprint that is shown. You need no passphrase for it.
    """
    if out is not None:
        refuse_to_overwrite(out, own_start=b'{"identity":{')
    signed = read_identity(own_path(session)).signed
    code = write_code(read_code(_typed_code(code_file)))
    url, ca_file = broker_of(session)
    with session.connect_to(url, ca_file, None) as client:
        view = client.enrol(EnrolmentRequest(code=code, identity=signed))
    require_same_keys(view, signed.identity)
    if out is not None:
        write_durably(out, signed.to_canonical())
    if view.state == "awaiting":
        session.say("your keys are sent; now read this fingerprint to the operator, by telephone:")
    else:
        session.say(f"the broker already has your keys, and their state is: {view.state}")
    click.echo("\n".join(identity_lines(signed.identity)))


@click.command(
    "rotate",
    short_help="Replace your keys; the old ones sign for the new.",
    epilog="Example: blindlink people rotate",
)
@click.pass_obj
def rotate(session: Session, /) -> None:
    """Replace your keys; the old ones sign for the new ones, so nobody has to confirm them again.

    The old file stays beside the new one: only its keys open what was sealed to them. If someone else may
    have your keys, tell the operator instead: that person could replace them, too.
    """
    url, ca_file = broker_of(session)
    path = own_path(session)
    old = unlock_own(session)
    unlocking = unlocking_of(session)
    rotation = begin_rotation(path, old, unlocking, session.now())
    view = _send_change(session, rotation, url, ca_file)
    require_same_keys(view, rotation.new.public)
    _seal_workspaces_to(session, rotation)
    kept = finish_rotation(rotation)
    session.say(f"your keys are replaced; the old ones are kept in {kept}")
    click.echo("\n".join(identity_lines(rotation.new.public)))


def _send_change(
    session: Session, rotation: Rotation, url: str, ca_file: Path | None
) -> EnrolmentView:
    def as_whom(identity: Identity) -> BrokerClient:
        return session.connect_to(url, ca_file, SignIn(identity, url, session.now))

    try:
        with as_whom(rotation.old) as client:
            change = rotation.change
            if rotation.was_begun:
                # The old keys may have signed something since, which a change of that time would make void.
                # That they still sign in shows that the broker has not taken it.
                client.whoami()
                change = sign_anew(rotation, session.now())
            return client.change_keys(change)
    except NotAuthorisedError as refusal:
        # The broker may have taken the change before, and its answer been lost.
        try:
            with as_whom(rotation.new) as client:
                return client.change_keys(rotation.change)
        except NotAuthorisedError:
            raise refusal from None


def _typed_code(code_file: Path | None) -> str:
    if code_file is None:
        typed: str = click.prompt("Code from the operator", err=True)
        return typed
    try:
        return code_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        otherwise = f"the file {code_file} cannot be read as text"
        raise CodeFileError(why_unread(exc, code_file, otherwise)) from None


def _seal_workspaces_to(session: Session, rotation: Rotation) -> None:
    """Let the new keys open the workspace, and those of a hub's spokes, before the old ones are put away."""
    old, new = rotation.old, rotation.new
    if session.config_path.exists():
        with session.workspace.lock():
            follow_keys(session.workspace, old, new, session.now())
    hub = rotation.path.parent
    # Of spokes that have left, too; none where these are no hub's keys.
    keys = sorted(hub.glob("spokes/*/workspace/workspace.key")) if (hub / HUB_NAME).exists() else []
    for workspace in (Workspace(key.parent) for key in keys):
        with workspace.lock():
            try:
                follow_keys(workspace, old, new, session.now())
            except AgencyError as exc:
                # One that is damaged keeps nobody from replacing keys.
                session.warn(f"{workspace.folder.parent.name}: {exc}")
