from __future__ import annotations

import re
from pathlib import Path

import pytest
from rigs.refused_calls import refuses

from app.errors import ConfigurationError
from app.settings import CONFIG_NAME, Settings, read_settings


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
    settings = read_settings(tmp_path)
    assert settings.port == 1
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
    # The state folder of the environment holds the file.
    monkeypatch.setenv("BLINDLINK_STATE_DIR", str(tmp_path))
    assert read_settings().port == 1


def test_a_wrong_setting_is_told_in_the_files_own_words(tmp_path: Path) -> None:
    for line, said in (
        ('port = "x"', "broker.toml: port is not a whole number"),
        ("prt = 1", r"there is no setting prt; did you mean port\?"),
        ('mail_from = "x"', "mail_from is not an address such as ann@example.org"),
        ('mail_security = "plain"', "mail_security is none of starttls, tls or none"),
        ('public_url = "foo"', "public_url is not an address such as https://"),
        ("insecure_plain_http = 3", "insecure_plain_http is neither true nor false"),
        ("port = = 1", "TOML"),
    ):
        write_config(tmp_path, f"{line}\n")
        with refuses(ConfigurationError, line, match=said):
            read_settings(tmp_path)


def test_a_wrong_setting_is_named_where_it_was_written_and_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="option --port: port lies above 65535"):
        read_settings(tmp_path, port=70000)
    with pytest.raises(ConfigurationError, match="go together"):
        read_settings(tmp_path, tls_cert_file=Path("cert.pem"))
    monkeypatch.setenv("BLINDLINK_PORT", "hunter2")
    with pytest.raises(ConfigurationError, match="environment variable BLINDLINK_PORT") as caught:
        read_settings(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_not_said_to_be_malformed(tmp_path: Path) -> None:
    # Root may read every file, but no folder in the place of one.
    (tmp_path / CONFIG_NAME).mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be read$") as caught:
        read_settings(tmp_path)
    assert "account" in (caught.value.hint or "")


def test_the_embedded_database_is_the_default(tmp_path: Path) -> None:
    url = read_settings(tmp_path).engine_url()
    assert url.drivername == "sqlite"
    assert url.database == (tmp_path / "broker.db").as_posix()


def test_the_database_password_comes_from_its_file_and_from_no_url(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    settings = read_settings(
        tmp_path,
        database_url="postgresql+psycopg://broker@db/blindlink",
        database_password_file=tmp_path / "password",
    )
    assert settings.engine_url().password == "s3cret"
    assert "s3cret" not in repr(settings)
    settings = read_settings(tmp_path, database_url="postgresql+psycopg://broker:hunter2@db/x")
    with pytest.raises(ConfigurationError, match="database_password_file") as caught:
        settings.engine_url()
    assert "hunter2" not in str(caught.value)


def test_no_setting_is_a_secret() -> None:
    suspicious = ("secret", "password", "token", "private")
    named = [
        name
        for name, field in Settings.model_fields.items()
        if field.annotation is not bool and any(word in name for word in suspicious)
    ]
    assert [name for name in named if not name.endswith("_file")] == []


MAIL = {
    "mail_server": "mail.example.org",
    "mail_from": "blindlink@example.org",
    "mail_to": {"k12": "data@example.org"},
}


def test_mail_and_webhook_are_set_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a mail password\n")
    (tmp_path / "secret").write_text("x" * 32 + "\n")
    write_config(
        tmp_path,
        f"""
mail_server = "mail.example.org"
mail_user = "blindlink"
mail_password_file = "{tmp_path / "password"}"
mail_from = "blindlink@example.org"
webhook_url = "https://example.org/overdue"
webhook_secret_file = "{tmp_path / "secret"}"

[mail_to]
k12 = "data@example.org"
""",
    )
    settings = read_settings(tmp_path)
    assert settings.mail_to == {"k12": "data@example.org"}
    assert (settings.mail_password(), settings.webhook_secret()) == ("a mail password", b"x" * 32)


def test_the_environment_may_say_whom_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDLINK_MAIL_TO", '{"k12": "data@example.org"}')
    given = {name: value for name, value in MAIL.items() if name != "mail_to"}
    assert read_settings(tmp_path, **given).mail_to == MAIL["mail_to"]
    monkeypatch.setenv("BLINDLINK_MAIL_TO", "hunter2@example.org")
    with pytest.raises(ConfigurationError) as caught:
        read_settings(tmp_path, **given)
    assert "hunter2" not in str(caught.value)


def test_mail_that_could_not_leave_safely_is_refused(tmp_path: Path) -> None:
    unsafe: list[tuple[dict[str, object], str]] = [
        ({"mail_to": {}}, "go together"),
        ({"mail_from": None}, "go together"),
        ({"mail_server": None}, "go together"),
        ({"mail_user": "blindlink"}, "go together"),
        ({"mail_to": {"k12": "no address"}}, "mail_to"),
        ({"mail_to": {"k12": "a@b.org\nBcc: c@d.org"}}, "mail_to"),
        ({"mail_to": {"K 12": "a@b.org"}}, "mail_to"),
        ({"mail_security": "none"}, "on this machine only"),
    ]
    for changes, said in unsafe:
        with refuses(ConfigurationError, changes, match=said):
            read_settings(tmp_path, **(MAIL | changes))


def test_a_webhook_is_https_or_on_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    for url in ("https://example.org/hook?team=1", "http://127.0.0.1:9000/", "http://localhost/"):
        taken = read_settings(tmp_path, webhook_url=url, webhook_secret_file=secret)
        assert taken.webhook_url == url
    for url in (
        "http://example.org/",
        "https://user:password@example.org/",
        "ftp://example.org/",
        "https:///nowhere",
        "https://example.org:port/",
        "https://example.org/a b",
    ):
        with pytest.raises(ConfigurationError, match="webhook_url") as caught:
            read_settings(tmp_path, webhook_url=url, webhook_secret_file=secret)
        assert url not in str(caught.value)


def test_a_webhook_without_its_secret_or_with_a_short_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="go together"):
        read_settings(tmp_path, webhook_url="https://example.org/")
    (tmp_path / "secret").write_text("short\n")
    settings = read_settings(
        tmp_path, webhook_url="https://example.org/", webhook_secret_file=tmp_path / "secret"
    )
    with pytest.raises(ConfigurationError, match="fewer than 32") as caught:
        settings.webhook_secret()
    assert "short" not in str(caught.value)


def test_the_settings_of_the_operators_page_are_taken(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "operator.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    passes_through, ends_tls, stored, in_token, in_vault, signs_on, told, traced = blocks
    for keeper, kind in ((in_token, "pkcs11"), (in_vault, "vault")):
        write_config(tmp_path, keeper)
        assert read_settings(tmp_path).key_keeper == kind
    write_config(tmp_path, ends_tls)
    named = read_settings(tmp_path)
    assert (named.insecure_plain_http, named.trusted_proxy) == (True, "127.0.0.1")
    write_config(tmp_path, signs_on)
    single = read_settings(tmp_path)
    assert (single.sso_require, set(single.sso_groups)) == ({"acr": ["2"]}, {"auditor", "operator"})
    write_config(tmp_path, f"{passes_through}\n{traced}\n{stored}\n{told}")
    settings = read_settings(tmp_path)
    assert sorted(settings.mail_to) == ["child-welfare", "k12", "state-university"]
    assert settings.webhook_url is not None
    assert settings.traces_url is not None
    assert settings.store_url == "s3://linkage-blobs/blindlink"
    # Behind a proxy all callers come from one address.
    assert settings.max_connections_per_address == settings.max_connections


STORE = {
    "store_url": "s3://bucket/prefix",
    "store_key_id": "blindlink",
    "store_secret_file": Path("secret"),
}


def test_a_store_that_could_not_be_asked_safely_is_refused(tmp_path: Path) -> None:
    assert read_settings(tmp_path, **STORE).store_url == STORE["store_url"]
    read_settings(tmp_path, **STORE, store_endpoint="http://127.0.0.1:9000")
    # Under the machine's role.
    read_settings(tmp_path, store_url="s3://bucket", store_region="us-gov-west-1")
    read_settings(tmp_path, store_url="az://container/prefix", store_key_id="account")
    azure = {"store_url": "az://container"}
    unsafe: list[tuple[dict[str, object], str]] = [
        ({"store_url": None}, "says nothing without store_url"),
        ({"store_url": "file:///srv/blobs"}, "store_url"),
        ({"store_url": "s3://key:secret@bucket"}, "store_url"),
        ({"store_url": "s3://bucket/../other"}, "store_url"),
        ({"store_url": "gs://bucket"}, "store_key_id says nothing with gs://"),
        (azure | {"store_region": "x"}, "store_region says nothing with az://"),
        (azure | {"store_key_id": None}, "name of the account"),
        ({"store_key_id": None}, "go together"),
        ({"store_secret_file": None}, "go together"),
        ({"store_endpoint": "http://store.example.org"}, "on this machine"),
        ({"store_endpoint": "https://user:secret@store.example.org"}, "without a user"),
    ]
    for changes, said in unsafe:
        with pytest.raises(ConfigurationError, match=said) as caught:
            read_settings(tmp_path, **(STORE | changes))
        assert "secret@" not in str(caught.value)


def test_a_proxy_is_named_by_its_address_and_what_is_none_is_not_repeated(tmp_path: Path) -> None:
    assert Settings(state_dir=tmp_path, trusted_proxy="::0:1").trusted_proxy == "::1"
    for text in ("*", "", "proxy.example.gov", "10.0.0.0/8", "10.0.0.1/99", "127.0.0.1:8080"):
        write_config(tmp_path, f'trusted_proxy = "{text}"\n')
        with pytest.raises(ConfigurationError) as caught:
            read_settings(tmp_path)
        assert str(caught.value) == (
            "broker.toml: trusted_proxy: it must be one IP address, such as 127.0.0.1; a host name, a"
            " range or a port is not taken"
        )
