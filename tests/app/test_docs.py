"""The operator's and the programmer's pages name every setting, command, route and problem there is."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from app.cli.main import COMMANDS
from app.errors import BrokerError, Rule
from app.security.policy import POLICY
from app.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPERATOR = (DOCS / "operator.md").read_text(encoding="utf-8")
API = (DOCS / "api.md").read_text(encoding="utf-8")

# What a request can meet is defined here; the other errors are those of commands.
OVER_HTTP = ("app.errors", "app.uploads.errors", "app.extras.sign_on.errors")
# No request meets these, though they are refusals: only the operator's commands do, or what the broker sends.
BY_COMMAND_ONLY = {
    *("project-exists", "terms-refused", "cosignature-refused"),
    *("party-exists", "unknown-party", "unknown-person", "person-state"),
    *("fingerprint-differs", "duties-refused", "backup-refused", "not-sent"),
}

ALL = "agency auditor operator"
# Roles of the routes that no table of the page has, or that have them in other words.
ROLES_IN_WORDS: dict[str, frozenset[str]] = {
    "GET /v1/projects/{project}/overdue": frozenset(ALL.split()),
    "POST /session": frozenset(),
    "DELETE /session": frozenset(ALL.split()),
    "GET /v1/deliveries/{delivery}/file": frozenset({"agency"}),
    "POST /v1/deliveries/{delivery}/opening": frozenset({"agency"}),
}


def test_every_setting_is_explained() -> None:
    assert [name for name in Settings.model_fields if f"`{name}`" not in OPERATOR] == []


def test_every_default_is_the_one_that_is_written() -> None:
    settings = Settings()
    for line in OPERATOR.split("## Settings")[1].split("\n## ")[0].splitlines():
        names, _, rest = line.removeprefix("| ").partition(" | ")
        defaults = rest.partition(" | ")[0].split(", ")
        found = re.findall(r"`([a-z_]+)`", names)
        if found and all(default.isdigit() for default in defaults):
            assert [str(getattr(settings, name)) for name in found] == defaults, line


def test_every_command_occurs() -> None:
    for name in COMMANDS:
        assert re.search(rf"(`|blindlink-broker ){name}\b", OPERATOR), name


def test_every_route_of_the_api_is_listed_with_the_roles_that_may_call_it() -> None:
    """The tests of routes take their roles from the policy; the page says by itself what they are."""
    described = {
        route: frozenset(re.findall(r"\w+", column.replace("all", ALL))) & set(ALL.split())
        for routes, column in re.findall(r"(?m)^\| (`[A-Z]+ /.*?) \| (.*?) \|", API)
        for route in re.findall(r"`([A-Z]+ [^`?]+)", routes)
    } | ROLES_IN_WORDS
    for (method, path), rule in POLICY.items():
        if path.startswith(("/v1/", "/healthz", "/readyz", "/metrics", "/session")):
            route = f"{method} {path.replace('{tile:path}', '{level}/{index}')}"
            assert route in API, route
            assert described.get(route) == rule.roles, route


def test_what_the_log_records_is_sent_signed_in_each_example() -> None:
    examples = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", API)).replace("\\\n", "")
    signed = [(method, path) for (method, path), rule in POLICY.items() if rule.is_signed]
    shown = [
        line
        for line in re.findall(r"(?m)^curl .*$", examples)
        for method, path in signed
        if re.search(re.sub(r"{\w+}", r"[^/]+", f"BROKER{path}") + r"\"", line)
        and method == next(iter(re.findall(r"-X (\w+)", line)), "POST" if " -d " in line else "GET")
    ]
    assert shown
    assert all('-H "Blindlink-Request: ' in line for line in shown)


def test_every_code_is_listed() -> None:
    waiting: list[type[BrokerError]] = [BrokerError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        is_over_http = error.__module__ in OVER_HTTP
        if is_over_http and error.status != 500 and error.code not in BY_COMMAND_ONLY:
            assert f"`{error.code}`" in API, error.__name__


def test_every_rule_of_a_request_stands_in_the_table_with_its_status() -> None:
    for name in OVER_HTTP:
        for rule in vars(import_module(name)).values():
            if isinstance(rule, Rule) and rule.code not in BY_COMMAND_ONLY:
                assert re.search(rf"(?m)^\| {rule.status} \| [^|]*`{rule.code}`", API), rule
