"""The cluster's own CA, and a certificate for each of its machines. Each is root over the whole cluster."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.certificates import begun, named, usage, write_pair
from app.durable import make_private_folder
from app.errors import ConfigurationError

CA_LIFETIME: Final = timedelta(days=5 * 365)
LIFETIME: Final = timedelta(days=2 * 365)
CA_NAME: Final = "ca"


def make_ca(folder: Path) -> bool:
    """Write `ca.crt` and `ca.key` into a folder; False where they are there."""
    make_private_folder(folder)
    if (folder / f"{CA_NAME}.key").exists():
        return False
    if (folder / f"{CA_NAME}.crt").exists():
        raise ConfigurationError(
            "this folder has the cluster's CA without its key",
            hint="put ca.key back; to begin anew, move ca.crt away",
        )
    key = ec.generate_private_key(ec.SECP384R1())
    name, public = named("Blindlink cluster CA"), key.public_key()
    built = (
        begun(name, public, name, public, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
    )
    write_pair(folder, CA_NAME, built.sign(key, hashes.SHA384()), key)
    return True


def certify(folder: Path, machine: str) -> None:
    """Write `<machine>.crt` and `<machine>.key`, signed by the CA of the folder."""
    if (folder / f"{machine}.key").exists():
        raise ConfigurationError(
            f"{machine} has a certificate in this folder",
            hint="move its two files away to make new ones; the old ones stay valid until they end",
        )
    ca, ca_key = _read_ca(folder)
    key = ec.generate_private_key(ec.SECP384R1())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    built = (
        begun(named(machine), key.public_key(), ca.subject, ca_key.public_key(), LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(machine)]), critical=False)
    )
    write_pair(folder, machine, built.sign(ca_key, hashes.SHA384()), key)


def _read_ca(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{CA_NAME}.crt").read_bytes())
        key = serialization.load_pem_private_key((folder / f"{CA_NAME}.key").read_bytes(), None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigurationError("the cluster's CA in this folder cannot be read") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationError("the cluster's CA in this folder is of another kind")
    return certificate, key
