"""The operator's and the programmer's pages name every setting, command, route and problem there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cli.main import COMMANDS
from app.errors import BrokerError
from app.security.policy import POLICY
from app.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPERATOR = (DOCS / "operator.md").read_text(encoding="utf-8")
API = (DOCS / "api.md").read_text(encoding="utf-8")

# What a request can meet is defined here; the other errors are those of commands.
OVER_HTTP = (
    "http",
    "security",
    "agencies",
    "agreements",
    "shares",
    "uploads",
    "runs",
    "links",
    "review",
    "deliveries",
    "rounds",
    "destruction",
    "evidence",
    "matchlog",
    "oidc",
)
# Only the operator's commands raise these, though they are refusals.
BY_COMMAND_ONLY = {
    *("project-exists", "terms-refused", "cosignature-refused"),
    *("party-exists", "unknown-party", "unknown-person", "person-state"),
    *("fingerprint-differs", "duties-refused"),
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert f"`{name}`" in OPERATOR


def test_every_default_is_the_one_that_is_written() -> None:
    settings = Settings()
    for line in OPERATOR.split("## Settings")[1].split("\n## ")[0].splitlines():
        names, _, rest = line.removeprefix("| ").partition(" | ")
        defaults = rest.partition(" | ")[0].split(", ")
        found = re.findall(r"`([a-z_]+)`", names)
        if found and all(default.isdigit() for default in defaults):
            assert [str(getattr(settings, name)) for name in found] == defaults, line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_occurs(name: str) -> None:
    assert re.search(rf"(`|blindlink-broker ){name}\b", OPERATOR)


def test_every_route_of_the_api_is_listed() -> None:
    for method, path in POLICY:
        if not path.startswith(("/v1/", "/healthz", "/readyz", "/metrics", "/session")):
            continue
        written = path.replace("{tile:path}", "{level}/{index}")
        assert f"{method} {written}" in API, f"{method} {path}"


def test_every_code_is_listed() -> None:
    waiting: list[type[BrokerError]] = [BrokerError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        is_over_http = error.__module__.split(".")[1] in OVER_HTTP
        if is_over_http and error.status != 500 and error.code not in BY_COMMAND_ONLY:
            assert f"`{error.code}`" in API, error.__name__
