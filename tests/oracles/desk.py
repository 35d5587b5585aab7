"""An analyst's desk: a folder with settings, token and secret, and the commands typed there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from oracles.broker import BrokerDouble

from encoding.cli.main import main
from encoding.cli.session import Session
from encoding.config import parse_sections, render_config
from encoding.identity import Identity
from encoding.secret import Secret, write_secret

NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


@dataclass
class Desk:
    """Runs commands in `folder` against a broker in memory, without ever sleeping.

    `own` is whose keys the analyst has at hand; the broker lets in by token all the same.
    """

    folder: Path
    broker: BrokerDouble
    party: str
    now: datetime = NOW
    own: Identity | None = None
    slept: list[float] = field(default_factory=list)

    def set_up(self, file: Path, secret: Secret, **changes: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        raw: dict[str, Any] = {
            "broker": {"url": "https://broker.test", "token_file": "token.txt"},
            "project": {
                "name": "foster-pupils",
                "party": self.party,
                "insecure_unsigned_terms": True,
            },
            "input": {"file": str(file), "id_column": "ID", "population": "in-care"},
        }
        for section, fields in changes.items():
            raw[section] = raw.get(section, {}) | fields
        (self.folder / "blindlink.toml").write_text(render_config(parse_sections(raw)), "utf-8")
        token = self.folder / "token.txt"
        token.write_text(f"bl_{self.party}\n")
        token.chmod(0o600)
        write_secret(self.folder / "secret.txt", secret)

    def type(self, *words: str) -> Result:
        """Type one command; its exit code, standard output and error output are in the result."""
        session = Session(
            transport=self.broker.transport(),
            now=lambda: self.now,
            sleep=self.slept.append,
        )
        session.own = self.own
        config = str(self.folder / "blindlink.toml")
        return CliRunner().invoke(main, ["--config", config, *words], obj=session)

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
