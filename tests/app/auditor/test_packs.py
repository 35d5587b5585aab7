"""An agency's manifest of an upload is held to the log: project and agreement are those of the entry."""

from __future__ import annotations

from typing import Any

import pytest
from samples.log import SampleLog, story
from samples.parties import CW
from samples.run import receipt_of
from vectors.file import read_vectors

from app.auditor.errors import AuditError
from app.auditor.packs import PackHeld
from schemas.documents.canonical import parse_json
from schemas.matchlog.archive import END
from schemas.matchlog.entry import Entry
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.reports.audit_pack import pack_files, read_pack
from schemas.rounds.upload import Manifest, SignedManifest


class _Bytes:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def read(self, size: int, /) -> bytes:
        taken, self.raw = self.raw[:size], self.raw[size:]
        return taken


def received(log: SampleLog, **kept: Any) -> tuple[Entry, PackHeld]:
    """An upload in the log, and the pack of its agency, whose manifest states these fields."""
    said = parse_json(read_vectors("manifest")["good"][0]["document"].encode())
    stated = {"project": "foster", "agreement": log.agreements["foster"], "party": CW.party}
    manifest = Manifest.from_json({**said, **stated, **kept})
    body = log.received("foster", CW)
    signed = SignedManifest(manifest=manifest, signatures=(body.signature,))
    entry = log.append(UploadReceived.of(signed), project="foster", actor=CW, object=log.id("upl"))
    files = {
        f"receipts/{entry.object}.json": receipt_of(log, entry).to_canonical(),
        f"receipts/{entry.object}.manifest.json": signed.to_canonical(),
    }
    _, pieces = pack_files("foster", CW.party, log.now(), files)
    return entry, PackHeld.of(read_pack(_Bytes(b"".join(pieces) + END)))


def test_an_upload_that_stands_where_its_manifest_says_is_taken() -> None:
    entry, held = received(story(1, n_weeks=0))
    held.take(entry)
    held.end()


@pytest.mark.parametrize("kept", [{"project": "research"}, {"agreement": "0" * 64}])
def test_an_upload_that_stands_elsewhere_than_its_manifest_says_is_found(
    kept: dict[str, Any],
) -> None:
    entry, held = received(story(1, n_weeks=0), **kept)
    with pytest.raises(AuditError, match="another project, or under another agreement") as caught:
        held.take(entry)
    assert caught.value.index == entry.seq
