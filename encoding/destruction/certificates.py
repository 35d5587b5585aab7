"""Certificates of destruction: held against the match log and what this agency knows itself, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from encoding.errors import CertificateError
from encoding.files import make_private_folder, write_durably
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.ids import DELIVERY_PREFIX, RELEASE_PREFIX, UPLOAD_PREFIX
from schemas.matchlog.delivery_kinds import DeliveryReceived
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.release_kinds import BlindReleasePrepared, ReleasePrepared
from schemas.reports.certificate import CertificateCheck, CertificateFile, verify_certificate

if TYPE_CHECKING:
    from encoding.log.receipts import ReceiptFolder
    from schemas.matchlog.log_keys import LogKeys
    from schemas.matchlog.person_keys import PersonKeys
    from schemas.rounds.destruction import DestroyedObject


@dataclass(frozen=True, slots=True)
class CertificateFolder:
    """The folder in which certificates are kept, one file each, with all that was signed about them."""

    folder: Path

    def keep(self, file: CertificateFile) -> None:
        """Keep a certificate that has been verified; what was kept of it before gives way.

        Raises:
            CertificateError: another certificate of this number is kept.
        """
        number = file.certificate.certificate
        kept = self.find(number)
        if kept is not None and kept.certificate != file.certificate:
            raise CertificateError(
                f"the broker shows a different certificate {number} from the one it showed before",
                hint="keep the workspace as it is, and call your security officer",
            )
        make_private_folder(self.folder)
        write_durably(self._path(number), file.to_canonical())

    def find(self, number: str) -> CertificateFile | None:
        """Return a certificate that is kept; None if there is none.

        Raises:
            CertificateError: the file is damaged.
        """
        path = self._path(number)
        return read_certificate(path) if path.exists() else None

    def all(self) -> Iterator[CertificateFile]:
        """Yield every certificate that is kept, the oldest first."""
        kept = [read_certificate(path) for path in self.folder.glob("crt-*.json")]
        order = sorted(
            kept, key=lambda file: (file.certificate.asked, file.certificate.certificate)
        )
        return iter(order)

    def _path(self, number: str) -> Path:
        return self.folder / f"{number}.json"


def read_certificate(path: Path) -> CertificateFile:
    """Read the file of a certificate; nothing in it is verified."""
    try:
        return CertificateFile.from_canonical(path.read_bytes())
    except OSError:
        raise CertificateError(f"the file {path} cannot be read") from None
    except FormatError:
        raise CertificateError(
            f"{path.name} is not a certificate of destruction, or is damaged"
        ) from None


def verify_file(
    file: CertificateFile,
    number: str,
    project: str,
    keys: LogKeys,
    persons: PersonKeys | None = None,
) -> CertificateCheck:
    """Check the certificate of this number: signatures, and that the match log vouches for it.

    Args:
        file: as it was read or fetched.
        number: the one that was asked for.
        project: whose it must be.
        keys: the log's keys as they are pinned.
        persons: as the log has them; None: not looked up.
    Raises:
        CertificateError: it proves nothing, or something else.
    """
    certificate = file.certificate
    if (certificate.certificate, certificate.project) != (number, project):
        raise CertificateError("the certificate is not the one that you asked for")
    try:
        return verify_certificate(file, keys, persons)
    except SignatureError as exc:
        raise CertificateError(f"the certificate proves nothing: {exc}") from exc
    except FormatError as exc:
        raise CertificateError(f"the match log does not vouch for the certificate: {exc}") from exc


def compare_with_receipts(check: CertificateCheck, receipts: ReceiptFolder) -> int:
    """Hold each object of a certificate against this agency's own receipt; returns how many there were.

    Raises:
        CertificateError: the certificate says something else of an object than its receipt.
        ReceiptError: a receipt is damaged.
    """
    n_held = 0
    for one in check.certificate.objects:
        expected = _expected(one, receipts)
        if expected is None:
            continue
        if expected != (one.sha256, one.count):
            raise CertificateError(
                f"the certificate contradicts this agency's receipt about {one.object}",
                hint="do not counter-sign it; ask the operator",
            )
        n_held += 1
    return n_held


def _expected(one: DestroyedObject, receipts: ReceiptFolder) -> tuple[str, int | None] | None:
    """Return digest and count by the receipt of an object; None where there is no receipt."""
    kept = receipts.find(one.object)
    if kept is None:
        return None
    if one.object.startswith(UPLOAD_PREFIX) and kept.manifest is not None:
        manifest = kept.manifest.manifest
        return manifest.container_sha256, manifest.records
    body = parse_entry(kept.receipt.entry.encode("utf-8"), KINDS).body
    if one.object.startswith(RELEASE_PREFIX) and isinstance(
        body, (ReleasePrepared, BlindReleasePrepared)
    ):
        # The log may hide a count that the certificate hides too, and the other way about.
        return body.sha256, one.count
    if one.object.startswith(DELIVERY_PREFIX) and isinstance(body, DeliveryReceived):
        return body.sha256, None
    return None
