"""`blindlink-broker migrate`."""

from __future__ import annotations

from contextlib import closing

import click

from app.cli.opening import founded_settings


@click.command("migrate", short_help="Bring the database to the newest schema.")
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database to the newest schema, in one transaction. Stop the broker, make a backup first.

    Example: blindlink-broker --state /srv/blindlink migrate
    """
    from app.broker import open_database
    from app.migrations import steps

    with closing(open_database(founded_settings(ctx))) as database:
        before = steps.stored_revision(database)
        steps.migrate(database)
        after = steps.stored_revision(database)
    click.echo(
        f"the schema was current ({after})" if before == after else f"migrated to {after}", err=True
    )
