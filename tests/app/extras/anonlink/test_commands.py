"""`blindlink-broker anonlink`: what it refuses, what it says, and the real server over TLS."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from app.cli.main import main
from app.cli.self_signed import write_certificate
from app.extras.anonlink.commands import WARNING
from app.extras.anonlink.projects import create_project
from app.extras.anonlink.service import Limits, opened_service


def test_without_tls_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    folder = tmp_path / "anonlink"
    command = ["anonlink", "serve", "--folder", str(folder), "--host", "0.0.0.0"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "listens on this machine only" in result.stderr
    assert not folder.exists()


def test_it_refuses_a_keeper_of_keys_that_it_would_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "anonlink"
    for name, value in (
        ("KEY_KEEPER", "vault"),
        ("VAULT_URL", "https://vault.example.org"),
        ("VAULT_KEY", "transit/blindlink"),
        ("VAULT_TOKEN_FILE", str(tmp_path / "token")),
    ):
        monkeypatch.setenv(f"BLINDLINK_{name}", value)
    result = CliRunner().invoke(main, ["anonlink", "serve", "--folder", str(folder), "--port", "0"])
    assert result.exit_code == 1
    assert "key_keeper" in result.stderr
    assert not folder.exists()


def test_a_port_that_is_taken_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "anonlink"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = ["anonlink", "serve", "--folder", str(folder), "--port", port]
        result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "cannot listen" in result.stderr
    assert not folder.exists()


def test_the_record_of_a_folder_without_a_service_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["anonlink", "record", "--folder", str(tmp_path)])
    assert result.exit_code == 1
    assert "no anonlink service" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_project_is_removed_by_its_id(tmp_path: Path) -> None:
    folder = tmp_path / "anonlink"
    with opened_service(folder, Limits(), reserve_percent=0) as service:
        wanted = {"schema": {}, "result_type": "groups"}
        project = create_project(service, wanted)["project_id"]
    command = ["anonlink", "remove", project, "--folder", str(folder)]
    refused = CliRunner().invoke(main, command, input="n\n")
    assert refused.exit_code == 1
    result = CliRunner().invoke(main, [*command, "--yes"])
    assert (result.exit_code, result.stderr) == (0, "")
    record = ["anonlink", "record", "--folder", str(folder), "--json"]
    rows = json.loads(CliRunner().invoke(main, record).stdout)
    assert [row["what"] for row in rows] == ["project-created", "project-removed"]


@pytest.mark.long
def test_it_serves_over_tls_warns_notes_and_ends_at_a_signal(tmp_path: Path) -> None:
    write_certificate(tmp_path / "tls")
    certificate, key = tmp_path / "tls" / "broker.crt", tmp_path / "tls" / "broker.key"
    folder = tmp_path / "anonlink"
    command = [sys.executable, "-m", "app.cli", "anonlink", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--folder", folder, "--tls-cert", certificate, "--tls-key", key],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.scheme == "https"
        context = ssl.create_default_context(cafile=certificate)
        made = http.client.HTTPSConnection("localhost", address.port or 0, context=context)
        with closing(made) as connection:
            body = json.dumps({"schema": {}, "result_type": "groups"})
            headers = {"content-type": "application/json"}
            connection.request("POST", "/api/v1/projects", body, headers)
            project = json.loads(connection.getresponse().read())["project_id"]
        record = ["anonlink", "record", "--folder", str(folder), "--json"]
        rows = json.loads(CliRunner().invoke(main, record).stdout)
        assert [(row["what"], row["project"]) for row in rows] == [("project-created", project)]
        process.terminate()
        _, said = process.communicate(timeout=400)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert said.count(WARNING) == 1
