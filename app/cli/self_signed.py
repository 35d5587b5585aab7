"""A TLS certificate for trials on one machine: it names loopback only, and signs nothing else."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.certificates import begun, named, usage, write_pair
from app.durable import make_private_folder

LIFETIME: Final = timedelta(days=365)


def write_certificate(folder: Path) -> None:
    """Write `broker.crt` and `broker.key` for localhost, 127.0.0.1 and ::1; the first is what to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, public = named("Blindlink trial broker"), key.public_key()
    loopback = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    # What Python 3.13's stricter checks ask of a certificate that is its own anchor (RFC 5280 §4.2.1).
    usages = usage("digital_signature", "key_cert_sign")
    built = (
        begun(name, public, name, public, LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usages, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(loopback), critical=False)
    )
    make_private_folder(folder)
    write_pair(folder, "broker", built.sign(key, hashes.SHA256()), key)
