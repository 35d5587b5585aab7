"""The operator's settings: read once by the command line, then passed in.

A flag wins over the environment (`BLINDLINK_...`), and that over `broker.toml` in the state folder. No
secret is a setting: passwords and keys are in files, and the settings hold their paths.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.errors import ConfigurationError
from schemas.documents.ids import ADDRESS_PATTERN, PartyName
from schemas.shared.written_answers import MAIL_PATTERN, TOML_HINT, setting_fault
from schemas.signing.identity import Duty

_LISTED: Final = "docs/operator.md lists the settings"
CONFIG_NAME: Final = "broker.toml"
DEFAULT_STATE_DIR: Final = Path("broker-state")

Seconds = Annotated[int, Field(ge=1, le=86_400)]
Address = Annotated[str, Field(pattern=MAIL_PATTERN, max_length=254)]


def _one_form(address: str) -> str:
    """Return an address as it is compared: in the one form that it has."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise ValueError(
            "it must be one IP address, such as 127.0.0.1; a host name, a range or a port is not taken"
        ) from None


ProxyAddress = Annotated[str, AfterValidator(_one_form)]
# A bucket or container of its own, or a prefix in one; nothing that has to be quoted in a URL.
_HEADER: Final = re.compile(r"([A-Za-z0-9-]+): *([!-~][ -~]*)")
_STORE: Final = re.compile(
    r"(s3|gs|az)://[a-z0-9][a-z0-9._-]{1,220}(/[A-Za-z0-9_][A-Za-z0-9._-]*)*/?"
)
# Where the transit engine is mounted, and the name of its key.
_VAULT_KEY: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$"
# A key that nobody finds by trying.
LEAST_SECRET: Final = 32
PerMinute = Annotated[int, Field(ge=1, le=10**6)]


# Which settings a kind of store takes; none: blobs are files.
_OF_EACH_STORE: Final = frozenset({"store_url", "store_secret_file", "store_ca_file"})
_STORE_SETTINGS: Final = {
    "": frozenset[str](),
    "s3": _OF_EACH_STORE | {"store_endpoint", "store_region", "store_key_id"},
    "gs": _OF_EACH_STORE,
    "az": _OF_EACH_STORE | {"store_endpoint", "store_key_id"},
}


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Settings(BaseSettings):
    """All settings with their defaults; paths that are None lie in the state folder."""

    model_config = SettingsConfigDict(
        env_prefix="BLINDLINK_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    state_dir: Path = DEFAULT_STATE_DIR
    # The party that runs the broker, in whose name its own commands act.
    operator: PartyName = "operator"

    database_url: str | None = None
    database_password_file: Path | None = None
    key_ring_file: Path | None = None
    # Who keeps the keys that wrap all others and makes new ones; `hsm_...` and `vault_...` say where they are.
    key_keeper: Literal["file", "pkcs11", "vault"] = "file"
    hsm_module: Path | None = None
    hsm_label: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    hsm_pin_file: Path | None = None
    vault_url: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=2000)] | None = None
    vault_key: Annotated[str, Field(pattern=_VAULT_KEY, max_length=200)] | None = None
    vault_token_file: Path | None = None
    vault_namespace: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = None
    vault_ca_file: Path | None = None
    # For tests: takes a database that may lose what it acknowledged when the machine loses power.
    insecure_volatile_database: bool = False

    # The address under which parties reach the broker; what they sign to come in names it.
    public_url: Annotated[str, Field(pattern=ADDRESS_PATTERN)] | None = None

    # Where sealed blobs lie, if not in files: `s3://bucket/prefix`, `gs://...`, or `az://container/prefix`.
    store_url: Annotated[str, Field(max_length=1000)] | None = None
    store_endpoint: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=2000)] | None = None
    store_region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    # Of S3 the access key's id, of Azure the account; the secret that goes with it is in the file.
    store_key_id: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = None
    store_secret_file: Path | None = None
    store_ca_file: Path | None = None

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8443
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    # Only for a reverse proxy on the same machine that speaks TLS to the world.
    insecure_plain_http: bool = False
    # Who may say for whom it calls, by X-Forwarded-For; nobody else's word for it counts.
    trusted_proxy: ProxyAddress | None = None

    # uvicorn has no receive timeout of its own, so idle senders would hold connections for ever.
    head_timeout_s: Seconds = 10
    body_timeout_s: Seconds = 120
    body_grace_s: Seconds = 10
    body_bytes_per_s: Annotated[int, Field(ge=1, le=2**30)] = 16 * 1024
    stop_timeout_s: Seconds = 30
    max_connections: Annotated[int, Field(ge=1, le=65_535)] = 512
    max_connections_per_address: Annotated[int, Field(ge=1, le=65_535)] = 128

    reads_per_minute: PerMinute = 1200
    writes_per_minute: PerMinute = 240
    parts_per_minute: PerMinute = 3000
    sign_ins_per_minute: PerMinute = 30

    disk_reserve_percent: Annotated[int, Field(ge=0, le=90)] = 10

    # Rows in one range of a run, of both files together: what a worker that dies loses at most.
    range_rows: Annotated[int, Field(ge=1, le=10**12)] = 2_000_000
    # How long a run waits for a worker that fell silent before another takes it up.
    lease_s: Seconds = 30
    # To PostgreSQL, by each process; more requests at a time wait for one.
    database_connections: Annotated[int, Field(ge=2, le=200)] = 15
    worker_threads: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=usable_processors)

    # How what is overdue is told: by mail to parties, by name, and by a webhook.
    mail_server: str | None = None
    mail_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_ca_file: Path | None = None
    mail_user: str | None = None
    mail_password_file: Path | None = None
    mail_from: Address | None = None
    mail_to: dict[PartyName, Address] = {}
    webhook_url: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=2000)] | None = None
    webhook_secret_file: Path | None = None
    webhook_ca_file: Path | None = None

    # Where spans of OpenTelemetry go, by OTLP over HTTP; off where no collector is named.
    traces_url: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=2000)] | None = None
    traces_ca_file: Path | None = None
    traces_headers_file: Path | None = None

    # Single sign-on for the pages, by OpenID Connect: off where no issuer is named.
    sso_issuer: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=2000)] | None = None
    sso_client_id: Annotated[str, Field(pattern=r"^[ -~]+$", max_length=255)] | None = None
    sso_client_secret_file: Path | None = None
    sso_ca_file: Path | None = None
    # As people call it: it stands on the button.
    sso_name: Annotated[str, Field(min_length=1, max_length=60)] = "your organization"
    sso_scope: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$", max_length=400)] = "openid"
    # Claims of which each must have one of these values, such as how someone has shown who they are.
    sso_require: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    # The group there that leaves a person a duty on the pages; empty: nobody loses one.
    sso_groups: dict[Duty, str] = {}
    sso_groups_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    # Leaves it to the provider alone whether a password is enough.
    insecure_sso_any_factor: bool = False

    @model_validator(mode="after")
    def _tls_comes_in_pairs(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file go together")
        return self

    @model_validator(mode="after")
    def _messages_can_leave(self) -> Self:
        if len({self.mail_server is not None, self.mail_from is not None, bool(self.mail_to)}) > 1:
            raise ValueError("mail_server, mail_from and mail_to go together")
        if (self.mail_user is None) != (self.mail_password_file is None):
            raise ValueError("mail_user and mail_password_file go together")
        if self.mail_security == "none" and not is_loopback(self.mail_server or ""):
            raise ValueError("mail goes without TLS to a server on this machine only")
        if (self.webhook_url is None) != (self.webhook_secret_file is None):
            raise ValueError("webhook_url and webhook_secret_file go together")
        if self.webhook_url is not None and not _is_safe_url(self.webhook_url):
            raise ValueError("webhook_url is https://, or http:// on this machine, without a user")
        return self

    @model_validator(mode="after")
    def _traces_can_leave(self) -> Self:
        if self.traces_url is None:
            for name in ("traces_ca_file", "traces_headers_file"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} says nothing without traces_url")
        elif not _is_safe_url(self.traces_url):
            raise ValueError("traces_url is https://, or http:// on this machine, without a user")
        return self

    @model_validator(mode="after")
    def _store_can_be_asked(self) -> Self:
        """Refuse what would go unread, or in the clear; where no secret is given, the machine has a role."""
        if self.store_url is not None and not _STORE.fullmatch(self.store_url):
            raise ValueError(
                "store_url is s3://bucket/prefix, gs://bucket/prefix or az://container/prefix"
            )
        kind = (self.store_url or "").partition(":")[0]
        given = {name for name in type(self).model_fields if name.startswith("store_")}
        given = {name for name in given if getattr(self, name) is not None}
        beyond = sorted(given - _STORE_SETTINGS[kind])
        if beyond:
            where = f"with {kind}://" if kind else "without store_url"
            raise ValueError(f"{beyond[0]} says nothing {where}")
        if kind == "s3" and (self.store_key_id is None) != (self.store_secret_file is None):
            raise ValueError("store_key_id and store_secret_file go together")
        if kind == "az" and self.store_key_id is None:
            raise ValueError("az:// needs store_key_id, the name of the account")
        if self.store_endpoint is not None and not _is_safe_url(self.store_endpoint):
            raise ValueError(
                "store_endpoint is https://, or http:// on this machine, without a user"
            )
        return self

    @model_validator(mode="after")
    def _keys_can_be_kept(self) -> Self:
        """Refuse half of a keeper; one that is not `key_keeper` may still keep older keys of the ring."""
        if len({one is None for one in (self.hsm_module, self.hsm_label, self.hsm_pin_file)}) > 1:
            raise ValueError("hsm_module, hsm_label and hsm_pin_file go together")
        if (
            len({one is None for one in (self.vault_url, self.vault_key, self.vault_token_file)})
            > 1
        ):
            raise ValueError("vault_url, vault_key and vault_token_file go together")
        if self.vault_url is None:
            for name in ("vault_namespace", "vault_ca_file"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} says nothing without vault_url")
        elif not _is_safe_url(self.vault_url):
            raise ValueError("vault_url is https://, or http:// on this machine, without a user")
        if self.key_keeper == "pkcs11" and self.hsm_module is None:
            raise ValueError("key_keeper pkcs11 needs hsm_module")
        if self.key_keeper == "vault" and self.vault_url is None:
            raise ValueError("key_keeper vault needs vault_url")
        return self

    @model_validator(mode="after")
    def _sign_on_is_whole(self) -> Self:
        needed = (self.sso_issuer, self.sso_client_id, self.sso_client_secret_file)
        if len({one is None for one in needed}) > 1:
            raise ValueError("sso_issuer, sso_client_id and sso_client_secret_file go together")
        if self.sso_issuer is None:
            return self
        if not is_https_url(self.sso_issuer) or re.search("[?#]", self.sso_issuer):
            raise ValueError("sso_issuer is https://, without a user, a query or a fragment")
        if not self.sso_require and not self.insecure_sso_any_factor:
            raise ValueError("sso_require names the claim that shows a second factor")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read flags, then the environment, then the file; no dotenv file, no secrets folder."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _FileSettings(settings_cls)

    @property
    def address(self) -> str:
        """The broker's address, as it stands in what parties sign: the public one, else where it listens."""
        return self.listening_at if self.public_url is None else self.public_url

    @property
    def listening_at(self) -> str:
        """Where the broker listens, as an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.insecure_plain_http else 'https'}://{host}:{self.port}"

    @property
    def blob_dir(self) -> Path:
        """Folder of the sealed parts, blocks and releases."""
        return self.state_dir / "blobs"

    @property
    def key_store_dir(self) -> Path:
        """Folder of the wrapped keys; never in a backup that is kept."""
        return self.state_dir / "keystore"

    @property
    def ring_file(self) -> Path:
        """File of the key-encryption keys."""
        return self.key_ring_file or self.state_dir / "keys" / "kek-ring"

    @property
    def log_key_file(self) -> Path:
        """File of the key that signs checkpoints."""
        return self.state_dir / "log" / "log-key"

    @property
    def last_checkpoint_file(self) -> Path:
        """File that remembers the newest checkpoint outside the database, to notice a rolled back one."""
        return self.state_dir / "log" / "last-checkpoint"

    @property
    def scratch_dir(self) -> Path:
        """Folder of files that live for one answer, such as a bundle of the log; never of encodings."""
        return self.state_dir / "scratch"

    @property
    def tls_dir(self) -> Path:
        """Folder of the development certificate, if `init` made one."""
        return self.state_dir / "tls"

    def tls_files(self) -> tuple[Path, Path] | None:
        """Return certificate and key: those that were set, else those that `init` made; None: neither."""
        if self.tls_cert_file is not None and self.tls_key_file is not None:
            return self.tls_cert_file, self.tls_key_file
        made = self.tls_dir / "broker.crt", self.tls_dir / "broker.key"
        return made if all(file.exists() for file in made) else None

    def engine_url(self) -> URL:
        """Return the database's URL, with the password from its file."""
        if self.database_url is None:
            return make_url(f"sqlite:///{(self.state_dir / 'broker.db').as_posix()}")
        try:
            url = make_url(self.database_url)
        except ArgumentError as exc:
            raise ConfigurationError("the database URL is malformed") from exc
        if url.password is not None:
            raise ConfigurationError(
                "the database URL holds a password; put it into a file and set database_password_file"
            )
        if self.database_password_file is None:
            return url
        return url.set(password=_first_line(self.database_password_file, "the database password"))

    def mail_password(self) -> str:
        """Return the password of `mail_user`, from its file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _first_line(self.mail_password_file, "the mail password")

    def store_secret(self) -> str:
        """Return the secret that goes with `store_key_id`, from its file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _first_line(self.store_secret_file, "the object store's secret")

    def hsm_pin(self) -> str:
        """Return the PIN of the token's user, from its file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _first_line(self.hsm_pin_file, "hsm_pin_file")

    def vault_token(self) -> str:
        """Return the token that Vault knows the broker by, from its file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _first_line(self.vault_token_file, "vault_token_file")

    def traces_headers(self) -> dict[str, str]:
        """Return what a collector wants to see with each request, from its file: a `Name: value` a line."""
        if self.traces_headers_file is None:
            return {}
        try:
            lines = self.traces_headers_file.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError("the file of traces_headers_file cannot be read") from exc
        found = [_HEADER.fullmatch(line) for line in lines if line.strip()]
        if None in found:
            raise ConfigurationError("a line of traces_headers_file is not like `Name: value`")
        return {header[1]: header[2] for header in found if header is not None}

    def webhook_secret(self) -> bytes:
        """Return the key that authenticates messages to the webhook, from its file.

        Raises:
            ConfigurationError: it cannot be read, or is too short.
        """
        secret = _first_line(self.webhook_secret_file, "the webhook secret").encode()
        if len(secret) < LEAST_SECRET:
            raise ConfigurationError(
                f"the webhook secret has fewer than {LEAST_SECRET} characters",
                hint="openssl rand -hex 32",
            )
        return secret

    def sso_client_secret(self) -> str:
        """Return the secret that the provider of the single sign-on knows the broker by, from its file.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return _first_line(self.sso_client_secret_file, "the client secret of the single sign-on")


def read_settings(state_dir: Path | None = None, **flags: Any) -> Settings:
    """Return the settings in force; a flag that is None was not given.

    Raises:
        ConfigurationError: a setting is unknown or malformed; the message names it, not its value.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if state_dir is not None:
        given["state_dir"] = state_dir
    try:
        return Settings(**given)
    except SettingsError as exc:
        # Its text names the setting and may quote the value.
        named = re.search(r'field "(\w+)"', str(exc))
        variable = f"BLINDLINK_{named[1].upper()}" if named else "of a list or table"
        raise ConfigurationError(
            f"the environment variable {variable} is not written as JSON",
            hint='such as {"k12": "ann@example.org"} or ["192.0.2.7"]; broker.toml takes it as TOML',
        ) from None
    except ValidationError as exc:
        raise _described(exc, given) from None


def _described(error: ValidationError, flags: Mapping[str, Any]) -> ConfigurationError:
    """Return an error that names the first wrong setting as it was written: option, variable or line."""
    found = error.errors(include_input=False, include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    name = str(next(iter(first["loc"]), ""))
    variable = f"BLINDLINK_{name.upper()}"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, Settings.model_fields, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        return ConfigurationError(f"{CONFIG_NAME}: there is no setting {name}{meant}", hint=_LISTED)
    if not name:
        return ConfigurationError(f"the settings do not fit: {setting_fault(first)}", hint=_LISTED)
    where = CONFIG_NAME
    if name in flags:
        where = f"option --{name.replace('_', '-')}"
    elif variable in os.environ:
        where = f"environment variable {variable}"
    return ConfigurationError(f"{where}: {setting_fault(first)}", hint=_LISTED)


class _FileSettings(PydanticBaseSettingsSource):
    """`broker.toml` in the state folder that flags and environment name; no file is an empty one."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the file is read in whole by `__call__`."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Return what the file sets."""
        folder = Path(self.current_state.get("state_dir") or DEFAULT_STATE_DIR)
        try:
            return tomllib.loads((folder / CONFIG_NAME).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise ConfigurationError(
                f"{CONFIG_NAME} cannot be read",
                hint="it must belong to the account that runs the broker",
            ) from exc
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            at = f": {exc}" if isinstance(exc, tomllib.TOMLDecodeError) else ""
            raise ConfigurationError(
                f"{CONFIG_NAME} cannot be read as TOML{at}", hint=TOML_HINT
            ) from exc


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_https_url(url: str) -> bool:
    """Tell whether a text is an address of HTTPS, with a host and without a user."""
    return _host_of(url, "https") is not None


def _is_safe_url(url: str) -> bool:
    return is_https_url(url) or is_loopback(_host_of(url, "http") or "")


def _host_of(url: str, scheme: str) -> str | None:
    """Return the host of an address of this scheme; None where it is none, or has a user."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        return None
    return (host or None) if parts.scheme == scheme and user is None else None


def _first_line(file: Path | None, what: str) -> str:
    try:
        if file is None:
            raise FileNotFoundError
        return file.read_text("utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as exc:
        raise ConfigurationError(f"the file of {what} cannot be read") from exc
