"""Audit packs as the auditor reads them: an agency's pins and receipts, held to the log in the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from app.auditor.errors import MalformedError, NotBundleError, RecordContradictedError
from app.auditor.pins import Pin, parse_pins
from schemas.documents.errors import BundleError, FormatError
from schemas.matchlog.archive import Source
from schemas.matchlog.bundle import MANIFEST_NAME, BundleManifest, BundleReader
from schemas.matchlog.entry import Entry, entry_bytes
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.audit_pack import AuditPack, read_pack, starts_pack
from schemas.rounds.match_record import Opening, OpeningsHeader, parse_openings
from schemas.rounds.receipt import Receipt
from schemas.rounds.upload import SignedManifest

# Up to the version of a match record's first line, which comes after its uploads.
START_BYTES: Final = 16 * 1024

# A bundle is known by the name of its first file, which fills 100 bytes (POSIX.1-1988, ustar).
_BUNDLE_START: Final = MANIFEST_NAME.encode("ascii").ljust(100, b"\0")
_VERSION: Final = re.compile(rb'"version":"blindlink/([a-z-]+)/[0-9]+"')
_DOCUMENTS: Final = {
    b"match-record": "a match record, for blindlink-audit matches",
    b"openings": "a file of openings, for blindlink-audit sample --openings",
    b"sample": "a sample, for an agency's blindlink audit-pack --sample",
    b"audit-report": "an auditor's report, for blindlink-audit check",
    b"destruction-file": "a certificate of destruction, for blindlink-audit check",
    b"destruction-certificate": "a certificate of destruction, for blindlink-audit check",
}
_STARTS: Final = {
    b"blindlink/checkpoints/": "a file of pins, for --pin",
    b"c2sp.org/tlog-proof": "a proof of an entry, for blindlink-audit check",
    b"-----BEGIN ": "a key or a certificate",
    b"<!doctype html>": "a page",
}


def require_bundle(start: bytes, name: str) -> None:
    """Refuse a file that does not begin as a bundle; one that is cut off still does."""
    if not start:
        raise NotBundleError(f"{name} is empty, and no bundle")
    if start[:100] != _BUNDLE_START[: len(start)]:
        kind = _kind_of(start)
        raise NotBundleError(f"{name} is no bundle" + (f": it is {kind}" if kind else ""))


def _kind_of(start: bytes) -> str | None:
    for begins, kind in _STARTS.items():
        if start[: len(begins)].lower() == begins.lower():
            return kind
    found = _VERSION.findall(start) if start.startswith(b"{") else []
    return next((_DOCUMENTS[word] for word in found if word in _DOCUMENTS), None)


class Rewound:
    """A source whose first bytes have been looked at."""

    def __init__(self, start: bytes, rest: Source) -> None:
        """Give `start` once more, and then what `rest` gives."""
        self._start, self._rest = start, rest

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        if self._start:
            taken, self._start = self._start[:size], self._start[size:]
            return taken
        return self._rest.read(size)


@dataclass(slots=True)
class PackHeld:
    """A pack whose receipts are held to the log that follows it: `take` each entry, then `end`."""

    pack: AuditPack
    receipts: dict[int, Receipt] = field(default_factory=dict)
    manifests: dict[str, SignedManifest] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, pack: AuditPack) -> PackHeld:
        """Read the receipts of a pack.

        Raises:
            MalformedError: one is none.
        """
        held = cls(pack)
        for name, raw in pack.files.items():
            try:
                if name.endswith(".manifest.json"):
                    held.manifests[_subject(name)] = SignedManifest.from_canonical(raw)
                elif name.startswith("receipts/"):
                    receipt = Receipt.from_canonical(raw)
                    held.receipts[receipt.index] = receipt
            except FormatError as exc:
                raise MalformedError(f"a receipt of the pack cannot be read: {exc}") from exc
        return held

    @property
    def party(self) -> str:
        """Whose pack it is."""
        return self.pack.manifest.party

    def pins(self) -> list[Pin]:
        """Return the agency's pins.

        Raises:
            PinUnreadableError: they cannot be read.
        """
        named = [self.pack.files[name] for name in ("pins", "cosigned") if name in self.pack.files]
        return [pin for raw in named for pin in parse_pins(raw, f"the pack of {self.party}")]

    def take(self, entry: Entry) -> None:
        """Hold a receipt to the entry at its place.

        Raises:
            RecordContradictedError: the log has another entry there, or the manifest is another.
        """
        receipt = self.receipts.get(entry.seq)
        if receipt is None:
            return
        self._seen.add(entry.seq)
        if receipt.entry.encode() != entry_bytes(entry):
            raise RecordContradictedError(
                f"the log has another entry at {entry.seq} than the one that {self.party} has proof of",
                index=entry.seq,
            )
        signed, body = self.manifests.get(receipt.subject or ""), entry.body
        if signed is None or not isinstance(body, UploadReceived):
            return
        manifest = signed.manifest
        if manifest.digest() != body.manifest_sha256:
            raise RecordContradictedError(
                f"the manifest of an upload is not the one that {self.party} has kept",
                index=entry.seq,
            )
        if (manifest.project, manifest.agreement) != (entry.project, entry.agreement):
            raise RecordContradictedError(
                f"an upload of {self.party} stands in another project, or under another agreement, than its"
                " manifest",
                index=entry.seq,
            )

    def end(self) -> None:
        """Check, after the last entry, that the log had all of them.

        Raises:
            RecordContradictedError: it lacks one.
        """
        missing = sorted(self.receipts.keys() - self._seen)
        if missing:
            raise RecordContradictedError(
                f"the log lacks an entry that {self.party} has proof of", index=missing[0]
            )


@dataclass(frozen=True, slots=True)
class Openings:
    """One party's openings of decisions of a run."""

    header: OpeningsHeader
    openings: tuple[Opening, ...]


def split_pack(source: Source) -> tuple[PackHeld | None, Source]:
    """Return the pack with which a source begins, if it does, and the bundle that follows.

    Raises:
        MalformedError: the pack cannot be read.
    """
    start = _first_bytes(source)
    rewound = Rewound(start, source)
    if not starts_pack(start):
        return None, rewound
    try:
        return PackHeld.of(read_pack(rewound)), rewound
    except BundleError as exc:
        raise MalformedError(str(exc)) from exc


def split_named(source: Source, name: str) -> tuple[PackHeld | None, Source]:
    """Return what `split_pack` does, of a file that is a bundle or a pack; `name` is what an error calls it."""
    start = _first_bytes(source)
    if not starts_pack(start):
        require_bundle(start, name)
    return split_pack(Rewound(start, source))


def log_manifest(source: Source, name: str) -> BundleManifest:
    """Return what the log in a bundle or pack claims to be, from its start alone.

    Raises:
        MalformedError: it is neither.
    """
    _, log = split_named(source, name)
    try:
        return BundleReader(log).manifest
    except BundleError as exc:
        raise MalformedError(str(exc)) from exc


def openings_of(pack: AuditPack) -> Iterator[Openings]:
    """Yield the openings in a pack.

    Raises:
        MalformedError: they cannot be read.
    """
    for name, raw in pack.files.items():
        if name.startswith("openings/"):
            yield read_openings(raw)


def read_openings(raw: bytes) -> Openings:
    """Read a file of openings, all of a run's or some.

    Raises:
        MalformedError: it is none.
    """
    try:
        header, openings = parse_openings(raw)
    except FormatError as exc:
        raise MalformedError(str(exc)) from exc
    return Openings(header, openings)


def _first_bytes(source: Source) -> bytes:
    start = b""
    while len(start) < START_BYTES and (piece := source.read(START_BYTES - len(start))):
        start += piece
    return start


def _subject(name: str) -> str:
    return name.removeprefix("receipts/").removesuffix(".manifest.json")
