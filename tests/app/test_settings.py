from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, read_settings


def write_config(folder: Path, text: str) -> None:
    (folder / "broker.toml").write_text(text, encoding="utf-8")


def test_a_flag_wins_over_environment_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, "port = 1\n")
    monkeypatch.setenv("BLINDLINK_PORT", "2")
    assert read_settings(tmp_path, port=3).port == 3
    assert read_settings(tmp_path).port == 2
    monkeypatch.delenv("BLINDLINK_PORT")
    assert read_settings(tmp_path).port == 1


def test_the_state_folder_of_the_environment_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, "port = 7\n")
    monkeypatch.setenv("BLINDLINK_STATE_DIR", str(tmp_path))
    assert read_settings().port == 7


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path, "prot = 1\n")
    with pytest.raises(ConfigurationError, match="prot"):
        read_settings(tmp_path)


def test_a_malformed_setting_is_named_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDLINK_PORT", "hunter2")
    with pytest.raises(ConfigurationError, match="port") as caught:
        read_settings(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path, "port = = 1\n")
    with pytest.raises(ConfigurationError, match="TOML"):
        read_settings(tmp_path)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="go together"):
        read_settings(tmp_path, tls_cert_file=Path("cert.pem"))


def test_the_embedded_database_is_the_default(tmp_path: Path) -> None:
    url = read_settings(tmp_path).engine_url()
    assert url.drivername == "sqlite"
    assert url.database == (tmp_path / "broker.db").as_posix()


def test_the_database_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    settings = read_settings(
        tmp_path,
        database_url="postgresql+psycopg://broker@db/blindlink",
        database_password_file=tmp_path / "password",
    )
    assert settings.engine_url().password == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_password_in_the_database_url_is_refused(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, database_url="postgresql+psycopg://broker:hunter2@db/x")
    with pytest.raises(ConfigurationError, match="database_password_file") as caught:
        settings.engine_url()
    assert "hunter2" not in str(caught.value)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_no_setting_is_a_secret() -> None:
    suspicious = ("secret", "password", "token", "private")
    named = [
        name
        for name, field in Settings.model_fields.items()
        if field.annotation is not bool and any(word in name for word in suspicious)
    ]
    assert [name for name in named if not name.endswith("_file")] == []
