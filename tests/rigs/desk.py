"""An analyst's desk: a folder with settings and secret, and the commands typed there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner, Result

from encoding.cli.main import main
from encoding.people.identity import Identity
from encoding.project.session import Session
from encoding.secret.secret import Secret, write_secret
from encoding.workspace.config import parse_sections, render_config

if TYPE_CHECKING:
    from rigs.near_broker import NearBroker

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


@dataclass
class Desk:
    """Runs commands in `folder` without ever sleeping: while one waits, the broker's worker works.

    `own` is whose keys the analyst has at hand already; else the settings name them.
    """

    folder: Path
    near: NearBroker
    party: str
    now: datetime = NOW
    own: Identity | None = None
    slept: list[float] = field(default_factory=list)

    def set_up(self, file: Path, secret: Secret | None = None, **changes: dict[str, Any]) -> None:
        """Write the settings, and the secret if there is one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        raw: dict[str, Any] = {
            "broker": {"url": "https://broker.test"},
            "project": {"name": "foster-pupils", "party": self.party},
            "input": {
                "file": str(file),
                "id_column": "ID",
                "population": "in-care",
                "date_format": "YYYY-MM-DD",
                "as_of": "today",
            },
        }
        for section, fields in changes.items():
            raw[section] = raw.get(section, {}) | fields
        (self.folder / "blindlink.toml").write_text(render_config(parse_sections(raw)), "utf-8")
        if secret is not None:
            write_secret(self.folder / "secret.txt", secret)

    def type(self, *words: str, typed: str | None = None) -> Result:
        """Type one command; its exit code, standard output and error output are in the result.

        `typed` is what it reads from standard input.
        """
        session = Session(transport=self.near.courier, now=lambda: self.now, sleep=self._sleep)
        session.own = self.own
        config = str(self.folder / "blindlink.toml")
        return CliRunner().invoke(main, ["--config", config, *words], input=typed, obj=session)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.near.work()

    def ok(self, *words: str) -> Result:
        """Type a command that must succeed."""
        result = self.type(*words)
        assert result.exit_code == 0, result.stderr
        return result

    def json(self, *words: str) -> Any:
        """Type a command that must succeed and print JSON."""
        return json.loads(self.ok(*words, "--json").stdout)

    def files(self) -> set[str]:
        """Return every file below the folder, as relative paths."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in found}
