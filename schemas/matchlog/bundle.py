"""A bundle: the whole match log, or one project's view of it, as one file that is checked offline.

Order of the files: `bundle.json`; then for each 256 entries their leaf hashes, the entries, and the
checkpoints that end among them; then the upper tiles; last the newest checkpoint. A reader keeps one such
part in memory. Spec page: `schemas/spec/bundle.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Document, Model
from schemas.documents.errors import BundleError, CheckpointError, DocumentError
from schemas.documents.ids import Name, Origin
from schemas.documents.merkle import Frontier
from schemas.matchlog.archive import END, ArchiveReader, Source, pack_member
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoints, serialise_checkpoints
from schemas.matchlog.registry import KeyText
from schemas.matchlog.tiles import (
    TILE_WIDTH,
    Tile,
    UpperTiles,
    pack_entries,
    pack_hashes,
    tile_number,
    tiles_of,
    unpack_entries,
    unpack_hashes,
)
from schemas.signing.note import COSIGNER_KEY, LOG_KEY, Note, VerifierKey

MANIFEST_NAME: Final = "bundle.json"
NEWEST_NAME: Final = "checkpoint"
MEDIA_TYPE: Final = "application/x-tar"
MAX_COSIGNERS: Final = 64


class Formats(Model):
    """The formats inside the bundle; a reader refuses others."""

    archive: Literal["posix-ustar"] = "posix-ustar"
    entry: Literal["blindlink/entry/2"] = "blindlink/entry/2"
    checkpoint: Literal["c2sp.org/tlog-checkpoint@v1"] = "c2sp.org/tlog-checkpoint@v1"
    cosignature: Literal["c2sp.org/tlog-cosignature@v1"] = "c2sp.org/tlog-cosignature@v1"
    tiles: Literal["c2sp.org/tlog-tiles@v1"] = "c2sp.org/tlog-tiles@v1"


class BundleManifest(Document):
    """What the bundle claims to be; every statement is checked against what follows.

    `project` is null where nothing is withheld; else entries of other projects are bare leaf hashes.
    `log_keys` are the log's keys from the first to the present one, `cosigner_keys` those of every
    witness whose signature stands on a checkpoint here.
    """

    KIND: ClassVar[str] = "bundle manifest"

    version: Literal["blindlink/bundle/1"] = "blindlink/bundle/1"
    formats: Formats = Formats()
    origin: Origin
    size: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    project: Name | None
    log_keys: Annotated[tuple[KeyText, ...], Field(min_length=1, max_length=64)]
    cosigner_keys: Annotated[tuple[KeyText, ...], Field(max_length=MAX_COSIGNERS)] = ()

    @model_validator(mode="after")
    def _keys_are_keys(self) -> Self:
        try:
            keys = [VerifierKey.from_text(text) for text in (*self.log_keys, *self.cosigner_keys)]
        except CheckpointError as exc:
            raise ValueError(str(exc)) from exc
        n_log_keys = len(self.log_keys)
        if any(k.kind != LOG_KEY or k.name != self.origin for k in keys[:n_log_keys]):
            raise ValueError("a log key is of another log or another kind")
        if any(k.kind != COSIGNER_KEY for k in keys[n_log_keys:]):
            raise ValueError("a cosigner key is of another kind")
        return self


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 256 entries from index `start` on, and the checkpoints whose last entry is among them.

    `entries` holds None for each that is withheld; its leaf hash is there all the same.
    """

    start: int
    leaf_hashes: tuple[bytes, ...]
    entries: tuple[bytes | None, ...]
    checkpoints: tuple[tuple[Checkpoint, Note], ...]


def serialise_bundle(manifest: BundleManifest, chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """Yield a bundle piece by piece; `chunks` must be all of the log up to the manifest's size.

    Raises:
        BundleError: the chunks do not add up to that size, or the last one does not end in a checkpoint.
    """
    yield pack_member(MANIFEST_NAME, manifest.to_canonical())
    frontier, upper = Frontier(), UpperTiles()
    newest = b""
    for tile, chunk in zip_longest(tiles_of(manifest.size, 0), chunks):
        _require_fit(tile, chunk)
        for leaf_hash in chunk.leaf_hashes:
            upper.add(frontier.append(leaf_hash))
        notes = [note.to_bytes() for _, note in chunk.checkpoints]
        yield pack_member(tile.path, pack_hashes(chunk.leaf_hashes))
        yield pack_member(tile.entries_path, pack_entries(chunk.entries))
        yield pack_member(_checkpoints_name(tile), serialise_checkpoints(notes))
        newest = notes[-1] if notes else b""
    for tile, hashes in upper.tiles(manifest.size):
        yield pack_member(tile.path, pack_hashes(hashes))
    if not newest:
        raise BundleError("a bundle does not end with a checkpoint")
    yield pack_member(NEWEST_NAME, newest)
    yield END


class BundleReader:
    """Reads a bundle from front to back, in bounded memory; checks its form, not what it says.

    Use `chunks()`, then `upper_tiles()`, then `finish()`, each to its end.
    """

    def __init__(self, source: Source) -> None:
        """Read the manifest.

        Raises:
            BundleError: not a bundle of this version.
        """
        self._archive = ArchiveReader(source)
        try:
            self.manifest = BundleManifest.from_canonical(self._archive.read_member(MANIFEST_NAME))
        except DocumentError as exc:
            raise BundleError(str(exc)) from exc

    def chunks(self) -> Iterator[Chunk]:
        """Yield the entries in order, 256 at a time.

        Raises:
            BundleError: a file is missing, too long, or malformed.
        """
        for tile in tiles_of(self.manifest.size, 0):
            leaf_hashes = unpack_hashes(self._archive.read_member(tile.path), tile.width)
            entries = unpack_entries(self._archive.read_member(tile.entries_path), tile.width)
            notes = self._archive.read_member(_checkpoints_name(tile))
            yield Chunk(
                start=tile.index * TILE_WIDTH,
                leaf_hashes=tuple(leaf_hashes),
                entries=tuple(entries),
                checkpoints=_parse_checkpoints(notes),
            )

    def upper_tiles(self) -> Iterator[tuple[Tile, list[bytes]]]:
        """Yield the tiles above level 0, level by level.

        Raises:
            BundleError: a file is missing or malformed.
        """
        level = 1
        while tiles := list(tiles_of(self.manifest.size, level)):
            for tile in tiles:
                yield tile, unpack_hashes(self._archive.read_member(tile.path), tile.width)
            level += 1

    def finish(self) -> bytes:
        """Return the newest checkpoint's note and check that the bundle ends there.

        Raises:
            BundleError: it is missing, or something follows.
        """
        newest = self._archive.read_member(NEWEST_NAME)
        self._archive.finish()
        return newest


def _require_fit(tile: Tile | None, chunk: Chunk | None) -> None:
    if tile is not None and chunk is not None:
        lengths = {len(chunk.leaf_hashes), len(chunk.entries)}
        if chunk.start == tile.index * TILE_WIDTH and lengths == {tile.width}:
            return
    raise BundleError("the parts of a bundle do not add up to its size")


def _checkpoints_name(tile: Tile) -> str:
    return f"checkpoints/{tile_number(tile.index)}"


def _parse_checkpoints(raw: bytes) -> tuple[tuple[Checkpoint, Note], ...]:
    try:
        return parse_checkpoints(raw)
    except CheckpointError as exc:
        raise BundleError(str(exc)) from exc
