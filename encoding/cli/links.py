"""`blindlink links`: link IDs beside record IDs."""

from __future__ import annotations

from pathlib import Path

import click

from encoding.cli.options import agency_options, file_options, json_option
from encoding.cli.session import Session


@click.command("links", epilog="Example: blindlink links -o links.csv")
@file_options
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write record_id,link_id; the settings name it.",
)
@click.option(
    "--run", "run_id", help="The link IDs of this run; the newest ones unless you say so."
)
@click.option("--force", is_flag=True, help="Overwrite a file that is not a file of links.")
@json_option
@agency_options
@click.pass_obj
def links(
    session: Session,
    *,
    file: Path | None,
    id_column: str | None,
    output: Path | None,
    run_id: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fetch the link IDs released to this agency and put its own record IDs beside them.

    They are held against the broker's match log first. The former file of links stays until the new one
    is complete.
    """
    from encoding.cli import steps

    with session.connect() as client:
        trust = session.trust(client)
        written = steps.links(
            session,
            client,
            trust,
            steps.Source(file=file, id_column=id_column),
            output=output,
            run=run_id,
            force=force,
        )
    document: dict[str, object] = {
        "file": str(written.path),
        "release": written.release,
        "run": written.run,
        "links": written.links,
        "missing": written.missing,
    }
    steps.print_result(
        session, as_json, document, f"{written.links:,} records have a link ID, in {written.path}"
    )
