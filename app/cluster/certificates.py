"""The cluster's own CA, and a certificate for each of its machines. Each is root over the whole cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.durable import make_private_folder, write_new
from app.errors import ConfigurationError

CA_LIFETIME: Final = timedelta(days=5 * 365)
LIFETIME: Final = timedelta(days=2 * 365)
CA_NAME: Final = "ca"


def make_ca(folder: Path) -> bool:
    """Write `ca.crt` and `ca.key` into a folder; False where they are there."""
    make_private_folder(folder)
    if (folder / f"{CA_NAME}.key").exists():
        return False
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name("Blindlink cluster CA")
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    built = (
        _begun(name, name, key.public_key(), CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_ca=True), critical=True)
        .add_extension(authority, critical=False)
    )
    _write(folder, CA_NAME, key, built.sign(key, hashes.SHA384()))
    return True


def certify(folder: Path, machine: str) -> None:
    """Write `<machine>.crt` and `<machine>.key`, signed by the CA of the folder.

    Raises:
        ConfigurationError: the machine has a certificate there, or the CA cannot be read.
    """
    if (folder / f"{machine}.key").exists():
        raise ConfigurationError(
            f"{machine} has a certificate in this folder",
            hint="move its two files away to make new ones; the old ones stay valid until they end",
        )
    ca, ca_key = _read_ca(folder)
    key = ec.generate_private_key(ec.SECP384R1())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    built = (
        _begun(_name(machine), ca.subject, key.public_key(), LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(machine)]), critical=False)
        .add_extension(authority, critical=False)
    )
    _write(folder, machine, key, built.sign(ca_key, hashes.SHA384()))


def _read_ca(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{CA_NAME}.crt").read_bytes())
        key = serialization.load_pem_private_key((folder / f"{CA_NAME}.key").read_bytes(), None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError("the cluster's CA in this folder cannot be read") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the cluster's CA in this folder is of another kind")
    return certificate, key


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
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
    )


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    # The key last: where it is, the certificate is.
    write_new(folder / f"{name}.crt", public, mode=0o644)
    write_new(folder / f"{name}.key", pem)
