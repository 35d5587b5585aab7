"""Proofs, tiles and cosignatures from the stored tree, held against the slow twin."""

from __future__ import annotations

import io
import random

import pytest
from rigs.linkage import either_database
from samples.log import WITNESSES, signer
from samples.log_drafts import SIGNER, enrolment
from twins import merkle as oracle

from app.auditor.verify import verify_bundle
from app.db import Database
from app.errors import COSIGNATURE_REFUSED, NotInLogError, RefusedError
from app.matchlog import repository
from app.matchlog.export import export_bundle, tile_bytes, tile_entries
from app.matchlog.proofs import (
    add_cosignature,
    checkpoint_of,
    consistency_proof,
    entry_proof,
    inclusion_proof,
    log_key_at,
    log_keys,
    newest_checkpoint,
    newest_cosigned,
    recent_checkpoints,
    root_of_stored,
)
from app.matchlog.repository import find_entry
from app.matchlog.service import MatchLog
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.checkpoint import cosign, open_checkpoint
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import parse_proof, verify_proof
from schemas.matchlog.tiles import Tile, UpperTiles, pack_hashes, unpack_entries
from schemas.signing.note import COSIGNER_KEY, NoteSigner, VerifierKey, parse_note

__all__ = ["either_database"]

WITNESS = WITNESSES[0]
BEYOND = [Tile(0, 2), Tile(0, 2, 89), Tile(0, 3, 1), Tile(1, 0), Tile(1, 0, 3), Tile(2, 0, 1)]


@pytest.fixture
def entries(database: Database, log: MatchLog) -> list[bytes]:
    """600 entries in batches of several sizes."""
    sizes = random.Random(3)
    while True:
        with database.write() as session:
            have = newest_checkpoint(session).size
            if have >= 600:
                return [find_entry(session, seq) or b"" for seq in range(have)]
            n = min(sizes.choice([1, 2, 50, 90]), 600 - have)
            log.append(session, [enrolment(have + i) for i in range(n)])


def test_proofs_tiles_and_checkpoints_are_those_of_the_definition(
    database: Database, log: MatchLog, entries: list[bytes]
) -> None:
    chooser = random.Random(4)
    frontier, upper = Frontier(), UpperTiles()
    for raw in entries:
        upper.add(frontier.append(hash_leaf(raw)))
    with database.read() as session:
        for _ in range(40):
            size = chooser.randint(1, 600)
            index = chooser.randrange(size)
            assert inclusion_proof(session, index, size) == oracle.path(index, entries[:size])
            found = consistency_proof(session, index + 1, size)
            assert found == oracle.proof(index + 1, entries[:size])
            assert root_of_stored(session, size) == oracle.tree_hash(entries[:size])
        # The proof of an entry is a receipt.
        for seq in (0, 1, 299, 599):
            proof = entry_proof(session, seq)
            entry, checkpoint = verify_proof(parse_proof(proof.to_bytes()), [log.key], KINDS)
            assert (entry.seq, checkpoint.size) == (seq, 600)
        older = entry_proof(session, 0, size=1)
        assert verify_proof(older, [log.key], KINDS)[1].size == 1
        for tile, hashes in upper.tiles(600):
            assert tile_bytes(session, tile) == pack_hashes(hashes)
        for tile in (Tile(0, 0), Tile(0, 1), Tile(0, 2, 88), Tile(0, 2, 7)):
            start = tile.index * 256
            expected = entries[start : start + tile.width]
            assert tile_bytes(session, tile) == pack_hashes([hash_leaf(raw) for raw in expected])
            assert unpack_entries(tile_entries(session, tile), tile.width) == expected
        for beyond in BEYOND:
            with pytest.raises(NotInLogError):
                tile_bytes(session, beyond)
            with pytest.raises(NotInLogError):
                tile_entries(session, beyond)
        recent = recent_checkpoints(session, 200)
        everything = recent_checkpoints(session, 10**6)
    assert [one.size for one in recent] == [one.size for one in everything if one.size > 400]
    assert everything[-1].size == 1


def test_there_is_no_proof_outside_the_log_or_under_a_checkpoint_that_was_never_signed(
    database: Database, log: MatchLog
) -> None:
    with database.write() as session:
        log.append(session, [enrolment(n) for n in range(4)])
    with database.read() as session:
        for index, size in [(0, 0), (5, 5), (0, 6), (-1, 5)]:
            with pytest.raises(NotInLogError):
                inclusion_proof(session, index, size)
        for old, new in [(0, 5), (5, 4), (1, 6), (0, 0)]:
            with pytest.raises(NotInLogError):
                consistency_proof(session, old, new)
        with pytest.raises(NotInLogError):
            root_of_stored(session, 6)
        for size in (0, 2, 4, 6):
            with pytest.raises(NotInLogError):
                entry_proof(session, 0, size=size)
            with pytest.raises(NotInLogError):
                checkpoint_of(session, size)


def test_the_newest_cosignature_of_each_key_is_what_a_walk_through_all_finds(
    database: Database, log: MatchLog
) -> None:
    chooser = random.Random(5)
    for n in range(9):
        with database.write() as session:
            log.append(session, [enrolment(n)])
    with database.read() as session:
        assert newest_cosigned(session) == {}
    made = [(chooser.randint(2, 10), f"key-{chooser.randrange(7)}", at) for at in range(40)]
    with database.write() as session:
        for size, key, at in made:
            repository.add_cosignature(session, size, key, "a line", at)
    walked = {size: dict[str, tuple[int, int]]() for size in range(11)}
    for size, key, at in sorted(made):
        for up_to in range(size, 11):
            walked[up_to][key] = (size, at)
    with database.read() as session:
        assert newest_cosigned(session) == walked[10]
        for up_to, expected in walked.items():
            found = repository.newest_cosigned(session, up_to)
            assert list(found.items()) == sorted(
                expected.items(), key=lambda one: (-one[1][0], one[0])
            )


def cosignature(database: Database, witness: NoteSigner = WITNESS, time_s: int = 5) -> str:
    with database.read() as session:
        note = parse_note(newest_checkpoint(session).note)
    return cosign(note.text, witness, time_s).line


def test_a_cosignature_joins_its_checkpoint_and_a_later_one_takes_its_place(
    database: Database, log: MatchLog
) -> None:
    for witness, time_s in ((WITNESS, 4), (WITNESS, 5), (WITNESSES[1], 6)):
        line = cosignature(database, witness, time_s)
        with database.write() as session:
            found = add_cosignature(session, 1, line, witness.verifier_key)
        assert (found.key, found.time_s) == (witness.verifier_key, time_s)
    with database.read() as session:
        newest = newest_checkpoint(session)
        assert newest.note.decode().endswith(line)
        assert len(parse_note(newest.note).signatures) == 3
        open_checkpoint(newest.note, [log.key])
        keys = [witness.verifier_key.text for witness in WITNESSES[:2]]
        assert newest_cosigned(session) == {keys[0]: (1, 5), keys[1]: (1, 6)}
        bundle = b"".join(export_bundle(session))
    cosigned = verify_bundle(io.BytesIO(bundle)).cosigned
    assert cosigned == {witness.name: 1 for witness in WITNESSES[:2]}


def test_a_cosignature_that_is_not_one_of_this_checkpoint_is_refused(
    database: Database, log: MatchLog
) -> None:
    good = cosignature(database)
    stranger = cosignature(database, WITNESSES[1])
    unicode_name = NoteSigner("zeugin-ä", WITNESS.private_key, COSIGNER_KEY)
    bad = [
        (stranger, WITNESS.verifier_key),
        (good + stranger, WITNESS.verifier_key),
        (good + good, WITNESS.verifier_key),
        (good[:-1], WITNESS.verifier_key),
        ("", WITNESS.verifier_key),
        ("\n" + good, WITNESS.verifier_key),
        (good.replace("—", "-"), WITNESS.verifier_key),
        (good, signer(0).verifier_key),
        (cosignature(database, unicode_name), unicode_name.verifier_key),
        (cosign(b"another text\n", WITNESS, 5).line, WITNESS.verifier_key),
    ]
    for line, key in bad:
        with (
            pytest.raises(RefusedError, check=lambda error: error.code == COSIGNATURE_REFUSED.code),
            database.write() as session,
        ):
            add_cosignature(session, 1, line, key)
    with pytest.raises(NotInLogError), database.write() as session:
        add_cosignature(session, 2, good, WITNESS.verifier_key)


def test_each_checkpoint_has_the_key_that_signed_it(database: Database, log: MatchLog) -> None:
    new = signer(7, SIGNER.name)
    with database.write() as session:
        renewed = log.rotate_key(session, new)
        renewed.append(session, [enrolment(1)])
        sizes = [checkpoint.size for checkpoint in recent_checkpoints(session, 10)]
        keys = {size: log_key_at(session, size) for size in sizes}
        assert log_keys(session) == [(0, SIGNER.verifier_key.text), (2, new.verifier_key.text)]
        for size, key in keys.items():
            open_checkpoint(checkpoint_of(session, size).note, [VerifierKey.from_text(key)])
        assert sizes == [3, 2, 1]
        with pytest.raises(NotInLogError):
            log_key_at(session, 0)
