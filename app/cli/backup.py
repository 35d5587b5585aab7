"""`blindlink-broker backup`, `backup-keys`, `restore` and `move-blobs`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from app import blobs
from app.backup.keys import LIFETIME, remove_old_copies, write_key_backup
from app.cli.opening import founded_settings, opened_broker
from app.clock import utc_now
from app.errors import BACKUP_REFUSED, ConfigurationError, LogRolledBackError, RefusedError
from schemas.documents.errors import CheckpointError
from schemas.matchlog.checkpoint import parse_checkpoints
from schemas.shared.progress_bar import working

Folder = click.Path(file_okay=False, path_type=Path)


@click.command("backup", short_help="Write a backup of database and blobs.")
@click.argument("folder", type=Folder)
@click.pass_context
def backup(ctx: click.Context, folder: Path) -> None:
    """Write a backup into a new FOLDER while the broker goes on working. It holds no key.

    Example: blindlink-broker backup /backups/2026-09-01
    """
    from app.backup.archive import write_backup
    from app.broker import open_broker

    # Whose schema an upgrade has still to migrate is backed up, too.
    with closing(open_broker(founded_settings(ctx))) as broker, working("writing the backup"):
        manifest = write_backup(broker, folder)
    click.echo(
        f"{manifest.blobs} blobs and a log of {manifest.log_size} entries are in {folder}", err=True
    )


@click.command("backup-keys", short_help="Write a short-lived backup of the keys.")
@click.argument("folder", type=Folder)
@click.pass_context
def backup_keys(ctx: click.Context, folder: Path) -> None:
    """Copy all keys into a new folder inside FOLDER, and remove copies there that are 7 days old.

    Keep FOLDER apart from all other backups: anyone who has both can read everything.

    Example: blindlink-broker backup-keys /safe/blindlink-keys
    """
    from app.broker import open_broker

    settings = founded_settings(ctx)
    # First: they go on their day, also while the disk is full or the database does not answer.
    removed = remove_old_copies(folder, utc_now())
    with closing(open_broker(settings)) as broker:
        target = write_key_backup(broker, folder)
    click.echo(
        f"the keys are in {target} for {LIFETIME.days} days; {removed} older copies removed",
        err=True,
    )


@click.command("restore", short_help="Restore a backup of database and blobs.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of the database that is there.")
@click.option(
    "--older",
    is_flag=True,
    help="With --replace: even by a backup that lacks what the log has signed since.",
)
@click.option(
    "--pin",
    "pin_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A pin that an agency or auditor kept, on a new machine; may be repeated.",
)
@click.pass_context
def restore(
    ctx: click.Context, folder: Path, *, replace: bool, older: bool, pin_files: tuple[Path, ...]
) -> None:
    """Restore a backup from FOLDER. Stop the broker and its workers first: nothing here can see that they run.

    The exit code is 1 if the backup is older than the last checkpoint that this broker signed, as far as this
    machine remembers or a pin shows.

    Example: blindlink-broker restore /backups/2026-09-01 --replace
    """
    from app.backup.archive import restore_backup
    from app.broker import open_broker

    pins = [note for file in pin_files for note in _notes_of(file)]
    with closing(open_broker(founded_settings(ctx))) as broker, working("restoring the backup"):
        restored = restore_backup(broker, folder, replace=replace, older=older, pins=pins)
    click.echo(
        f"restored a log of {restored.manifest.log_size} entries, as of {restored.manifest.created}",
        err=True,
    )
    if restored.took_checkpoint and not pins:
        click.echo(
            "this machine remembered no checkpoint of the log and took the backup's: "
            "compare it with the agencies' pins",
            err=True,
        )
    if restored.rolled_back:
        raise LogRolledBackError(
            "the backup is older than the last checkpoint that this broker signed",
            hint="restore a newer one; until then the broker answers, but takes and releases nothing",
        )


@click.command("move-blobs", short_help="Move blobs from files into the object store.")
@click.pass_context
def move_blobs(ctx: click.Context) -> None:
    """Move all blobs from files of the state folder into the object store that store_url names.

    Stop the broker and its workers first: nothing here can see that they run. If it is killed, type it again.

    Example: blindlink-broker --state /srv/blindlink move-blobs
    """
    with opened_broker(ctx) as broker, working("moving blobs"):
        settings = broker.settings
        if settings.store_url is None:
            raise ConfigurationError(
                "store_url is not set, so there is no store to move blobs into",
                hint="docs/operator.md#an-object-store",
            )
        files = blobs.FileBlobs(settings.blob_dir, reserve_percent=0)
        moved = blobs.move_blobs(files, broker.blobs)
    click.echo(f"{moved} blobs are in {settings.store_url} now, and no longer in files", err=True)


def _notes_of(file: Path) -> list[bytes]:
    try:
        return [note.to_bytes() for _, note in parse_checkpoints(file.read_bytes())]
    except (OSError, CheckpointError) as exc:
        raise RefusedError(BACKUP_REFUSED, f"{file.name} is not a file of pins") from exc
