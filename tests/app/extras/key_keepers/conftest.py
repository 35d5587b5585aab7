from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from services.vault_stub import VaultStub, running_vault_stub


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[VaultStub]:
    """A stub of Vault, whose settings are `vault.settings(folder)`."""
    with running_vault_stub(tmp_path / "vault") as stub:
        yield stub
