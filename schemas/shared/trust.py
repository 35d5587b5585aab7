"""Which certificates a client of the broker trusts, at an agency and at an auditor's."""

from __future__ import annotations

import ssl
from pathlib import Path


def trust_only(ca_file: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates in one file, in PEM form, and no others.

    Where there is no such file, a client trusts what the computer does, where an agency's proxy has its
    certificate, too.

    Raises:
        OSError: the file cannot be read, or holds no certificate.
    """
    return ssl.create_default_context(cafile=ca_file)
