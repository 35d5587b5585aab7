"""Who keeps the key-encryption keys, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.features import FEATURES
from app.security.key_encryption import FileKeeper, KeyKeeper
from app.security.keyring import FILE, Keepers

if TYPE_CHECKING:
    from app.settings import Settings


def keepers_of(settings: Settings) -> Keepers:
    """Return all keepers that the settings name; none is asked for anything yet, and no secret is read.

    Raises:
        ConfigurationError: the file of vault_ca_file cannot be read, or a library is not installed.
    """
    found: dict[str, KeyKeeper] = {FILE: FileKeeper()}
    if settings.hsm_module is not None or settings.vault_url is not None:
        found |= FEATURES.load("key_keepers", "keepers").keepers_beyond_file(settings)
    return Keepers(settings.key_keeper, found)
