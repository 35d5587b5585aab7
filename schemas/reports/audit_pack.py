"""What an agency hands to an auditor, in one file: its proofs, the openings of a sample, and the match log.

The pack's own files come first, and a bundle of the log follows in the same archive, so that an auditor
without an account at the broker can check everything. A sample names decisions of a run for agencies to
open. Spec page: `schemas/spec/audit-pack.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.document import Document, Model
from schemas.documents.errors import BundleError, DocumentError
from schemas.documents.ids import Name, RandomId, Sha256Hex, UtcTime
from schemas.matchlog.archive import ArchiveReader, Source, pack_member

MANIFEST_NAME: Final = "audit-pack.json"
PACK_START: Final = f"{MANIFEST_NAME}\0".encode()
MAX_FILES: Final = 20_000
# A reader keeps all of a pack's own files in memory.
MAX_PACK_BYTES: Final = 64 * 1024 * 1024
MAX_SAMPLE: Final = 1_000

_FILE_PATTERN: Final = (
    r"^(pins|cosigned|project\.json|openings/run-[0-9a-f]{32}(\.[a-z0-9-]{2,40})?"
    r"|receipts/(upl|rel|dlv)-[0-9a-f]{32}(\.manifest)?\.json)$"
)


class PackedFile(Model):
    """One file of the pack."""

    name: Annotated[str, StringConstraints(pattern=_FILE_PATTERN)]
    size: Annotated[int, Field(ge=0, le=MAX_PACK_BYTES)]
    sha256: Sha256Hex


class PackManifest(Document):
    """Whose pack it is and what is in it, in increasing order of names; a bundle of the log follows."""

    KIND: ClassVar[str] = "audit pack"

    version: Literal["blindlink/audit-pack/1"] = "blindlink/audit-pack/1"
    project: Name
    party: Name
    created: UtcTime
    files: Annotated[tuple[PackedFile, ...], Field(max_length=MAX_FILES)]

    @model_validator(mode="after")
    def _files_are_in_order_and_few(self) -> Self:
        names = [file.name for file in self.files]
        if names != sorted(set(names)):
            raise ValueError("files must be listed once each, in the order of their names")
        if sum(file.size for file in self.files) > MAX_PACK_BYTES:
            raise ValueError("the files of a pack are too large together")
        return self


class Sample(Document):
    """Decisions of a run's match record that an auditor asks the agencies to open.

    `numbers` follow from the record and the seed, so that anyone can draw the same.
    """

    KIND: ClassVar[str] = "sample"

    version: Literal["blindlink/sample/1"] = "blindlink/sample/1"
    project: Name
    run: RandomId
    match_record: Sha256Hex
    seed: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
    numbers: Annotated[
        tuple[Annotated[int, Field(ge=1, le=2**40)], ...], Field(max_length=MAX_SAMPLE)
    ]

    @model_validator(mode="after")
    def _numbers_increase(self) -> Self:
        if any(one >= another for one, another in pairwise(self.numbers)):
            raise ValueError("the numbers of a sample must increase")
        return self


@dataclass(frozen=True, slots=True)
class AuditPack:
    """A pack's own files, as its manifest vouches for them."""

    manifest: PackManifest
    files: dict[str, bytes]


def draw_sample(eligible: Iterable[int], n: int, seed: str, match_record: str) -> tuple[int, ...]:
    """Return `n` of the numbers of rows, or all if there are fewer, in increasing order.

    Those are drawn whose SHA-256 over seed, root and number is smallest: nobody can steer the draw after
    the root is in the log, and everybody can repeat it.
    """

    def place(number: int) -> bytes:
        text = f"blindlink/v1/sample\n{seed}\n{match_record}\n{number}"
        return hashlib.sha256(text.encode("ascii")).digest()

    return tuple(sorted(sorted(eligible, key=place)[:n]))


def pack_files(
    project: str, party: str, created: str, files: dict[str, bytes]
) -> tuple[PackManifest, Iterator[bytes]]:
    """Return the manifest of a pack, and its own part piece by piece; the bundle's bytes follow it.

    Raises:
        DocumentError: a name that a pack does not hold, or too much.
    """
    listed = [
        {"name": name, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        for name, raw in sorted(files.items())
    ]
    manifest = PackManifest.from_json(
        {"project": project, "party": party, "created": created, "files": listed}
    )

    def pieces() -> Iterator[bytes]:
        yield pack_member(MANIFEST_NAME, manifest.to_canonical())
        for file in manifest.files:
            yield pack_member(file.name, files[file.name])

    return manifest, pieces()


def starts_pack(start: bytes) -> bool:
    """Tell whether a file that starts so claims to be a pack; 100 bytes are enough."""
    return start.startswith(PACK_START)


def read_pack(source: Source) -> AuditPack:
    """Read a pack's own files; the bundle follows at once in the same source.

    Raises:
        BundleError: not a pack of this version, cut off, or a file is not the one that is listed.
    """
    reader = ArchiveReader(source)
    try:
        manifest = PackManifest.from_canonical(reader.read_member(MANIFEST_NAME))
    except DocumentError as exc:
        raise BundleError(str(exc)) from exc
    files: dict[str, bytes] = {}
    for file in manifest.files:
        raw = reader.read_member(file.name)
        if (len(raw), hashlib.sha256(raw).hexdigest()) != (file.size, file.sha256):
            raise BundleError("a file of the pack is not the one that it lists")
        files[file.name] = raw
    return AuditPack(manifest, files)
