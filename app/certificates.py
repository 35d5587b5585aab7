"""Certificates that the broker makes itself, and their keys, as files beside each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.durable import write_new
from app.errors import ConfigurationError

RENEW_BEFORE: Final = timedelta(days=30)
_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def named(text: str) -> x509.Name:
    """Return a name that is a common name only."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def begun(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePublicKey,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    """Return a certificate that lacks only what it is for, and the issuer's signature."""
    now = datetime.now(UTC)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks of machines differ.
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority, critical=False)
    )


def usage(*names: str) -> x509.KeyUsage:
    """Return the usage of a key that may do these, named as RFC 5280 §4.2.1.3 does, and nothing else."""
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


def end_of(certificate: Path) -> date:
    """Return when a certificate ends.

    Raises:
        ConfigurationError: within 30 days.
    """
    end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    if end - RENEW_BEFORE < datetime.now(UTC):
        raise ConfigurationError(f"the certificate ends on {end.date()}")
    return end.date()


def write_pair(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    """Write `<name>.crt`, which all may read, and `<name>.key`.

    Raises:
        FileExistsError: one of them is there.
    """
    public = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The key last: where it is, the certificate is.
    write_new(folder / f"{name}.crt", public, mode=0o644)
    write_new(folder / f"{name}.key", secret)
