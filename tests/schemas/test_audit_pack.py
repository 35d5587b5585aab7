"""Audit packs and samples: every vector, and a pack that is a pack and a bundle at once."""

from __future__ import annotations

import io
import tarfile

import pytest
from samples.log import story
from vectors.audit_pack import FILES
from vectors.file import naming, read_vectors

from schemas.documents.errors import BundleError, DocumentError
from schemas.matchlog.bundle import BundleReader
from schemas.reports.audit_pack import (
    draw_sample,
    pack_files,
    read_pack,
    starts_pack,
)

VECTORS = read_vectors("audit-pack")
BUNDLE = story(3, n_weeks=1).bundle()


def packed() -> bytes:
    _, pieces = pack_files("foster-pupils", "child-welfare", "2026-11-20T22:30:00Z", FILES)
    return b"".join(pieces) + BUNDLE


def test_a_draw_is_the_one_that_everybody_repeats() -> None:
    for draw in VECTORS["draws"]:
        with naming(str(draw)):
            found = draw_sample(draw["eligible"], draw["n"], draw["seed"], draw["match_record"])
            assert list(found) == draw["numbers"]


def test_a_pack_is_its_files_and_then_a_bundle() -> None:
    source = io.BytesIO(packed())
    assert starts_pack(source.getvalue()[:100])
    assert not starts_pack(BUNDLE[:100])
    pack = read_pack(source)
    assert pack.files == FILES
    assert pack.manifest.party == "child-welfare"
    assert source.read() == BUNDLE
    with tarfile.open(fileobj=io.BytesIO(packed())) as archive:
        assert archive.getnames()[:3] == ["audit-pack.json", *list(FILES)[:2]]
        assert "checkpoint" in archive.getnames()


def test_the_bundle_in_a_pack_is_read_as_it_stands() -> None:
    source = io.BytesIO(packed())
    read_pack(source)
    assert BundleReader(source).manifest.origin == "broker.example/log"


@pytest.mark.parametrize("place", range(0, 1024, 61))
def test_no_byte_of_a_pack_can_be_changed(place: int) -> None:
    raw = bytearray(packed())
    raw[place] ^= 1
    with pytest.raises(BundleError):
        read_pack(io.BytesIO(raw))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_a_pack_that_is_cut_off_is_refused(share: float) -> None:
    own = packed()[: -len(BUNDLE)]
    with pytest.raises(BundleError):
        read_pack(io.BytesIO(own[: int(len(own) * share)]))


def test_a_file_that_no_pack_holds_is_not_packed() -> None:
    with pytest.raises(DocumentError):
        pack_files("foster-pupils", "child-welfare", "2026-11-20T22:30:00Z", {"secret.txt": b"x"})
