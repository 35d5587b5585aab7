"""An agreement as it is composed, and its file: its canonical JSON and that of the profile that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from encoding.errors import AgreementDraftError, AgreementFileError
from encoding.files import refuse_to_overwrite, write_durably
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementProposal
from schemas.documents.canonical import canonical_bytes, parse_json
from schemas.documents.errors import CanonicalError, FormatError
from schemas.shared.written_answers import plain_fault

FILE_START: Final = b'{"agreement":{'
MAX_FILE_BYTES: Final = 1024 * 1024


def write_proposal(path: Path, proposal: AgreementProposal, *, force: bool = False) -> None:
    """Write a proposal; an earlier one is replaced, any other file is not.

    Raises:
        OutputExistsError, OutputBlockedError: see encoding.files.
    """
    refuse_to_overwrite(path, own_start=FILE_START, force=force)
    write_durably(path, proposal.to_canonical())


def read_composed(raw: Mapping[str, Any]) -> Agreement:
    """Return the agreement that these clauses make."""
    try:
        return Agreement.model_validate_json(canonical_bytes(dict(raw)))
    except CanonicalError as exc:
        raise AgreementDraftError(f"the answers do not make an agreement: {exc}") from None
    except ValidationError as exc:
        raise AgreementDraftError(plain_fault(exc, raw)) from None


def read_proposal(path: Path) -> AgreementProposal:
    """Read a proposal.

    Raises:
        AgreementFileError: it cannot be read, or is not one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise AgreementFileError(f"the file {path} is longer than any agreement")
        return AgreementProposal.from_json(parse_json(content))
    except OSError as exc:
        raise AgreementFileError(f"the file {path} cannot be read") from exc
    except FormatError as exc:
        raise AgreementFileError(f"the file {path} is not an agreement: {exc}") from exc
