"""SoftHSM: a security module in software, of OpenDNSSEC, with tokens in a temporary folder of the process."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "2468-of-tests"


class MissingSecurityModuleError(Exception):
    """SoftHSM, or the library that speaks to it, is not installed."""


@dataclass(frozen=True)
class SoftHsm:
    """The module as this process and those that it starts see it: by SOFTHSM2_CONF."""

    folder: Path

    @cached_property
    def token(self) -> str:
        """The label of a token that tests share, each with keys of its own."""
        return self.new_token()

    def new_token(self) -> str:
        """Make a token and return its label."""
        label = f"test-{secrets.token_hex(6)}"
        pins = ["--so-pin", "1357-of-tests", "--pin", PIN]
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, *pins]
        subprocess.run(command, check=True, capture_output=True)
        return label

    def settings(self, folder: Path) -> dict[str, Any]:
        """Return the settings of a broker that uses the token, with its PIN in a file in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pin = folder / "pin"
        pin.write_text(f"{PIN}\n")
        return {"hsm_module": MODULE, "hsm_label": self.token, "hsm_pin_file": pin}

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Have all tokens away for a while."""
        tokens, away = self.folder / "tokens", self.folder / "away"
        tokens.rename(away)
        try:
            yield
        finally:
            away.rename(tokens)


@contextmanager
def running_soft_hsm() -> Iterator[SoftHsm]:
    """Let this process have a module without tokens until the block ends.

    Raises:
        MissingSecurityModuleError: it is not installed.
    """
    if shutil.which("softhsm2-util") is None or not MODULE.exists():
        raise MissingSecurityModuleError("softhsm2 is not installed")
    try:
        import pkcs11  # noqa: F401 - an extra
    except ImportError as exc:
        raise MissingSecurityModuleError("python-pkcs11 is not installed") from exc
    with tempfile.TemporaryDirectory(prefix="blindlink-hsm-") as name:
        folder = Path(name)
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
        try:
            yield SoftHsm(folder)
        finally:
            del os.environ["SOFTHSM2_CONF"]
