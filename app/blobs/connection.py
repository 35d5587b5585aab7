"""The object store that the settings name, over TLS, by credentials from a file, with an end to every wait."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from app.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import ClientConfig, ObjectStoreMethods, RetryConfig

    from app.settings import Settings

CONNECT_TIMEOUT: Final = timedelta(seconds=5)
REQUEST_TIMEOUT: Final = timedelta(seconds=30)
# No request is begun anew after this, so nobody waits longer than both together: less than an agency does.
RETRY_TIMEOUT: Final = timedelta(seconds=20)
MAX_RETRIES: Final = 3
RETRY: Final[RetryConfig] = {"max_retries": MAX_RETRIES, "retry_timeout": RETRY_TIMEOUT}

# The library would read these: secrets that lie open, or another place than the settings name.
_FOREIGN: Final = re.compile(
    r"(AWS|AZURE|GOOGLE)_(\w+_)?(SECRET|SECRET_ACCESS_KEY|ACCESS_KEY|ACCESS_KEY_ID|ACCOUNT_KEY|MASTER_KEY|TOKEN"
    r"|SAS_KEY|SAS_TOKEN|SERVICE_ACCOUNT_KEY|ENDPOINT|ENDPOINT_URL|ENDPOINT_URL_S3|ALLOW_HTTP"
    r"|ALLOW_INVALID_CERTIFICATES|SKIP_SIGNATURE|PROXY_URL)"
)


@dataclass(frozen=True, slots=True)
class Connection:
    """A store, and the URL by which the settings name it."""

    store: ObjectStoreMethods = field(repr=False)
    url: str


def connect(settings: Settings) -> Connection:
    """Return the store; nothing is sent yet."""
    url = settings.store_url or ""
    _refuse_foreign(os.environ)
    parts = urlsplit(url)
    try:
        store = _KINDS[parts.scheme](settings, parts.netloc, parts.path.strip("/") or None)
    except (BaseError, ValueError, OSError):
        # What the library says may quote what it was given.
        raise ConfigurationError(
            "the settings of the object store do not fit", hint="docs/operator.md#an-object-store"
        ) from None
    return Connection(store, url)


def _s3(settings: Settings, bucket: str, prefix: str | None) -> S3Store:
    # Blobs go one at a time, and not every server takes several in one request.
    config: dict[str, Any] = {"disable_bulk_delete": True}
    if settings.store_key_id is not None:
        config |= {
            "access_key_id": settings.store_key_id,
            "secret_access_key": settings.store_secret(),
        }
    return S3Store(
        bucket,
        prefix=prefix,
        config=_given(config, endpoint=settings.store_endpoint, region=settings.store_region),
        client_options=_client(settings),
        retry_config=RETRY,
    )


def _gcs(settings: Settings, bucket: str, prefix: str | None) -> GCSStore:
    file = settings.store_secret_file
    return GCSStore(
        bucket,
        prefix=prefix,
        config=_given({}, service_account=None if file is None else str(file)),
        client_options=_client(settings),
        retry_config=RETRY,
    )


def _azure(settings: Settings, container: str, prefix: str | None) -> AzureStore:
    config: dict[str, Any] = {"account_name": settings.store_key_id}
    if settings.store_secret_file is not None:
        config["account_key"] = settings.store_secret()
    return AzureStore(
        container,
        prefix=prefix,
        config=_given(config, endpoint=settings.store_endpoint),
        client_options=_client(settings),
        retry_config=RETRY,
    )


_KINDS: Final = {"s3": _s3, "gs": _gcs, "az": _azure}


def _given(config: Mapping[str, Any], **more: str | None) -> Any:
    return {**config, **{name: value for name, value in more.items() if value is not None}}


def _client(settings: Settings) -> ClientConfig:
    # The settings allow http:// to this machine alone.
    is_plain = (settings.store_endpoint or "").startswith("http://")
    options: ClientConfig = {
        "connect_timeout": CONNECT_TIMEOUT,
        "timeout": REQUEST_TIMEOUT,
        "allow_http": is_plain,
        "allow_invalid_certificates": False,
    }
    if settings.store_ca_file is not None:
        try:
            options["root_certificate"] = settings.store_ca_file.read_bytes()
        except OSError as exc:
            raise ConfigurationError("the file of store_ca_file cannot be read") from exc
    return options


def _refuse_foreign(environment: Mapping[str, str]) -> None:
    for name in sorted(environment):
        if _FOREIGN.fullmatch(name):
            raise ConfigurationError(
                f"the environment holds {name}, which the library of the object store would read",
                hint="unset it; broker.toml says where the store is, and files hold its credentials",
            )
