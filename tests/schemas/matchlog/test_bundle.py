"""Tiles, the archive around a bundle, and the bundle's own form.
From one key of a log to the next: followed where the old key signed for the new one, and only there.
"""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.log import Parts, pack_archive, story
from vectors.file import naming, read_vectors

from schemas.documents.canonical import canonical_bytes
from schemas.documents.errors import BundleError, CheckpointError, FormatError
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.archive import MAX_MEMBER_BYTES, ArchiveReader, pack_member
from schemas.matchlog.bundle import BundleManifest, BundleReader, Chunk, serialise_bundle
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.matchlog.hand_over import HandOver, follow_hand_overs
from schemas.matchlog.log_keys import MAX_KEYS, LogKeys
from schemas.matchlog.tiles import (
    Tile,
    UpperTiles,
    pack_entries,
    tile_number,
    tiles_of,
    unpack_entries,
    unpack_hashes,
)
from schemas.signing.note import COSIGNER_KEY, LOG_KEY, VerifierKey

VECTORS = read_vectors("bundle")
WHOLE = base64.b64decode(VECTORS["whole"])


class Dribble:
    """A source that gives at most a few bytes at a time, as a socket may."""

    def __init__(self, raw: bytes, most: int) -> None:
        self.rest, self.most = raw, most

    def read(self, size: int, /) -> bytes:
        taken, self.rest = self.rest[: min(size, self.most)], self.rest[min(size, self.most) :]
        return taken


def read_whole(raw: bytes) -> tuple[BundleManifest, list[Chunk], list[Any], bytes]:
    reader = BundleReader(io.BytesIO(raw))
    chunks, tiles = list(reader.chunks()), list(reader.upper_tiles())
    return reader.manifest, chunks, tiles, reader.finish()


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")],
)
def test_tile_numbers_are_cut_into_threes(index: int, path: str) -> None:
    assert tile_number(index) == path


def test_a_tree_of_70000_has_the_tiles_that_the_specification_says() -> None:
    # C2SP tlog-tiles, "Partial Tiles".
    assert len(list(tiles_of(70_000, 0))) == 274
    assert list(tiles_of(70_000, 0))[-1] == Tile(0, 273, 112)
    assert list(tiles_of(70_000, 1)) == [Tile(1, 0), Tile(1, 1, 17)]
    assert list(tiles_of(70_000, 2)) == [Tile(2, 0, 1)]
    assert list(tiles_of(256, 0)) == [Tile(0, 0)]
    assert list(tiles_of(256, 1)) == [Tile(1, 0, 1)]
    assert Tile(2, 0, 1).path == "tile/2/000.p/1"
    assert Tile(0, 0).entries_path == "tile/entries/000"


def test_upper_tiles_collect_the_nodes_that_tiles_name() -> None:
    frontier, upper, nodes = Frontier(), UpperTiles(), {}
    for number in range(70_000):
        completed = frontier.append(number.to_bytes(32, "big"))
        nodes.update(completed)
        upper.add(completed)
    found = list(upper.tiles(70_000))
    assert [tile for tile, _ in found] == [*tiles_of(70_000, 1), *tiles_of(70_000, 2)]
    for tile, hashes in found:
        assert hashes == [nodes[node] for node in tile.nodes()]


@given(st.lists(st.none() | st.binary(min_size=1, max_size=300), min_size=1, max_size=20))
def test_entries_are_unpacked_as_they_were_packed(entries: list[bytes | None]) -> None:
    assert unpack_entries(pack_entries(entries), len(entries)) == entries


@pytest.mark.parametrize("raw", [b"", b"\0", b"\0\1", b"\0\1a\0", b"\0\1a\0\1b", b"\xff\xffa"])
def test_entries_that_do_not_fill_their_file_are_refused(raw: bytes) -> None:
    with pytest.raises(BundleError):
        unpack_entries(raw, 1)


def test_a_tile_of_another_length_is_refused() -> None:
    with pytest.raises(BundleError):
        unpack_hashes(bytes(63), 2)


def test_any_tar_program_unpacks_a_bundle(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as archive:
        archive.extractall(tmp_path, filter="data")
    assert (tmp_path / "bundle.json").read_bytes().startswith(b'{"cosigner_keys":')
    assert (tmp_path / "tile" / "entries").is_dir()
    assert (tmp_path / "checkpoint").read_text(encoding="utf-8").startswith("broker.example/log\n")


@given(st.lists(st.binary(max_size=1100), max_size=4), st.integers(1, 700))
def test_an_archive_is_read_as_it_was_written(contents: list[bytes], most: int) -> None:
    names = [f"folder/{number}" for number in range(len(contents))]
    raw = pack_archive(zip(names, contents, strict=True))
    reader = ArchiveReader(Dribble(raw, most))
    assert [reader.read_member(name) for name in names] == contents
    reader.finish()


@given(st.data())
def test_no_byte_of_an_archives_frame_can_be_changed(data: st.DataObject) -> None:
    content = b"some content"
    raw = pack_archive([("one", content)])
    place = data.draw(st.integers(0, len(raw) - 1))
    bent = raw[:place] + bytes([data.draw(st.integers(0, 255))]) + raw[place + 1 :]
    reader = ArchiveReader(io.BytesIO(bent))
    try:
        found = reader.read_member("one")
        reader.finish()
    except BundleError:
        return
    assert found == bent[512 : 512 + len(content)]


def test_a_file_that_claims_eight_gibibytes_is_refused_before_it_is_read() -> None:
    header = bytearray(pack_member("one", b"")[:512])
    header[124:135] = b"77777777777"
    with pytest.raises(BundleError, match="too long"):
        ArchiveReader(io.BytesIO(bytes(header))).read_member("one")


def test_a_file_beyond_the_limit_or_with_a_long_name_is_not_written() -> None:
    with pytest.raises(BundleError):
        pack_member("one", bytes(MAX_MEMBER_BYTES + 1))
    with pytest.raises(BundleError):
        pack_member("x" * 100, b"")


def test_the_vector_is_read_in_its_parts() -> None:
    manifest, (chunk,), tiles, newest = read_whole(WHOLE)
    assert manifest.size == VECTORS["size"] == len(chunk.entries)
    assert [hash_leaf(entry or b"") for entry in chunk.entries] == list(chunk.leaf_hashes)
    assert tiles == []
    assert newest == chunk.checkpoints[-1][1].to_bytes()


@given(st.sampled_from([1, 2, 30, 255, 256, 257, 511, 512, 513]), st.booleans())
def test_a_bundle_is_written_as_its_parts_are(size: int, scoped: bool) -> None:
    parts = _parts(size, scoped)
    raw = parts.pack()
    manifest, chunks, _, _ = read_whole(raw)
    assert b"".join(serialise_bundle(manifest, chunks)) == raw


def test_a_manifest_that_claims_something_else_is_refused() -> None:
    manifest = _parts(1, False)
    claims = BundleManifest.from_canonical(dict(manifest.members())["bundle.json"]).to_json()
    of_other = "other.example+0f4d758f+AR1TGs0Heq4Q3QHnZJh4ygMEYBUIUzWXJARI5XLrF7To"
    for change in (
        {"version": "blindlink/bundle/2"},
        {"log_keys": ["x"]},
        {"log_keys": [of_other]},
        {"cosigner_keys": [VECTORS["log_key"]]},
    ):
        bent = canonical_bytes({**claims, **change})
        with naming(str(change)), pytest.raises(BundleError):
            BundleReader(io.BytesIO(pack_archive([("bundle.json", bent)])))


def test_chunks_that_do_not_add_up_are_not_written() -> None:
    parts = _parts(257, False)
    manifest, chunks, _, _ = read_whole(parts.pack())
    with pytest.raises(BundleError, match="add up"):
        list(serialise_bundle(manifest, chunks[:1]))
    with pytest.raises(BundleError, match="add up"):
        list(serialise_bundle(manifest, [chunks[0], chunks[0]]))


def test_a_bundle_without_a_last_checkpoint_is_not_written() -> None:
    parts = _parts(3, False)
    manifest, (chunk,), _, _ = read_whole(parts.pack())
    bare = Chunk(chunk.start, chunk.leaf_hashes, chunk.entries, ())
    with pytest.raises(BundleError, match="checkpoint"):
        list(serialise_bundle(manifest, [bare]))


def _parts(size: int, scoped: bool) -> Parts:
    # The form of a bundle does not depend on what its entries say.
    log = story(0, n_weeks=0)
    entries: list[bytes | None] = [b"entry %d" % number for number in range(size)]
    leaf_hashes = [hash_leaf(entry or b"") for entry in entries]
    if scoped:
        entries[::2] = [None] * len(entries[::2])
    note = parse_checkpoint(log.notes[0][1])[1].to_bytes()
    return Parts(
        entries=entries,
        leaf_hashes=leaf_hashes,
        notes=[(size, note)],
        keys=log.used_keys,
        project="foster" if scoped else None,
    )


VECTORS_OF_HAND_OVER = read_vectors("hand-over")
FIRST = LogKeys.only(VerifierKey.from_text(VECTORS_OF_HAND_OVER["first_key"]))


def read(hand_overs: list[dict[str, Any]]) -> tuple[HandOver, ...]:
    return tuple(HandOver(**{**one, "proof": tuple(one["proof"])}) for one in hand_overs)


GOOD = read(VECTORS_OF_HAND_OVER["good"])


def test_the_good_vectors_lead_to_the_keys_of_the_file() -> None:
    keys = follow_hand_overs(FIRST, GOOD)
    assert keys == LogKeys.from_lines(VECTORS_OF_HAND_OVER["keys_file"])
    assert keys.to_lines() == VECTORS_OF_HAND_OVER["keys_file"]
    assert follow_hand_overs(follow_hand_overs(FIRST, GOOD[:1]), GOOD) == keys
    assert follow_hand_overs(keys, GOOD) == keys
    assert [HandOver.of(one.to_proof()) for one in GOOD] == list(GOOD)


def test_bad_vectors_lead_nowhere() -> None:
    for vector in VECTORS_OF_HAND_OVER["bad"]:
        with naming(vector), pytest.raises(FormatError):
            follow_hand_overs(FIRST, read(vector["hand_overs"]))


def test_bad_files_of_keys_are_refused() -> None:
    for vector in VECTORS_OF_HAND_OVER["bad_files"]:
        with naming(vector), pytest.raises(CheckpointError):
            LogKeys.from_lines(vector["file"])


def test_each_key_signs_up_to_the_size_of_its_hand_over() -> None:
    keys = LogKeys.from_lines(VECTORS_OF_HAND_OVER["keys_file"])
    (_, first), (one, second), (two, third) = keys.known
    expected = [first] * (one + 1) + [second] * (two - one) + [third] * 3
    assert [keys.at(size) for size in range(two + 4)] == expected
    assert (keys.present, keys.text) == (third, third.text)


def test_more_keys_than_a_bundle_lists_are_refused() -> None:
    made = [
        VerifierKey("log.test", LOG_KEY, bytes([number]) * 32) for number in range(MAX_KEYS + 1)
    ]
    keys = LogKeys(tuple(enumerate(made[:-1])))
    with pytest.raises(CheckpointError):
        keys.handed_over(made[-1], MAX_KEYS)
    with pytest.raises(CheckpointError):
        LogKeys.only(VerifierKey("log.test", COSIGNER_KEY, bytes(32)))
