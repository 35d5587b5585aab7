"""The page of clusters and its Compose file say what the commands take."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from app.cli.main import main
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[4]
DEPLOY = ROOT / "install" / "cluster"
PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every command of ours that the page or a service has."""
    typed = [line for block in blocks("sh") for line in block.splitlines()]
    lines = [shlex.split(line) for line in typed if line.startswith("blindlink-broker ")]
    return lines + [service["command"] for service in COMPOSE["services"].values()]


def test_a_command_that_is_written_is_one_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.json", "b.json"):
        Path(name).touch()
    for words in commands():
        command: click.Command = main
        context = command.make_context("blindlink-broker", words[1:])
        while isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            name, command, rest = command.resolve_command(context, rest)
            assert name is not None, words
            assert command is not None, words
            context = command.make_context(name, rest, parent=context)


def test_the_page_makes_the_certificates_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in commands():
        if "certify" in words:
            assert CliRunner().invoke(main, words[1:]).exit_code == 0
    (settings,) = map(tomllib.loads, blocks("toml"))
    assert settings.keys() < Settings.model_fields.keys()
    assert Settings(state_dir=tmp_path, **settings).cluster_address == "tls://10.20.0.5:8786"
    for name in ("cluster_ca_file", "cluster_cert_file", "cluster_key_file"):
        assert (tmp_path / "cluster-ca" / Path(settings[name]).name).exists()
    for secret in COMPOSE["secrets"].values():
        assert (tmp_path / secret["file"]).exists()


def test_its_images_are_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    files = (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", ROOT / "docs" / "cluster.md")
    tags = [re.findall(r"blindlink(?:-cluster)?:([0-9.]+)", file.read_text()) for file in files]
    assert tags == [[version]] * 3


def test_a_service_of_the_cluster_has_no_capability_and_cannot_be_reached_from_outside() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["networks"] == ["inside"], name
        assert "ports" not in service, name
        given = {key.removeprefix("BLINDLINK_").lower() for key in service["environment"]}
        assert given <= Settings.model_fields.keys(), name
        files = [value for value in service["environment"].values() if value.startswith("/run/")]
        assert {Path(value).name for value in files} == set(service["secrets"]), name
