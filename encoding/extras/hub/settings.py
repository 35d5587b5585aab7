"""`hub.toml`: what a hub has decided for all its spokes, and what follows from it for each.

hub.toml              the settings
identity.txt          the keys of the hub's person, shared by all spokes
spokes.csv            the spokes, each with the fingerprint of its agreement
spokes/PROJECT/       one whole ordinary folder a spoke: settings, workspace, files of links
sheet-N.csv, .html    the spokes that were added together, for counsel to sign, or extended together
hub-report.html       the report of the last night, and as .json
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from encoding.errors import ConfigError, WorkspaceError
from encoding.extras.hub.spokes import Spoke
from encoding.files import make_private_folder, reason_of, write_durably
from encoding.workspace.config import (
    CONFIG_NAME,
    BrokerSection,
    ConfigFile,
    EligibleSection,
    FileSections,
    IdentitySection,
    InputSection,
    ProjectSection,
    Text,
    broker_lines,
    file_lines,
    parse_settings,
    read_settings,
    render_config,
    setting_line,
    settings_path,
)
from schemas.documents.document import Model
from schemas.documents.ids import Name

_MADE: Final = "# Made from hub.toml by `blindlink hub`, which writes it anew: change that file.\n"


class HubSection(Model):
    """Who the hub is; `only` is the column that says which records are meant for which spoke, null: all are.

    What has to stand in it for a spoke is said in the column `only` of the list of spokes.
    """

    party: Name
    only: Text | None = None


class HubFile(FileSections):
    """The sections of the file; those about a file of people are empty where a person only signs."""

    broker: BrokerSection
    identity: IdentitySection
    hub: HubSection


@dataclass(frozen=True, slots=True)
class Hub:
    """The folder of a hub, with its settings."""

    folder: Path
    sections: HubFile

    @property
    def list_file(self) -> Path:
        """Where the spokes are listed."""
        return self.folder / "spokes.csv"

    @property
    def lock_file(self) -> Path:
        """What one `hub` command at a time holds."""
        return self.folder / "hub.lock"

    def report(self, suffix: str) -> Path:
        """Where the report of the last night stands, as `html` or `json`."""
        return self.folder / f"hub-report.{suffix}"

    def sheet(self, number: int, suffix: str) -> Path:
        """Where a sheet for counsel stands, as `csv` or `html`."""
        return self.folder / f"sheet-{number}.{suffix}"

    def folder_of(self, spoke: Spoke) -> Path:
        """Return the folder of a spoke."""
        return self.folder / "spokes" / spoke.project

    def settings_of(self, spoke: Spoke) -> ConfigFile:
        """Return the settings of a spoke's folder."""
        mine, folder = self.sections, self.folder_of(spoke)

        def moved(path: str | None) -> str | None:
            return None if path is None else _as_seen_from(folder, settings_path(self.folder, path))

        identity = mine.identity
        return ConfigFile(
            broker=mine.broker.model_copy(update={"ca_file": moved(mine.broker.ca_file)}),
            identity=IdentitySection(
                file=_as_seen_from(folder, settings_path(self.folder, identity.file)),
                key_file=moved(identity.key_file),
                passphrase_file=moved(identity.passphrase_file),
            ),
            project=ProjectSection(name=spoke.project, party=mine.hub.party),
            input=self._input_of(spoke, folder),
            columns=mine.columns,
            share=mine.share,
            report=mine.report,
        )

    def _input_of(self, spoke: Spoke, folder: Path) -> InputSection | None:
        source = self.sections.input
        if source is None:
            return None
        changes: dict[str, object] = {
            "file": _as_seen_from(folder, settings_path(self.folder, source.file))
        }
        column = self.sections.hub.only
        if column is not None:
            values = tuple(filter(None, map(str.strip, spoke.cells.get("only", "").split(";"))))
            if not values:
                raise ConfigError(
                    f"{self.list_file.name} does not say which records are for {spoke.project}",
                    hint=f"write into its column only what your file has in the column {column} for them",
                )
            changes["only"] = EligibleSection(column=column, values=values)
        return source.model_copy(update=changes)

    def lay_out(self, spoke: Spoke) -> Path:
        """Make the folder of a spoke, with its settings as they follow from the hub's; returns those."""
        folder = self.folder_of(spoke)
        path = folder / CONFIG_NAME
        text = (_MADE + render_config(self.settings_of(spoke))).encode("utf-8")
        try:
            make_private_folder(folder.parent)
            make_private_folder(folder)
            is_the_same = path.exists() and path.read_bytes() == text
        except OSError as exc:
            raise WorkspaceError(f"the folder {folder} cannot be used: {reason_of(exc)}") from exc
        if not is_the_same:
            write_durably(path, text)
        return path


def read_hub(path: Path) -> Hub:
    """Read `hub.toml`."""
    raw, text = read_settings(path, hint="make one with: blindlink hub start INVITATION")
    return Hub(path.resolve().parent, parse_settings(HubFile, raw, path.name, text))


def render_hub(sections: HubFile) -> str:
    """Return the text of `hub.toml`: every section, with what each line means."""
    lines = [
        "# What this party has decided for all its spokes. No secret is in this file.",
        "# Paths start from the folder of this file.",
        "",
        *broker_lines(sections.broker, sections.identity),
        "[hub]",
        "# Your party's name in all projects.",
        setting_line("party", sections.hub.party),
        "# The column of your file that says for which spoke a record is meant; without it, all records are",
        "# meant for all. What stands in it for a spoke is in the column only of spokes.csv.",
        setting_line("only", sections.hub.only, "last_district"),
        "",
        *file_lines(sections),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _as_seen_from(folder: Path, path: Path) -> str:
    """Return a path as settings in a folder name it."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        # Windows: it is on another drive.
        return path.as_posix()
