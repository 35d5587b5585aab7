"""The cluster's CA and its certificates, and the settings that name them."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from app.cli.main import main
from app.errors import ConfigurationError
from app.extras.cluster.place import place_in
from app.settings import Settings, read_settings


def certify(folder: Path, *machines: str) -> Result:
    return CliRunner().invoke(main, ["cluster", "certify", *machines, "--folder", str(folder)])


def settings_of(folder: Path, machine: str, **changes: object) -> Settings:
    given = {
        "cluster_address": "tls://127.0.0.1:8786",
        "cluster_ca_file": folder / "ca.crt",
        "cluster_cert_file": folder / f"{machine}.crt",
        "cluster_key_file": folder / f"{machine}.key",
    }
    return read_settings(folder, **given | changes)


def test_a_ca_is_made_once_and_certifies_machines_later_too(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    first, later = certify(folder, "scheduler", "worker-1"), certify(folder, "worker-2")
    assert [Path(line).name for line in first.stdout.split()] == [
        "ca.crt",
        "scheduler.crt",
        "worker-1.crt",
    ]
    assert [Path(line).name for line in later.stdout.split()] == ["worker-2.crt"]
    for machine in ("scheduler", "worker-1", "worker-2"):
        # As OpenSSL sees it, strictly.
        found = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "ca.crt", f"{machine}.crt"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        assert place_in(settings_of(folder, machine)) is not None
        made = x509.load_pem_x509_certificate((folder / f"{machine}.crt").read_bytes())
        # It signs no other.
        assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for file in folder.iterdir():
        mode = 0o644 if file.suffix == ".crt" else 0o600
        assert stat.S_IMODE(file.stat().st_mode) == mode
    before = {file: file.read_bytes() for file in folder.iterdir()}
    again = certify(folder, "worker-1")
    assert again.exit_code == 1
    assert "worker-1 has a certificate in this folder" in again.stderr
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_ca_whose_key_was_moved_away_certifies_nothing(tmp_path: Path) -> None:
    certify(tmp_path / "ca", "worker-1")
    (tmp_path / "ca" / "ca.key").rename(tmp_path / "ca.key")
    refused = certify(tmp_path / "ca", "worker-2")
    assert refused.exit_code == 1
    assert "the cluster's CA without its key" in refused.stderr
    assert "put ca.key back" in refused.stderr


def test_a_machine_has_a_plain_name(tmp_path: Path) -> None:
    for name in ("ca", "../up", "Worker", "-x", ""):
        refused = certify(tmp_path / "ca", "worker-1", "--", name)
        assert refused.exit_code == 2, name
        assert not (tmp_path / "ca").exists()


def test_half_a_cluster_is_refused(tmp_path: Path) -> None:
    malformed = ("tcp://127.0.0.1:8786", "tls://127.0.0.1", "tls://127.0.0.1:99999")
    with pytest.raises(ConfigurationError, match="go together"):
        settings_of(tmp_path, "worker-1", cluster_key_file=None)
    for address in (*malformed, "tls://127.0.0.1:0", "tls://user@host:1"):
        with pytest.raises(ConfigurationError, match="tls://host:port"):
            settings_of(tmp_path, "worker-1", cluster_address=address)


def test_files_that_do_not_belong_together_or_that_others_may_read_are_refused(
    tmp_path: Path,
) -> None:
    certify(tmp_path, "worker-1", "worker-2")
    for changes in (
        {"cluster_key_file": tmp_path / "worker-2.key"},
        {"cluster_ca_file": tmp_path / "none.crt"},
    ):
        with pytest.raises(ConfigurationError, match="belong together"):
            place_in(settings_of(tmp_path, "worker-1", **changes))
    (tmp_path / "worker-1.key").chmod(0o444)
    with pytest.raises(ConfigurationError, match="may be read by others than its owner"):
        place_in(settings_of(tmp_path, "worker-1"))


def test_without_the_extra_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certify(tmp_path, "worker-1")
    monkeypatch.setattr("app.extras.cluster.place.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="library that is not installed") as refused:
        place_in(settings_of(tmp_path, "worker-1"))
    assert refused.value.hint == "in Blindlink's folder: pip install '.[cluster]'"


def test_commands_of_a_cluster_want_to_know_where_it_is(tmp_path: Path) -> None:
    for command in ("scheduler", "worker"):
        refused = CliRunner().invoke(main, ["--state", str(tmp_path), "cluster", command])
        assert refused.exit_code == 1
        assert "the settings name no cluster" in refused.stderr
