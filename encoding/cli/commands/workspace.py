"""`blindlink workspace`: protect what must not be lost, back it up, restore it, hand it over."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from encoding.cli.terminal.options import FORCE
from encoding.cli.terminal.shown_keys import compared_person, read_shown
from encoding.errors import BackupError, ConfigError, UntrustedKeyError
from encoding.files import refuse_to_overwrite, write_durably
from encoding.people.identity_lock import KeyFile
from encoding.people.peers import read_fingerprint
from encoding.people.recovery import recovery_keys
from encoding.project.noted_files import note_file, note_read, refuse_own_file
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.workspace.backup import restore_backup, write_backup
from encoding.workspace.config import OutputSection, parse_sections, render_config
from encoding.workspace.custody import note_backup
from encoding.workspace.keepers import Keepers, Protected, keep, read_keepers
from encoding.workspace.keepers import protect as seal
from encoding.workspace.keepers import recover as open_by_code
from schemas.documents.errors import SignatureError
from schemas.documents.ids import utc_text
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    from encoding.people.identity import Identity
    from schemas.signing.identity import PublicIdentity

_CODE_FILE: Final = click.option(
    "--code-file", type=FILE, help="Read the recovery code from this file instead of asking."
)


@click.group("workspace", epilog="Example: blindlink workspace protect")
def workspace() -> None:
    """Keep what only this computer knows: which handle is whose, the secret, receipts, pins."""


@workspace.command(
    "protect",
    short_help="Seal it to your own keys, and print a recovery code.",
    epilog="Example: blindlink workspace protect",
)
@click.pass_obj
def protect(session: Session, /) -> None:
    """Seal the workspace to your own keys, and print a recovery code for the day when these are lost.

    Write the code down, keep it away from this computer, and tell two people of your agency where it is. It is
    shown once. Give the command again for a new code.
    """
    own = unlock_own(session)
    _refuse_keys_that_commands_cannot_open(session)
    with session.workspace.lock():
        made = seal(session.workspace, own, session.now())
    session.say("the workspace is sealed to you; write this down, it is not shown again:")
    _print_code(made)
    if not made.keepers.custodians:
        session.say("next, let a second person keep it too: blindlink workspace custodians")


@workspace.command(
    "backup",
    short_help="Write a backup, or hand the workspace over.",
    epilog="Example: blindlink workspace backup welfare.backup",
)
@click.argument("file", type=FILE)
@click.option("--to", "person", help="Hand the workspace over to this person of your party.")
@click.option(
    "--fingerprint",
    help="The fingerprint that they read to you, if they aren't a custodian; else you are asked.",
)
@FORCE
@click.pass_obj
def backup(
    session: Session, *, file: Path, person: str | None, fingerprint: str | None, force: bool
) -> None:
    """Write a backup into FILE; only you, your custodians and the recovery code can open it.

    You can keep it on any drive. It leaves out encodings that were not sent: you can make them again.

    With --to it is for the person who takes over your work: a custodian, or a person whose fingerprint you
    compare with them. They type: blindlink workspace restore. From then on only their keys open the workspace;
    yours and your recovery code don't.
    """
    own = unlock_own(session)
    if person is not None:
        _write(session, file, _receiver(session, person, fingerprint), force=force)
        session.say(
            f"{file} is for {person} alone; they call: blindlink workspace restore {file.name}"
            f" --made-by '{own.public.fingerprint()}'"
        )
        session.say(
            "once they have: blindlink destroy --local --handed-over; then let the operator revoke your keys"
        )
        return
    _write(session, file, None, force=force)
    if session.config_path.exists():
        note_backup(session.workspace, session.project, utc_text(session.now()))
    session.say(f"the backup is in {file}; make a new one after every upload")


def _receiver(session: Session, person: str, fingerprint: str | None) -> PublicIdentity:
    """Return the keys of the person who takes over: a custodian's, or those that were compared now."""
    keepers = read_keepers(session.workspace)
    if person in {one.person for one in keepers.custodians}:
        return keepers.custodian(person)
    with session.connect() as client:
        shown = client.identities(session.project).identities
    return compared_person(shown, session.party, person, fingerprint)


@workspace.command(
    "custodians",
    short_help="List or name people who can restore it when you can't.",
    epilog="Example: blindlink workspace custodians bea.json 01234 56789 ... (all twelve)",
)
@click.argument("file", required=False, type=FILE)
@click.argument("fingerprint", nargs=-1)
@click.option(
    "--remove",
    metavar="PERSON",
    help="End a person's custody; earlier backups still open with their keys.",
)
@json_option
@click.pass_obj
def custodians(
    session: Session, *, file: Path | None, fingerprint: tuple[str, ...], remove: str | None
) -> None:
    """List who can open the workspace, or make the person of FILE a custodian.

    FILE is what their `blindlink people me --json` prints, and FINGERPRINT what they have read to you. The next
    backups open with their keys, too.
    """
    if file is not None and (remove is not None or not fingerprint):
        raise click.UsageError("give FILE with the FINGERPRINT that its person has read to you")
    unlock_own(session)
    if file is not None:
        person = _compared(file, "".join(fingerprint))
        _change(session, lambda keepers: keepers.with_custodian(person))
        session.say(
            f"{person.person} can open the workspace and its next backups; make one:"
            " blindlink workspace backup"
        )
    elif remove is not None:
        _change(session, lambda keepers: keepers.without_custodian(remove))
        session.say(
            f"{remove} is no longer a custodian; make a new backup and destroy the earlier ones"
        )
    else:
        keepers = read_keepers(session.workspace)
        rows = [("owner", keepers.owner), *(("custodian", one) for one in keepers.custodians)]
        document = [
            {"part": part, "person": one.person, "fingerprint": one.fingerprint()}
            for part, one in rows
        ]
        lines = [f"{part:<9} {one.person}  {one.fingerprint()}" for part, one in rows]
        emit(document, [*lines, "and anyone who has the recovery code"])


def _compared(file: Path, fingerprint: str) -> PublicIdentity:
    """Return the person of a file, whose keys have the fingerprint that was read."""
    written = read_fingerprint(fingerprint)
    try:
        person = read_shown(file).verify()[-1]
    except SignatureError as exc:
        raise UntrustedKeyError(f"the keys in {file} are forged: {exc}") from None
    if person.fingerprint() != written:
        raise UntrustedKeyError(
            f"the keys in {file} have a different fingerprint: {person.fingerprint()}"
        )
    return person


def _change(session: Session, change: Callable[[Keepers], Keepers]) -> None:
    with session.workspace.lock():
        keepers = change(read_keepers(session.workspace))
        keep(session.workspace, keepers, session.workspace.key(), session.now())


@workspace.command(
    "restore",
    short_help="Restore a backup on this computer, all of it or nothing.",
    epilog="Example: blindlink workspace restore welfare.backup",
)
@click.argument("file", type=FILE)
@click.option(
    "--made-by",
    metavar="FINGERPRINT",
    help="The fingerprint of the person who made the backup, if that was not you with these keys.",
)
@click.option(
    "--recovery-code", is_flag=True, help="Open it by the recovery code, which is asked for."
)
@_CODE_FILE
@click.pass_obj
def restore(
    session: Session,
    /,
    *,
    file: Path,
    made_by: str | None,
    recovery_code: bool,
    code_file: Path | None,
) -> None:
    """Restore the workspace of a backup on this computer, as yours; all of it, or nothing.

    You need your earlier keys, a custodian's keys, or new keys and the recovery code. If there is no
    blindlink.toml here, you get the backup's; if yours names no file of people, it takes that section from the
    backup.
    """
    own = unlock_own(session)
    by_code = recovery_code or code_file is not None
    opener = _recovery(session, own, code_file) if by_code else own
    expected = None if made_by is None else read_fingerprint(made_by)
    folder = _folder(session)
    with session.working("restoring the backup"):
        found = restore_backup(file, folder, opener, own, session.now(), made_by=expected)
    session.say(
        f"restored {found.files:,} files to {folder}; the backup was made at {found.created}"
    )
    _restore_settings(session, found.settings, folder)
    note_read(session, "backup", file)
    if by_code or found.maker.person != own.public.person:
        # Someone else knows the code of before, or it was just typed.
        with found.workspace.lock():
            made = seal(found.workspace, own, session.now())
        session.say("the workspace is yours now; write down its new recovery code:")
        _print_code(made)


@workspace.command(
    "recover",
    short_help="Open it by its recovery code, under your new keys.",
    epilog="Example: blindlink workspace recover",
)
@_CODE_FILE
@click.pass_obj
def recover(session: Session, /, *, code_file: Path | None) -> None:
    """Open the workspace by its recovery code, seal it to your new keys, and print a new code.

    For a forgotten passphrase or a lost identity file: first make new keys with `blindlink people new`, and
    have the operator enrol them.
    """
    own = unlock_own(session)
    code = _typed_code(code_file)
    recovery_keys(code, own.public.party, session.now())
    with session.workspace.lock():
        made = open_by_code(session.workspace, own, code, session.now())
    session.say("the workspace is sealed to your new keys; write down its new recovery code:")
    _print_code(made)


def _write(session: Session, file: Path, receiver: PublicIdentity | None, *, force: bool) -> None:
    refuse_own_file(session, file)
    refuse_to_overwrite(file, own_start=b"", force=force)
    note_file(session, "backup", file)
    settings = None
    if session.config_path.exists():
        settings = session.config_path.read_text(encoding="utf-8")
    own = unlock_own(session)
    with session.workspace.lock(), session.working("writing the backup"):
        write_backup(
            file, session.workspace, own, session.now(), receiver=receiver, settings=settings
        )


def _folder(session: Session) -> Path:
    """Return where the workspace is, or will be."""
    if session.workspace_path is not None:
        return session.workspace_path
    if session.config_path.exists():
        return session.config.resolve(session.config.sections.output.workspace)

    return session.config_path.parent / OutputSection().workspace


def _restore_settings(session: Session, settings: str | None, folder: Path) -> None:
    if settings is None:
        return
    if session.config_path.exists():
        _take_over_reading(session, settings)
        return
    write_durably(session.config_path, settings.encode("utf-8"))
    session.say(
        f"the settings of the backup are in {session.config_path}; check that the paths in it are right"
    )
    named = session.config.resolve(session.config.sections.output.workspace)
    if named.resolve() != folder.resolve():
        session.warn(
            f"your settings name {named} as the workspace; in the section [output], change it to {folder}"
        )


def _take_over_reading(session: Session, settings: str) -> None:
    """Let settings that name no file of people say of it what those of the backup say."""
    own = session.config.sections
    if own.input is not None:
        return
    # Editors on Windows begin a file with a mark.
    former = parse_sections(tomllib.loads(settings.removeprefix("\ufeff")))
    names = ("input", "columns", "share", "report")
    taken = own.model_copy(update={name: getattr(former, name) for name in names})
    write_durably(session.config_path, render_config(taken).encode("utf-8"))
    session.say(
        f"{session.config_path} now describes your file as the backup did; check that this is right"
    )


def _recovery(session: Session, own: Identity, code_file: Path | None) -> Identity:
    return recovery_keys(_typed_code(code_file), own.public.party, session.now())


def _typed_code(code_file: Path | None) -> str:
    if code_file is None:
        return str(click.prompt("Recovery code", hide_input=True, err=True))
    try:
        return code_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BackupError(f"the file {code_file} cannot be read") from None


def _print_code(made: Protected) -> None:
    click.echo(f"recovery code    {made.code}")
    click.echo(f"your fingerprint {made.keepers.owner.fingerprint()}")


def _refuse_keys_that_commands_cannot_open(session: Session) -> None:
    """Refuse keys that a key file opens which no settings name: every command would ask in vain."""
    named = session.config.sections.identity
    if named.key_file is None and isinstance(session.unlocking, KeyFile):
        raise ConfigError(
            "the settings do not say which key file opens your keys, so commands could not open the workspace",
            hint="name it in blindlink.toml: [identity] key_file",
        )
