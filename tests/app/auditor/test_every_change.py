"""A log of more than 300 entries, bent in every way at every row: found, and the right entry named.

Here a sample of the rows is bent; in the full campaign all of them. Anyone who bends has the broker's
database, but not the log's key.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest
from breaks.false_log import root_of
from campaign.reports import Tally
from campaign.size import times
from samples.log import Parts, SampleLog, signer, story
from samples.refusals import is_one

from app.auditor.errors import (
    AuditError,
    CheckpointMissingError,
    LeafChangedError,
    OutOfPlaceError,
    PinContradictedError,
    RolledBackError,
    RootMismatchError,
    SignatureMissingError,
)
from app.auditor.pins import Pin
from app.auditor.verify import verify_bundle
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from schemas.matchlog.entry import entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.signing.note import parse_note

LOG = story(21, n_weeks=14, projects=("foster", "health"))
PARTS = LOG.parts()
SIZE = LOG.size
ALL_ROWS = range(SIZE)
SOME_ROWS = sorted(
    {
        *(0, 1, 255, 256, 257, SIZE - 2, SIZE - 1),
        *random.Random(5).sample(ALL_ROWS, times(quick=12, full=SIZE)),
    }
)
SOME_NOTES = sorted(
    {
        *(0, 1, 7, len(PARTS.notes) // 2, len(PARTS.notes) - 1),
        *range(times(quick=0, full=len(PARTS.notes))),
    }
)


def error_of(parts: Parts, pins: list[Pin] | None = None) -> AuditError:
    with pytest.raises(AuditError) as caught:
        verify_bundle(io.BytesIO(parts.pack()), pins=pins or [])
    return caught.value


def pin(size: int) -> Pin:
    (note,) = [raw for at, raw in LOG.notes if at == size]
    return Pin(*parse_checkpoint(note))


def batch_of(index: int) -> tuple[int, int]:
    """The first and the last index of an entry's batch."""
    ends = [0, *(size for size, _ in PARTS.notes)]
    end = next(size for size in ends if size > index)
    return ends[ends.index(end) - 1], end - 1


def test_the_log_itself_verifies() -> None:
    assert SIZE > 300
    assert verify_bundle(io.BytesIO(PARTS.pack())).size == SIZE


def edited(raw: bytes | None) -> bytes:
    entry = parse_entry(raw or b"", KINDS)
    return entry_bytes(entry.model_copy(update={"request": "req-" + "f" * 32}))


def edit(parts: Parts, index: int) -> int:
    parts.entries[index] = edited(parts.entries[index])
    return index


def edit_hash(parts: Parts, index: int) -> int:
    parts.leaf_hashes[index] = hash_leaf(b"something else")
    return index


def delete(parts: Parts, index: int) -> int:
    del parts.entries[index], parts.leaf_hashes[index]
    return index


def swap(parts: Parts, index: int) -> int:
    first = min(index, SIZE - 2)
    for rows in (parts.entries, parts.leaf_hashes):
        rows[first], rows[first + 1] = rows[first + 1], rows[first]  # type: ignore[index]
    return first


def duplicate(parts: Parts, index: int) -> int:
    parts.entries.insert(index, parts.entries[index])
    parts.leaf_hashes.insert(index, parts.leaf_hashes[index])
    return index + 1


def move_to_front(parts: Parts, index: int) -> int:
    if index == 0:
        return swap(parts, 0)
    parts.entries.insert(0, parts.entries.pop(index))
    parts.leaf_hashes.insert(0, parts.leaf_hashes.pop(index))
    return 0


ROW_BENDS: list[Callable[[Parts, int], int]] = [
    edit,
    edit_hash,
    delete,
    swap,
    duplicate,
    move_to_front,
]


def check_row(bend: Callable[[Parts, int], int], index: int) -> None:
    parts = PARTS.copy()
    named = bend(parts, index)
    error = error_of(parts)
    assert is_one(error, LeafChangedError, OutOfPlaceError, CheckpointMissingError), index
    if bend is delete and index == SIZE - 1:
        # The last checkpoint now stands where no entry is, and the newest one covers less.
        named = batch_of(index)[0]
    assert error.index == named, index


def check_edit_with_its_hash(index: int) -> None:
    parts = PARTS.copy()
    parts.entries[index] = edited(parts.entries[index])
    parts.leaf_hashes[index] = hash_leaf(parts.entries[index] or b"")
    error = error_of(parts)
    first, last = batch_of(index)
    if error.code == "place":
        # The next entry of the project in the batch names another one.
        assert error.index is not None
        assert index < error.index <= last
        return
    assert is_one(error, RootMismatchError), index
    assert (error.evidence["first_index"], error.evidence["last_index"]) == (first, last), index
    assert first == error.index <= index <= last


def check_checkpoint(number: int) -> None:
    size, raw = PARTS.notes[number]
    start = PARTS.notes[number - 1][0] if number else 0
    checkpoint, note = parse_checkpoint(raw)

    error = bent_note(number, raw.replace(f"\n{size}\n".encode(), f"\n{size + 1000}\n".encode(), 1))
    assert is_one(error, CheckpointMissingError)
    # The next entry, if there is one, finds a batch that nothing closed.
    assert error.index == (size if size < batch_end(size) else start)

    signature = note.signatures[0].line.encode()
    other = Checkpoint(checkpoint.origin, size, hash_leaf(b"another root")).text + b"\n" + signature
    for forged in (other, raw.replace(signature, note_by_another_key(checkpoint))):
        error = bent_note(number, forged)
        assert is_one(error, SignatureMissingError)
        assert error.index == size - 1

    parts = PARTS.copy()
    del parts.notes[number]
    error = error_of(parts)
    assert is_one(error, CheckpointMissingError)
    assert error.index == (size if size < SIZE else start)

    parts = PARTS.copy()
    parts.notes.insert(number, parts.notes[number])
    error = error_of(parts)
    assert is_one(error, CheckpointMissingError)


def batch_end(size: int) -> int:
    """How far the 256 entries go in which the checkpoint of this size stands."""
    return min(SIZE, -(-size // 256) * 256)


def bent_note(number: int, note: bytes) -> AuditError:
    parts = PARTS.copy()
    parts.notes[number] = (parts.notes[number][0], note)
    return error_of(parts)


def note_by_another_key(checkpoint: Checkpoint) -> bytes:
    return parse_note(sign_checkpoint(checkpoint, signer(77))).signatures[0].line.encode()


@pytest.mark.parametrize("bend", ROW_BENDS, ids=lambda bend: bend.__name__)
@pytest.mark.campaign("forged-bytes")
def test_a_bent_row_is_named(bend: Callable[[Parts, int], int], tally: Tally) -> None:
    for index in SOME_ROWS:
        check_row(bend, index)
        tally.tried()


@pytest.mark.campaign("forged-bytes")
def test_a_row_changed_together_with_its_hash_is_found_in_its_batch(tally: Tally) -> None:
    for index in SOME_ROWS:
        check_edit_with_its_hash(index)
        tally.tried()


@pytest.mark.campaign("forged-bytes")
def test_a_bent_checkpoint_is_found(tally: Tally) -> None:
    for number in SOME_NOTES:
        check_checkpoint(number)
        tally.tried()


def cut(n_checkpoints: int) -> Parts:
    """The log as it was some checkpoints ago."""
    parts = PARTS.copy()
    parts.notes = parts.notes[:-n_checkpoints]
    size = parts.notes[-1][0]
    parts.entries, parts.leaf_hashes = parts.entries[:size], parts.leaf_hashes[:size]
    return parts


@pytest.mark.campaign("forged-bytes")
def test_a_tail_cut_in_the_middle_of_a_batch_is_found() -> None:
    size = next(size for size, _ in PARTS.notes if batch_of(size - 1)[0] < size - 1)
    parts = PARTS.copy()
    parts.entries, parts.leaf_hashes = parts.entries[: size - 1], parts.leaf_hashes[: size - 1]
    parts.notes = [(at, note) for at, note in parts.notes if at < size]
    error = error_of(parts)
    assert is_one(error, CheckpointMissingError)
    assert error.index == batch_of(size - 1)[0]


@pytest.mark.parametrize("n_checkpoints", [1, 5, 60])
def test_a_cut_tail_is_not_detectable_without_a_pin_and_that_is_said(n_checkpoints: int) -> None:
    verdict = verify_bundle(io.BytesIO(cut(n_checkpoints).pack()))
    assert "not detectable without a pin" in {c.code: c.text for c in verdict.caveats}["no-pin"]


@pytest.mark.parametrize("n_checkpoints", [1, 5, 60])
@pytest.mark.campaign("forged-bytes")
def test_a_cut_tail_is_found_by_a_pin(n_checkpoints: int) -> None:
    parts = cut(n_checkpoints)
    error = error_of(parts, [pin(SIZE)])
    assert isinstance(error, RolledBackError)
    assert error.index == len(parts.entries)
    assert error.evidence["pin_size"] == SIZE
    assert error.evidence["size"] == len(parts.entries)


@pytest.mark.campaign("forged-bytes")
def test_a_tail_that_nobody_signed_is_found() -> None:
    parts = PARTS.copy()
    parts.entries.append(parts.entries[-1])
    parts.leaf_hashes.append(parts.leaf_hashes[-1])
    assert error_of(parts).index == SIZE


@pytest.mark.campaign("forged-bytes")
def test_a_tail_signed_by_another_key_is_found() -> None:
    parts = PARTS.copy()
    fetched = next(entry for entry in LOG.entries[::-1] if entry.kind == "release-fetched")
    place: dict[str, object] = {
        "seq": SIZE,
        "batch": LOG.batch,
        "place": LOG.places[fetched.project],
        "previous": LOG.last[fetched.project],
        "broker_wide": LOG.last[None],
    }
    place |= {
        "time": LOG.entries[-1].time,
        "actor": fetched.actor.model_copy(update={"signed": None}),
    }
    forged = LOG.signed(fetched.model_copy(update=place))
    parts.entries.append(entry_bytes(forged))
    parts.leaf_hashes.append(hash_leaf(entry_bytes(forged)))
    checkpoint = Checkpoint(signer(77).name, SIZE + 1, root_of(parts.leaf_hashes))
    parts.notes.append((SIZE + 1, sign_checkpoint(checkpoint, signer(77))))
    error = error_of(parts)
    assert is_one(error, SignatureMissingError)
    assert error.index == SIZE


def rewritten() -> SampleLog:
    """Another history, signed with the log's own keys, as a thief of them would write it."""
    return story(22, n_weeks=14, projects=("foster", "health"))


def test_a_rewrite_with_the_stolen_key_is_not_detectable_without_a_pin_and_that_is_said() -> None:
    verdict = verify_bundle(io.BytesIO(rewritten().bundle()))
    assert "no-pin" in {caveat.code for caveat in verdict.caveats}


@pytest.mark.parametrize("size", [PARTS.notes[5][0], PARTS.notes[60][0], SIZE])
@pytest.mark.campaign("forged-bytes")
def test_a_rewrite_with_the_stolen_key_is_found_by_a_pin(size: int) -> None:
    error = error_of(rewritten().parts(), [pin(size)])
    assert isinstance(error, PinContradictedError | RolledBackError)
    assert error.evidence["pin_size"] == size
