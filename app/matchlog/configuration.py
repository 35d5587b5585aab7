"""The broker's settings that matter to parties, in the match log whenever they have changed.

The log gets a digest of all of them and the names of those that changed; their values stay here, and what is
a matter of the machine alone (where files lie, how many connections there may be) is in neither.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.matchlog import repository
from app.matchlog.draft import Appended, EntryDraft
from app.matchlog.service import MatchLog
from app.settings import Settings
from app.version import SOFTWARE
from schemas.documents.canonical import JsonValue, canonical_bytes, canonical_digest
from schemas.matchlog.log_kinds import ConfigurationChanged

# Where things lie, what the machine can bear, and whom the operator writes to; every other setting is logged.
OF_THE_MACHINE: Final = frozenset(
    {
        "state_dir",
        "database_url",
        "database_password_file",
        "key_ring_file",
        "hsm_module",
        "hsm_label",
        "hsm_pin_file",
        "vault_key",
        "vault_token_file",
        "vault_namespace",
        "vault_ca_file",
        "store_key_id",
        "store_secret_file",
        "store_ca_file",
        "host",
        "port",
        "tls_cert_file",
        "tls_key_file",
        "head_timeout_s",
        "body_timeout_s",
        "body_grace_s",
        "body_bytes_per_s",
        "stop_timeout_s",
        "max_connections",
        "max_connections_per_address",
        "disk_reserve_percent",
        "range_rows",
        "lease_s",
        "worker_threads",
        "mail_server",
        "mail_port",
        "mail_security",
        "mail_ca_file",
        "mail_user",
        "mail_password_file",
        "mail_from",
        "mail_to",
        "webhook_url",
        "webhook_secret_file",
        "webhook_ca_file",
        "traces_url",
        "traces_ca_file",
        "traces_headers_file",
        "sso_client_secret_file",
        "sso_ca_file",
    }
)


def configuration_of(settings: Settings) -> dict[str, JsonValue]:
    """Return what matters to parties, by name: settings, the kind of database, and the software."""
    found: dict[str, JsonValue] = {
        _name(name): value
        for name, value in settings.model_dump(mode="json").items()
        if name not in OF_THE_MACHINE
    }
    url = settings.database_url
    found["database"] = "sqlite" if url is None else make_url(url).get_backend_name()
    found["software"] = SOFTWARE
    return found


def log_configuration(session: Session, log: MatchLog, settings: Settings) -> Appended | None:
    """Log the settings if they are others than those that were logged last; None: they are the same."""
    # First, so that of two that start at once the second one sees what the first one logged.
    log.follow_key(session)
    now = _written(settings)
    before = repository.logged_settings(session)
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    if not changed:
        return None
    repository.replace_settings(session, now)
    body = ConfigurationChanged(
        digest=configuration_digest(settings), changed=tuple(changed), software=SOFTWARE
    )
    (appended,) = log.append(session, [EntryDraft(body)])
    return appended


def configuration_digest(settings: Settings) -> str:
    """Return the digest of what matters to parties, as the log has it."""
    return canonical_digest(configuration_of(settings))


def is_logged(session: Session, settings: Settings) -> bool:
    """Tell whether these settings are those that were logged last."""
    before = repository.logged_settings(session)
    return before == _written(settings)


def _written(settings: Settings) -> dict[str, str]:
    found = configuration_of(settings)
    return {name: canonical_bytes(value).decode() for name, value in found.items()}


def _name(setting: str) -> str:
    return setting.replace("_", "-")
