"""The keepers that the settings name beside the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import ConfigurationError
from app.security.key_encryption import GUIDE, KeyKeeper
from app.security.keyring import PKCS11, VAULT

if TYPE_CHECKING:
    from app.settings import Settings


def keepers_beyond_file(settings: Settings) -> dict[str, KeyKeeper]:
    """Return a security module and Vault, where the settings name them."""
    found: dict[str, KeyKeeper] = {}
    if settings.hsm_module is not None and settings.hsm_label is not None:
        try:
            from app.extras.key_keepers.security_module import SecurityModule  # noqa: PLC0415
        except ImportError as exc:
            raise ConfigurationError(
                "hsm_module needs a library that is not installed",
                hint="in Blindlink's folder: pip install '.[hsm]'",
            ) from exc
        found[PKCS11] = SecurityModule(settings.hsm_module, settings.hsm_label, settings.hsm_pin)
    if settings.vault_url is not None and settings.vault_key is not None:
        # Loaded where it is wanted only: it takes a tenth of a second.
        from app.extras.key_keepers.vault import Vault  # noqa: PLC0415

        try:
            found[VAULT] = Vault(
                settings.vault_url,
                settings.vault_key,
                settings.vault_token,
                ca_file=settings.vault_ca_file,
                namespace=settings.vault_namespace,
            )
        except OSError as exc:
            raise ConfigurationError(
                "the file of vault_ca_file cannot be read", hint=GUIDE
            ) from exc
    return found
