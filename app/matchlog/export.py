"""The log handed out: tiles for those who fetch piece by piece, one bundle for those who carry it away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from operator import itemgetter

from sqlalchemy.orm import Session

from app.errors import NotInLogError
from app.matchlog import repository
from app.matchlog.proofs import checkpoint_of, newest_checkpoint
from schemas.matchlog.bundle import MAX_COSIGNERS, BundleManifest, Chunk, serialise_bundle
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.matchlog.tiles import TILE_WIDTH, Tile, pack_entries, pack_hashes, tiles_of
from schemas.signing.note import VerifierKey


def export_bundle(
    session: Session,
    project: str | None = None,
    size: int | None = None,
    *,
    parties: Collection[str] = (),
) -> Iterator[bytes]:
    """Yield the bundle of the log up to the checkpoint of `size`, or the newest, piece by piece.

    With a project, entries of other projects are bare leaf hashes; `parties` are then its own, whose
    cosignatures come first where there is no room for all. The session must stay open, on one snapshot, until
    the last piece. What is wrong is raised before the first piece.

    Raises:
        NotInLogError: no batch ended at that size.
    """
    signed = newest_checkpoint(session) if size is None else checkpoint_of(session, size)
    manifest = _manifest(session, project, signed.size, parties)
    return serialise_bundle(manifest, _chunks(session, manifest))


def tile_bytes(session: Session, tile: Tile) -> bytes:
    """Return the hashes of one tile.

    Raises:
        NotInLogError: the log does not have it, or not that wide.
    """
    nodes = tile.nodes()
    found = repository.read_nodes(session, nodes)
    if len(found) != len(nodes):
        raise NotInLogError("the log has no such tile")
    return pack_hashes([found[node] for node in nodes])


def tile_entries(session: Session, tile: Tile, project: str | None = None) -> bytes:
    """Return the entries under one tile of level 0; with a project, those of others are withheld.

    Raises:
        NotInLogError: the log does not have it, or not that wide.
    """
    start = tile.index * TILE_WIDTH
    leaves = repository.visible_leaves(session, start, start + tile.width, project)
    if tile.level or len(leaves) != tile.width:
        raise NotInLogError("the log has no such tile")
    return pack_entries([entry for _, entry in leaves])


def _manifest(
    session: Session, project: str | None, size: int, parties: Collection[str]
) -> BundleManifest:
    keys = [key for _, key in repository.log_keys(session, size)]
    return BundleManifest(
        origin=VerifierKey.from_text(keys[0]).name,
        size=size,
        project=project,
        log_keys=tuple(keys),
        cosigner_keys=tuple(sorted(_cosigners(session, size, parties))),
    )


def _cosigners(session: Session, size: int, parties: Collection[str]) -> list[str]:
    """Return whose cosignatures a bundle carries: as many as it can name, the newest of each party first.

    So a party is missing only where as many others are named, and one of these only where they are all of them.
    """
    of_party: Counter[str] = Counter()
    ranked = []
    for key in repository.newest_cosigned(session, size):
        party = VerifierKey.from_text(key).name
        ranked.append((of_party[party], party not in parties, key))
        of_party[party] += 1
    # Sorting keeps the order of the newest among the first of each party, then among the second, and so on.
    return [key for *_, key in sorted(ranked, key=itemgetter(0, 1))][:MAX_COSIGNERS]


def _chunks(session: Session, manifest: BundleManifest) -> Iterator[Chunk]:
    project, cosigners = manifest.project, frozenset(manifest.cosigner_keys)
    for tile in tiles_of(manifest.size, 0):
        start = tile.index * TILE_WIDTH
        leaves = repository.visible_leaves(session, start, start + tile.width, project)
        notes = repository.checkpoints_between(session, start, start + tile.width, cosigners)
        yield Chunk(
            start=start,
            leaf_hashes=tuple(leaf_hash for leaf_hash, _ in leaves),
            entries=tuple(entry for _, entry in leaves),
            checkpoints=tuple(parse_checkpoint(note + lines.encode()) for _, note, lines in notes),
        )
