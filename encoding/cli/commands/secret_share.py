"""`blindlink secret share|accept|status`: agree on a secret that the broker cannot learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from encoding.cli.terminal.advice import advise_custody
from encoding.cli.terminal.options import exchange_options
from encoding.errors import NotReadyError
from encoding.project.secret.carriage import carriage
from encoding.project.session import Session
from encoding.secret.kept_secret import KeptSecret, kept_of
from encoding.secret.secret import read_secret, spoken
from schemas.shared.command_line import FILE, emit, json_option

if TYPE_CHECKING:
    pass

_EPOCH: Final = click.option(
    "--epoch",
    type=click.IntRange(1, 10**6),
    help="The epoch; if left out, the one that is being agreed on, or else the project's.",
)


@click.command(
    "share",
    short_help="Send each other agency your part of the secret, sealed.",
    epilog="Example: blindlink secret share",
)
@_EPOCH
@click.option("--again", is_flag=True, help="Forget what was agreed so far, and start over.")
@click.option(
    "--next",
    "is_next",
    is_flag=True,
    help="Begin the secret of the next epoch, while this epoch's stays in use.",
)
@exchange_options
@click.pass_obj
def share(
    session: Session,
    *,
    epoch: int | None,
    again: bool,
    is_next: bool,
    to_file: Path | None,
    holders: tuple[str, ...],
) -> None:
    """Send each other agency your part of the secret, sealed.

    Every agency that encodes does this once. Only the agency that a part is sealed to can open it. You need
    the other agencies' keys first: blindlink people trust.

    With --next every agency does this, then accepts. The new secret counts from the moment at which the
    agreement names the next epoch; everything is then encoded anew.
    """
    if is_next and (again or epoch is not None):
        raise click.UsageError("--next can't be combined with --again or --epoch")
    with carriage(session, to_file) as carried:
        chosen = carried.view.terms.epoch + 1 if is_next else epoch
        exchange = carried.exchange(chosen, holders)
        if again:
            exchange.refuse_confirmed()
            # First: where all have confirmed it and this agency does not know yet, it keeps what it has.
            carried.carrier.withdraw(exchange.holders.epoch)
        else:
            exchange.refuse_lost(carried.carrier.confirmations(exchange.holders.epoch))
        with session.workspace.lock():
            kept = exchange.share(session.now(), again=again)
        session.say(carried.carrier.send_shares(kept.sent))


@click.command(
    "accept",
    short_help="Take the others' parts, make the secret, and confirm it.",
    epilog="Example: blindlink secret accept --from-file schools.txt",
)
@_EPOCH
@click.option(
    "--from-file",
    "from_files",
    type=FILE,
    multiple=True,
    help="Read what another agency sent from this file instead of from the broker; repeatable.",
)
@json_option
@exchange_options
@click.pass_obj
def accept(
    session: Session,
    *,
    epoch: int | None,
    from_files: tuple[Path, ...],
    to_file: Path | None,
    holders: tuple[str, ...],
) -> None:
    """Take the parts that the other agencies sent, make the secret, and confirm it to them.

    Repeat it until all have confirmed. Then you know that all agencies encode alike, or what differs: the
    secret, the recipe, the fields and passes, or the version of the program.
    """
    from encoding.epoch.exchange import differences, refuse_differences

    with carriage(session, to_file, from_files) as carried:
        kept = carried.accept(epoch, holders)
    if kept is not None:
        _print_status(session, kept)
        refuse_differences(differences(kept, session.party))
        advise_custody(session)


@click.command(
    "status",
    short_help="Show whose part is here, and who has confirmed.",
    epilog="Example: blindlink secret status --json",
)
@click.argument("file", required=False, type=FILE)
@_EPOCH
@json_option
@click.pass_obj
def status(session: Session, *, file: Path | None, epoch: int | None) -> None:
    """Show whose part of the secret is here, who has confirmed it, and whether all encode alike.

    It shows what this computer knows; `blindlink secret accept` asks the broker. Of a secret in FILE, or of one
    that was carried by hand, it prints the key id: it must be the same at every agency, can be read out on the
    telephone, and nobody can find the secret from it.
    """
    from encoding.epoch.exchange import differences, refuse_differences

    if file is not None:
        _print_key_id(file)
        return
    workspace, project = session.workspace, session.project
    epochs = workspace.epochs_with_secret(project)
    chosen = max(epochs, default=1) if epoch is None else epoch
    kept = kept_of(workspace, project, chosen) if chosen in epochs else None
    if kept is None and epoch is None and secret_file(session).exists():
        _print_key_id(secret_file(session))
        session.say("it was carried by hand; to agree on one sealed: blindlink secret share")
        return
    if kept is None:
        raise NotReadyError(
            f"nothing has been agreed on for the secret of epoch {chosen} yet",
            hint="the first step is: blindlink secret share",
        )
    _print_status(session, kept)
    refuse_differences(differences(kept, session.party))


def secret_file(session: Session) -> Path:
    """Return the file of a secret that is carried by hand, as the settings name it."""
    return session.config.resolve(session.config.sections.project.secret_file)


def _print_key_id(file: Path) -> None:
    key_id = read_secret(file).key_id
    emit({"key_id": key_id}, [spoken(key_id)])


def _print_status(session: Session, kept: KeptSecret) -> None:
    from encoding.epoch.status import status_of

    found = status_of(kept, session.party)
    emit(found.to_json(), found.sentences())
