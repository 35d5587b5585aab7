"""Invitation files: what one person needs to make keys, enrol them and pin the match log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from app.errors import ConfigurationError, RequestError
from app.security.log_key import read_log_key
from schemas.documents.errors import DocumentError
from schemas.shared.durable import PlaceBlockedError, replacing
from schemas.signing.invitation import FIRST_BYTES, Invitation

if TYPE_CHECKING:
    from app.agencies.persons import NewInvitation
    from app.broker import Broker
    from app.settings import Settings

Writer = Callable[[Path, "NewInvitation", str | None], None]


@contextmanager
def invitation_files(broker: Broker) -> Iterator[Writer]:
    """Give what writes the file of a new invitation to a project, owner-only; None: to no one in particular.

    It is for the transaction in which the codes are kept: where that fails, the files go, too.
    """
    from app.matchlog.proofs import log_keys

    settings, written = broker.settings, list[Path]()
    present = read_log_key(settings.log_key_file).verifier_key.text
    with broker.database.read() as session:
        first = log_keys(session)[0][1]

    def write(path: Path, invited: NewInvitation, project: str | None) -> None:
        try:
            invitation = Invitation.of(
                broker=settings.address,
                certificate=own_certificate(settings),
                # Auditors verify from the log's beginning; to all others a former key must mean nothing.
                log_key=first if "auditor" in invited.duties else present,
                project=project,
                party=invited.party,
                duties=invited.duties,
                label=invited.label,
                code=invited.code,
                expires=invited.expires,
            )
        except DocumentError as exc:
            raise ConfigurationError(
                "the broker's address is none that others reach over TLS",
                hint="set public_url in the broker's settings, such as https://broker.example.org",
            ) from exc
        _refuse_other_file(path)
        try:
            with replacing(path) as file:
                written.append(path)
                file.write(invitation.to_file())
        except PlaceBlockedError as exc:
            raise RequestError(f"{path} cannot be written", hint="choose another place") from exc

    try:
        yield write
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def own_certificate(settings: Settings) -> str | None:
    """Return the broker's certificate in PEM where it is its own issuer; None where others vouch for it."""
    files = settings.tls_files()
    if files is None or settings.insecure_plain_http:
        return None
    try:
        pem = files[0].read_bytes()
        first = x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError) as exc:
        raise ConfigurationError("the broker's certificate cannot be read") from exc
    return pem.decode("ascii") if first.issuer == first.subject else None


def _refuse_other_file(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb") as file:
        if file.read(len(FIRST_BYTES)) != FIRST_BYTES:
            raise RequestError(f"{path} is there already, and is no invitation")
