"""`blindlink init`: ask what is needed and write blindlink.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from encoding.cli.terminal import prompts
from encoding.cli.terminal.init_questions import ask_sections, doubts_about_file
from encoding.cli.terminal.options import input_options
from encoding.errors import AgencyError
from encoding.files import refuse_to_overwrite, write_durably
from encoding.project.session import Session
from encoding.workspace.config import ConfigFile, read_config, render_config


@click.command(
    "init",
    epilog="Example: blindlink init --preset edfi --file pupils.csv --project foster-pupils",
)
@click.option("--party", help="Your agency's name in the project.")
@click.option("--log-key", help="The broker's log key, or a file that holds it.")
@click.option("--secret-file", help="File with the shared secret.")
@click.option(
    "--without-file", is_flag=True, help="You only receive: there is no file of people of your own."
)
@click.option("--links", "links", help="Where link IDs are written.")
@click.option("--force", is_flag=True, help="Overwrite the settings file that is there.")
@input_options
@click.pass_obj
def init(session: Session, /, *, force: bool, **given: Any) -> None:
    """Ask what is needed, or take it from options, and write blindlink.toml, with comments.

    After `blindlink start` you are asked about your file of people only. The first line of your file is read,
    to offer its column names and to warn you if something does not fit.
    """
    path = write_settings(session, given, force=force)
    session.say(
        f"{path} is written; once the operator has confirmed your keys, and every party has signed:"
        " blindlink refresh --agreement, with the fingerprint on counsel's sheet"
    )
    session.say(
        "early on, seal your workspace and let a second person keep it: blindlink workspace protect"
    )


def write_settings(session: Session, given: dict[str, Any], *, force: bool) -> Path:
    """Ask what is needed, or take it from the options, write the settings, and return where they are."""
    path = session.config_path
    known = None if force else _begun(path)
    if known is None:
        refuse_to_overwrite(path, own_start=b"", force=force)
    sections = ask_sections(
        {**given, **_of_program(session)}, path.parent, known, may_ask=prompts.is_interactive()
    )
    write_durably(path, render_config(sections).encode("utf-8"))
    for doubt in doubts_about_file(sections, path.parent):
        session.warn(doubt)
    return path


def _of_program(session: Session) -> dict[str, str | None]:
    """Return what options of the program say, as settings name it."""
    said = {
        "url": session.broker,
        "project": session.named_project,
        "identity": session.identity,
        "key_file": session.key_file,
        "ca_file": session.ca_file,
        "workspace": session.workspace_path,
    }
    return {name: None if value is None else str(value) for name, value in said.items()}


def _begun(path: Path) -> ConfigFile | None:
    """Return settings as `blindlink start` writes them; None: there are none, or they name a file of people."""
    try:
        sections = read_config(path).sections
    except AgencyError:
        return None
    return sections if sections.input is None else None
